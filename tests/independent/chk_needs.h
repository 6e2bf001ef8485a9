/* The tables of the index, made from packs and ledger: places of records, how many installed
 * recipes need each, what of a pack is needed, and the mark's sums (store/catalog.h,
 * store/needs.h). */
#ifndef TESTS_INDEPENDENT_CHK_NEEDS_H
#define TESTS_INDEPENDENT_CHK_NEEDS_H

#include "tests/independent/chk.h"

struct chk_needs {
    struct chk_map refs, content_refs, live, names; /* while counting: u64 each, names two */
    struct chk_map chunks, records, packs, recipes, meta;
};

/* dropped: packs (u64 little-endian) that are forgotten already, each with its bytes. */
bool chk_needs(struct chk *c, const struct chk_map *dropped, struct chk_needs *out);
void chk_needs_free(struct chk_needs *n);

#endif
