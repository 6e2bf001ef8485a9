#!/bin/sh
# Fuzzes the parsers, tokenizers and the runtime for long, one target after the other, and adds up what was executed.
#
#     tests/prove/fuzz.sh [SECONDS [TARGET…]]
#
# Each target searches twice: an eighth of the time with every comparison traced, which finds new branches, then without
# that, several times faster, from what the first search found. $FUZZ_BUILD names a folder that has both builds.
# Inputs that found something new and the counts are kept in $FUZZ_STATE (build/fuzz-state), so that a run goes on where
# the last one ended. A target has enough at 10^8 executions, runtime-on-weights at 10^6. A finding ends with 1.
set -u
cd "$(dirname "$0")/../.."
state=${FUZZ_STATE:-build/fuzz-state} seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-slm1 gguf tokenizer spm gpt2 weights}
build=${FUZZ_BUILD:-build}

# build FOLDER FLAG… → the targets' programs under ASan and UBSan
build() {
    folder=$1 && shift
    cmake --preset fuzz -B "$folder" "$@" >/dev/null || exit 2
    for t in $targets; do
        cmake --build "$folder" --target "fuzz_$t" >/dev/null || exit 2
    done
}

if [ -z "${FUZZ_BUILD:-}" ]; then
    build build/fuzz
    build build/fuzz-fast -DASSAY_FUZZ_COMPARES=OFF
fi
mkdir -p "$state/findings" || exit 2
export ASAN_OPTIONS=abort_on_error=1:malloc_context_size=2:quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1
bad=0

# search PROGRAMS TARGET SECONDS → adds to the target's count
search() {
    t=$2 log=$state/$2.log longest=65536 also=
    case $t in
    spm | gpt2 | tokenizer) longest=4096 ;;
    weights) longest=200000 also=testdata/models ;;
    esac
    nice -n 19 "$1/fuzz_$t" -max_total_time="$3" -print_final_stats=1 -max_len=$longest -timeout=20 -entropic=0 \
        -rss_limit_mb=2048 -artifact_prefix="$state/findings/$t-" "$state/$t" "tests/fuzz/corpus/$t" $also >"$log" 2>&1 ||
        { bad=1 && tail -40 "$log"; }
    done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    count=$((count + ${done:-0}))
    echo "$count" >"$state/$t.count"
}

for t in $targets; do
    goal=100000000
    [ "$t" = weights ] && goal=1000000
    mkdir -p "$state/$t"
    count=$(cat "$state/$t.count" 2>/dev/null || echo 0)
    if [ "$count" -lt "$goal" ]; then
        search "$build/fuzz" "$t" $((seconds / 8 + 1))
        search "$build/fuzz-fast" "$t" "$seconds"
        [ "$t" = weights ] && grep '^weights:' "$log"
    fi
    printf '%-10s %12d executions of %d, %s findings\n' "$t" "$count" "$goal" \
        "$(find "$state/findings" -name "$t-*" | wc -l)"
done
exit $bad
