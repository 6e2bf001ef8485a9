#include "store/recipe_writer.h"
#include "base/hash64.h"

#define FULL_PAGE RECIPE_PAGE_MAX

void recipe_writer_begin(struct recipe_writer *w, int staging)
{
    *w = (struct recipe_writer){.staging = staging, .spill = PENDING_NONE};
    recipe_page_begin(&w->page);
}

void recipe_writer_release(struct recipe_writer *w)
{
    pending_release(&w->spill);
    buf_release(&w->checks);
    buf_release(&w->page);
}

static enum status spill_page(struct recipe_writer *w, struct err *e)
{
    if (w->spilled + 1 >= RECIPE_PAGES_MAX)
        return err_set(e, ST_INVALID_LENGTH, "recipe-length", "the content has too many chunks");
    enum status st = w->spilled == 0 ? pending_open(w->staging, 0600, &w->spill, e) : ST_OK;
    if (st == ST_OK)
        st = io_write_at(w->spill.fd, buf_span(&w->page), (uint64_t)w->spilled * FULL_PAGE, e);
    uint8_t *check = st == ST_OK ? buf_space(&w->checks, 8) : NULL;
    if (st != ST_OK)
        return st;
    if (check == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "writing a recipe");
    put_le64(check, hash64(buf_span(&w->page), w->spilled));
    w->spilled++;
    recipe_page_begin(&w->page);
    return ST_OK;
}

enum status recipe_writer_add(struct recipe_writer *w, const struct digest *d, uint32_t length,
                              struct err *e)
{
    if (recipe_page_count(&w->page) == RECIPE_PAGE_ENTRIES) {
        enum status st = spill_page(w, e);
        if (st != ST_OK)
            return st;
    }
    const struct recipe_entry entry = {.digest = *d, .length = length};
    recipe_page_add(&w->page, &entry);
    w->bytes += length;
    w->chunks++;
    enum status st = buf_status(&w->page);
    return st == ST_OK ? st : err_set(e, st, NULL, "writing a recipe");
}

/* A page becomes a record, and the root gets a reference to it. */
static enum status keep_page(struct ingest *g, struct span page, struct buf *refs, struct err *e)
{
    struct digest d;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    enum status st = recipe_page_decode(page, &entries, &bytes, e);
    if (st == ST_OK)
        st = ingest_record(g, PACK_RECIPE_PAGE, page, &d, e);
    if (st == ST_OK)
        recipe_ref_add(refs, &d, bytes);
    return st;
}

static enum status keep_spilled(struct recipe_writer *w, struct ingest *g, struct buf *refs,
                                struct err *e)
{
    SCOPED(buf_release) struct buf page = BUF_EMPTY;
    uint8_t *p = w->spilled > 0 ? buf_space(&page, FULL_PAGE) : NULL;
    if (w->spilled > 0 && p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "writing a recipe");
    enum status st = ST_OK;
    for (uint32_t i = 0; i < w->spilled && st == ST_OK; i++) {
        st = io_read_at(w->spill.fd, p, FULL_PAGE, (uint64_t)i * FULL_PAGE, e);
        if (st == ST_OK && hash64(buf_span(&page), i) != get_le64(w->checks.p + (size_t)i * 8))
            st = err_set(e, ST_CORRUPT, "staging", "a staged page of the recipe changed on disk");
        if (st == ST_OK)
            st = keep_page(g, buf_span(&page), refs, e);
    }
    return st;
}

enum status recipe_writer_end(struct recipe_writer *w, struct ingest *g,
                              const struct digest *content, struct digest *root, struct err *e)
{
    SCOPED(buf_release) struct buf refs = BUF_EMPTY;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    bool last = recipe_page_count(&w->page) > 0;
    enum status st = keep_spilled(w, g, &refs, e);
    if (st == ST_OK && last)
        st = keep_page(g, buf_span(&w->page), &refs, e);
    if (st == ST_OK && buf_status(&refs) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "writing a recipe");
    if (st != ST_OK)
        return st;
    const struct recipe_root r = {.content = *content,
                                  .bytes = w->bytes,
                                  .chunks = w->chunks,
                                  .pages = w->spilled + (last ? 1 : 0),
                                  .refs = buf_span(&refs)};
    recipe_root_encode(&r, &bytes);
    if (buf_status(&bytes) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "writing a recipe");
    return ingest_record(g, PACK_RECIPE_ROOT, buf_span(&bytes), root, e);
}
