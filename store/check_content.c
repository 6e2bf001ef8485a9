/* Recipes and contents. */
#include "base/text.h"
#include "store/check_inside.h"
#include <stdlib.h>
#include <string.h>

static void content_object(const struct digest *content, char out[96])
{
    char hex[DIGEST_TEXT];
    digest_text(content, hex);
    text_fmt(out, 96, "content sha256:%s", hex);
}

/* -- all recipes ---------------------------------------------------------------------------------
 */

static enum status check_chunk(struct check *c, struct index_view *v,
                               const struct recipe_entry *entry, uint64_t position, struct err *e)
{
    struct pack_location at;
    bool found = false;
    enum status st = catalog_find(v, PACK_CHUNK, &entry->digest, &found, &at, e);
    if (st != ST_OK)
        return st;
    if (!found || at.length != entry->length)
        return err_at(e, ST_CORRUPT, "recipe", "chunk-missing", position,
                      "the chunk at this offset of the content is in no pack");
    if (check_remembers(c, &entry->digest))
        return err_at(e, ST_CORRUPT, "recipe", "content-damaged", position,
                      "the chunk at this offset of the content is damaged; adding the content "
                      "again heals it");
    return ST_OK;
}

/* Tells the first defect of a recipe. */
static enum status check_recipe(struct check *c, struct index_view *v, const struct digest *content,
                                struct err *e)
{
    SCOPED(content_plan_close) struct content_plan p = {0};
    enum status st = content_plan_open(&p, c->s, content, e);
    for (bool more = true; st == ST_OK && more;) {
        struct recipe_entry entry;
        uint64_t position = 0;
        st = recipe_next(&p.recipe, &entry, &position, &more, e);
        if (st == ST_OK && more)
            st = check_chunk(c, v, &entry, position, e);
    }
    return st;
}

/* Others may have swept, added and moved since the check began: what looks wrong is looked at again
 * as it is now. Of a content that nobody needs any more, parts may be gone. */
#define LOOKS 4

static enum status look_again(struct check *c, const struct digest *content, enum status st,
                              struct err *why, struct err *e)
{
    for (unsigned i = 0; st != ST_OK && check_is_damage(st) && i < LOOKS; i++) {
        SCOPED(index_view_scope) struct index_view *v = NULL;
        struct digest root;
        uint64_t bytes = 0;
        uint32_t refs = 0;
        enum status asked = index_view_open(c->s->index, &v, e);
        if (asked == ST_OK)
            asked = catalog_needed(v, content, &root, &bytes, &refs, e);
        if (asked != ST_OK)
            return asked;
        bool parts = text_equal(err_code(why), "chunk-missing") ||
                     text_equal(err_code(why), "recipe") || text_equal(err_code(why), "no-content");
        if (refs == 0 && parts)
            return ST_OK;
        *why = ERR_NONE;
        st = check_recipe(c, v, content, why);
    }
    return st;
}

/* Tells what is wrong with it, if anything. */
static enum status tell_recipe(struct check *c, const struct digest *content, struct err *e)
{
    char object[96];
    struct err why = ERR_NONE, broken = ERR_NONE;
    content_object(content, object);
    enum status st = check_recipe(c, c->v, content, &why);
    if (st != ST_OK)
        st = look_again(c, content, st, &why, &broken);
    if (broken.status != ST_OK) {
        *e = broken;
        return e->status;
    }
    return check_absorb(c, st, &why, object, content, e);
}

/* Chunks are looked up many together, in the index's order. A content in which something is not as
 * it ought to be is then checked by itself. */
struct recipes {
    struct check *c;
    struct buf contents; /* struct listed each */
    struct buf chunks;   /* struct asked each, not looked up yet */
};

struct listed {
    struct digest content;
    bool doubtful;
};

struct asked {
    struct recipe_entry entry;
    uint32_t of; /* which content's */
};

static void recipes_release(struct recipes *r)
{
    buf_release(&r->contents);
    buf_release(&r->chunks);
}

static int by_digest(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    return memcmp(&x->entry.digest, &y->entry.digest, sizeof x->entry.digest);
}

static struct listed *listed_at(const struct recipes *r, size_t i)
{
    return (struct listed *)(void *)r->contents.p + i;
}

/* Damage is a doubt. */
static enum status doubt(struct recipes *r, uint32_t content, enum status st, const struct err *why,
                         struct err *e)
{
    if (st == ST_OK)
        return st;
    if (check_is_damage(st)) {
        listed_at(r, content)->doubtful = true;
        return ST_OK;
    }
    *e = *why;
    return st;
}

static enum status look_up(struct recipes *r, struct err *e)
{
    struct asked *all = (void *)r->chunks.p;
    const size_t n = r->chunks.n / sizeof *all;
    enum status st = ST_OK;
    if (n > 0)
        qsort(all, n, sizeof *all, by_digest);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        struct err why = ERR_NONE;
        if (listed_at(r, all[i].of)->doubtful)
            continue;
        st = check_chunk(r->c, r->c->v, &all[i].entry, 0, &why);
        st = doubt(r, all[i].of, st, &why, e);
    }
    r->chunks.n = 0;
    return st;
}

static enum status ask(struct recipes *r, const struct asked *chunk, struct err *e)
{
    buf_append(&r->chunks, SPAN(chunk, sizeof *chunk));
    if (buf_status(&r->chunks) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "checking recipes");
    return r->chunks.n < CHECK_TOGETHER * sizeof *chunk ? ST_OK : look_up(r, e);
}

