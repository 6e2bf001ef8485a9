#include "cli/repair.h"
#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/heal_documents.h"
#include "cli/print.h"
#include "store/change.h"
#include "store/check.h"
#include "store/gc.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOST    "lost/"
#define DAMAGED 65536u /* findings that are kept */

/* What a check found. */
struct found {
    struct buf contents; /* struct digest each */
    bool index, frames;
    bool gone; /* a whole pack */
};

static void found_release(struct found *f)
{
    buf_release(&f->contents);
}

static void add(struct buf *list, const struct digest *d)
{
    for (size_t at = 0; at < list->n; at += sizeof *d)
        if (memcmp(list->p + at, d, sizeof *d) == 0)
            return;
    if (list->n < DAMAGED * sizeof *d)
        buf_append(list, SPAN(d, sizeof *d));
}

static void see(void *ctx, const struct finding *f)
{
    struct found *all = ctx;
    if (f->status == ST_OK)
        return;
    if (text_begins(f->code, "index-"))
        all->index = true;
    else if (text_begins(f->object, "content "))
        add(&all->contents, &f->digest);
    else if (digest_is_zero(&f->digest) && text_equal(f->code, "pack-gone"))
        all->gone = true;
    else if (digest_is_zero(&f->digest) && text_begins(f->object, "pack "))
        all->frames = true;
}

static enum status look(struct cli *c, struct found *out, struct err *e)
{
    struct check_report r;
    SCOPED(progress_scope) struct progress *progress = progress_start("check", "B", 0, c->quiet);
    enum status st = check_store(c->store, progress, see, out, &r, e);
    if (st == ST_OK && buf_status(&out->contents) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for what was found");
    return st;
}

static size_t count(const struct buf *list)
{
    return list->n / sizeof(struct digest);
}

static struct digest get(const struct buf *list, size_t i)
{
    struct digest d;
    memcpy(&d, list->p + i * sizeof d, sizeof d);
    return d;
}

/* -- healing -------------------------------------------------------------------------------------
 */

struct healing {
    struct cli *c;
    const struct found *found;
    struct change *change;
    struct repaired *out;
    struct buf set; /* members of the entry's set: lost keys that go */
    int dir;        /* of the files */
};

static void healing_release(struct healing *h)
{
    change_scope(&h->change);
    buf_release(&h->set);
    fd_release(&h->dir);
}

static bool wanted(const struct healing *h, const struct digest *d)
{
    for (size_t i = 0; i < count(&h->found->contents); i++) {
        const struct digest one = get(&h->found->contents, i);
        if (digest_equal(&one, d))
            return true;
    }
    return false;
}

static enum status take_content(struct healing *h, int fd, struct err *e)
{
    struct content got;
    enum status st = change_content(h->change, source_fd(&fd), NULL, &got, e);
    if (st == ST_OK && wanted(h, &got.sha256))
        h->out->contents++;
    return st;
}

static enum status hash_of(int fd, struct digest *out, struct err *e)
{
    SCOPED(hasher_scope) struct hasher *h = NULL;
    SCOPED(buf_release) struct buf block = BUF_EMPTY;
    uint8_t *p = buf_space(&block, 1u << 18);
    size_t got = 1;
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a file");
    enum status st = hasher_open(&h, e);
    while (st == ST_OK && got > 0) {
        st = io_read(fd, p, block.n, &got, e);
        hasher_add(h, SPAN(p, got));
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted");
    }
    if (st == ST_OK)
        *out = hasher_end(h);
    return st;
}

/* A file that is one of the damaged contents; the change hashes it a second time, so what is
 * believed is what was read. */
static enum status try_file(struct healing *h, int fd, struct err *e)
{
    struct stat facts;
    struct digest d;
    if (fstat(fd, &facts) != 0)
        return err_sys(e, errno, "fstat", NULL);
    if (!S_ISREG(facts.st_mode))
        return ST_OK;
    enum status st = hash_of(fd, &d, e);
    if (st != ST_OK || !wanted(h, &d))
        return st;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return err_set(e, ST_IO, NULL, "a file that cannot be read twice");
    return take_content(h, fd, e);
}

static enum status try_named(void *ctx, const char *name, struct err *e)
{
    struct healing *h = ctx;
    SCOPED(fd_release) int fd = -1;
    struct err why = ERR_NONE;
    enum status st = io_open(h->dir, name, O_RDONLY | O_NONBLOCK, 0, &fd, &why);
    return st == ST_OK ? try_file(h, fd, e) : ST_OK; /* not readable: no help */
}

/* Another store: contents and documents, each verified there and hashed again here. */
static enum status try_store(struct healing *h, struct store *other, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count(&h->found->contents); i++) {
        const struct digest d = get(&h->found->contents, i);
        SCOPED(fd_release) int fd = -1;
        struct err why = ERR_NONE;
        if (store_content_memory(other, &d, &fd, &why) != ST_OK || lseek(fd, 0, SEEK_SET) != 0)
            continue;
        st = take_content(h, fd, e);
    }
    if (st == ST_OK)
        st = heal_documents(h->c->store, other, h->change, &h->out->documents, e);
    return st;
}

