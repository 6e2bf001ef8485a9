#!/bin/sh
# The battery, whole: counts for one commit, kept in build/…/battery-COMMIT, so that a stopped run
# goes on where it was. BATTERY_STRIDE=N takes every N-th point; BATTERY_ONLY="kill power" some campaigns.
battery="${ASSAY_BUILD:?}/battery"
[ -x "$battery" ] || exit 77
commit=$(git rev-parse --short HEAD 2>/dev/null || echo none)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit=$commit-changed
results=${BATTERY_RESULTS:-$ASSAY_BUILD/battery-$commit}
stride=${BATTERY_STRIDE:-1}
mkdir -p "$results"
failed=0

# campaign NAME GOAL [options…]: two jobs, then the sum, which must reach the goal without a bad point
campaign() {
    name=$1 goal=$2
    shift 2
    [ -z "${BATTERY_ONLY:-}" ] || case " $BATTERY_ONLY " in *" $name "*) ;; *) return 0 ;; esac
    for job in 0 1; do
        nice -n 19 "$battery" "$name" --results "$results" --stride "$stride" --job $job/2 "$@" >"$results/$name.$job.log" 2>&1 &
    done
    wait
    grep -h -A 1 '^VIOLATION' "$results/$name".?.log
    sum=$("$battery" "$name" --results "$results" --sum "$@") || failed=1
    count=$(printf '%s\n' "$sum" | awk '$1 ~ /^total/ { for (i = 2; i <= NF; i++) if ($i == "points") print $(i - 1) }')
    printf '%s: %s\n' "$name" "$(printf '%s' "$sum" | tr '\n' ' ' | tr -s ' ')"
    if [ "$stride" -eq 1 ] && [ "${count:-0}" -lt "$goal" ]; then
        failed=1
        printf '%s: %s points are fewer than %s\n' "$name" "${count:-0}" "$goal"
    fi
}

printf 'commit %s, results in %s, stride %s\n' "$commit" "$results" "$stride"
campaign kill 20000
campaign torn 5000
campaign compound 10000
campaign errors 15000
campaign memory 20000
campaign power 100000
campaign power 100000 --strict
campaign power-again 50000 --strict --limit 8
campaign flips 400000 --truth
campaign flips 500000
[ "$(id -u)" -ne 0 ] || campaign full 3000
campaign seam 1500
exit $failed
