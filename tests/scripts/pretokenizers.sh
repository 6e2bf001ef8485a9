#!/bin/sh
# The words that pre-tokenizers must give, and the ids of the texts in a vocabulary learned from them, come from the
# published patterns in another engine. Skipped without it.
python3 tests/unicode/pretokenize.py --check testdata/pretokenizers/words &&
    exec python3 tests/unicode/token_ids.py --check testdata/pretokenizers
