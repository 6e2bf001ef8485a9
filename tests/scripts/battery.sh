#!/bin/sh
# A slice of every campaign of the battery; tests/prove/battery.sh runs them whole.
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
slice compound --stride 4999
slice errors --stride 6007
slice memory --stride 2003
slice power --only lab.add-new --limit 6
slice power --only gated.promote --limit 6 --strict
slice power-again --only lab.add-blob --limit 3 --strict
slice flips --stride 4999 --truth
slice full --stride 301
slice seam
exit $failed
