#include "verify/web_asset.h"
#include "base/base64.h"
#include "base/ensure.h"
#include "base/text.h"
#include <string.h>

#define PAGE_NAME   "index.html"
#define MARK_BUNDLE "@BUNDLE@"
#define MARK_SRI    "@SRI " /* "@SRI page.js@" */

size_t web_bundle_find(const struct web_bundle *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (text_equal(web_files[i].name, name))
            return i;
    return b->count;
}

const char *web_type(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
        {".wasm", "application/wasm"},         {".json", "application/json"}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (text_equal(dot, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}

/* "sha256-…", as the attribute integrity wants it. */
static void put_integrity(struct buf *out, const struct digest *d)
{
    buf_text(out, "sha256-");
    base64_encode(out, SPAN(d->b, DIGEST_BYTES));
}

/* Puts what a mark stands for; returns the mark's length. */
static size_t put_mark(struct web_bundle *b, const char *at, const char *hex)
{
    char name[64];
    if (strncmp(at, MARK_BUNDLE, strlen(MARK_BUNDLE)) == 0) {
        buf_text(&b->page, hex);
        return strlen(MARK_BUNDLE);
    }
    size_t n = strcspn(at + strlen(MARK_SRI), "@");
    text_fmt(name, sizeof name, "%.*s", (int)n, at + strlen(MARK_SRI));
    size_t i = web_bundle_find(b, name);
    ENSURE(i < b->count); /* our own page names a file that is not there */
    put_integrity(&b->page, &b->file[i]);
    return strlen(MARK_SRI) + n + 1;
}

static bool is_mark(const char *at)
{
    return strncmp(at, MARK_BUNDLE, strlen(MARK_BUNDLE)) == 0 ||
           strncmp(at, MARK_SRI, strlen(MARK_SRI)) == 0;
}

static enum status render(struct web_bundle *b, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    char hex[DIGEST_TEXT];
    size_t page = web_bundle_find(b, PAGE_NAME);
    ENSURE(page < b->count);
    digest_text(&b->digest, hex);
    buf_append(&text, SPAN(web_files[page].bytes, web_files[page].n));
    buf_byte(&text, 0);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the page");
    for (const char *at = (const char *)text.p; *at != '\0';) {
        if (is_mark(at)) {
            at += put_mark(b, at, hex);
        } else {
            buf_byte(&b->page, (uint8_t)*at);
            at++;
        }
    }
    if (buf_status(&b->page) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the page");
    b->page_digest = digest_of(buf_span(&b->page));
    return ST_OK;
}

enum status web_bundle_make(struct web_bundle *out, struct err *e)
{
    SCOPED(buf_release) struct buf listing = BUF_EMPTY;
    char hex[DIGEST_TEXT];
    *out = (struct web_bundle){.count = 0};
    for (; web_files[out->count].name != NULL; out->count++) {
        const struct web_file *f = &web_files[out->count];
        ENSURE(out->count < WEB_FILES_MAX);
        out->file[out->count] = digest_of(SPAN(f->bytes, f->n));
        digest_text(&out->file[out->count], hex);
        buf_fmt(&listing, "%s  %s\n", hex, f->name);
    }
    if (buf_status(&listing) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the page's parts");
    out->digest = digest_of(buf_span(&listing));
    return render(out, e);
}

void web_bundle_release(struct web_bundle *b)
{
    buf_release(&b->page);
}

enum status web_bundle_answer(const struct web_bundle *b, const char *path, struct web_answer *out,
                              struct err *e)
{
    char hex[DIGEST_TEXT];
    size_t n = strlen(path);
    digest_text(&b->digest, hex);
    if (text_equal(path, "/")) {
        out->type = web_type(PAGE_NAME);
        out->bytes = buf_span(&b->page);
        out->lasting = true;
        out->digest = b->page_digest;
        return ST_OK;
    }
    if (strncmp(path, "/web/", 5) != 0 || n < 5 + DIGEST_TEXT || path[4 + DIGEST_TEXT] != '/')
        return err_set(e, ST_NOT_FOUND, "no-page", "there is nothing here");
    if (memcmp(path + 5, hex, DIGEST_TEXT - 1) != 0)
        return err_set(e, ST_NOT_FOUND, "stale-page",
                       "this belongs to the page of another program; reload the page");
    size_t i = web_bundle_find(b, path + 5 + DIGEST_TEXT);
    if (i == b->count)
        return err_set(e, ST_NOT_FOUND, "no-page", "the page has no such part");
    out->type = web_type(web_files[i].name);
    out->bytes = SPAN(web_files[i].bytes, web_files[i].n);
    out->lasting = true;
    out->digest = b->file[i];
    out->immutable = true;
    return ST_OK;
}
