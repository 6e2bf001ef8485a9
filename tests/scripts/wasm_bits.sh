#!/bin/sh
# Native and WASM, with SIMD and without, make the same tokens from the same bits of every logit.
# Skipped without node or without the modules (cmake --preset wasm && cmake --build --preset wasm).
modules=${ASSAY_WASM:-build/wasm}
trace=${ASSAY_BUILD:?}/wasm_trace
command -v node >/dev/null && [ -f "$modules/assay.wasm" ] && [ -x "$trace" ] || exit 77
models=$(ls testdata/models/* testdata/bad/*.gguf testdata/bad/*.slm ${ASSAY_CORPUS:+"$ASSAY_CORPUS"/gguf/*.gguf "$ASSAY_CORPUS"/synth/*.gguf})
want=$(mktemp) got=$(mktemp)
trap 'rm -f "$want" "$got"' EXIT
"$trace" $models >"$want" || exit 1
for module in assay assay-scalar; do
    node tests/wasm/trace.mjs "$modules/$module.wasm" $models >"$got" || exit 1
    diff "$want" "$got" >&2 || { echo "$module.wasm differs from the native runtime" >&2; exit 1; }
done
grep -c '^load 0' "$want"