static enum status try_from(struct healing *h, const char *path, struct err *e)
{
    SCOPED(store_scope) struct store *other = NULL;
    SCOPED(fd_release) int fd = -1;
    struct err why = ERR_NONE;
    struct stat facts;
    if (store_open(path, &other, &why) == ST_OK)
        return try_store(h, other, e);
    if (count(&h->found->contents) == 0)
        return ST_OK; /* files bring back contents alone */
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
    if (st == ST_OK && fstat(fd, &facts) != 0)
        st = err_set(e, ST_IO, NULL, "cannot look at %s", path);
    if (st != ST_OK || !S_ISDIR(facts.st_mode))
        return st == ST_OK ? try_file(h, fd, e) : st;
    h->dir = fd_take(&fd);
    return folder_each(h->dir, ".", try_named, h, e);
}

static enum status heal(struct cli *c, const struct found *found, struct repaired *out,
                        struct err *e)
{
    SCOPED(healing_release) struct healing h = {.c = c, .found = found, .out = out, .dir = -1};
    uint64_t seq = 0;
    struct change_entry entry = {.type = "heal", .clock = c->clock};
    enum status st = cli_key(c, "log", &entry.log, e);
    if (st == ST_OK)
        st = change_begin(c->store, &h.change, e);
    if (st == ST_OK)
        st = try_from(&h, c->args.value[OPT_FROM], e);
    if (st != ST_OK || out->contents + out->documents == 0)
        return st;
    return change_commit(h.change, &entry, &seq, e);
}

/* -- what nobody has -----------------------------------------------------------------------------
 */

static enum status list_lost(void *ctx, const char *key, struct span value, struct err *e)
{
    struct digest d;
    (void)value;
    (void)e;
    if (digest_parse(key + strlen(LOST), &d))
        buf_append(ctx, SPAN(&d, sizeof d));
    return ST_OK;
}

static bool in(const struct buf *list, const struct digest *d)
{
    for (size_t at = 0; at < list->n; at += sizeof *d)
        if (memcmp(list->p + at, d, sizeof *d) == 0)
            return true;
    return false;
}

static void lost_key(struct json_out *j, const struct digest *d)
{
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    digest_text(d, hex);
    text_fmt(key, sizeof key, LOST "%s", hex);
    json_key(j, key);
}

