#!/bin/sh
# Seconds of the mixed load (tests/prove/mixed.sh): commands side by side, some killed, a quota that refuses.
MIXED_MINUTES=0.1 exec sh "$(dirname "$0")/../prove/mixed.sh"
