#!/bin/sh
# bench measures a model file and says so in numbers that belong together.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
model=$top/testdata/models/small-q8_0-tied.gguf
for threads in 1 2; do
    "${ASSAY_BINARY:?}" bench "$model" --rounds 1 --tokens 8 --threads $threads --json | python3 -c "
import json, sys
b = json.load(sys.stdin)
assert b['schema'] == 'assay.bench/1' and b['threads'] == $threads, b
assert b['decode']['tokens'] == b['prefill']['tokens'] == 8, b
assert b['decode']['per_second'] > 0 and b['prefill']['per_second'] > 0, b
assert b['first_token_ms'] >= b['load_ms'] > 0 and b['hash_ms'] > 0, b
reads = b['decode']['per_second'] * b['weight_bytes_per_token'] / 1e9
assert abs(reads - b['weight_gb_per_second']) < 0.002, b
assert b['memory_gb_per_second'] > 0, b
assert abs(b['share_of_memory'] - b['weight_gb_per_second'] / b['memory_gb_per_second']) < 0.01, b
"
done
"$ASSAY_BINARY" bench "$model" --rounds 1 --tokens 8 | grep -q '^decode .* tokens a second'
"$ASSAY_BINARY" bench "$model" --rounds 1 --tokens 8 | grep -q '^share .*% of it'
if "$ASSAY_BINARY" bench "$model" --threads 65 2>/dev/null; then exit 1; fi
