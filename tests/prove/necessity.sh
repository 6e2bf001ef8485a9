#!/bin/sh
# Which syncs and which checks the tests would miss: each left out in turn. First in recordings of
# what commands write, then in the source. NECESSITY_MINUTES bounds the second, which can be gone on with.
build=${ASSAY_BUILD:?}
[ -x "$build/battery" ] || exit 77
failed=0
for unit in none.init-lab lab.add-blob gated.promote one.fsck-index lab.add-bad; do
    nice -n 19 "$build/battery" drops --only "$unit" --strict --limit 6 || failed=1
done
nice -n 19 python3 tests/faults/mutants.py "$build/mutants" --results "$build/mutants.txt" \
    --minutes "${NECESSITY_MINUTES:-240}" || failed=1
exit $failed
