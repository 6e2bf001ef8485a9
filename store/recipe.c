#include "store/recipe.h"
#include "base/checked.h"
#include "base/cursor.h"
#include <assert.h>
#include <string.h>

#define PAGE_MAGIC 0x31475052u /* "RPG1" */
#define ROOT_MAGIC 0x31545252u /* "RRT1" */
#define PAGE_HEAD  8u
#define ROOT_HEAD  56u
#define ENTRY      36u
#define REF        40u

static enum status damaged(struct err *e, uint64_t at, const char *what)
{
    return err_at(e, ST_CORRUPT, "recipe", "recipe", at, "%s", what);
}

static void append_u32(struct buf *b, uint32_t v)
{
    uint8_t *p = buf_space(b, 4);
    if (p != NULL)
        put_le32(p, v);
}

static void append_u64(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_space(b, 8);
    if (p != NULL)
        put_le64(p, v);
}

static void append_digest(struct buf *b, const struct digest *d)
{
    buf_append(b, SPAN(d->b, DIGEST_BYTES));
}

static struct digest digest_at(const uint8_t *p)
{
    struct digest d;
    memcpy(d.b, p, DIGEST_BYTES);
    return d;
}

/* -- pages ---------------------------------------------------------------------------------------
 */

void recipe_page_begin(struct buf *page)
{
    page->n = 0;
    append_u32(page, PAGE_MAGIC);
    append_u32(page, 0);
}

void recipe_page_add(struct buf *page, const struct recipe_entry *entry)
{
    append_digest(page, &entry->digest);
    append_u32(page, entry->length);
    if (page->failed)
        return;
    uint32_t count = recipe_page_count(page) + 1;
    assert(count <= RECIPE_PAGE_ENTRIES);
    put_le32(page->p + 4, count);
}

uint32_t recipe_page_count(const struct buf *page)
{
    return page->n < PAGE_HEAD ? 0 : get_le32(page->p + 4);
}

enum status recipe_page_decode(struct span page, uint32_t *entries, uint64_t *bytes, struct err *e)
{
    struct cursor c = cursor_over(page);
    uint32_t magic = cursor_u32(&c), count = cursor_u32(&c);
    if (c.failed || magic != PAGE_MAGIC)
        return damaged(e, 0, "this is no page of a recipe");
    if (count == 0 || count > RECIPE_PAGE_ENTRIES || cursor_left(&c) != (size_t)count * ENTRY)
        return damaged(e, 4, "the page's number of entries is wrong");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = get_le32(page.p + PAGE_HEAD + (size_t)i * ENTRY + DIGEST_BYTES);
        if (length == 0 || length > CODEC_LENGTH_MAX)
            return damaged(e, PAGE_HEAD + (uint64_t)i * ENTRY, "a chunk's length is out of range");
        sum += length; /* at most 8192 × 64 MiB */
    }
    *entries = count;
    *bytes = sum;
    return ST_OK;
}

struct recipe_entry recipe_page_entry(struct span page, uint32_t i)
{
    const uint8_t *p = page.p + PAGE_HEAD + (size_t)i * ENTRY;
    assert(PAGE_HEAD + ((size_t)i + 1) * ENTRY <= page.n);
    return (struct recipe_entry){.digest = digest_at(p), .length = get_le32(p + DIGEST_BYTES)};
}

/* -- roots ---------------------------------------------------------------------------------------
 */

void recipe_ref_add(struct buf *refs, const struct digest *page, uint64_t bytes)
{
    append_digest(refs, page);
    append_u64(refs, bytes);
}

void recipe_root_encode(const struct recipe_root *root, struct buf *out)
{
    assert(root->refs.n == (size_t)root->pages * REF && root->pages <= RECIPE_PAGES_MAX);
    append_u32(out, ROOT_MAGIC);
    append_u32(out, root->pages);
    append_digest(out, &root->content);
    append_u64(out, root->bytes);
    append_u64(out, root->chunks);
    buf_append(out, root->refs);
}

