#!/bin/sh
# Attacks on the way to a channel, over the real binary: each a stable code, one line, nothing changed.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/attack/attacks.py "$ASSAY_BINARY"
