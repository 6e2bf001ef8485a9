/* A JSON writer: what is written is always well-formed and one value long; no floating point.
 *
 *     struct json_out j = json_out(&buf);
 *     json_object(&j);
 *     json_key(&j, "name"); json_string(&j, name);
 *     json_close(&j);
 *
 * Strings are escaped in full, terminal controls included; bytes that are not UTF-8 become U+FFFD.
 * Members keep the order they are written in; canonical bytes come from base/canon.h. A misuse (a
 * key in an array, a close too many, deeper than JSON_DEPTH) is our own bug and asserts. Failure is
 * the buf's, sticky. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/bytes.h"

#define JSON_DEPTH 32

struct json_out {
    struct buf *to;
    unsigned depth;
    uint8_t kind[JSON_DEPTH]; /* '{' or '[' */
    bool more[JSON_DEPTH];    /* a member stands before */
    bool keyed;               /* a key waits for its value */
};

struct json_out json_out(struct buf *to);
void json_object(struct json_out *j);
void json_array(struct json_out *j);
void json_close(struct json_out *j); /* whichever is open */
void json_key(struct json_out *j, const char *key);
void json_string(struct json_out *j, const char *s); /* NULL writes null */
void json_text(struct json_out *j, struct span utf8);
void json_u64(struct json_out *j, uint64_t v);
void json_i64(struct json_out *j, int64_t v);
void json_bool(struct json_out *j, bool v);
void json_null(struct json_out *j);
void json_fixed(struct json_out *j, double v, unsigned places); /* not finite: null */
void json_raw(struct json_out *j, struct span value);           /* one well-formed value */

/* Appends utf8 as a JSON string with its quotes. Minimal: only what RFC 8785 escapes; else also
 * what utf8_control names, so that JSON may be printed. */
void json_escape(struct buf *to, struct span utf8, bool minimal);

#endif
