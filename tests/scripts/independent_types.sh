#!/bin/sh
# Every tensor type of GGUF, dequantised by a second reading of its layout, bit for bit.
PYTHONDONTWRITEBYTECODE=1 exec python3 tests/independent/check_types.py "${ASSAY_BINARY:?}" testdata/models/every-type.gguf testdata/models/tiny-f16-tied.gguf
