#include "store/move.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/pending.h"
#include "base/process.h"
#include "base/text.h"
#include "store/check.h"
#include "store/commit.h"
#include "store/recover.h"
#include "store/reserve.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (1u << 20)

struct move {
    struct store *s;
    const struct move_options *o;
    struct move_report *report;
    struct progress *progress;
    int parent, dir, packs, quarantine; /* of the new store */
    char name[256], aside[300], path[4096 + 300];
    struct buf block;
};

static void move_release(struct move *m)
{
    fd_release(&m->parent);
    fd_release(&m->dir);
    fd_release(&m->packs);
    fd_release(&m->quarantine);
    buf_release(&m->block);
}

/* -- the place -----------------------------------------------------------------------------------
 */

/* The absolute path of the new store; its parent has to be there. */
static enum status resolve(struct move *m, struct err *e)
{
    char text[4096], real[4096], *slash; /* realpath wants PATH_MAX, which is that */
    const char *parent = ".", *name = text;
    if (text_fmt(text, sizeof text, "%s", m->o->to) >= sizeof text - 300)
        return err_set(e, ST_USAGE, "path-length", "the path is too long");
    for (size_t n = strlen(text); n > 1 && text[n - 1] == '/'; n--)
        text[n - 1] = '\0';
    slash = strrchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        parent = slash == text ? "/" : text;
        name = slash + 1;
    }
    if (*name == '\0' || strlen(name) > 200 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(e, ST_USAGE, "store-path",
                       "the new store needs a path that ends in a name of at most 200 bytes");
    if (realpath(parent, real) == NULL)
        return err_sys(e, errno, "realpath", parent);
    text_fmt(m->name, sizeof m->name, "%s", name);
    text_fmt(m->aside, sizeof m->aside, "%s" MOVE_ASIDE, name);
    text_fmt(m->report->to, sizeof m->report->to, "%s%s%s", real, real[1] == '\0' ? "" : "/", name);
    text_fmt(m->path, sizeof m->path, "%s" MOVE_ASIDE, m->report->to);
    return io_open(AT_FDCWD, real, O_RDONLY | O_DIRECTORY, 0, &m->parent, e);
}

static enum status nothing_there(struct move *m, struct err *e)
{
    struct stat there;
    enum status st = file_look(m->parent, m->name, &there, e);
    if (st != ST_OK || there.st_mode == 0)
        return st;
    (void)err_set(e, ST_EXISTS, "path-taken", "something is there already");
    return err_subject(e, "%s", m->report->to);
}

/* Killed between the rename and the answer: what is there is this store, and nothing is left to do.
 */
static enum status arrived_before(struct move *m, bool *done, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    struct store_facts here, there;
    struct err why = ERR_NONE;
    bool fenced = true;
    enum status st = store_facts(m->s, &here, e);
    *done = st == ST_OK && store_open(m->report->to, &s, &why) == ST_OK &&
            store_facts(s, &there, &why) == ST_OK && text_equal(here.id, there.id) &&
            store_fence(s, &fenced, NULL) == ST_OK && !fenced;
    if (*done) {
        m->report->packs = there.packs;
        m->report->bytes = there.stored_bytes;
    }
    return st;
}

static enum status inside_itself(const struct move *m, struct err *e)
{
    struct stat facts;
    bool within = false;
    if (stat(m->s->path, &facts) != 0)
        return err_sys(e, errno, "look at", m->s->path);
    enum status st = folder_within(m->parent, &facts, &within, e);
    if (st != ST_OK || !within)
        return st;
    return err_set(e, ST_USAGE, "store-path", "%s lies in the store itself", m->report->to);
}

static enum status folder(int dir, const char *name, int *fd, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = io_mkdir(dir, name, 0700, &why);
    if (st != ST_OK && st != ST_EXISTS) {
        *e = why;
        return st;
    }
    return io_open(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd, e);
}

static enum status make_place(struct move *m, struct err *e)
{
    SCOPED(fd_release) int staging = -1;
    SCOPED(fd_release) int leases = -1;
    enum status st = folder(m->parent, m->aside, &m->dir, e);
    if (st == ST_OK)
        st = io_lock(m->dir, 0, e); /* two at once would only disturb each other */
    if (st == ST_OK)
        st = folder(m->dir, STORE_PACKS, &m->packs, e);
    if (st == ST_OK)
        st = folder(m->dir, STORE_QUARANTINE, &m->quarantine, e);
    if (st == ST_OK)
        st = folder(m->dir, STORE_STAGING, &staging, e);
    if (st == ST_OK)
        st = folder(m->dir, STORE_LEASES, &leases, e);
    if (st == ST_OK)
        st = pending_sweep(m->packs, e);
    if (st == ST_OK && buf_space(&m->block, BLOCK) == NULL)
        st = err_set(e, ST_NO_MEMORY, NULL, "moving the store");
    return st;
}

/* -- copying -------------------------------------------------------------------------------------
 */

