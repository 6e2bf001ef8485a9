#include "store/quarantine.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/change_inside.h"
#include "store/quarantine_facts.h"
#include "store/quarantine_pack.h"
#include "store/seat.h"
#include <fcntl.h>
#include <string.h>

#define BLOCK (64u << 10)

/* -- putting -------------------------------------------------------------------------------------
 */

struct put {
    struct store *s;
    struct pending bytes;
    struct quarantine_facts *facts;
    struct buf set, body; /* of the entry */
};

static void put_release(struct put *p)
{
    pending_release(&p->bytes);
    buf_release(&p->set);
    buf_release(&p->body);
}

/* A file that no key names is left over from a writer who died before its entry. */
static enum status sweep_one(void *ctx, const char *name, struct err *e)
{
    struct store *s = ctx;
    char key[sizeof QUARANTINE_PREFIX + 64];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct err why = ERR_NONE;
    if (!quarantine_id_valid(name))
        return ST_OK;
    text_fmt(key, sizeof key, QUARANTINE_PREFIX "%s", name);
    enum status st = store_get(s, key, &value, &why);
    if (st == ST_OK)
        return st;
    if (st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    return io_unlink(s->quarantine, name, false, e);
}

/* The members of the caller's set, and the facts under quarantine/ID. */
static enum status build_set(struct put *p, struct span given, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf facts = BUF_EMPTY;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char key[sizeof QUARANTINE_PREFIX + 64];
    quarantine_facts_write(p->facts, &facts);
    enum status st = canon_text(buf_span(&facts), &value, e);
    if (st == ST_OK && given.n > 0)
        st = json_parse(given, LEDGER_LINE_MAX, &root, e);
    struct json_out j = json_out(&p->set);
    json_object(&j);
    for (size_t i = 0, n = json_count(root); i < n && st == ST_OK; i++) {
        const struct json *v = NULL;
        json_key(&j, json_member(root, i, &v));
        json_string(&j, json_as_string(v)); /* NULL writes null */
    }
    text_fmt(key, sizeof key, QUARANTINE_PREFIX "%s", p->facts->id);
    json_key(&j, key);
    json_text(&j, buf_span(&value));
    json_close(&j);
    if (st == ST_OK && buf_status(&p->set) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "quarantining");
    return st;
}

static void build_body(struct put *p)
{
    char hex[DIGEST_TEXT];
    digest_text(&p->facts->sha256, hex);
    struct json_out j = json_out(&p->body);
    json_object(&j);
    json_key(&j, "code");
    json_string(&j, p->facts->code);
    json_key(&j, "id");
    json_string(&j, p->facts->id);
    json_key(&j, "name");
    json_string(&j, p->facts->name);
    json_key(&j, "sha256");
    json_string(&j, hex);
    json_close(&j);
}

/* Under the lock, the entry's number known: the bytes get their name before the ledger speaks of
 * it. */
static enum status prepare(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e)
{
    struct put *p = ctx;
    quarantine_id(seq, &p->facts->sha256, p->facts->id);
    time_format(clock_now(&entry->clock), p->facts->time);
    enum status st = folder_each(p->s->quarantine, ".", sweep_one, p->s, e);
    if (st == ST_OK)
        st = build_set(p, entry->set, e);
    if (st != ST_OK)
        return st;
    if (entry->body.n <= 2) { /* none, or {} */
        build_body(p);
        entry->body = buf_span(&p->body);
    }
    entry->set = buf_span(&p->set);
    return pending_publish(&p->bytes, p->facts->id, true, e);
}

/* Whatever is too long for an entry is left out. */
static enum status keep_json(struct span json, struct buf *out, struct err *e)
{
    return json.n == 0 || json.n > QUARANTINE_JSON_MAX ? ST_OK : canon_text(json, out, e);
}

/* Of a path that is too long its end, which holds the name, from a whole character on. */
static const char *end_of(const char *path, size_t cap)
{
    size_t n = strlen(path);
    const char *p = n < cap ? path : path + n - cap + 1;
    while (p > path && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

/* All but digest and length of the bytes that are kept. */
static enum status fill_facts(struct change *c, const struct quarantine_reject *what,
                              struct quarantine_facts *f, struct err *e)
{
    const struct err *why = what->why;
    *f = (struct quarantine_facts){.kind = what->kind, .offset = why->offset};
    text_fmt(f->name, sizeof f->name, "%s", end_of(what->name, sizeof f->name));
    text_fmt(f->stage, sizeof f->stage, "%s", why->stage != NULL ? why->stage : "");
    text_fmt(f->code, sizeof f->code, "%s", err_code(why));
    text_fmt(f->status, sizeof f->status, "%s", status_slug(why->status));
    text_fmt(f->message, sizeof f->message, "%s", why->detail);
    enum status st = keep_json(what->parsed, &f->parsed, e);
    if (st == ST_OK)
        st = keep_json(what->claimed, &f->claimed, e);
    return st == ST_OK && what->inside != NULL
               ? quarantine_inside_of(c, what->inside, f->offset, &f->inside, e)
               : st;
}

/* The bytes are in p->bytes: all that is left to do. */
static enum status settle(struct put *p, struct change *c, const struct change_entry *how,
                          struct quarantine_facts *out, struct err *e)
{
    uint64_t seq = 0;
    enum status st = io_size(p->bytes.fd, &p->facts->bytes, e);
    if (st == ST_OK)
        st = io_sync(p->bytes.fd, e); /* outside the lock; its publish has little left to sync */
    if (st == ST_OK)
        st = change_commit_without(c, how, (struct commit_hook){prepare, p}, &seq, e);
    if (st != ST_OK)
        return st;
    *out = *p->facts;
    p->facts->parsed = p->facts->claimed = BUF_EMPTY;
    return ST_OK;
}

enum status quarantine_put(struct change *c, const struct digest *content,
                           const struct quarantine_reject *what, const struct change_entry *how,
                           struct quarantine_facts *out, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts facts = {0};
    SCOPED(put_release)
    struct put p = {.s = change_store(c), .bytes = PENDING_NONE, .facts = &facts};
    uint64_t bytes = 0;
    enum status st = fill_facts(c, what, &facts, e);
    facts.sha256 = *content;
    if (st == ST_OK)
        st = change_staged(c, content, &bytes, e);
    if (st == ST_OK)
        st = change_reserve(c, bytes, e);
    if (st == ST_OK)
        st = pending_open(p.s->quarantine, 0600, &p.bytes, e);
    if (st == ST_OK)
        st = change_read_back(c, content, sink_fd(&p.bytes.fd), e);
    return st == ST_OK ? settle(&p, c, how, out, e) : st;
}

struct window {
    uint64_t offset; /* of what is wanted */
    uint8_t *p;
    size_t n, got;
};

static void keep(struct window *w, uint64_t at, const uint8_t *block, size_t n)
{
    while (w->got < w->n && w->offset + w->got >= at && w->offset + w->got < at + n) {
        w->p[w->got] = block[w->offset + w->got - at];
        w->got++;
    }
}

static enum status hash_file(int fd, uint64_t size, struct window *w, struct digest *out,
                             struct err *e)
{
    SCOPED(hasher_scope) struct hasher *h = NULL;
    SCOPED(buf_release) struct buf block = BUF_EMPTY;
    uint8_t *p = buf_space(&block, BLOCK);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "reading from quarantine");
    enum status st = hasher_open(&h, e);
    for (uint64_t at = 0; st == ST_OK && at < size;) {
        size_t n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        st = io_read_at(fd, p, n, at, e);
        if (st != ST_OK)
            return st;
        hasher_add(h, SPAN(p, n));
        keep(w, at, p, n);
        at += n;
    }
    if (st == ST_OK)
        *out = hasher_end(h);
    return st;
}

enum status quarantine_put_folder(struct change *c, const struct quarantine_file *files,
                                  size_t count, const struct quarantine_reject *what,
                                  const struct change_entry *how, struct quarantine_facts *out,
                                  struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts facts = {0};
    SCOPED(put_release)
    struct put p = {.s = change_store(c), .bytes = PENDING_NONE, .facts = &facts};
    struct window none = {0};
    enum status st = fill_facts(c, what, &facts, e);
    if (st == ST_OK)
        st = change_reserve(c, quarantine_tar_most(files, count), e);
    if (st == ST_OK)
        st = pending_open(p.s->quarantine, 0600, &p.bytes, e);
    if (st == ST_OK)
        st = quarantine_tar(c, files, count, p.bytes.fd, e);
    if (st == ST_OK)
        st = io_size(p.bytes.fd, &facts.bytes, e);
    if (st == ST_OK)
        st = hash_file(p.bytes.fd, facts.bytes, &none, &facts.sha256, e);
    return st == ST_OK ? settle(&p, c, how, out, e) : st;
}

/* At most `most` bytes: so much room was reserved. */
static enum status copy(struct source from, uint64_t most, int fd, struct digest *out,
                        struct err *e)
{
    uint64_t sum = 0;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    SCOPED(buf_release) struct buf block = BUF_EMPTY;
    uint8_t *p = buf_space(&block, BLOCK);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "quarantining");
    enum status st = hasher_open(&h, e);
    for (size_t got = 1; st == ST_OK && got > 0;) {
        st = from.read(from.ctx, p, BLOCK, &got, e);
        sum += got;
        if (st == ST_OK && sum > most)
            st = err_set(e, ST_CONFLICT, "grown", "the file grew while it was read");
        if (st == ST_OK)
            st = io_write(fd, SPAN(p, got), e);
        if (st == ST_OK)
            hasher_add(h, SPAN(p, got));
    }
    if (st == ST_OK)
        *out = hasher_end(h);
    return st;
}

enum status quarantine_take(struct change *c, struct source from, uint64_t bytes,
                            const struct quarantine_reject *what, const struct change_entry *how,
                            struct quarantine_facts *out, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts facts = {0};
    SCOPED(put_release)
    struct put p = {.s = change_store(c), .bytes = PENDING_NONE, .facts = &facts};
    enum status st = fill_facts(c, what, &facts, e);
    if (st == ST_OK)
        st = change_reserve(c, bytes, e);
    if (st == ST_OK)
        st = pending_open(p.s->quarantine, 0600, &p.bytes, e);
    if (st == ST_OK)
        st = copy(from, bytes, p.bytes.fd, &facts.sha256, e);
    return st == ST_OK ? settle(&p, c, how, out, e) : st;
}

enum status quarantine_drop(struct change *c, const struct quarantine_facts *f,
                            const struct change_entry *how, struct err *e)
{
    SCOPED(put_release) struct put p = {.s = change_store(c), .bytes = PENDING_NONE};
    struct quarantine_facts facts = *f; /* borrowed: only for the body */
    struct change_entry entry = *how;
    char key[sizeof QUARANTINE_PREFIX + 64];
    uint64_t seq = 0;
    p.facts = &facts;
    text_fmt(key, sizeof key, QUARANTINE_PREFIX "%s", f->id);
    struct json_out j = json_out(&p.set);
    json_object(&j);
    json_key(&j, key);
    json_null(&j);
    json_close(&j);
    if (entry.body.n <= 2) {
        build_body(&p);
        entry.body = buf_span(&p.body);
    }
    entry.set = buf_span(&p.set);
    if (buf_status(&p.set) != ST_OK || buf_status(&p.body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "emptying quarantine");
    enum status st = change_commit(c, &entry, &seq, e);
    if (st == ST_OK) /* a crash here leaves a file that no key names: the next one sweeps it */
        st = io_unlink(p.s->quarantine, f->id, false, e);
    if (st == ST_NOT_FOUND) { /* gone before */
        *e = ERR_NONE;
        st = ST_OK;
    }
    return st;
}

/* -- asking --------------------------------------------------------------------------------------
 */

struct listing {
    enum status (*each)(void *ctx, const struct quarantine_facts *f, struct err *e);
    void *ctx;
};

static enum status list_one(void *ctx, const char *key, struct span value, struct err *e)
{
    const struct listing *l = ctx;
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
    enum status st = quarantine_facts_read(value, &f, e);
    if (st == ST_OK && !text_equal(f.id, key + strlen(QUARANTINE_PREFIX)))
        st = err_set(e, ST_CORRUPT, "quarantine-facts", "the facts are another entry's");
    return st == ST_OK ? l->each(l->ctx, &f, e) : err_subject(e, "%s", key);
}

enum status quarantine_each(struct store *s,
                            enum status (*each)(void *ctx, const struct quarantine_facts *f,
                                                struct err *e),
                            void *ctx, struct err *e)
{
    struct listing l = {each, ctx};
    return store_scan(s, QUARANTINE_PREFIX, list_one, &l, e);
}

struct search {
    const char *text;
    unsigned hits;
    bool exact;
    char id[64];
};

static enum status match(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    struct search *s = ctx;
    char hex[DIGEST_TEXT];
    (void)e;
    size_t n = strlen(s->text);
    digest_text(&f->sha256, hex);
    bool exact = text_equal(f->id, s->text);
    bool begins = strncmp(f->id, s->text, n) == 0 ||
                  (n >= 8 && n < sizeof hex && strncmp(hex, s->text, n) == 0);
    if (!exact && (!begins || s->exact))
        return ST_OK;
    s->hits = exact ? 1 : s->hits + 1;
    s->exact = exact;
    text_fmt(s->id, sizeof s->id, "%s", f->id);
    return ST_OK;
}

enum status quarantine_get(struct store *s, const char *id, struct quarantine_facts *out,
                           struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char key[sizeof QUARANTINE_PREFIX + 64];
    if (strncmp(id, "sha256:", 7) == 0)
        id += 7;
    struct search search = {.text = id};
    enum status st = *id == '\0' ? ST_OK : quarantine_each(s, match, &search, e);
    if (st != ST_OK)
        return st;
    if (search.hits != 1) {
        st = search.hits == 0 ? ST_NOT_FOUND : ST_AMBIGUOUS;
        (void)err_set(e, st, search.hits == 0 ? "no-quarantine" : "quarantine-ambiguous",
                      search.hits == 0
                          ? "nothing in quarantine has such an id or digest"
                          : "several things in quarantine begin like that; give more digits");
        return err_subject(e, "%s", id);
    }
    text_fmt(key, sizeof key, QUARANTINE_PREFIX "%s", search.id);
    st = store_get(s, key, &value, e);
    if (st == ST_OK)
        st = quarantine_facts_read(buf_span(&value), out, e);
    if (st != ST_OK)
        quarantine_facts_release(out);
    return st;
}

/* -- bytes ---------------------------------------------------------------------------------------
 */

static enum status open_verified(struct store *s, const struct quarantine_facts *f,
                                 struct window *w, int *out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    struct digest d;
    uint64_t size = 0;
    struct err why = ERR_NONE;
    enum status st =
        s->quarantine < 0 ? ST_NOT_FOUND : seat_open(s->quarantine, f->id, O_RDONLY, 0, &fd, &why);
    if (st == ST_NOT_FOUND)
        return err_set(e, ST_CORRUPT, "quarantine-gone", "the quarantined bytes are gone");
    if (st == ST_OK)
        st = io_size(fd, &size, &why);
    if (st == ST_OK && size != f->bytes)
        return err_set(e, ST_CORRUPT, "quarantine-size",
                       "the file has %llu bytes, %llu were quarantined", (unsigned long long)size,
                       (unsigned long long)f->bytes);
    if (st == ST_OK)
        st = hash_file(fd, size, w, &d, &why);
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (!digest_equal(&d, &f->sha256))
        return err_set(e, ST_CORRUPT, "quarantine-hash",
                       "the bytes are not those that were quarantined");
    *out = fd_take(&fd);
    return ST_OK;
}

static enum status check_and_open(struct store *s, const struct quarantine_facts *f,
                                  struct window *w, int *fd, struct err *e)
{
    enum status st = quarantine_id_valid(f->id)
                         ? open_verified(s, f, w, fd, e)
                         : err_set(e, ST_USAGE, "quarantine-id", "this is no id");
    return st == ST_OK ? st : err_subject(e, "quarantine %s", f->id);
}

enum status quarantine_open(struct store *s, const struct quarantine_facts *f, int *fd,
                            struct err *e)
{
    struct window none = {0};
    return check_and_open(s, f, &none, fd, e);
}

enum status quarantine_bytes(struct store *s, const struct quarantine_facts *f, uint64_t offset,
                             uint8_t *p, size_t n, size_t *got, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    struct window w = {.offset = offset, .p = p, .n = n};
    *got = 0;
    enum status st = check_and_open(s, f, &w, &fd, e);
    if (st == ST_OK)
        *got = w.got;
    return st;
}

enum status quarantine_look(struct store *s, const struct quarantine_facts *f,
                            struct quarantine_view *out, struct err *e)
{
    *out = f->inside.view;
    if (f->inside.path[0] != '\0')
        return ST_OK;
    out->from = quarantine_view_from(f->offset, f->bytes);
    return quarantine_bytes(s, f, out->from, out->p, sizeof out->p, &out->n, e);
}
