#!/bin/sh
# Every model of testdata through the program: the whole ones are admitted, gated and come back byte for
# byte; each damaged one exits 7, is named with stage, code and message as testdata/bad/REFUSALS says, lies
# in quarantine, and leaves nothing that can be seen.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/cli/admission.py "$ASSAY_BINARY" testdata
