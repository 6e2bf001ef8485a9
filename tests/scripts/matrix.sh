#!/bin/sh
# A slice of the matrix over everything that a promotion rests on; all of it: tests/prove/matrix.sh.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/attack/matrix.py "$ASSAY_BINARY" 13
