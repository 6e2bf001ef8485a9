/* Lists: the same rows as a table for people, or as an array in a JSON answer. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include "cli/print.h"

struct listing {
    struct cli *c;
    struct json_out *j; /* --json: a row is an object written to it. NULL: cells of the table */
    struct table table;
    void *with;             /* what else a callback needs that gets the listing */
    struct json_out answer; /* what j points to */
    bool rows;              /* an array is open */
};

struct listing listing_of(struct cli *c, size_t columns);
void listing_release(struct listing *l);
/* The following do nothing where the rows go into a table, but the last, which puts it. */

/* Begins the answer; members may be written to l->j. *l stays where it is from now on. */
void listing_open(struct listing *l, const char *schema);
/* The rows that follow are the array `key`. */
void listing_rows(struct listing *l, const char *key);
/* Ends them; members may be written again. */
void listing_end(struct listing *l);
void listing_close(struct listing *l);

#endif
