#!/bin/sh
# kill -9 before every mutating system call of init, add and promote, each with proof of injection.
command -v strace >/dev/null || exit 77
exec python3 "$(dirname "$0")/../faults/kill_matrix.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/tinyworld/tinyworld-1.0.slm"
