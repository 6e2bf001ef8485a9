#!/bin/sh
# Single flipped bits in every file of a store are found, named, and never handed out; tests/prove has many more.
exec python3 "$(dirname "$0")/../faults/bit_flips.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/models/tiny-q8_0.slm" "${FLIP_STRIDE:-1999}" "${FLIP_EDGE:-8}"
