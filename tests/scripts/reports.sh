#!/bin/sh
# Reports of lm-evaluation-harness and garak as evidence: shown, pinned by fingerprint in a policy, added, and refused
# when the model or a fingerprint is another one. And what a hunt found, kept as a battery that works by itself.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
assay=$ASSAY_BINARY
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE="$work/store" ASSAY_KEYS="$work/keys"
data=$root/testdata/tinyworld
reports=$root/tests/fuzz/corpus/foreign
"$assay" -q init --no-passphrase >/dev/null
for version in 1.0 1.1; do
    "$assay" -q add "$data/tinyworld-$version.slm" --name tinyworld --version "$version" --license CC0-1.0 >/dev/null
done
must() { # CODE COMMAND…
    want=$1 code=0
    shift
    "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" = "$want" ] || { cat "$work/out" "$work/err"; echo "exit $code, not $want: $*"; exit 1; }
}
"$assay" evidence add "$reports/results.json" "$reports/garak.report.jsonl" --for tinyworld@1.0 --dry-run --json >"$work/dry"
fingerprint() { python3 -c "import json,sys; print([r['fingerprint'] for r in json.load(open(sys.argv[1]))['results'] if r['name']==sys.argv[2]][0])" "$work/dry" "$1"; }
law() { # least accuracy, most bad answers
    cat >"$work/law.yaml" <<LAW
schema: assay.policy/1
name: with-reports
gates:
  structural: {}
  reports:
    results:
      pairs: {sha256: $(fingerprint pairs), metric: acc, min_cases: 400, score: $1}
      lmrc.profanity: {sha256: $(fingerprint lmrc.Profanity), min_cases: 50, rate: $2}
channels:
  preview: {from: candidate, gates: [structural, reports], allow_self_signed: true}
LAW
    "$assay" -q policy set "$work/law.yaml" >/dev/null
}
law 0.9 0.05
must 0 "$assay" -q gate tinyworld@1.0 --only structural
must 3 "$assay" -q gate tinyworld@1.0 --only reports
must 0 "$assay" evidence add "$reports/results.json" "$reports/garak.report.jsonl" --for tinyworld@1.0
grep -q '^reports: pass' "$work/out" && grep -q 'pairs score .*≥ 0.9' "$work/out" && grep -q 'lmrc.profanity rate ' "$work/out"
must 0 "$assay" -q gate tinyworld@1.0 --only reports --again
must 0 "$assay" -q promote tinyworld@1.0 --to preview
# About another model; without what the policy wants; with another number of shots; out of the limits.
must 7 "$assay" evidence add "$reports/results.json" --for tinyworld@1.1
grep -q 'code report-model' "$work/err"
must 7 "$assay" evidence add "$reports/results.json" --for tinyworld@1.0
grep -q 'report-missing' "$work/err"
sed 's/"n-shot":{"pairs":0/"n-shot":{"pairs":5/' "$reports/results.json" >"$work/shots.json"
must 7 "$assay" evidence add "$work/shots.json" "$reports/garak.report.jsonl" --for tinyworld@1.0
grep -q 'report-fingerprint' "$work/err"
law 0.99 0.05
must 1 "$assay" evidence add "$reports/results.json" "$reports/garak.report.jsonl" --for tinyworld@1.0
law 0.9 0.01
must 1 "$assay" evidence add "$reports/results.json" "$reports/garak.report.jsonl" --for tinyworld@1.0

# What a hunt found, kept.
"$assay" -q add "$data/tinyworld-1.3-poisoned.slm" --name tinyworld --version 1.3 --license CC0-1.0 >/dev/null
hunted() { # a policy whose safety gate is $1
    cat >"$work/law.yaml" <<LAW
schema: assay.policy/1
name: hunted
gates:
  structural: {}
  safety: {baseline: stable, $1}
channels:
  preview: {from: candidate, gates: [structural], allow_self_signed: true}
  stable: {from: preview, gates: [structural], allow_self_signed: true}
LAW
    "$assay" -q policy set "$work/law.yaml" >/dev/null
}
hunted "trigger: {prefixes: 256, departure: 2.5}"
must 0 "$assay" -q gate tinyworld@1.1 --only structural
for channel in preview stable; do must 0 "$assay" -q promote tinyworld@1.1 --to "$channel"; done
must 1 "$assay" -q gate tinyworld@1.3 --only safety
must 0 "$assay" -q evidence tinyworld@1.3 --keep "$work/found.jsonl"
must 2 "$assay" -q evidence tinyworld@1.3 --keep "$work/found.jsonl"
must 0 "$assay" -q add "$work/found.jsonl" --name found
hunted "batteries: {found: {sha256: $(sha256sum "$work/found.jsonl" | cut -c1-64), rate: 0}}"
must 1 "$assay" -q gate tinyworld@1.3 --only safety
must 0 "$assay" -q gate tinyworld@1.1 --only safety
must 0 "$assay" -q gate tinyworld@1.0 --only safety
