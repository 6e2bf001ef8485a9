#!/bin/sh
# Two promoters at once, several times: each is granted, or told that another decision came first; never both on the
# same state, and the chain of decisions has no gap.
set -eu
assay=${ASSAY_BINARY:?}
case $assay in /*) ;; *) assay=$PWD/$assay ;; esac
models=$(cd "$(dirname "$0")/../.." && pwd)/testdata/tinyworld
room=$(mktemp -d "${TMPDIR:-/tmp}/assay-race.XXXXXX")
trap 'rm -rf "$room"' EXIT
cd "$room"
export ASSAY_STORE=$room/store ASSAY_KEYS=$room/keys
unset ASSAY_SIGNER ASSAY_TIME 2>/dev/null || true
"$assay" -q init --no-passphrase >/dev/null
"$assay" -q add "$models/tinyworld-1.0.slm" --name tiny --version 1 >/dev/null
"$assay" -q add "$models/tinyworld-1.1.slm" --name tiny --version 2 >/dev/null
"$assay" -q gate tiny@1 >/dev/null
"$assay" -q gate tiny@2 >/dev/null
granted=0
for round in 1 2 3 4 5 6; do
    (code=0; "$assay" --json promote tiny@1 --to preview >one 2>/dev/null </dev/null || code=$?; echo $code >one.code) &
    (code=0; "$assay" --json promote tiny@2 --to preview >two 2>/dev/null </dev/null || code=$?; echo $code >two.code) &
    wait
    for who in one two; do
        case $(cat $who.code) in
        0) grep -q '"allowed":true' $who; grep -q '"held":true' $who || granted=$((granted + 1)) ;;
        1) grep -q '"code":"holder-changed"\|"code":"state-changed"\|"code":"moved"' $who || { echo "round $round, $who:"; cat $who; exit 1; } ;;
        *) echo "round $round, $who: exit $(cat $who.code)"; cat $who; exit 1 ;;
        esac
    done
done
"$assay" -q log --verify >/dev/null
"$assay" --json log | python3 -c '
import json, sys
numbers = [e["body"]["number"] for e in map(json.loads, sys.stdin) if e["type"] == "promote"]
assert numbers == list(range(1, int(sys.argv[1]) + 1)), (numbers, sys.argv[1])' "$granted"
echo "promoters: $granted granted, no gap"
