#!/bin/sh
# The battery, whole: counts for one commit, kept in build/…/battery-COMMIT, so that a stopped run
# goes on where it was. Of each campaign so many points are taken, evenly over all command lines and states, as its goal
# asks for (about 50 minutes of CPU), or every N-th of those with BATTERY_STRIDE=N; BATTERY_ONLY="kill power" takes some campaigns only.
battery="${ASSAY_BUILD:?}/battery"
[ -x "$battery" ] || exit 77
commit=$(git rev-parse --short HEAD 2>/dev/null || echo none)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit=$commit-changed
results=${BATTERY_RESULTS:-$ASSAY_BUILD/battery-$commit}
stride=${BATTERY_STRIDE:-1}
mkdir -p "$results"
failed=0

# campaign NAME GOAL STRIDE PARTS [options…]: every STRIDE-th point of every PARTS-th unit, in two jobs; then the sum,
# which must reach the goal without a bad point
campaign() {
    name=$1 goal=$2 every=$3 parts=$4
    shift 4
    log=$results/$name$(printf '%s' "$*" | tr -d ' ')
    [ -z "${BATTERY_ONLY:-}" ] || case " $BATTERY_ONLY " in *" $name "*) ;; *) return 0 ;; esac
    for job in 0 1; do
        nice -n "${BATTERY_NICE:-19}" "$battery" "$name" --results "$results" --stride $((every * stride)) \
            --job $((job * parts))/$((2 * parts)) "$@" >>"$log.$job.log" 2>&1 &
    done
    wait
    grep -h -A 1 '^VIOLATION' "$log".?.log
    sum=$("$battery" "$name" --results "$results" --sum "$@") || failed=1
    count=$(printf '%s\n' "$sum" | awk '$1 ~ /^total/ { for (i = 2; i <= NF; i++) if ($i == "points") print $(i - 1) }')
    printf '%s: %s\n' "$name" "$(printf '%s' "$sum" | tr '\n' ' ' | tr -s ' ')"
    if [ "$stride" -eq 1 ] && [ "${count:-0}" -lt "$goal" ]; then
        failed=1
        printf '%s: %s points are fewer than %s\n' "$name" "${count:-0}" "$goal"
    fi
}

printf 'commit %s, results in %s, stride %s\n' "$commit" "$results" "$stride"
campaign kill 20000 1 1
campaign torn 5000 4 1
campaign compound 10000 5 1
campaign errors 15000 127 1
campaign memory 20000 91 1
campaign power 100000 1 2
campaign power 100000 1 1 --strict
campaign power-again 50000 1 30 --strict --limit 8
campaign flips 500000 23 1
[ "$(id -u)" -ne 0 ] || campaign full 3000 13 1
campaign seam 8000 1 1
exit $failed
