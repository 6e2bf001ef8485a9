#!/bin/sh
# The program of docs/examples as docs/gates.md tells it: added, named in a policy, run, and its word in the evidence.
set -eu
[ -x "${ASSAY_BINARY:-}" ] && [ -x /usr/bin/python3 ] || exit 77
assay=$ASSAY_BINARY
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE="$work/store" ASSAY_KEYS="$work/keys"
"$assay" -q init --no-passphrase >/dev/null
digest() { sha256sum "$1" | cut -c1-64; }
program=$root/docs/examples/tidy_answers.py
suite=$root/testdata/tinyworld/tinyworld-exact.jsonl
"$assay" -q add "$program" --name tidy-answers >/dev/null
"$assay" -q add "$suite" --name exact >/dev/null
"$assay" -q add "$root/testdata/tinyworld/tinyworld-1.0.slm" --name tinyworld --version 1.0 --license CC0-1.0 >/dev/null
law() {
    cat >"$work/law.yaml" <<LAW
schema: assay.policy/1
name: with-a-program
gates:
  structural: {}
  exec:
    programs:
      tidy:
        sha256: $(digest "$program")
        suite: $(digest "$suite")
        seconds: 30
        min_cases: 400
        score: $1
        findings: 10
channels:
  preview: {from: candidate, gates: [structural, exec], allow_self_signed: true}
LAW
    "$assay" -q policy set "$work/law.yaml" >/dev/null
}
law 0.5
"$assay" -q gate tinyworld@1.0 --only exec >"$work/out" || { cat "$work/out"; exit 1; }
grep -q '^exec: pass' "$work/out" && grep -q 'tidy score .*≥ 0.5' "$work/out" && grep -q 'tidy program' "$work/out"
"$assay" evidence tinyworld@1.0 --gate exec -o "$work/records" >/dev/null
grep -q '"exec":"tidy","program":"'"$(digest "$program")" "$work/records/exec.records.jsonl"
law 0.9
code=0
"$assay" -q gate tinyworld@1.0 --only exec >"$work/out" || code=$?
[ "$code" = 1 ] || { cat "$work/out"; echo "a score below the limit: exit $code"; exit 1; }
