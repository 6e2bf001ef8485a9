#!/bin/sh
# A bundle goes from store to store: the same bytes, never trusted more than add, and damage found.
exec python3 "$(dirname "$0")/../faults/bundles.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/tinyworld/tinyworld-1.0.slm"
