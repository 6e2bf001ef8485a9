#!/bin/sh
# A million operations of random histories (tests/model/history.c): several processes, kills, a quota sampled all the
# time. HISTORY_OPERATIONS changes the number; it is cut into runs with seeds of their own, so that a ledger stays short.
set -eu
H=${ASSAY_BUILD:?}/history
[ -x "$H" ] || cmake --build "$ASSAY_BUILD" --target history >/dev/null
total=${HISTORY_OPERATIONS:-1000000} done=0 seed=${HISTORY_SEED:-1}
while [ "$done" -lt "$total" ]; do
    # Every third run without kills, so that throughput meets conflicts too; every fifth with large contents.
    kill=150 workers=6 big=
    [ $((seed % 3)) -ne 0 ] || { kill=0 workers=10; }
    n=50000
    [ $((seed % 5)) -ne 0 ] || { big=big n=2500; }
    # shellcheck disable=SC2086 # an option or none
    "$H" $n $workers "$seed" $kill $big
    done=$((done + n)) seed=$((seed + 1))
done
echo "$done operations, 0 violations"
