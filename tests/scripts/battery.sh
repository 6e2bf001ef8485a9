#!/bin/sh
# A slice of the battery's campaigns, the same points each time; tests/prove/battery.sh runs all of them whole.
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
slice kill --stride 53 --job 0/5
slice kill --only tight.add-large --stride 17
slice torn --stride 251 --job 1/5
slice compound --only lab.add-new --stride 97
slice compound --only evicted.gc --stride 97
slice errors --only lab.add-new --stride 397
slice errors --only two.rollback --stride 397
slice memory --only gated.promote --stride 397
slice memory --only exported.import --stride 197
slice power --only lab.add-new --limit 6
slice power --only gated.promote --limit 6 --strict
slice power-again --only lab.add-blob --limit 3 --strict
slice flips --only one.verify --stride 1999 --truth
slice flips --only one.verify --stride 997
slice full --stride 301 --job 2/5
slice seam --job 3/20
exit $failed
