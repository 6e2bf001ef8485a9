#!/bin/sh
# The battery's flips again, from outside and through the command line: every 97th byte of every file,
# and all of its first and last 96.
exec python3 "$(dirname "$0")/../faults/bit_flips.py" "${ASSAY_BINARY:?}" \
    "$(dirname "$0")/../../testdata/models/tiny-q8_0.slm" 97 96
