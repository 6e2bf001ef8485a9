#!/bin/sh
# One changed byte of the runtime: what a channel hands out is not proven for that program any more (exit 6), until it
# gates and promotes again. A byte behind the program's end and a byte inside its notes count alike.
set -eu
assay=${ASSAY_BINARY:?}
case $assay in /*) ;; *) assay=$PWD/$assay ;; esac
model=$(cd "$(dirname "$0")/../.." && pwd)/testdata/tinyworld/tinyworld-1.0.slm
room=$(mktemp -d "${TMPDIR:-/tmp}/assay-byte.XXXXXX")
trap 'rm -rf "$room"' EXIT
cd "$room"
export ASSAY_STORE=$room/store ASSAY_KEYS=$room/keys
unset ASSAY_SIGNER ASSAY_TIME 2>/dev/null || true
must() {
    want=$1
    shift
    code=0
    "$@" >said 2>&1 </dev/null || code=$?
    [ "$code" -eq "$want" ] || { echo "exit $code instead of $want: $*"; cat said; exit 1; }
}
must 0 "$assay" init --no-passphrase
must 0 "$assay" add "$model" --name tiny --version 1
must 0 "$assay" gate tiny@1
must 0 "$assay" promote tiny@1 --to preview
must 0 "$assay" run tiny@preview --prompt a --max-new-tokens 2

cp "$assay" appended
printf '\n' >>appended
cp "$assay" patched
python3 - patched <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    at = data.rindex(b".shstrtab\0") + 1  # a letter in the table of section names: no code reads it
    f.seek(at)
    f.write(bytes([data[at] ^ 32]))
PY
for other in ./appended ./patched; do
    must 6 "$other" run tiny@preview --prompt a --max-new-tokens 2
    grep -q 'another runtime' said
    must 6 "$other" get tiny@preview -o out.slm --force
    [ ! -e out.slm ]
    must 0 "$other" run tiny@preview --unproven --prompt a --max-new-tokens 2
    must 0 "$other" run tiny@1 --prompt a --max-new-tokens 2
    must 1 "$other" promote tiny@1 --to preview --dry-run
    grep -q 'the evidence is about another runtime' said
    must 0 "$other" gate tiny@1
    must 0 "$other" promote tiny@1 --to preview
    must 0 "$other" run tiny@preview --prompt a --max-new-tokens 2
    must 6 "$assay" run tiny@preview --prompt a --max-new-tokens 2
    must 0 "$assay" gate tiny@1
    must 0 "$assay" promote tiny@1 --to preview
    must 0 "$assay" run tiny@preview --prompt a --max-new-tokens 2
done
echo "runtime byte: done"
