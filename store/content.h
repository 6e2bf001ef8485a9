/* Content inside the store: finding a recipe and turning it into a plan for store/fetch.h. */
#ifndef STORE_CONTENT_H
#define STORE_CONTENT_H

#include "store/fetch.h"
#include "store/store_inside.h"

/* A recipe being walked, each chunk with its place. */
struct content_plan {
    struct store *s;
    struct recipe_reader recipe;
    bool ended;
};

/* ST_NOT_FOUND (code "no-content") when the store has no such content; a recipe whose records are
 * missing is ST_CORRUPT. */
enum status content_plan_open(struct content_plan *p, struct store *s, const struct digest *content,
                              struct err *e) MUST_CHECK;
void content_plan_close(struct content_plan *p);
/* The plan for store/fetch.h. */
struct fetch_plan content_fetch(struct content_plan *p);

/* "content sha256:HEX" as an error's subject. */
enum status content_subject(struct err *e, const struct digest *content);

#endif
