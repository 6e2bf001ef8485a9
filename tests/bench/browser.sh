#!/bin/sh
# Every speed row of the browser in one run: WASM in node against the native runtime, and against llama2.c when $LLAMA2C is
# a folder with its source (wasi-libc and libclang-rt-14-dev-wasm32 compile it); then the page in Chromium. Misses exit 1.
# A busy machine is kept out by scheduling the whole before everybody else, where that is allowed.
set -eu
B=${ASSAY_BUILD:?}
cd "$(dirname "$0")/../.."
command -v node >/dev/null || exit 77
cmake --build "$B" --target bench_make >/dev/null
first=
chrt -r 1 true 2>/dev/null && first="chrt -r 1"
code=0
$first node tests/bench/wasm.mjs "${ASSAY_BINARY:?}" "$B/bench_make" build/wasm/assay-runtime.wasm ${LLAMA2C:+--llama2c "$LLAMA2C"} || code=1
if [ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ]; then
    $first node tests/web/speed.mjs || code=1
fi
exit $code
