#!/bin/sh
# NEON makes the same tokens from the same bits of every logit: the runtime built for aarch64, run by qemu, beside the
# native one. Needs Debian's qemu-user, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross; 77 without them.
set -eu
cd "$(dirname "$0")/../.."
command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null || exit 77
build=${ASSAY_BUILD:-build/release}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
models=$(ls testdata/models/* testdata/bad/*.gguf testdata/bad/*.slm ${ASSAY_CORPUS:+"$ASSAY_CORPUS"/gguf/*.gguf "$ASSAY_CORPUS"/synth/*.gguf})
core=$(sed -n 's/^set(BASE_CORE \(.*\))$/\1/p' cmake/core.cmake | tr ' ' '\n' | sed 's|.*|base/&.c|')
rooms=$(ls runtime/*.c | grep -v wasm)
cmake --build "$build" --target wasm_trace >/dev/null
aarch64-linux-gnu-gcc -O2 -std=c17 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-strict-aliasing -static -I. \
    $core base/heap.c base/clock.c $rooms tests/wasm/trace.c -o "$T/trace" -lpthread -lm
"$build/wasm_trace" $models >"$T/want"
qemu-aarch64 "$T/trace" $models >"$T/got"
diff "$T/want" "$T/got" >&2 || { echo "NEON differs from the native runtime" >&2; exit 1; }
echo "$(grep -c '^load 0' "$T/want") models, $(wc -l <"$T/want") lines: the same"
