#!/bin/sh
# The table of character classes is what its generator makes. Skipped where Python knows another Unicode.
exec python3 tests/unicode/classes.py --check runtime/unicode_classes.h
