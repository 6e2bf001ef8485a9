/* GGUF, versions 2 and 3, little-endian. */
#ifndef RUNTIME_GGUF_H
#define RUNTIME_GGUF_H

#include "runtime/layout.h"

/* For layout_parse. */
enum status gguf_parse(struct head *h, struct layout *out) MUST_CHECK;

#endif
