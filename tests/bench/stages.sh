#!/bin/sh
# Where the store's time goes: each stage beside the machine's limits.
exec "${ASSAY_BINARY:?}" bench store --mib "${BENCH_MIB:-256}"
