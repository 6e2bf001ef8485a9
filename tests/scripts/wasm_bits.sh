#!/bin/sh
# Native and WASM, with SIMD and without, make the same tokens from the same bits of every logit.
# Skipped without node or without the modules. Also holds their size, and their SHA-256 against node's.
modules=${ASSAY_WASM:-build/wasm}
trace=${ASSAY_BUILD:?}/wasm_trace
command -v node >/dev/null && [ -f "$modules/assay-runtime.wasm" ] && [ -x "$trace" ] || exit 77
models=$(ls testdata/models/* testdata/bad/*.gguf testdata/bad/*.slm ${ASSAY_CORPUS:+"$ASSAY_CORPUS"/gguf/*.gguf "$ASSAY_CORPUS"/synth/*.gguf})
for module in assay-runtime assay-runtime-scalar; do
    size=$(wc -c <"$modules/$module.wasm")
    [ "$size" -lt 163840 ] || { echo "$module.wasm has $size bytes; 160 KiB are allowed" >&2; exit 1; }
done
want=$(mktemp) got=$(mktemp)
trap 'rm -f "$want" "$got"' EXIT
"$trace" $models >"$want" || exit 1
for module in assay-runtime assay-runtime-scalar; do
    node tests/wasm/trace.mjs "$modules/$module.wasm" $models >"$got" || exit 1
    node tests/wasm/hash.mjs "$modules/$module.wasm" || exit 1
    diff "$want" "$got" >&2 || { echo "$module.wasm differs from the native runtime" >&2; exit 1; }
done
grep -c '^load 0' "$want"
