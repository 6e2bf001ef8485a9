#!/bin/sh
# gate.sh TEXT…: the browser gate passes on a good model, and for each TEXT (part of an address) it fails when one bit
# of that is flipped on its way, naming it. 77 without browser or node.
set -eu
[ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] || exit 77
node=$(command -v node) || exit 77
cd "$(dirname "$0")/../.."
assay=${ASSAY_BINARY:?}
room=$(mktemp -d "${TMPDIR:-/tmp}/b.XXXXXX") # a short name: the browser's sockets lie in it
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM
export ASSAY_STORE="$room/store" ASSAY_KEYS="$room/keys" TMPDIR="$room"
unset ASSAY_TIME ASSAY_BROWSER ASSAY_CHROMEDRIVER 2>/dev/null || true

fail() {
    echo "$*" >&2
    cat "$room/said" >&2
    exit 1
}

# gate WANTED: its exit code; no process and no folder of it is left
gate() {
    code=0
    "$assay" -q gate tinyworld@1 --only browser --again >"$room/said" 2>&1 || code=$?
    [ "$code" -eq "$1" ] || fail "exit $code, wanted $1"
    ! ls -d "$room"/assay-browser.* 2>/dev/null || fail "its folder is left"
}

"$assay" init --no-passphrase >/dev/null </dev/null
"$assay" -q add testdata/tinyworld/tinyworld-1.1.slm --name tinyworld --version 1 >/dev/null
gate 0
grep -q 'pass *tokens simd' "$room/said" && grep -q 'pass *tokens scalar' "$room/said" || fail "no tokens were compared"
# Under a law that asks for it, its evidence carries a promotion, and what is promoted runs.
sed 's/^    gates: \[structural, smoke\]/    gates: [structural, smoke, browser]/' policies/preview-basic.yaml >"$room/law.yaml"
grep -q 'smoke, browser\]' "$room/law.yaml" || fail "preview-basic.yaml reads otherwise"
"$assay" -q policy set "$room/law.yaml" >/dev/null
"$assay" -q gate tinyworld@1 >"$room/said" 2>&1 || fail "a gate did not pass"
"$assay" -q promote tinyworld@1 --to preview >"$room/said" 2>&1 || fail "it was not promoted"
"$assay" -q run tinyworld@preview --max-new-tokens 4 >"$room/said" 2>&1 || fail "what was promoted does not run"
for text in "$@"; do
    printf '#!/bin/sh\nexec %s %s/tests/web/flip_browser.mjs %s /usr/bin/chromium "$@"\n' "$node" "$PWD" "$text" >"$room/browser"
    chmod +x "$room/browser"
    export ASSAY_BROWSER="$room/browser"
    gate 1
    case $text in
    /) name=page ;;
    /artifact/) name=model ;;
    *) name=$text ;;
    esac
    grep -q "fail *digest $name " "$room/said" || fail "$text was not named"
    [ "$(grep -c 'fail *digest' "$room/said")" -eq 1 ] || fail "more than $text was named"
done
printf '#!/bin/sh\nexit 1\n' >"$room/browser"
gate 3
ASSAY_BROWSER=$room/none gate 3
echo "the gate passes, notices $# flipped parts, and errs without a browser"
