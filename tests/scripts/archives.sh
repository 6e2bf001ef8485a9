#!/bin/sh
# Archives into the store: what is right goes in whole, what is wrong is refused by name and lost nowhere.
exec python3 "$(dirname "$0")/../faults/archives.py" "${ASSAY_BINARY:?}"