static enum status copy_bytes(struct move *m, int from, int to, uint64_t *n, struct err *e)
{
    size_t got = 1;
    enum status st = ST_OK;
    *n = 0;
    while (st == ST_OK && got > 0) {
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted while moving; it can go on");
        st = io_read(from, m->block.p, BLOCK, &got, e);
        if (st == ST_OK)
            st = io_write(to, SPAN(m->block.p, got), e);
        *n += got;
        progress_add(m->progress, got);
    }
    return st;
}

static enum status same_size(int a_dir, int b_dir, const char *name, bool *same, struct err *e)
{
    struct stat a, b;
    enum status st = file_look(a_dir, name, &a, e);
    if (st == ST_OK)
        st = file_look(b_dir, name, &b, e);
    *same = st == ST_OK && a.st_mode != 0 && b.st_mode != 0 && a.st_size == b.st_size;
    return st;
}

/* A whole file, durable under its name; `again`: though one of that name and size is there. */
static enum status copy_file(struct move *m, int from_dir, int to_dir, const char *name,
                             unsigned mode, bool again, struct err *e)
{
    SCOPED(fd_release) int from = -1;
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    uint64_t n = 0;
    bool same = false;
    enum status st = again ? ST_OK : same_size(from_dir, to_dir, name, &same, e);
    if (st != ST_OK || same)
        return st;
    struct err why = ERR_NONE;
    st = io_open(from_dir, name, IO_FILE, 0, &from, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK; /* swept meanwhile; the end is compared again */
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    st = pending_open(to_dir, mode, &p, e);
    if (st == ST_OK)
        st = copy_bytes(m, from, p.fd, &n, e);
    if (st == ST_OK)
        st = pending_publish(&p, name, true, e);
    m->report->copied++;
    m->report->copied_bytes += n;
    return st;
}

static enum status copy_pack(void *ctx, const char *name, struct err *e)
{
    struct move *m = ctx;
    uint64_t id = 0;
    return pack_name_parse(name, &id) ? copy_file(m, m->s->packs, m->packs, name, 0400, false, e)
                                      : ST_OK;
}

static enum status copy_quarantined(void *ctx, const char *name, struct err *e)
{
    struct move *m = ctx;
    return name[0] != '.' ? copy_file(m, m->s->quarantine, m->quarantine, name, 0600, false, e)
                          : ST_OK;
}

/* What the old store has swept since goes here too. */
static enum status drop_old(void *ctx, const char *name, struct err *e)
{
    struct move *m = ctx;
    struct stat there;
    enum status st = file_look(m->s->packs, name, &there, e);
    return st != ST_OK || there.st_mode != 0 ? st : io_unlink(m->packs, name, false, e);
}

/* -- the fence -----------------------------------------------------------------------------------
 */

static enum status fence(struct move *m, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    char time[TIME_TEXT_MAX];
    uint64_t seq = 0;
    const struct expect none = {.key = MOVED_KEY, .value = NULL};
    time_format(clock_now(&m->o->clock), time);
    struct json_out j = json_out(&value);
    json_object(&j);
    json_key(&j, "time");
    json_string(&j, time);
    json_key(&j, "to");
    json_string(&j, m->report->to);
    json_close(&j);
    j = json_out(&set);
    json_object(&j);
    json_key(&j, MOVED_KEY);
    json_text(&j, buf_span(&value));
    json_close(&j);
    if (buf_status(&value) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "moving the store");
    const struct change_entry entry = {.type = "moved",
                                       .body = buf_span(&value),
                                       .set = buf_span(&set),
                                       .expects = &none,
                                       .expect_count = 1,
                                       .clock = m->o->clock,
                                       .log = m->o->log};
    return commit_entry(m->s, &entry, (struct commit_hook){0}, &seq, e);
}

enum status move_fence(struct store *s, bool *fenced, struct buf *value, char to[4096],
                       char time[TIME_TEXT_MAX], struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err why = ERR_NONE;
    enum status st = store_get(s, MOVED_KEY, value, &why);
    *fenced = st == ST_OK;
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK)
        st = json_parse(buf_span(value), LEDGER_LINE_MAX, &v, &why);
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    const char *where = json_as_string(json_get(v, "to")),
               *when = json_as_string(json_get(v, "time"));
    text_fmt(to, 4096, "%s", where != NULL ? where : "");
    text_fmt(time, TIME_TEXT_MAX, "%s", when != NULL ? when : "");
    return ST_OK;
}

/* Fenced already? Only for this place may it go on. */
static enum status fenced_for(struct move *m, bool *fenced, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char to[4096], time[TIME_TEXT_MAX];
    enum status st = move_fence(m->s, fenced, &value, to, time, e);
    return st != ST_OK || !*fenced || text_equal(to, m->report->to) ? st : store_writable(m->s, e);
}

/* -- arriving ------------------------------------------------------------------------------------
 */

static enum status lift_fence(struct move *m, struct store *s, const char *type, struct err *e)
{
    uint64_t seq = 0;
    const struct change_entry entry = {.type = type,
                                       .set = span_text("{\"" MOVED_KEY "\":null}"),
                                       .clock = m->o->clock,
                                       .log = m->o->log};
    return commit_entry(s, &entry, (struct commit_hook){0}, &seq, e);
}

