/* Recipes: which chunks, in order, make a content. Two levels, so that writing and reading one
 * takes memory for one page whatever the content's size.
 *
 *     root ┌─────────┬───────────┬────────────────┬───────────┬────────────┬──────────────────────┐
 *           │ "RRT1"  │ u32 pages │ 32 content     │ u64 bytes │ u64 chunks │ pages × page ref │
 *           └─────────┴───────────┴────────────────┴───────────┴────────────┴──────────────────────┘
 *           page ref: 32 digest of the page · u64 bytes of content in it
 *     page  ┌─────────┬─────────────┬──────────────────────────────────────┐
 *           │ "RPG1"  │ u32 entries │ entries × (32 digest · u32 length)   │
 *           └─────────┴─────────────┴──────────────────────────────────────┘
 *
 * Numbers are little-endian. Every page but the last is full. A root is kept under its own digest
 * (PACK_RECIPE_ROOT), so a content that claims to be a recipe is still only a chunk. */
#ifndef STORE_RECIPE_H
#define STORE_RECIPE_H

#include "store/pack_format.h"

#define RECIPE_PAGE_ENTRIES 8192u
#define RECIPE_PAGES_MAX    65536u
#define RECIPE_PAGE_MAX     (8u + RECIPE_PAGE_ENTRIES * 36u) /* bytes of an encoded page */

struct recipe_entry {
    struct digest digest;
    uint32_t length; /* 1 … CODEC_LENGTH_MAX */
};

struct recipe_root {
    struct digest content;
    uint64_t bytes, chunks;
    uint32_t pages;
    struct span refs; /* [pages × 40], borrowed from what was decoded */
};

/* Begins a page, adds an entry to it, and says how many it has. */
void recipe_page_begin(struct buf *page);
void recipe_page_add(struct buf *page, const struct recipe_entry *entry);
uint32_t recipe_page_count(const struct buf *page);
/* ST_CORRUPT, code "recipe"; *bytes is the sum of its lengths. */
enum status recipe_page_decode(struct span page, uint32_t *entries, uint64_t *bytes,
                               struct err *e) MUST_CHECK;
/* The i-th entry of a page that was decoded. */
struct recipe_entry recipe_page_entry(struct span page, uint32_t i);

void recipe_ref_add(struct buf *refs, const struct digest *page, uint64_t bytes);
void recipe_root_encode(const struct recipe_root *root, struct buf *out);
enum status recipe_root_decode(struct span in, struct recipe_root *out, struct err *e) MUST_CHECK;
struct digest recipe_root_page(const struct recipe_root *root, uint32_t i, uint64_t *bytes);

/* Walks a recipe entry by entry; `load` brings verified records. */
struct recipe_loader {
    enum status (*load)(void *ctx, enum pack_kind kind, const struct digest *d, struct buf *out,
                        struct err *e);
    void *ctx;
};

struct recipe_reader {
    struct recipe_loader loader;
    struct buf root_bytes, page_bytes;
    struct recipe_root root;
    uint32_t page;           /* next page to load */
    uint32_t entry, entries; /* next entry of the present page, and how many it has */
    uint64_t position;       /* where the next entry's bytes begin */
    uint64_t seen;           /* entries handed out */
};
/* Fails with ST_CORRUPT too when the root is another content's. */
enum status recipe_open(struct recipe_reader *r, struct recipe_loader loader,
                        const struct digest *root, const struct digest *content,
                        struct err *e) MUST_CHECK;
void recipe_close(struct recipe_reader *r);
/* The next entry and its position; *more is false at the end, where all totals agreed. */
enum status recipe_next(struct recipe_reader *r, struct recipe_entry *out, uint64_t *position,
                        bool *more, struct err *e) MUST_CHECK;

#endif
