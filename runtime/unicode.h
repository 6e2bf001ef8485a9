/* Classes of code points, for the pre-tokenizers: \p{L}, \p{N} and \s (White_Space) of Unicode 14.
 * The tables are made by tests/unicode/classes.py. */
#ifndef RUNTIME_UNICODE_H
#define RUNTIME_UNICODE_H

#include <stdint.h>

enum unicode_class { UNICODE_OTHER, UNICODE_LETTER, UNICODE_NUMBER, UNICODE_SPACE };

/* Of any number; OTHER above U+10FFFF. */
enum unicode_class unicode_class(uint32_t code);

#endif
