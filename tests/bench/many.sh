#!/bin/sh
# Stores large in number: 100,000 artifacts (open, show, a page of ls, all of ls) and 1,000,000 chunks (fsck --index).
# Each time stands beside that of `assay version`, which opens nothing: what is above it is the store's.
set -eu
A=${ASSAY_BINARY:?} B=${ASSAY_BUILD:?}
artifacts=${1:-100000} chunks=${2:-1000000}
cmake --build "$B" --target bench_many >/dev/null
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_KEYS="$T/k"
"$A" -q --store "$T/a" init --no-passphrase >/dev/null
"$B/bench_many" "$T/a" "$T/k" artifacts "$artifacts"
python3 - "$A" "$T/a" <<'PY'
import subprocess, sys, time
binary, store = sys.argv[1:]
lines = ["version", "show model05@5", "ls --limit 100", "ls --limit 100 --after model50@50", "quota", "get model05@5 -o -", "ls"]
times = {line: [] for line in lines}
for _ in range(9):
    for line in lines:
        if line == "ls" and len(times[line]) == 1:
            continue
        began = time.perf_counter()
        subprocess.run([binary, "--store", store, *line.split()], check=True, capture_output=True)
        times[line].append(time.perf_counter() - began)
base = sorted(times["version"])[4] * 1000
for line in lines:
    t = sorted(times[line])
    print(f"{line:36} {t[len(t) // 2] * 1000:8.1f} ms, {t[len(t) // 2] * 1000 - base:8.1f} above version")
PY
ASSAY_KEYS="$T/k2" "$A" -q --store "$T/c" init --no-passphrase >/dev/null
"$B/bench_many" "$T/c" "$T/k2" chunks "$chunks"
for i in 1 2 3; do
    began=$(date +%s.%N)
    ASSAY_KEYS="$T/k2" "$A" --store "$T/c" fsck --index
    awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { printf "fsck --index: %.2f s\n", b - a }'
done
