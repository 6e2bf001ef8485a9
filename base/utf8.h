/* UTF-8 as RFC 3629 has it: overlong forms, surrogates and values over U+10FFFF are not valid. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* Length of the valid UTF-8 sequence at the start of s (1…4), 0 when it is not valid. */
size_t utf8_sequence(struct span s);
bool utf8_valid(struct span s);
/* The code point at the start of s and its length through *n; 0xFFFD and *n = 1 when it is not
 * valid
 * (*n = 0 at the end of s). */
uint32_t utf8_decode(struct span s, size_t *n);
/* Code points that move the cursor or reorder the line: C0, DEL, C1, bidirectional controls, and
 * the line and paragraph separators. */
bool utf8_control(uint32_t code);

#endif
