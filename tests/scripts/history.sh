#!/bin/sh
# A slice of the random histories (tests/model/history.c): alone, together, and with kills.
set -eu
H=${ASSAY_BUILD:?}/history
[ -x "$H" ] || exit 77
"$H" 1500 1 1
"$H" 3000 4 2
"$H" 3000 4 3 100
