/* Base64 (RFC 4648): standard alphabet with padding on the way out; on the way in standard or
 * URL-safe, padded or not, no white space, no stray bits. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/bytes.h"

void base64_encode(struct buf *out, struct span in);
/* False when the text is not base64; what was appended before stays appended. */
bool base64_decode(struct buf *out, struct span in);

#endif
