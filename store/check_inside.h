/* What the parts of a check share. Not for the floors above.
 *
 * A check looks at one moment of the index and proves it against packs and ledger in both
 * directions without holding either in memory: each record and each key is looked up (it must be
 * there, or be replaced by a later one), and the number of exact matches must be the number of
 * entries. */
#ifndef STORE_CHECK_INSIDE_H
#define STORE_CHECK_INSIDE_H

#include "store/check.h"
#include "store/content.h"

#define CHECK_DAMAGED_MAX \
    65536u /* damaged chunks remembered, to name the contents that need them */
/* Looked up in one pass, in the index's order, so that each of its pages is met once a pass. At
 * most 20 MiB of records, or 16 of chunks and as much of their contents. */
#define CHECK_TOGETHER 262144u

struct check {
    struct store *s;
    struct index_view *v;
    struct catalog_mark mark;
    struct progress *progress;
    check_found found;
    void *ctx;
    struct check_report *report;
    bool headers_only;              /* contents are not read */
    struct buf damaged;             /* struct digest each, of chunks */
    const struct log_head *against; /* NULL: none */
};

enum status check_begin(struct check *c, struct store *s, struct progress *progress,
                        check_found found, void *ctx, struct check_report *out,
                        struct err *e) MUST_CHECK;
void check_release(struct check *c);

/* Tells a finding; code and detail as in err.h, d NULL for none. */
void check_tell(struct check *c, const struct err *why, const char *object, const struct digest *d);
/* A failure while checking: damage becomes a finding and ST_OK, anything else is passed on through
 * e. */
enum status check_absorb(struct check *c, enum status st, const struct err *why, const char *object,
                         const struct digest *d, struct err *e) MUST_CHECK;
bool check_is_damage(enum status st);
bool check_remembers(const struct check *c, const struct digest *chunk);

enum status check_format_part(struct check *c, struct err *e) MUST_CHECK;
enum status check_ledger_part(struct check *c, struct err *e) MUST_CHECK;
enum status check_packs_part(struct check *c, struct err *e) MUST_CHECK;
enum status check_recipes_part(struct check *c, struct err *e) MUST_CHECK;
/* What records are needed, counted again from the recipes of what is installed. */
enum status check_needs_part(struct check *c, struct err *e) MUST_CHECK;
/* Files that are none of ours: told, never touched. */
enum status check_foreign_part(struct check *c, struct err *e) MUST_CHECK;
enum status check_quarantine_part(struct check *c, struct err *e) MUST_CHECK;

#endif
