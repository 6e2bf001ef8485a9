#!/bin/sh
# Greedy tokens a second: the model in testdata, and stories260K where the corpus is at hand.
set -e
top=$(cd "$(dirname "$0")/../.." && pwd)
cmake --build "${ASSAY_BUILD:?}" --target bench_tokens >/dev/null
"$ASSAY_BUILD/bench_tokens" "$top/testdata/tinyworld/tinyworld-1.0.slm"
for model in "${ASSAY_CORPUS:-/nonexistent}"/gguf/stories260K-*.gguf; do
    [ ! -f "$model" ] || "$ASSAY_BUILD/bench_tokens" "$model"
done