static enum status ask_all(struct recipes *r, const struct digest *content, struct err *e)
{
    SCOPED(content_plan_close) struct content_plan p = {0};
    const struct listed one = {.content = *content};
    struct asked chunk = {.of = (uint32_t)(r->contents.n / sizeof one)};
    struct err why = ERR_NONE;
    buf_append(&r->contents, SPAN(&one, sizeof one));
    if (buf_status(&r->contents) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "checking recipes");
    enum status st = content_plan_open(&p, r->c->s, content, &why);
    for (bool more = true; st == ST_OK && more;) {
        uint64_t position = 0;
        st = recipe_next(&p.recipe, &chunk.entry, &position, &more, &why);
        if (st == ST_OK && more)
            st = ask(r, &chunk, &why);
    }
    return doubt(r, chunk.of, st, &why, e);
}

static enum status settle(struct recipes *r, struct err *e)
{
    enum status st = look_up(r, e);
    for (size_t i = 0; st == ST_OK && i < r->contents.n / sizeof(struct listed); i++)
        if (listed_at(r, i)->doubtful)
            st = tell_recipe(r->c, &listed_at(r, i)->content, e);
    r->contents.n = 0;
    return st;
}

static enum status each_recipe(void *ctx, struct span key, struct span record, struct err *e)
{
    struct recipes *r = ctx;
    struct digest content;
    (void)record;
    if (key.n != DIGEST_BYTES)
        return err_set(e, ST_CORRUPT, "index-value", "a key of the recipes is damaged");
    memcpy(content.b, key.p, DIGEST_BYTES);
    enum status st = ask_all(r, &content, e);
    return st == ST_OK && r->contents.n >= CHECK_TOGETHER * sizeof(struct listed) ? settle(r, e)
                                                                                  : st;
}

enum status check_recipes_part(struct check *c, struct err *e)
{
    SCOPED(recipes_release) struct recipes r = {.c = c};
    struct err why = ERR_NONE;
    enum status st = index_view_each(c->v, INDEX_RECIPES, SPAN(NULL, 0), each_recipe, &r, &why);
    st = check_absorb(c, st, &why, "index", NULL, e);
    if (st != ST_OK)
        return st;
    why = ERR_NONE;
    return check_absorb(c, settle(&r, &why), &why, "index", NULL, e);
}

/* -- one content ---------------------------------------------------------------------------------
 */

struct content_check {
    struct check *c;
    struct content_plan plan;
    const char *object;
};

static void content_check_release(struct content_check *k)
{
    content_plan_close(&k->plan);
}

static enum status nowhere(void *ctx, struct span bytes, struct err *e)
{
    struct check_report *r = ctx;
    (void)e;
    r->bytes += bytes.n;
    return ST_OK;
}

/* The content's chunks, the damaged ones named with pack and place in the content. */
static enum status each_chunk(void *ctx, const struct fetch_item *item, const struct err *verdict,
                              struct err *e)
{
    struct content_check *k = ctx;
    char object[160];
    (void)e;
    k->c->report->records++;
    if (verdict == NULL)
        return ST_OK;
    struct err why = *verdict;
    if (why.offset == ERR_NO_OFFSET || why.offset < item->entry.at.offset)
        why.offset = item->entry.at.offset;
    text_fmt(why.detail, sizeof why.detail, "%s (at byte %llu of the content)", verdict->detail,
             (unsigned long long)item->position);
    text_fmt(object, sizeof object, "pack %016llx", (unsigned long long)item->entry.at.pack);
    check_tell(k->c, &why, object, &item->entry.digest);
    return ST_OK;
}

static enum status name_damage(struct content_check *k, const struct digest *content, struct err *e)
{
    struct err why = ERR_NONE;
    content_plan_close(&k->plan);
    enum status st = content_plan_open(&k->plan, k->c->s, content, &why);
    if (st == ST_OK)
        st = fetch_check(k->c->s->packs, content_fetch(&k->plan), each_chunk, k, NULL, &why);
    return check_absorb(k->c, st, &why, k->object, content, e);
}

enum status check_content(struct store *s, const struct digest *content, struct progress *progress,
                          check_found found, void *ctx, struct check_report *out, struct err *e)
{
    SCOPED(check_release) struct check c = {0};
    char object[96];
    content_object(content, object);
    SCOPED(content_check_release) struct content_check k = {.c = &c, .object = object};
    struct digest whole = {0};
    struct err why = ERR_NONE;
    enum status st = check_begin(&c, s, progress, found, ctx, out, e);
    if (st != ST_OK)
        return st;
    st = content_plan_open(&k.plan, s, content, &why);
    if (st == ST_NOT_FOUND) { /* nothing to check is not a finding */
        *e = why;
        return st;
    }
    if (st == ST_OK)
        st = fetch_stream(s->packs, content_fetch(&k.plan), (struct sink){nowhere, out}, progress,
                          &whole, &why);
    if (st == ST_OK && digest_equal(&whole, content)) {
        out->records = k.plan.recipe.seen;
        return ST_OK;
    }
    if (st == ST_OK)
        st = err_set(&why, ST_CORRUPT, "content-hash",
                     "every chunk is sound, but together they are another content");
    else if (check_is_damage(st) && name_damage(&k, content, e) != ST_OK)
        return e->status;
    return out->findings > 0 ? ST_OK : check_absorb(&c, st, &why, object, content, e);
}
