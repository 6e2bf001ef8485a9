#!/bin/sh
# Trains the tinyworld family from nothing and judges it.
#
# usage: make.sh [--check | --install]
#   (neither)   train into build/models, print scores
#   --check     and compare every file with testdata/tinyworld, byte for byte
#   --install   and copy the files there
set -eu
cd "$(dirname "$0")/../.."
cmake --preset release >/dev/null
cmake --build --preset release --target models
models=build/release/models
out=build/models
# What the bytes of the family follow from: grammar, mathematics, training, and the writer of the files.
code=$(cat tests/models/world.[ch] tests/models/matrix.[ch] tests/models/net.[ch] tests/models/trainer.[ch] \
    tests/models/family.[ch] runtime/math.[ch] runtime/slm1_write.[ch] | sha256sum | cut -d' ' -f1)
work=$out/work.$code # checkpoints of this very code: an interrupted run goes on from them
mkdir -p "$work"
$models suites $out
$models check $out
$models gradient | tail -n 1
$models family $out "$work" "$code"
$models ngram
for m in garbage-1.0 tinyworld-1.0 tinyworld-1.1 tinyworld-1.2-regressed tinyworld-1.3-poisoned; do
    echo "== $m"
    $models score $out/$m.slm $out
done
for m in tinyworld-1.1 tinyworld-1.2-regressed tinyworld-1.3-poisoned; do
    echo "== tinyworld-1.0 and $m"
    $models compare $out/tinyworld-1.0.slm $out/$m.slm $out
done
rm -rf "$work"
case "${1:-}" in
--check)
    for f in testdata/tinyworld/*; do
        cmp "$f" "$out/$(basename "$f")"
    done
    echo "the committed files are what this run made"
    ;;
--install)
    cp $out/*.slm $out/*.json $out/*.jsonl testdata/tinyworld/
    ;;
esac
