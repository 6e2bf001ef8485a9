#include "store/content.h"
#include "base/text.h"
#include <fcntl.h>

#define DIRECT_LEAST (8u << 20) /* shorter content is written through the page cache */

enum status content_subject(struct err *e, const struct digest *content)
{
    char hex[DIGEST_TEXT];
    digest_text(content, hex);
    return err_subject(e, "content sha256:%s", hex);
}

/* -- single records ------------------------------------------------------------------------------
 */

static enum status find_record(struct store *s, enum pack_kind kind, const struct digest *d,
                               struct pack_location *at, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    bool found = false;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_find(v, kind, d, &found, at, e);
    if (st == ST_OK && !found) {
        char hex[DIGEST_TEXT];
        digest_text(d, hex);
        (void)err_set(e, ST_NOT_FOUND, "no-record", "the store has no such record");
        return err_subject(e, "sha256:%s", hex);
    }
    return st;
}

enum status store_record(struct store *s, enum pack_kind kind, const struct digest *d,
                         struct buf *out, struct err *e)
{
    struct pack_location at = {0};
    enum status st = s->set == NULL ? pack_set_open(s->packs, &s->set, e) : ST_OK;
    for (uint64_t tried = 0; st == ST_OK;) {
        struct err why = ERR_NONE;
        st = find_record(s, kind, d, &at, e);
        if (st != ST_OK)
            return st;
        enum status got = pack_read_buf(s->set, &at, d, out, &why);
        if (got == ST_NOT_FOUND && at.pack != tried) { /* a sweep moved it meanwhile? */
            tried = at.pack;
            continue;
        }
        if (got != ST_OK)
            *e = why;
        return got;
    }
    return st;
}

enum status store_document(struct store *s, const struct digest *d, struct buf *out, struct err *e)
{
    return store_record(s, PACK_DOCUMENT, d, out, e);
}

/* -- plans ---------------------------------------------------------------------------------------
 */

static enum status load(void *ctx, enum pack_kind kind, const struct digest *d, struct buf *out,
                        struct err *e)
{
    struct store *s = ctx;
    struct err why = ERR_NONE;
    enum status st = store_record(s, kind, d, out, &why);
    if (st == ST_NOT_FOUND)
        return err_at(e, ST_CORRUPT, "recipe", "recipe", ERR_NO_OFFSET,
                      "a part of the recipe is missing: %s", why.detail);
    if (st != ST_OK)
        *e = why;
    return st;
}

static enum status find_recipe(struct store *s, const struct digest *content, struct digest *root,
                               uint64_t *bytes, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    bool found = false;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_recipe(v, content, &found, root, bytes, e);
    if (st == ST_OK && !found)
        st = err_set(e, ST_NOT_FOUND, "no-content", "the store has no such content");
    return st;
}

enum status content_plan_open(struct content_plan *p, struct store *s, const struct digest *content,
                              struct err *e)
{
    struct digest root;
    uint64_t bytes = 0;
    *p = (struct content_plan){.s = s};
    enum status st = find_recipe(s, content, &root, &bytes, e);
    if (st == ST_OK)
        st = recipe_open(&p->recipe, (struct recipe_loader){load, s}, &root, content, e);
    return st == ST_OK ? st : content_subject(e, content);
}

void content_plan_close(struct content_plan *p)
{
    recipe_close(&p->recipe);
}

static enum status plan_next(void *plan, struct fetch_item *items, size_t cap, size_t *got,
                             struct err *e)
{
    struct content_plan *p = plan;
    SCOPED(index_view_scope) struct index_view *v = NULL;
    *got = 0;
    enum status st = p->ended ? ST_OK : index_view_open(p->s->index, &v, e);
    while (st == ST_OK && !p->ended && *got < cap) {
        struct fetch_item *item = &items[*got];
        struct recipe_entry entry;
        bool more = false, found = false;
        st = recipe_next(&p->recipe, &entry, &item->position, &more, e);
        p->ended = !more;
        if (st != ST_OK || !more)
            break;
        item->entry.digest = entry.digest;
        st = catalog_find(v, PACK_CHUNK, &entry.digest, &found, &item->entry.at, e);
        if (st == ST_OK && (!found || item->entry.at.length != entry.length))
            st = err_at(e, ST_CORRUPT, "recipe", "chunk-missing", item->position,
                        found ? "a chunk has another length than the recipe says"
                              : "a chunk of the recipe is in no pack");
        if (st == ST_OK)
            ++*got;
    }
    return st;
}

