#!/bin/sh
# The words that pre-tokenizers must give come from the published patterns in another engine. Skipped without it.
exec python3 tests/unicode/pretokenize.py --check testdata/pretokenizers/words
