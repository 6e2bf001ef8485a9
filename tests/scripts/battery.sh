#!/bin/sh
# A slice of every campaign of the battery; tests/prove/battery.sh runs them whole.
battery="${ASSAY_BUILD:?}/battery"
[ -x "$battery" ] || exit 77
failed=0
slice() {
    "$battery" "$@" --repo . >"$log" 2>&1 || { failed=1 && cat "$log"; }
    tail -n 1 "$log"
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
slice kill --stride 53
slice torn --stride 311
slice compound --stride 4999
slice errors --stride 6007
slice memory --stride 2003
exit $failed
