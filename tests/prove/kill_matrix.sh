#!/bin/sh
# The battery's kill points again, from outside: strace kills before every mutating call of init, add, gate (its workers and
# sandboxed children, too), nightly, promote, and of
# what people agree to and go back by: policy set, request, approve, approvals add, rollback, demote, freeze, thaw,
# waive, retire. Each with proof of injection: no half act, and the next try works.
command -v strace >/dev/null || exit 77
exec python3 "$(dirname "$0")/../faults/kill_matrix.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/tinyworld/tinyworld-1.0.slm" "$@"
