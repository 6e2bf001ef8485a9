#!/bin/sh
# Replays tests/cli/*.transcript with the program and compares byte for byte.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/cli/transcript.py "$ASSAY_BINARY" tests/cli/*.transcript
