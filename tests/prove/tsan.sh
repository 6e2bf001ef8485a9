#!/bin/sh
# No data race: the program and the random histories built with ThreadSanitizer. Large contents, so that the threads of
# an add, a get and a verification work; a model on two threads; archives, gates side by side.
#     tests/prove/tsan.sh [OPERATIONS]
set -eu
cd "$(dirname "$0")/../.."
operations=${1:-1500}
cmake --preset tsan -DASSAY_WERROR=OFF >/dev/null
cmake --build --preset tsan --target assay history >/dev/null
A=$PWD/build/tsan/assay
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k" TSAN_OPTIONS="halt_on_error=1 exitcode=66"
for seed in 1 2 5; do
    build/tsan/history "$operations" 4 $seed 0 || exit 1
    build/tsan/history $((operations / 10)) 3 $seed 0 big || exit 1
done
head -c 40000000 /dev/urandom >"$T/noise"
seq 4000000 >"$T/soft"
must() { "$A" -q "$@" >"$T/out" 2>&1 || { echo "$*: exit $?" && cat "$T/out" && exit 1; }; }
must init --no-passphrase
must add "$T/noise" --name noise --version 1
must add "$T/soft" --name soft --version 1
must add testdata/tinyworld/tinyworld-1.0.slm --name t --version 1
tar -cf "$T/a.tar" policies
must add "$T/a.tar" --name words --version 1
must verify --all
must get noise@1 -o "$T/back"
cmp "$T/noise" "$T/back"
must gate t@1
must evict noise@1
must gc
must fsck
for threads in 2 3; do must bench testdata/tinyworld/tinyworld-1.0.slm --rounds 1 --tokens 24 --threads $threads; done
echo "no data race"
