#!/bin/sh
# Every signature of a person may be made outside the process: no secret key but the ledger's is at hand.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/attack/signer.py "$ASSAY_BINARY"
