#!/bin/sh
# Every 97th byte of every file, and all of its first and last 96.
FLIP_STRIDE=97 FLIP_EDGE=96 exec sh "$(dirname "$0")/../scripts/bit_flips.sh"
