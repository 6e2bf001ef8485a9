#!/bin/sh
# Each kind of signature verified by openssl, minisign and @sigstore/verify, and refused by them when anything is
# changed. The node modules are fetched once, into build/npm.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v python3 >/dev/null || exit 77
command -v npm >/dev/null || exit 77
cd "$(dirname "$0")/../.."
exec python3 tests/independent/check_signatures.py "$ASSAY_BINARY" testdata build/npm
