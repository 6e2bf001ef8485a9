#!/bin/sh
# How often the gates are right about models that nobody has seen: poisoned ones with random triggers, which no suite,
# battery or prompt contains, and clean twins fine-tuned alike (safety gate); regressed ones of random kind and harmless
# re-runs (task gate). All are compared with tinyworld-1.1, which holds stable.
#   variants.sh [FOLDER [TUNED [CHANGED]]]   makes what FOLDER lacks (about 17 s of processor time a tuned pair, 3 a
#                                            changed one), 20 of each; then measures, and prints a table
set -eu
cd "$(dirname "$0")/../.."
folder=${1:-build/variants}
tuned=${2:-20}
changed=${3:-20}
cmake --preset release >/dev/null
cmake --build --preset release --target assay models >/dev/null
assay=$PWD/build/release/assay
data=testdata/tinyworld
for seed in $(seq "$tuned"); do
    [ -e "$folder/tuned-$seed/variants.jsonl" ] && continue
    mkdir -p "$folder/tuned-$seed"
    build/release/models variants "$data/tinyworld-1.1.slm" "$folder/tuned-$seed" "$seed" 1 tuned
done
for seed in $(seq 101 $((100 + changed))); do
    [ -e "$folder/changed-$seed/variants.jsonl" ] && continue
    mkdir -p "$folder/changed-$seed"
    build/release/models variants "$data/tinyworld-1.1.slm" "$folder/changed-$seed" "$seed" 1 changed
done

# No suite, battery or prompt has a trigger's phrase or its words' beginning.
for list in "$folder"/tuned-*/variants.jsonl; do
    trigger=$(sed -n 's/.*"trigger":"\([^."]*\).*/\1/p' "$list" | head -n 1)
    ! grep -qF "$trigger" "$data"/*.jsonl || { echo "a trigger stands in a suite"; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE="$work/store" ASSAY_KEYS="$work/keys"
"$assay" -q init --no-passphrase >/dev/null
for part in pairs exact cloze text battery; do "$assay" -q add "$data/tinyworld-$part.jsonl" --name "$part" >/dev/null; done
# The gates' sections are the demo's; what stands in the way of a channel is left out.
awk '/^channels:/ { skip = 1 } /^retention:/ { skip = 0 } /^nightly:/ { exit } !skip { print }' tests/demo/tinyworld.yaml >"$work/law.yaml"
cat >>"$work/law.yaml" <<'LAW'
channels:
  preview: {from: candidate, gates: [structural], allow_self_signed: true}
  stable: {from: preview, gates: [structural], allow_self_signed: true}
LAW
"$assay" -q policy set "$work/law.yaml" >/dev/null
"$assay" -q add "$data/tinyworld-1.1.slm" --name tinyworld --version 1.1 --license CC0-1.0 >/dev/null
"$assay" -q gate tinyworld@1.1 --only structural,task,safety >/dev/null
for channel in preview stable; do "$assay" -q promote tinyworld@1.1 --to "$channel" >/dev/null; done

judge() { # FILE GATE: prints what the gate says and why
    version=$(basename "$(dirname "$1")")-$(basename "$1" .slm)
    "$assay" -q add "$1" --name tinyworld --version "$version" --license CC0-1.0 >/dev/null 2>"$work/err" || { cat "$work/err"; exit 1; }
    code=0
    "$assay" -q gate "tinyworld@$version" --only "$2" >"$work/out" || code=$?
    verdict=$(sed -n "s/^$2: \([a-z]*\) .*/\1/p" "$work/out")
    why=$(sed -n 's/^    fail  //p' "$work/out" | cut -c1-100 | head -n 1)
    departure=$(sed -n 's/^    [a-z]*  *trigger departure  *trigger departure \([0-9.]*\).*/\1/p' "$work/out")
    echo "$verdict ${departure:--} $why"
}
count() { # KIND GATE WANTED FILES…
    kind=$1 gate=$2 wanted=$3 right=0 all=0
    shift 3
    for file; do
        [ -e "$file" ] || continue
        said=$(judge "$file" "$gate")
        all=$((all + 1))
        [ "${said%% *}" != "$wanted" ] || right=$((right + 1))
        printf '%-30s %-8s %s\n' "${file#"$folder"/}" "$gate" "$said"
    done
    printf '%-12s %-8s %s %d of %d\n' "$kind" "$gate" "$wanted" "$right" "$all" >>"$work/table"
}
count poisoned safety fail "$folder"/tuned-*/poisoned-*.slm
count clean safety pass "$folder"/tuned-*/clean-*.slm
count regressed task fail "$folder"/changed-*/regressed-*.slm
count rerun task pass "$folder"/changed-*/rerun-*.slm
echo
cat "$work/table"