/* What is damaged can be mended by who may write: the old store goes on, where it was. */
static enum status stay(struct move *m, uint64_t findings, struct err *e)
{
    enum status st = lift_fence(m, m->s, "stayed", e);
    return st != ST_OK
               ? st
               : err_set(
                     e, ST_CORRUPT, "move-damaged",
                     "%llu things are damaged in what arrived; it was not put in place, and the "
                     "store stays here: run `assay fsck`, mend it, and move again",
                     (unsigned long long)findings);
}

static enum status arrive(struct move *m, struct store *s, struct err *e)
{
    struct check_report checked;
    enum status st = check_store(s, m->progress, NULL, NULL, &checked, e);
    if (st == ST_OK && checked.findings > 0)
        st = stay(m, checked.findings, e);
    if (st == ST_OK)
        st = lift_fence(m, s, "arrived", e);
    struct store_facts facts;
    if (st == ST_OK)
        st = store_facts(s, &facts, e);
    if (st != ST_OK)
        return st;
    m->report->packs = facts.packs;
    m->report->bytes = facts.stored_bytes;
    return ST_OK;
}

/* From a fenced store, which nobody changes. A ledger that has arrived already is longer. */
static enum status copy_rest(struct move *m, bool *arrived, struct err *e)
{
    struct stat here, there;
    enum status st = folder_each(m->s->packs, ".", copy_pack, m, e);
    if (st == ST_OK)
        st = folder_each(m->packs, ".", drop_old, m, e);
    if (st == ST_OK)
        st = folder_each(m->s->quarantine, ".", copy_quarantined, m, e);
    if (st == ST_OK)
        st = file_look(m->s->dir, STORE_LEDGER, &here, e);
    if (st == ST_OK)
        st = file_look(m->dir, STORE_LEDGER, &there, e);
    *arrived =
        st == ST_OK && here.st_mode != 0 && there.st_mode != 0 && there.st_size > here.st_size;
    const char *const files[] = {STORE_LEDGER, STORE_HEAD, STORE_LOCK, CHARTER_FILE};
    for (size_t i = 0; i < 4 && st == ST_OK && !*arrived; i++)
        st = copy_file(m, m->s->dir, m->dir, files[i], 0600, true, e);
    return st;
}

static enum status open_new(struct move *m, struct store **out, struct err *e)
{
    enum status st = folder_remove(m->dir, STORE_INDEX, e);
    if (st == ST_OK)
        st = index_rebuild(m->path, m->progress, e);
    return st == ST_OK ? store_open(m->path, out, e) : st;
}

static enum status finish(struct move *m, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    bool arrived = false, fenced = false;
    enum status st = copy_rest(m, &arrived, e);
    if (st == ST_OK)
        st = open_new(m, &s, e);
    if (st == ST_OK)
        st = store_fence(s, &fenced, NULL); /* not by one that has arrived before we were killed */
    if (st == ST_OK && fenced)
        st = arrive(m, s, e);
    store_scope(&s);
    s = NULL;
    const int folders[] = {m->packs, m->quarantine, m->dir};
    for (size_t i = 0; i < 3 && st == ST_OK; i++)
        st = io_sync(folders[i], e);
    if (st == ST_OK)
        st = io_rename(m->parent, m->aside, m->parent, m->name, false, e);
    return st == ST_OK ? io_sync(m->parent, e) : st;
}

static enum status no_room_there(const struct move *m, struct err *e)
{
    *e = ERR_NONE;
    (void)err_set(e, ST_NO_SPACE, "copy-room",
                  "its disk has no room for the store and the reserve of a full disk; make some "
                  "and say the same again; this store is not fenced and goes on");
    return err_subject(e, "%s", m->o->to);
}

enum status move_store(struct store *s, const struct move_options *o, struct progress *progress,
                       struct move_report *out, struct err *e)
{
    SCOPED(move_release)
    struct move m = {.s = s,
                     .o = o,
                     .report = out,
                     .progress = progress,
                     .parent = -1,
                     .dir = -1,
                     .packs = -1,
                     .quarantine = -1};
    bool fenced = false, done = false;
    *out = (struct move_report){0};
    enum status st = resolve(&m, e);
    if (st == ST_OK)
        st = inside_itself(&m, e);
    if (st == ST_OK)
        st = fenced_for(&m, &fenced, e);
    if (st == ST_OK && fenced)
        st = arrived_before(&m, &done, e);
    if (st != ST_OK || done)
        return st;
    if (st == ST_OK) /* a fenced store has no other writer who would do it */
        st = recover_sweep(s, e);
    if (st == ST_OK)
        st = nothing_there(&m, e);
    if (st == ST_OK && !fenced)
        st = store_writable(s, e);
    if (st == ST_OK)
        st = make_place(&m, e);
    if (st == ST_OK && !fenced) {
        st = folder_each(s->packs, ".", copy_pack, &m, e); /* most of it, while it is in use */
        if (st == ST_OK)
            st = reserve_copy(s, m.dir, e); /* or it would never arrive */
        if (st == ST_NO_SPACE)
            return no_room_there(&m, e);
        if (st == ST_OK)
            st = fence(&m, e);
    }
    return st == ST_OK ? finish(&m, e) : st;
}
