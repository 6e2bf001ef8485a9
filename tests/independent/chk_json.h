/* Just enough JSON to read what the store writes: members by name, strings, whole numbers. */
#ifndef TESTS_INDEPENDENT_CHK_JSON_H
#define TESTS_INDEPENDENT_CHK_JSON_H

#include "tests/independent/chk_map.h"

struct chk_view {
    const uint8_t *p;
    size_t n;
};

/* The value that begins at *at, which moves behind it; n = 0 when there is none. */
struct chk_view chk_json_value(struct chk_view in, size_t *at);
/* A member of an object; n = 0 when it is not there. */
struct chk_view chk_json_member(struct chk_view object, const char *name);
/* The next member of an object from *at on (0 at first). Key and value as they stand. */
bool chk_json_next(struct chk_view object, size_t *at, struct chk_view *key,
                   struct chk_view *value);
/* The next element of an array from *at on. */
bool chk_json_element(struct chk_view array, size_t *at, struct chk_view *value);
/* A string's bytes, unescaped, malloc'ed with a NUL behind; NULL when it is no string. */
uint8_t *chk_json_string(struct chk_view value, size_t *n);
bool chk_json_is(struct chk_view value, const char *text); /* a string equal to text */
uint64_t chk_json_number(struct chk_view value);           /* UINT64_MAX: none */
/* 32 bytes from a string of 64 hex digits. */
bool chk_json_digest(struct chk_view value, uint8_t out[32]);

#endif
