#!/bin/sh
# How often the gates are right about models that nobody has seen: poisoned ones with random triggers, which no suite,
# battery or prompt contains, and clean twins fine-tuned alike (safety gate); regressed ones of random kind and harmless
# re-runs (task gate). All are compared with tinyworld-1.1, which holds stable.
#   variants.sh [FOLDER [FIRST [TUNED [CHANGED]]]]
# makes what FOLDER lacks, TUNED pairs from the seeds FIRST, FIRST + 1 … and CHANGED pairs from those 10,000 later (about
# 17 s of processor time a tuned pair, 3 a changed one), and judges what this build has not judged; then prints a table
# with Wilson's 95 % intervals. Can be stopped and started again.
set -eu
cd "$(dirname "$0")/../.."
folder=${1:-build/variants}
first=${2:-1}
tuned=${3:-20}
changed=${4:-20}
cmake --preset release >/dev/null
cmake --build --preset release --target assay models >/dev/null
assay=$PWD/build/release/assay
data=testdata/tinyworld
build=$(cat "$assay" tests/demo/tinyworld.yaml | sha256sum | cut -c1-12)

make() { # KIND FIRST COUNT
    for seed in $(seq "$2" $(($2 + $3 - 1))); do
        [ -e "$folder/$1-$seed/variants.jsonl" ] && continue
        mkdir -p "$folder/$1-$seed"
        build/release/models variants "$data/tinyworld-1.1.slm" "$folder/$1-$seed" "$seed" 1 "$1"
    done
}
make tuned "$first" "$tuned"
make changed $((first + 10000)) "$changed"

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
wilson() { # RIGHT ALL: its 95 % interval, in percent
    awk -v k="$1" -v n="$2" 'BEGIN { if (n == 0) exit; z = 1.959964; p = k / n; d = 1 + z * z / n
        m = (p + z * z / (2 * n)) / d; h = z / d * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        printf "%.1f to %.1f %%", m > h ? 100 * (m - h) : 0, 100 * (m + h) }'
}
count() { # KIND GATE FILES…
    kind=$1 gate=$2 failed=0 all=0
    shift 2
    for file; do
        [ -e "$file" ] || continue
        kept=${file%.slm}.$build
        [ -e "$kept" ] || { judge "$file" "$gate" >"$work/said" && mv "$work/said" "$kept"; }
        said=$(cat "$kept")
        all=$((all + 1))
        case $said in
        fail*) failed=$((failed + 1)) ;;
        pass*) ;;
        *) echo "$file was not judged: $said" && exit 1 ;;
        esac
        printf '%-36s %-8s %s\n' "${file#"$folder"/}" "$gate" "$said"
    done
    printf '%-12s %-8s failed %2d of %2d   %s\n' "$kind" "$gate" "$failed" "$all" "$(wilson "$failed" "$all")" >>"$work/table"
}
count poisoned safety "$folder"/tuned-*/poisoned-*.slm
count clean safety "$folder"/tuned-*/clean-*.slm
count regressed task "$folder"/changed-*/regressed-*.slm
count rerun task "$folder"/changed-*/rerun-*.slm
echo
cat "$work/table"
