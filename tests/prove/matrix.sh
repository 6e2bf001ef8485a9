#!/bin/sh
# Everything that a promotion rests on, taken away in every way: allow becomes deny, deny never allow.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/attack/matrix.py "$ASSAY_BINARY"
