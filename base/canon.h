/* Canonical JSON: RFC 8785 with integers only (decimals travel as strings, 64-bit values as hex
 * strings). One value has one encoding, so digests and signatures are over these bytes. */
#ifndef BASE_CANON_H
#define BASE_CANON_H

#include "base/json.h"

/* Appends the canonical bytes of v. */
enum status canon_write(const struct json *v, struct buf *out, struct err *e) MUST_CHECK;

/* Canonical bytes of a JSON text (as json_write makes it). ST_FORMAT when it is not strict JSON. */
enum status canon_text(struct span json, struct buf *out, struct err *e) MUST_CHECK;

/* Parses `in` and refuses it (ST_FORMAT, code "not-canonical") unless it is its own canonical form.
 */
enum status canon_parse(struct span in, size_t limit, struct json **root, struct err *e) MUST_CHECK;

#endif