/* Those still damaged get a key, those whole again lose it. */
static enum status register_lost(struct cli *c, const struct found *found, struct repaired *out,
                                 struct err *e)
{
    SCOPED(buf_release) struct buf known = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(change_scope) struct change *change = NULL;
    char time[TIME_TEXT_MAX];
    uint64_t seq = 0, changes = 0;
    enum status st = store_scan(c->store, LOST, list_lost, &known, e);
    time_format(cli_now(c), time);
    struct json_out j = json_out(&set);
    json_object(&j);
    for (size_t i = 0; i < count(&found->contents) && changes < 1000; i++) {
        const struct digest d = get(&found->contents, i);
        if (in(&known, &d))
            continue;
        lost_key(&j, &d);
        json_string(&j, time);
        changes++;
    }
    for (size_t i = 0; i < count(&known) && changes < 1000; i++) {
        const struct digest d = get(&known, i);
        if (in(&found->contents, &d))
            continue;
        lost_key(&j, &d);
        json_null(&j);
        changes++;
    }
    json_close(&j);
    out->lost = count(&found->contents);
    if (st == ST_OK && (buf_status(&known) != ST_OK || buf_status(&set) != ST_OK))
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    struct change_entry entry = {.type = "lost", .set = buf_span(&set), .clock = c->clock};
    if (st == ST_OK && changes > 0)
        st = cli_key(c, "log", &entry.log, e);
    if (st == ST_OK && changes > 0)
        st = change_begin(c->store, &change, e);
    return st == ST_OK && changes > 0 ? change_commit(change, &entry, &seq, e) : st;
}

/* -- all of it -----------------------------------------------------------------------------------
 */

static enum status fold_anew(struct cli *c, struct err *e)
{
    SCOPED(progress_scope) struct progress *progress = progress_start("fold", "B", 0, c->quiet);
    store_scope(&c->store);
    c->store = NULL;
    enum status st = index_rebuild(c->home.store, progress, e);
    return st == ST_OK ? cli_store(c, e) : st;
}

static enum status mend_packs(struct cli *c, struct repaired *out, struct err *e)
{
    struct gc_report r;
    struct gc_options o = {.clock = c->clock};
    enum status st = cli_key(c, "log", &o.log, e);
    if (st == ST_OK)
        st = gc_run(c->store, &o, NULL, &r, e);
    out->packs = st == ST_OK ? r.written : 0;
    return st;
}

struct repair {
    struct cli *c;
    struct repaired *out;
};

static enum status look_again(struct cli *c, struct found *found, struct err *e)
{
    found_release(found);
    *found = (struct found){.index = false};
    return look(c, found, e);
}

static void tell_aside(void *ctx, const struct finding *f)
{
    struct repair *r = ctx;
    r->out->aside++;
    cli_hint(r->c, "%s did not belong there: it is %s now, look at it and remove it by hand",
             f->object, f->detail);
}

enum status repair_store(struct cli *c, struct repaired *out, struct err *e)
{
    SCOPED(found_release) struct found found = {.index = false};
    *out = (struct repaired){0};
    struct repair aside = {.c = c, .out = out};
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = mend_places(c->home.store, tell_aside, &aside, e);
    if (st == ST_OK)
        st = ledger_mend(c->home.store, &out->ledger, e);
    if (st == ST_OK)
        st = cli_store(c, e);
    if (st == ST_OK)
        store_refill(c->store);
    if (st == ST_OK)
        st = look(c, &found, e);
    if (st == ST_OK && found.index) {
        out->index = true;
        st = fold_anew(c, e);
        if (st == ST_OK)
            st = look_again(c, &found, e);
    }
    if (st == ST_OK && opt_given(&c->args, OPT_FROM))
        st = heal(c, &found, out, e);
    if (st == ST_OK && out->contents + out->documents > 0)
        st = look_again(c, &found, e);
    if (st == ST_OK && found.gone && found.contents.n == 0) {
        out->index = true; /* what the pack held is elsewhere by now, or nobody needs it */
        st = fold_anew(c, e);
        if (st == ST_OK)
            st = look_again(c, &found, e);
    }
    if (st == ST_OK && found.frames)
        st = mend_packs(c, out, e);
    return st == ST_OK ? register_lost(c, &found, out, e) : st;
}
