#!/bin/sh
# A second reading of the SLM1 page, in another language, must agree with the runtime.
cd "$(dirname "$0")/../independent" && PYTHONDONTWRITEBYTECODE=1 exec python3 check_slm1.py "${ASSAY_BINARY:?}"
