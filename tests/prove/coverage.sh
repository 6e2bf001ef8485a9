#!/bin/sh
# Which lines of the two parsers no unit test runs. Builds apart with gcov, prints what is uncovered; 1 when there is any.
#
#     tests/prove/coverage.sh [FILE…]        default: the rooms that read SLM1 and GGUF
set -eu
cd "$(dirname "$0")/../.."
build=${COVERAGE_BUILD:-build/coverage}
[ $# -gt 0 ] || set -- slm1 gguf gguf_architecture gguf_llama gguf_tensors gguf_vocabulary front layout plan scan values \
    tokenizer tokenizer_byte tokenizer_bpe tokenizer_spm tokenizer_gpt2 pretokenizer merges spellings unicode
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS="--coverage -O0" \
    -DASSAY_TESTS=ON >/dev/null
cmake --build "$build" --target test_runtime >/dev/null
find "$build" -name '*.gcda' -delete
"$build/test_runtime" -j1 >/dev/null 2>&1 || { echo "a unit test failed" >&2 && exit 2; }
build=$(cd "$build" && pwd)
cd "$build" # a source may be named from here
bad=0
for room in "$@"; do
    data=$(find "$build" -path "*runtime.dir/runtime/$room.c.gcda" | head -n 1)
    [ -n "$data" ] || { echo "$room: no test runs it" && bad=1 && continue; }
    gcov -t -o "$(dirname "$data")" "$data" 2>/dev/null |
        awk -v room="$room" -F: '
            $2 ~ /^ *0$/ && $3 ~ /^Source/ { ours = ($4 ~ "runtime/" room "\\.c$") }
            ours && $1 ~ /#####/ { printf "%s.c:%d:%s\n", room, $2, substr($0, index($0, $3)); bad = 1 }
            ours && $1 !~ /-/ { all++ }
            ours && $1 ~ /#####/ { none++ }
            END { printf "%-20s %4d of %4d lines\n", room, all - none, all; exit bad || all == 0 }' || bad=1
done
exit $bad
