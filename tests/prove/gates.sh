#!/bin/sh
# The gates' speed: all five over tinyworld-1.0 with nothing cached (1,920 task cases, 512 prompts of 64 tokens, the
# browser), the task gate's child against the runtime alone, and how long a sandbox takes to start.
#   gates.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-5}
cmake --preset release >/dev/null
cmake --build --preset release --target assay bench_task bench_sandbox >/dev/null
assay=$PWD/build/release/assay
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE="$work/store" ASSAY_KEYS="$work/keys"
data=testdata/tinyworld
"$assay" -q init --no-passphrase >/dev/null
for part in pairs exact cloze text battery; do "$assay" -q add "$data/tinyworld-$part.jsonl" --name "$part" >/dev/null; done
"$assay" -q add "$data/tinyworld-1.0.slm" --name tinyworld --version 1.0 --license CC0-1.0 >/dev/null
digest() { sha256sum "$data/tinyworld-$1.jsonl" | cut -c1-64; }
awk -v cloze="$(digest cloze)" -v text="$(digest text)" '
    /^      exact:/ { print "      cloze: {sha256: " cloze ", min_cases: 400}"; print "      text: {sha256: " text ", min_cases: 400}" }
    { sub(/gates: \[structural, smoke, task, safety\]/, "gates: [structural, smoke, task, safety, browser]"); print }
' tests/demo/tinyworld.yaml >"$work/law.yaml"
"$assay" -q policy set "$work/law.yaml" >/dev/null
echo "all five gates, nothing cached:"
for round in $(seq "$rounds"); do
    from=$(date +%s%N)
    "$assay" -q gate tinyworld@1.0 --again >"$work/out"
    to=$(date +%s%N)
    [ "$(grep -c ': pass (evidence' "$work/out")" = 5 ]
    echo "  $(((to - from) / 1000000)) ms"
done
echo "the gates' child against the runtime alone:"
build/release/bench_task "$data/tinyworld-1.0.slm" "$data"/tinyworld-*.jsonl
echo "a sandbox:"
build/release/bench_sandbox
