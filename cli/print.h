/* What answers are made of: JSON members, aligned text, hex, sizes. Foreign text goes in through
 * put_foreign (for people) or the JSON writer, never otherwise. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/json.h"
#include "base/json_write.h"
#include "cli/cli.h"

/* {"schema": SCHEMA, … — closed with answer_close, which ends the line. */
struct json_out answer_open(struct cli *c, const char *schema);
void answer_close(struct cli *c, struct json_out *j);

void member_text(struct json_out *j, const char *key, const char *value); /* NULL: null */
void member_u64(struct json_out *j, const char *key, uint64_t value);
void member_bool(struct json_out *j, const char *key, bool value);
void member_digest(struct json_out *j, const char *key,
                   const struct digest *d);                               /* all zero: null */
void member_offset(struct json_out *j, const char *key, uint64_t offset); /* ERR_NO_OFFSET: null */
/* A parsed value, as it is. */
void member_json(struct json_out *j, const char *key, const struct json *v);
void value_json(struct json_out *j, const struct json *v);

void put_foreign(struct buf *out, const char *s); /* escaped, on one line */
void put_size(struct buf *out, uint64_t bytes);   /* "17.1 MB" with the exact count left out */
void put_short(struct buf *out, const struct digest *d); /* the first 12 hex digits */
void put_full(struct buf *out, const struct digest *d);
/* "label      value\n": the label in a column of twelve. */
void put_field(struct buf *out, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* 16 bytes a line with offsets and printable letters; the byte at `mark` is pointed at. */
void put_hex(struct buf *out, struct span bytes, uint64_t from, uint64_t mark);

/* A table: cells are appended row by row and aligned when it is put. The last column is not padded.
 */
#define TABLE_COLUMNS 8
struct table {
    size_t columns, cell;
    size_t width[TABLE_COLUMNS];
    struct buf text; /* the cells, each with a NUL at its end */
};
struct table table_of(size_t columns);
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_put(const struct table *t, struct buf *out);
void table_release(struct table *t);

#endif
