#!/bin/sh
# What the program does with streams that end too early and with signals.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/cli/streams.py "$ASSAY_BINARY" testdata/models/tiny-f32.slm
