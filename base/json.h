/* A strict, bounded JSON reader (jansson underneath).
 *
 * Refused: duplicate keys, depth over 32, invalid UTF-8, lone surrogates, NUL in strings, anything
 * after the value, and any number that is not an integer within ±(2^53 − 1). The tree is immutable;
 * everything handed out lives as long as the root. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 32

struct json; /* one value of the tree */

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
    JSON_DECIMAL /* from json_parse_decimals only */
};

/* Parses exactly one value of at most `limit` bytes. ST_FORMAT with the byte offset, ST_NO_MEMORY.
 */
enum status json_parse(struct span in, size_t limit, struct json **root, struct err *e) MUST_CHECK;
/* The same, but numbers with a fraction or an exponent are taken as well, if they are finite; for
 * files of others and for measurements. Such a tree has no canonical form. */
enum status json_parse_decimals(struct span in, size_t limit, struct json **root,
                                struct err *e) MUST_CHECK;
void json_free(struct json *root);
SCOPE_OF(json, struct json, json_free)

enum json_kind json_kind(const struct json *v); /* NULL counts as JSON_NULL */
/* Members; each gives NULL when v is not of that kind or has none there. */
const struct json *json_get(const struct json *v, const char *key);
const struct json *json_at(const struct json *v, size_t i);
size_t json_count(const struct json *v); /* array items or object members, else 0 */
/* The i-th member of an object in file order: its key, and its value through *value. */
const char *json_member(const struct json *v, size_t i, const struct json **value);

/* Typed reads of a value that may be NULL. The first returns NULL, the others false, on another
 * kind. */
const char *json_as_string(const struct json *v);
bool json_as_i64(const struct json *v, int64_t *out);
bool json_as_u64(const struct json *v, uint64_t *out);
bool json_as_bool(const struct json *v, bool *out);
bool json_as_double(const struct json *v, double *out); /* of an integer or a decimal */

/* A required member of an object: ST_FORMAT naming `what` and the key when absent or of another
 * kind. */
enum status json_need_string(const struct json *v, const char *what, const char *key,
                             const char **out, struct err *e) MUST_CHECK;
enum status json_need_u64(const struct json *v, const char *what, const char *key, uint64_t *out,
                          struct err *e) MUST_CHECK;

#endif
