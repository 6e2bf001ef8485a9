/* A recipe being written while its chunks go by. Full pages wait in an unnamed-to-be staging file,
 * so memory does not grow with the content; they become records when the stream has ended. */
#ifndef STORE_RECIPE_WRITER_H
#define STORE_RECIPE_WRITER_H

#include "base/pending.h"
#include "store/ingest.h"
#include "store/recipe.h"

struct recipe_writer {
    int staging;          /* borrowed folder */
    struct pending spill; /* full pages, one after the other */
    struct buf checks;    /* u64 hash64 of each page in it */
    struct buf page;      /* the page being filled */
    uint32_t spilled;     /* pages in the file */
    uint64_t bytes, chunks;
};

void recipe_writer_begin(struct recipe_writer *w, int staging);
void recipe_writer_release(struct recipe_writer *w);
enum status recipe_writer_add(struct recipe_writer *w, const struct digest *d, uint32_t length,
                              struct err *e) MUST_CHECK;
/* Makes records of pages and root. */
enum status recipe_writer_end(struct recipe_writer *w, struct ingest *g,
                              const struct digest *content, struct digest *root,
                              struct err *e) MUST_CHECK;

#endif
