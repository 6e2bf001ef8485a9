#include "tests/support/store_room.h"
#include "base/files.h"
#include "base/json_write.h"
#include "store/install.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(enum status st, const char *what, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "store room: %s: %s (%s): %s: %s\n", what, status_slug(st), err_code(e),
            e->subject, e->detail);
    abort();
}

struct store_room room_bare(void)
{
    struct store_room r = {.t = temp_make(), .clock = {.fixed = 1767323045, .injected = true}};
    snprintf(r.path, sizeof r.path, "%s/store", r.t.path);
    r.log = temp_key(&r.t, "log");
    return r;
}

enum status room_create(struct store_room *r, struct err *e)
{
    const struct store_birth birth = {
        .log = r->log, .clock = r->clock, .lab = true, .trust = r->trust};
    struct store *s = NULL;
    enum status st = store_create(r->path, &birth, &s, e);
    return st == ST_OK ? store_publish(s, e) : st;
}

void room_reopen(struct store_room *r)
{
    struct err e = ERR_NONE;
    store_close(r->s);
    r->s = NULL;
    must(store_open(r->path, &r->s, &e), r->path, &e);
}

struct store_room room_make(void)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    must(room_create(&r, &e), r.path, &e);
    room_reopen(&r);
    return r;
}

void room_found(struct store_room *r, const struct digest *trust)
{
    struct err e = ERR_NONE;
    store_close(r->s);
    r->s = NULL;
    r->trust = *trust;
    must(folder_remove(r->t.dir, "store", &e), r->path, &e);
    must(room_create(r, &e), r->path, &e);
    room_reopen(r);
}

void room_remove(struct store_room *r)
{
    store_close(r->s);
    r->s = NULL;
    signer_close(r->log);
    temp_remove(&r->t);
}

static enum status commit(struct store_room *r, struct change *c, struct span set,
                          const struct expect *expect, struct err *e)
{
    uint64_t seq = 0;
    const struct change_entry entry = {.type = "test",
                                       .set = set,
                                       .expects = expect,
                                       .expect_count = expect != NULL,
                                       .clock = r->clock,
                                       .log = r->log};
    return change_commit(c, &entry, &seq, e);
}

enum status room_set(struct store_room *r, const char *key, const char *value,
                     const struct expect *expect, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct json_out j = json_out(&set);
    json_object(&j);
    json_key(&j, key);
    json_string(&j, value);
    json_close(&j);
    enum status st = change_begin(r->s, &c, e);
    return st == ST_OK ? commit(r, c, buf_span(&set), expect, e) : st;
}

static enum status read_span(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct span_source *s = ctx;
    (void)e;
    *got = cap < s->left.n ? cap : s->left.n;
    if (*got > 0)
        memcpy(p, s->left.p, *got);
    s->left = SPAN(s->left.p + *got, s->left.n - *got);
    return ST_OK;
}

struct source source_over(struct span_source *s)
{
    return (struct source){read_span, s};
}

enum status room_add(struct store_room *r, struct span bytes, struct content *out, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    struct span_source from = {bytes};
    char hex[DIGEST_TEXT], set[128];
    enum status st = change_begin(r->s, &c, e);
    if (st == ST_OK)
        st = change_content(c, source_over(&from), NULL, out, e);
    if (st != ST_OK)
        return st;
    digest_text(&out->sha256, hex);
    snprintf(set, sizeof set, "{\"content\":\"%s\"}", hex);
    return commit(r, c, span_text(set), NULL, e);
}

enum status room_document(struct store_room *r, struct span bytes, struct digest *out,
                          struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    enum status st = change_begin(r->s, &c, e);
    if (st == ST_OK)
        st = change_document(c, bytes, out, e);
    return st == ST_OK ? commit(r, c, span_text("{}"), NULL, e) : st;
}

static enum status stage(struct change *c, struct install *i, size_t n, uint64_t seed,
                         struct err *e)
{
    SCOPED(buf_release) struct buf bytes = room_bytes(n, seed);
    struct span_source from = {buf_span(&bytes)};
    struct content got;
    enum status st = change_content(c, source_over(&from), NULL, &got, e);
    if (st == ST_OK)
        buf_append(&i->contents, SPAN(got.sha256.b, DIGEST_BYTES));
    i->bytes += n;
    return st;
}

static void installed_set(const char *artifact, const struct install *i, struct buf *set)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char key[STORE_KEY_MAX];
    struct digest a = digest_of(span_text(artifact));
    struct json_out j = json_out(set);
    install_key(INSTALL_PREFIX, &a, key);
    json_object(&j);
    json_key(&j, key);
    if (i != NULL) {
        install_encode(i, &value);
        json_text(&j, buf_span(&value));
    } else {
        json_null(&j);
    }
    json_close(&j);
}

enum status room_install(struct store_room *r, const char *artifact, size_t contents, size_t n,
                         uint64_t seed, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(install_release) struct install i = {.name = "room"};
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    enum status st = change_begin(r->s, &c, e);
    for (size_t at = 0; st == ST_OK && at < contents; at++)
        st = stage(c, &i, n, seed + at, e);
    installed_set(artifact, &i, &set);
    return st == ST_OK ? commit(r, c, buf_span(&set), NULL, e) : st;
}

enum status room_forget(struct store_room *r, const char *artifact, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    installed_set(artifact, NULL, &set);
    enum status st = change_begin(r->s, &c, e);
    return st == ST_OK ? commit(r, c, buf_span(&set), NULL, e) : st;
}

struct buf room_bytes(size_t n, uint64_t seed)
{
    struct buf b = BUF_EMPTY;
    uint64_t x = seed * 2 + 1;
    uint8_t *p = buf_space(&b, n);
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)(x >> 32);
    }
    return b;
}

enum status room_reads(struct store_room *r, const struct digest *content, struct span bytes,
                       struct err *e)
{
    SCOPED(buf_release) struct buf got = BUF_EMPTY;
    enum status st = store_content_read(r->s, content, sink_buf(&got), NULL, e);
    if (st == ST_OK && !span_equal(buf_span(&got), bytes))
        st = err_set(e, ST_MISMATCH, "wrong-bytes", "the content read back differs");
    return st;
}

void room_newest_pack(struct store_room *r, char path[256])
{
    char whole[512];
    unsigned n = 1;
    for (;; n++) {
        snprintf(whole, sizeof whole, "%s/store/packs/%016x.pack", r->t.path, n + 1);
        if (access(whole, R_OK) != 0)
            break;
    }
    snprintf(path, 256, "store/packs/%016x.pack", n);
}

void room_spoil(struct store_room *r, const char *path)
{
    SCOPED(buf_release) struct buf pack = BUF_EMPTY;
    temp_read(&r->t, path, &pack);
    pack.p[16 + 64 + 20] ^= 1; /* behind the heads of pack and record */
    temp_write(&r->t, path, buf_span(&pack));
}