enum status recipe_root_decode(struct span in, struct recipe_root *out, struct err *e)
{
    struct cursor c = cursor_over(in);
    uint32_t magic = cursor_u32(&c), pages = cursor_u32(&c);
    struct span content = cursor_bytes(&c, DIGEST_BYTES);
    uint64_t bytes = cursor_u64(&c), chunks = cursor_u64(&c);
    if (c.failed || magic != ROOT_MAGIC)
        return damaged(e, 0, "this is no root of a recipe");
    if (pages > RECIPE_PAGES_MAX || cursor_left(&c) != (size_t)pages * REF)
        return damaged(e, 4, "the root's number of pages is wrong");
    *out = (struct recipe_root){.content = digest_at(content.p),
                                .bytes = bytes,
                                .chunks = chunks,
                                .pages = pages,
                                .refs = SPAN(in.p + ROOT_HEAD, (size_t)pages * REF)};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t n = 0;
        (void)recipe_root_page(out, i, &n);
        if (n == 0 || !checked_add(sum, n, &sum))
            return damaged(e, ROOT_HEAD + (uint64_t)i * REF, "a page's byte count is wrong");
    }
    uint64_t full = pages == 0 ? 0 : (uint64_t)(pages - 1) * RECIPE_PAGE_ENTRIES;
    bool fits = pages == 0 ? chunks == 0 : chunks > full && chunks - full <= RECIPE_PAGE_ENTRIES;
    if (sum != bytes || !fits)
        return damaged(e, 40, "the root's totals do not agree with its pages");
    return ST_OK;
}

struct digest recipe_root_page(const struct recipe_root *root, uint32_t i, uint64_t *bytes)
{
    assert(i < root->pages);
    const uint8_t *p = root->refs.p + (size_t)i * REF;
    *bytes = get_le64(p + DIGEST_BYTES);
    return digest_at(p);
}

/* -- walking -------------------------------------------------------------------------------------
 */

enum status recipe_open(struct recipe_reader *r, struct recipe_loader loader,
                        const struct digest *root, const struct digest *content, struct err *e)
{
    *r = (struct recipe_reader){.loader = loader};
    enum status st = loader.load(loader.ctx, PACK_RECIPE_ROOT, root, &r->root_bytes, e);
    if (st == ST_OK)
        st = recipe_root_decode(buf_span(&r->root_bytes), &r->root, e);
    if (st == ST_OK && !digest_equal(&r->root.content, content))
        st = damaged(e, 8, "the root is another content's");
    return st;
}

void recipe_close(struct recipe_reader *r)
{
    buf_release(&r->root_bytes);
    buf_release(&r->page_bytes);
}

static enum status next_page(struct recipe_reader *r, struct err *e)
{
    uint64_t expected = 0, bytes = 0;
    struct digest d = recipe_root_page(&r->root, r->page, &expected);
    r->page_bytes.n = 0;
    enum status st = r->loader.load(r->loader.ctx, PACK_RECIPE_PAGE, &d, &r->page_bytes, e);
    if (st == ST_OK)
        st = recipe_page_decode(buf_span(&r->page_bytes), &r->entries, &bytes, e);
    if (st != ST_OK)
        return st;
    bool last = r->page + 1 == r->root.pages;
    if (bytes != expected || (!last && r->entries != RECIPE_PAGE_ENTRIES))
        return damaged(e, ROOT_HEAD + (uint64_t)r->page * REF, "a page is not what its root says");
    r->entry = 0;
    r->page++;
    return ST_OK;
}

enum status recipe_next(struct recipe_reader *r, struct recipe_entry *out, uint64_t *position,
                        bool *more, struct err *e)
{
    *more = false;
    if (r->entry == r->entries) {
        if (r->page == r->root.pages)
            return r->seen == r->root.chunks
                       ? ST_OK
                       : damaged(e, 48, "the root's number of chunks is wrong");
        enum status st = next_page(r, e);
        if (st != ST_OK)
            return st;
    }
    *out = recipe_page_entry(buf_span(&r->page_bytes), r->entry++);
    *position = r->position;
    r->position += out->length; /* bounded by root.bytes, which did not overflow */
    r->seen++;
    *more = true;
    return ST_OK;
}
