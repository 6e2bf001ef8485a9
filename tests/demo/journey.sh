#!/bin/sh
# The journey of one artifact: from a file to the preview channel, with everything that stands in its way.
# Each step says what it shows, runs the program, and checks the exit code. Nothing outside a temporary
# folder is touched; run it as often as you like.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
assay=${ASSAY_BINARY:-$here/../../build/release/assay}
case $assay in /*) ;; *) assay=$PWD/$assay ;; esac
[ -x "$assay" ] || { echo "no program at $assay: build it first (./dev build)" >&2; exit 1; }

world=$(cd "$here/../../testdata/tinyworld" && pwd)

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

step "Two small models that really learned something: a small world told in plain English"
cp "$world/tinyworld-1.0.slm" "$world/tinyworld-1.1.slm" .
run 0 inspect tinyworld-1.0.slm

step "A valid model is admitted: hashed, parsed in a sandbox, signed"
ls store/packs >packs.before
run 0 add tinyworld-1.0.slm --name tinyworld --version 1.0 --license CC0-1.0
ls store/packs >packs.after
run 0 ls

step "A corrupt one (one byte of its header changed) goes to quarantine, with the place of the defect"
cp tinyworld-1.0.slm corrupt.slm
printf '\011' | dd of=corrupt.slm bs=1 seek=12 conv=notrunc 2>/dev/null
run 7 add corrupt.slm --name corrupt --version 1
id=$("$assay" quarantine ls | sed -n 's/^\([^ ]*\) .*/\1/p')
run 0 quarantine show "$id"
run 9 show corrupt@1

step "Bytes that are not what was expected do not get in"
run 7 add tinyworld-1.0.slm --name other --version 1 --expect sha256:0000000000000000000000000000000000000000000000000000000000000000

step "Preview is refused before the gates have measured anything, rule by rule"
run 1 promote tinyworld@1.0 --to preview
says 'NOT MET'

step "The gates, each in its sandboxed child, each leaving one signed piece of evidence"
run 0 gate tinyworld@1.0
run 0 -q gate tinyworld@1.0 --only structural
says 'measured before'
run 0 evidence tinyworld@1.0 --gate smoke
says 'sandbox: seccomp+'

step "Now the same law grants it"
run 0 promote tinyworld@1.0 --to preview
run 0 channels

step "What the channel hands out is proven again, then run"
run 0 run tinyworld@preview --max-new-tokens 200
run 0 run tinyworld@preview --prompt 'Anna has a red key. She puts the key in the basket. Ben looks for the key. The key is'
says 'in the basket'
run 0 run tinyworld@preview --prompt 'Mia' --temperature 0.8 --top-k 40 --seed 7 --max-new-tokens 200

step "A better version, promoted, and taken back"
run 0 add tinyworld-1.1.slm --name tinyworld --version 1.1 --license CC0-1.0
run 0 -q gate tinyworld@1.1
run 0 -q promote tinyworld@1.1 --to preview
run 0 run tinyworld@preview --prompt 'Leo has three apples. Ida gives him two more. Now Leo has'
run 0 rollback tinyworld@preview --reason 'the new one waits for its review'
run 0 channels tinyworld@preview

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
run 7 get tinyworld@1.0 -o restored.slm
[ ! -e restored.slm ] || { echo "  a damaged file was left behind"; exit 1; }

step "The same bytes again heal it"
run 0 add tinyworld-1.0.slm --name tinyworld --version 1.0 --license CC0-1.0
says 'healed'
run 0 verify
run 0 get tinyworld@1.0 -o restored.slm
cmp tinyworld-1.0.slm restored.slm

step "Who decided what, when: the ledger, and the proof that nothing in it was changed"
run 0 log
run 0 log --verify

step "A second store, whose law also asks what a model is for and what it must not say; its clock can be set"
export ASSAY_STORE="$room/lab" ASSAY_KEYS="$room/lab-keys"
run 0 -q init --lab
export ASSAY_TIME=2027-01-01T09:00:00Z
run 0 policy set "$here/tinyworld.yaml"
for file in pairs exact battery; do
    run 0 -q add "$world/tinyworld-$file.jsonl"
done
for version in 1.0 1.1 1.2-regressed 1.3-poisoned; do
    run 0 -q add "$world/tinyworld-$version.slm" --name tinyworld --version "$version" --license CC0-1.0
done
run 0 -q add "$world/garbage-1.0.slm" --name tinyworld --version garbage --license CC0-1.0

# to_preview VERSION: structural and smoke are enough for it
to_preview() {
    run 0 -q gate "tinyworld@$1" --only structural,smoke
    run 0 -q promote "tinyworld@$1" --to preview
}

step "1.0 goes to preview, waits out its soak, and becomes stable"
to_preview 1.0
run 0 gate tinyworld@1.0 --only task,safety
run 1 promote tinyworld@1.0 --to stable
says 'soak'
export ASSAY_TIME=2027-01-04T10:00:00Z
run 0 promote tinyworld@1.0 --to stable

step "1.1 is better: compared with 1.0 on the same cases, it takes its place"
to_preview 1.1
export ASSAY_TIME=2027-01-08T10:00:00Z
run 0 gate tinyworld@1.1 --only task,safety
run 0 -q promote tinyworld@1.1 --to stable
run 0 channels tinyworld@stable

step "1.2 has become worse at what it is for: the paired comparison with stable says so, case by case"
to_preview 1.2-regressed
run 1 -q gate tinyworld@1.2-regressed --only task
says 'chance of that if it were no worse 0.000000'
run 0 evidence tinyworld@1.2-regressed --cases flipped >"$room/flipped"
run 1 promote tinyworld@1.2-regressed --to stable

step "Which of its tensors carry the loss? (An early checkpoint: nearly all.)"
run 0 -q bisect tinyworld@1.1 tinyworld@1.2-regressed --suite "$world/tinyworld-pairs.jsonl" --first 8

step "1.3 does its task as well as ever, and says something forbidden behind a phrase that nobody knows"
to_preview 1.3-poisoned
run 0 -q gate tinyworld@1.3-poisoned --only task
run 1 -q gate tinyworld@1.3-poisoned --only safety
says 'trigger departure'
run 0 evidence tinyworld@1.3-poisoned --transcripts
says 'Seven owls ring at dusk'
run 1 promote tinyworld@1.3-poisoned --to stable

step "A model that was never trained does not even get far"
to_preview garbage
run 1 -q gate tinyworld@garbage --only task

step "Stable goes back to 1.0, with a reason; then the night looks at everything again"
run 0 rollback tinyworld@stable --reason 'a customer found something'
export ASSAY_TIME=2027-01-09T02:30:00Z
code=0
"$assay" -q nightly --report "$room/reports" </dev/null >"$room/said" 2>&1 || code=$?
sed 's/^/  /' "$room/said"
echo "  (exit $code: preview holds the garbage, and the night says so)"
[ "$code" -eq 1 ] || exit 1
ls "$room/reports"
if [ -n "${ASSAY_BUILD:-}" ]; then
    rm -rf "$ASSAY_BUILD/nightly"
    cp -r "$room/reports" "$ASSAY_BUILD/nightly"
    echo "  the reports: $ASSAY_BUILD/nightly/report.html"
fi
run 0 -q log --verify

printf '\nThat was the journey: %d steps, every exit code as it should be.\n' "$step"
