#!/bin/sh
# A slice of the battery's campaigns; tests/prove/battery.sh runs all of them whole. Compound kills, call errors and
# failing allocations meet other points in each run, since keys are random, and now and then still find a defect: they
# stay in the proof, which is red until those are mended, and not in the gate, which would be red by chance.
battery="${ASSAY_BUILD:?}/battery"
[ -x "$battery" ] || exit 77
failed=0
slice() {
    "$battery" "$@" --repo . >"$log" 2>&1 || { failed=1 && cat "$log"; }
    printf '%s: ' "$1"
    tail -n 1 "$log"
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
slice kill --stride 53
slice torn --stride 311
slice power --only lab.add-new --limit 6
slice power --only gated.promote --limit 6 --strict
slice power-again --only lab.add-blob --limit 3 --strict
slice flips --stride 4999 --truth
slice full --stride 301
slice seam
exit $failed