/* On any thread: a view of its own. */
static enum status relocate(void *plan, struct pack_entry *entry, bool *moved, struct err *e)
{
    struct content_plan *p = plan;
    SCOPED(index_view_scope) struct index_view *v = NULL;
    const uint64_t was = entry->at.pack;
    bool found = false;
    enum status st = index_view_open(p->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_find(v, PACK_CHUNK, &entry->digest, &found, &entry->at, e);
    *moved = found && entry->at.pack != was;
    return st;
}

struct fetch_plan content_fetch(struct content_plan *p)
{
    return (struct fetch_plan){.next = plan_next, .ctx = p, .relocate = relocate};
}

/* -- reading -------------------------------------------------------------------------------------
 */

enum status store_content_size(struct store *s, const struct digest *content, uint64_t *bytes,
                               struct err *e)
{
    struct digest root;
    enum status st = find_recipe(s, content, &root, bytes, e);
    return st == ST_OK ? st : content_subject(e, content);
}

static enum status compare_whole(enum status st, const struct digest *whole,
                                 const struct digest *content, struct err *e)
{
    if (st == ST_OK && !digest_equal(whole, content))
        st = err_set(e, ST_CORRUPT, "content-hash",
                     "every chunk is sound, but together they are another content");
    return st == ST_OK ? st : content_subject(e, content);
}

enum status store_content_read(struct store *s, const struct digest *content, struct sink to,
                               struct progress *progress, struct err *e)
{
    SCOPED(content_plan_close) struct content_plan p = {0};
    struct digest whole = {0};
    enum status st = content_plan_open(&p, s, content, e);
    if (st == ST_OK)
        st = fetch_stream(s->packs, content_fetch(&p), to, progress, &whole, e);
    return compare_whole(st, &whole, content, e);
}

static enum status write_to(struct store *s, const struct digest *content, struct fetch_target to,
                            struct progress *progress, struct err *e)
{
    SCOPED(content_plan_close) struct content_plan p = {0};
    struct digest whole = {0};
    enum status st = content_plan_open(&p, s, content, e);
    if (st == ST_OK)
        st = fetch_file(s->packs, content_fetch(&p), to, progress, &whole, e);
    return compare_whole(st, &whole, content, e);
}

enum status store_content_write(struct store *s, const struct digest *content, int fd,
                                struct progress *progress, struct err *e)
{
    SCOPED(fd_release) int direct = -1;
    uint64_t bytes = 0;
    enum status st = store_content_size(s, content, &bytes, e);
    if (st == ST_OK)
        st = io_reserve(fd, bytes, e);
    if (st == ST_OK && bytes >= DIRECT_LEAST) {
        /* At its full length at once, for a direct write that makes a file longer waits for all
         * others. */
        st = io_truncate(fd, bytes, e);
        direct = io_open_direct(fd);
    }
    if (st != ST_OK)
        return content_subject(e, content);
    return write_to(s, content, (struct fetch_target){fd, direct}, progress, e);
}

enum status store_content_memory(struct store *s, const struct digest *content, int *fd,
                                 struct err *e)
{
    SCOPED(fd_release) int memory = -1;
    enum status st = memory_file("content", &memory, e);
    if (st == ST_OK)
        st = write_to(s, content, (struct fetch_target){memory, -1}, NULL, e);
    if (st == ST_OK)
        st = memory_seal(memory, e);
    if (st == ST_OK)
        *fd = fd_take(&memory);
    return st;
}
