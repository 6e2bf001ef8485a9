#!/bin/sh
# How fast the store takes, checks and gives back a model-like file, and in how much memory.
exec python3 "$(dirname "$0")/store.py" "${ASSAY_BINARY:?}" "${BENCH_MIB:-256}"
