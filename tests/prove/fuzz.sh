#!/bin/sh
# Fuzzes the parsers, tokenizers and the runtime for long, one target after the other, and adds up what was executed.
#
#     tests/prove/fuzz.sh [SECONDS [TARGET…]]
#
# Each target goes three ways, all under ASan and UBSan. libFuzzer looks for inputs that reach new code: an eighth of
# the time with every comparison traced, an eighth without, which is several times faster. The rest mutates what was
# found as fast as it goes, without coverage (tests/fuzz/bulk.c: some 100,000 executions a second). Every call of the
# target with an input of its own counts as one execution. $FUZZ_BUILD names a folder with the builds fuzz, fuzz-fast
# and bulk.
#
# Inputs that found something new, the counts and the last run's logs are kept in $FUZZ_STATE (build/fuzz-state), so that
# a run goes on where the last one ended. A target has enough at 10^8 executions, runtime-on-weights at 10^6. A finding
# ends with 1. How long an input took by the wall is no finding, others load the machine; ten seconds of CPU time are.
set -u
cd "$(dirname "$0")/../.."
state=${FUZZ_STATE:-build/fuzz-state} seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-slm1 gguf tokenizer spm gpt2 weights}
build=${FUZZ_BUILD:-build}

# build PRESET FOLDER PREFIX FLAG… → the targets' programs
build() {
    preset=$1 folder=$2 prefix=$3 && shift 3
    cmake --preset "$preset" -B "$folder" "$@" >/dev/null || exit 2
    for t in $targets; do
        cmake --build "$folder" --target "$prefix$t" >/dev/null || exit 2
    done
}

if [ -z "${FUZZ_BUILD:-}" ]; then
    build fuzz build/fuzz fuzz_
    build fuzz build/fuzz-fast fuzz_ -DASSAY_FUZZ_COMPARES=OFF
    build bulk build/bulk bulk_
fi
mkdir -p "$state/findings" || exit 2
export UBSAN_OPTIONS=print_stacktrace=1
bad=0

# add N → to the target's count
add() {
    count=$((count + ${1:-0}))
    echo "$count" >"$state/$t.count"
}

# search PROGRAMS SECONDS
search() {
    log=$state/$t.log longest=65536
    case $t in
    spm | gpt2 | tokenizer) longest=4096 ;;
    weights) longest=200000 ;;
    esac
    ASAN_OPTIONS=abort_on_error=1:malloc_context_size=2:quarantine_size_mb=16 \
        nice -n 19 "$1/fuzz_$t" -max_total_time="$2" -print_final_stats=1 -max_len=$longest -timeout=600 \
        -report_slow_units=600 -entropic=0 -rss_limit_mb=2048 -artifact_prefix="$state/findings/$t-" "$state/$t" \
        "tests/fuzz/corpus/$t" $also >"$log" 2>&1 || { bad=1 && tail -40 "$log"; }
    add "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
}

# Short inputs, so that there are many; the seed is the count, so that no run repeats another.
bulk() {
    log=$state/$t.bulk.log longest=4096
    case $t in
    spm | gpt2) longest=128 ;;
    tokenizer) longest=1500 ;;
    weights) longest=12000 ;;
    esac
    ASAN_OPTIONS=abort_on_error=1:handle_abort=0:malloc_context_size=0:quarantine_size_mb=1:detect_leaks=0 \
        nice -n 19 "$build/bulk/bulk_$t" "$1" $((goal - count)) "$count" $longest "$state/findings/$t" \
        "$state/$t" "tests/fuzz/corpus/$t" $also >"$log" 2>&1 || { bad=1 && tail -40 "$log"; }
    add "$(sed -n 's/^\([0-9]*\) executions of.*/\1/p' "$log")"
    grep '% ' "$log"
}

for t in $targets; do
    goal=100000000 also=
    [ "$t" = weights ] && goal=1000000 also=testdata/models
    mkdir -p "$state/$t"
    count=$(cat "$state/$t.count" 2>/dev/null || echo 0)
    if [ "$count" -lt "$goal" ]; then
        search "$build/fuzz" $((seconds / 8 + 1))
        search "$build/fuzz-fast" $((seconds / 8 + 1))
    fi
    [ "$count" -lt "$goal" ] && bulk $((seconds * 3 / 4 + 1))
    printf '%-10s %12d executions of %d, %s findings\n' "$t" "$count" "$goal" \
        "$(find "$state/findings" -name "$t-*" | wc -l)"
done
exit $bad
