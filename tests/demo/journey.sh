#!/bin/sh
# The journey of one artifact: from a file to the preview channel, with everything that stands in its way.
# Each step says what it shows, runs the program, and checks the exit code. Nothing outside a temporary
# folder is touched; run it as often as you like.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
assay=${ASSAY_BINARY:-$here/../../build/release/assay}
case $assay in /*) ;; *) assay=$PWD/$assay ;; esac
[ -x "$assay" ] || { echo "no program at $assay: build it first (./dev build)" >&2; exit 1; }

room=$(mktemp -d "${TMPDIR:-/tmp}/assay-demo.XXXXXX")
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM
cd "$room"
export ASSAY_STORE="$room/store" ASSAY_KEYS="$room/keys"
unset ASSAY_TIME ASSAY_SIGNER 2>/dev/null || true

step=0
step() {
    step=$((step + 1))
    printf '\n== %d. %s\n' "$step" "$*"
}

# run WANTED-EXIT WORDS…: shows the command and what it prints; ends the demo when the exit code is another.
run() {
    wanted=$1
    shift
    printf '\n$ assay'
    for word in "$@"; do
        case $word in
        *[!a-zA-Z0-9@._/:,=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    code=0
    "$assay" "$@" </dev/null >"$room/said" 2>&1 || code=$?
    sed 's/^/  /' "$room/said"
    [ "$code" -eq "$wanted" ] || { echo "  exit $code, but $wanted was expected"; exit 1; }
    [ "$code" -eq 0 ] || printf '  (exit %d, as it should be)\n' "$code"
}

# says TEXT: the last command printed it.
says() {
    grep -q -- "$1" "$room/said" || { echo "  \"$1\" is not in it"; exit 1; }
}

step "A store, its keys and its law, made at once or not at all; again is safe"
run 0 init
run 0 -q init
says 'was there'

step "Two small models, packed from raw tensors: one knows the alphabet, the other says it backwards"
python3 "$here/alphabet.py" forwards
python3 "$here/alphabet.py" backwards backwards
run 0 pack forwards -o alphabet.slm
run 0 pack backwards -o backwards.slm --dtype q8_0
run 0 inspect alphabet.slm

step "A valid model is admitted: hashed, parsed in a sandbox, signed"
ls store/packs >packs.before
run 0 add alphabet.slm --name alphabet --version 1 --license Apache-2.0
ls store/packs >packs.after
run 0 ls

step "A corrupt one (one byte of its header changed) goes to quarantine, with the place of the defect"
cp alphabet.slm corrupt.slm
printf '\011' | dd of=corrupt.slm bs=1 seek=12 conv=notrunc 2>/dev/null
run 7 add corrupt.slm --name corrupt --version 1
id=$("$assay" quarantine ls | sed -n 's/^\([^ ]*\) .*/\1/p')
run 0 quarantine show "$id"
run 9 show corrupt@1

step "Bytes that are not what was expected do not get in"
run 7 add alphabet.slm --name other --version 1 --expect sha256:0000000000000000000000000000000000000000000000000000000000000000

step "Preview is refused before the gates have measured anything, rule by rule"
run 1 promote alphabet@1 --to preview
says 'NOT MET'

step "The gates, each in its sandboxed child, each leaving one signed piece of evidence"
run 0 gate alphabet@1
run 0 -q gate alphabet@1 --only structural
says 'measured before'

step "Now the same law grants it"
run 0 promote alphabet@1 --to preview
run 0 channels

step "What the channel hands out is proven again, then run"
run 0 run alphabet@preview
says 'abcdefghijklmnopqrstuvwxyz'
run 0 run alphabet@preview --prompt 'after m comes m'
says 'nopqrstuvwxyz'

step "A second version, promoted, and taken back"
run 0 add backwards.slm --name alphabet --version 2 --license Apache-2.0
run 0 -q gate alphabet@2
run 0 -q promote alphabet@2 --to preview
run 0 run alphabet@preview
says 'zyxwvutsrqponmlkjihgfedcba'
run 0 rollback alphabet@preview --reason 'the alphabet runs the other way'
run 0 run alphabet@preview
says 'abcdefghijklmnopqrstuvwxyz'
run 0 channels alphabet@preview

step "One flipped bit in a pack is found and named; nothing wrong is ever handed out"
pack=store/packs/$(comm -13 packs.before packs.after | head -n 1)
python3 -c '
import sys
with open(sys.argv[1], "r+b") as pack:
    pack.seek(0, 2)
    at = pack.tell() // 2
    pack.seek(at)
    byte = pack.read(1)[0]
    pack.seek(at)
    pack.write(bytes([byte ^ 1]))
print("\n  (one bit of %s changed, at byte %d)" % (sys.argv[1], at))
' "$pack"
run 7 verify
run 7 get alphabet@1 -o restored.slm
[ ! -e restored.slm ] || { echo "  a damaged file was left behind"; exit 1; }

step "The same bytes again heal it"
run 0 add alphabet.slm --name alphabet --version 1 --license Apache-2.0
says 'healed'
run 0 verify
run 0 get alphabet@1 -o restored.slm
cmp alphabet.slm restored.slm

step "Who decided what, when: the ledger, and the proof that nothing in it was changed"
run 0 log
run 0 log --verify

printf '\nThat was the journey: %d steps, every exit code as it should be.\n' "$step"
