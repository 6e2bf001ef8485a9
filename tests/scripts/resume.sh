#!/bin/sh
# An add that was killed half way goes on from what is in packs.
exec python3 "$(dirname "$0")/../faults/resume.py" "${ASSAY_BINARY:?}" "${RESUME_MIB:-192}"
