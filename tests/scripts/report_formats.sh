#!/bin/sh
# The reports of a night that passes and of one that fails, by readers that know nothing of this program: JUnit by an XML
# parser, SARIF by ajv against the schema of SARIF 2.1.0, JSON lines by their chain. The node modules are fetched once, into
# build/npm.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
command -v npm >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/independent/check_reports.py "$ASSAY_BINARY" build/npm
