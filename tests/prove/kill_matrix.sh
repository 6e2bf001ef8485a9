#!/bin/sh
# The battery's kill points again, from outside: strace kills before every mutating call of init, add and promote.
command -v strace >/dev/null || exit 77
exec python3 "$(dirname "$0")/../faults/kill_matrix.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/tinyworld/tinyworld-1.0.slm"
