/* Text: formatting without libc, hex, UTF-8, and the one escaper for text that came from outside.
 *
 * text_fmt knows: %s %c %d %i %u %x %X %% with h, hh, l, ll, z, t and j sizes, field width (also
 * *), the flags 0 and -, .precision for %s (also .*), and %p. No floating point (see buf_fixed), no
 * locale. Another conversion is our own bug and stops the program. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"
#include "base/utf8.h"
#include <stdarg.h>

/* Writes at most cap bytes, always ends with NUL (cap ≥ 1), returns the length without truncation.
 */
size_t text_fmt(char *out, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t text_vfmt(char *out, size_t cap, const char *fmt, va_list ap);
/* Appends formatted text to a buf. */
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* v with exactly `places` decimals (0…9), rounded half away from zero from its exact value, zero
 * without a sign; "nan", "inf", "-inf". */
void buf_fixed(struct buf *b, double v, unsigned places);

/* Text for a terminal or a log: what utf8_control names (C0, DEL, C1, bidirectional controls, line
 * separators) and bytes that are not UTF-8 become \xNN, a byte each; with keep_lines, \n and \t
 * stay. Everything foreign goes through here. */
void text_escape(struct buf *out, struct span in, bool keep_lines);

void hex_encode(char *out, struct span in); /* 2 × in.n digits, lower case, and a NUL */
bool hex_decode(uint8_t *out, size_t n, struct span in); /* in.n must be 2 × n lower-case digits */

/* Decimal digits only, no sign, no space, fits 64 bits. */
bool text_u64(struct span in, uint64_t *out);
bool text_equal(const char *a, const char *b);
bool text_begins(const char *text, const char *with);

#endif
