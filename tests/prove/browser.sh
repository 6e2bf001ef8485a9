#!/bin/sh
# The browser at length: every damaged file, 1,000 seeded prompts through both modules, every flipped part, 10,000
# malformed requests, axe-core (from npm), the same module from another folder, and the speed rows. Minutes; 77 without
# Chromium. Rows of speed mean something on a quiet machine only: a miss is printed and fails this script.
set -eu
[ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] && command -v node >/dev/null || exit 77
cd "$(dirname "$0")/../.."
web=tests/web
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM
say() { printf '\n-- %s\n' "$*"; }

say "protocol, failures and page, with every damaged file"
node $web/run.mjs --all
say "the gate, each kind of part flipped"
sh $web/gate.sh / page.js client.js worker.js engine.js assay-runtime.wasm assay-runtime-scalar.wasm /artifact/
say "tokens and logits"
node $web/equal.mjs "${ASSAY_BUILD:?}/web_lines" 1000
say "malformed requests, slow clients, many clients"
node $web/http.mjs 10000
say "the module from another folder has the same bytes"
mkdir "$room/copy"
cp -r CMakeLists.txt CMakePresets.json cmake base runtime "$room/copy/"
(cd "$room/copy" && cmake --preset wasm >/dev/null && cmake --build --preset wasm >/dev/null)
for module in assay-runtime assay-runtime-scalar; do
    cmp "build/wasm/$module.wasm" "$room/copy/build/wasm/$module.wasm"
done
say "access"
if (cd "$room" && npm install --silent --no-save axe-core@4 >/dev/null 2>&1); then
    node $web/access.mjs "$room/node_modules/axe-core/axe.min.js"
else
    echo "axe-core could not be had from npm: left out"
fi
say "speed"
sh tests/bench/browser.sh
