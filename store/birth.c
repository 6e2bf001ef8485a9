/* Making a store: aside, whole, and then renamed into view.
 *
 *     PATH.init.PID/  folders, lock, format, ledger, index; locked while its maker lives, and made
 *                     under the lock of the folder above, so that no sweep finds it without its own
 *         │ commits as ever: entry 1 (type "init"), then whatever the caller adds
 *         ▼
 *     sync everything → close the index → rename, never over anything → sync the parent
 *
 * LMDB's own creation is not safe against power loss, so nothing is made in place. */
#include "base/heap.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/change.h"
#include "store/recover.h"
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ASIDE     ".init."
#define GATE_WAIT 10000 /* milliseconds; another maker's sweep takes a moment */

/* Splits PATH into the folder it will stand in and its name there; trailing slashes do not count.
 */
static enum status split_path(const char *path, char parent[4096], char name[256], struct err *e)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t at = n;
    while (at > 0 && path[at - 1] != '/')
        at--;
    size_t length = n - at;
    bool dots =
        (length == 1 && path[at] == '.') || (length == 2 && path[at] == '.' && path[at + 1] == '.');
    if (length == 0 || length > 200 || dots || at >= 4000) {
        (void)err_set(e, ST_USAGE, "store-path",
                      "a store needs a path that ends in a name of at most 200 bytes");
        return err_subject(e, "%s", path);
    }
    text_fmt(name, 256, "%.*s", (int)length, path + at);
    text_fmt(parent, 4096, "%.*s", at == 0 ? 1 : (int)at, at == 0 ? "." : path);
    return ST_OK;
}

static enum status refuse_existing(const struct store *s, const char *path, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(fd_release) int format = -1;
    struct err why = ERR_NONE;
    enum status st = io_open(s->parent, s->name, O_RDONLY | O_DIRECTORY, 0, &dir, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK)
        st = io_open(dir, CHARTER_FILE, O_RDONLY | O_NONBLOCK, 0, &format, &why);
    if (st == ST_NOT_FOUND) /* the rename decides: an empty folder gives way, another does not */
        return ST_OK;
    (void)err_set(e, ST_EXISTS, st == ST_OK ? "store-exists" : "path-taken",
                  st == ST_OK ? "there is a store already" : "something else is there");
    return err_subject(e, "%s", path);
}

/* Removes what dead makers left: whoever lives holds a lock on the folder. */
static enum status sweep_one(void *ctx, const char *name, struct err *e)
{
    const struct store *s = ctx;
    size_t n = strlen(s->name);
    SCOPED(fd_release) int dir = -1;
    struct err why = ERR_NONE;
    if (strncmp(name, s->name, n) != 0 || strncmp(name + n, ASIDE, strlen(ASIDE)) != 0)
        return ST_OK;
    enum status st = io_open(s->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &dir, &why);
    if (st == ST_OK)
        st = io_lock(dir, 0, &why);
    return st == ST_OK ? folder_remove(s->parent, name, e) : ST_OK;
}

static enum status make_aside(struct store *s, const char *parent, struct err *e)
{
    text_fmt(s->aside, sizeof s->aside, "%s" ASIDE "%ld", s->name, (long)getpid());
    text_fmt(s->path, sizeof s->path, "%s/%s", parent, s->aside);
    enum status st = io_mkdir(s->parent, s->aside, 0700, e);
    if (st != ST_OK) {
        s->aside[0] = '\0'; /* not ours to remove */
        return st;
    }
    st = io_open(s->parent, s->aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &s->dir, e);
    if (st == ST_OK)
        st = io_lock(s->dir, 0, e);
    const char *const folders[] = {STORE_PACKS, STORE_STAGING, STORE_QUARANTINE, STORE_LEASES};
    for (size_t i = 0; i < 4 && st == ST_OK; i++)
        st = io_mkdir(s->dir, folders[i], 0700, e);
    return st == ST_OK ? store_open_folders(s, e) : st;
}

/* Out with the dead makers' folders, in with ours. One maker at a time: between its making and its
 * lock a folder looks like a dead one's. */
static enum status take_place(struct store *s, const char *parent, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    enum status st = io_open(s->parent, ".", O_RDONLY | O_DIRECTORY, 0, &gate, e);
    if (st == ST_OK)
        st = io_lock(gate, GATE_WAIT, e);
    if (st != ST_OK)
        return err_subject(e, "%s", parent);
    st = folder_each(s->parent, ".", sweep_one, s, e);
    return st == ST_OK ? make_aside(s, parent, e) : st;
}

static enum status random_nonce(uint8_t out[16], struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    size_t got = 0;
    enum status st = io_open(AT_FDCWD, "/dev/urandom", O_RDONLY, 0, &fd, e);
    if (st == ST_OK)
        st = io_read(fd, out, 16, &got, e);
    return st != ST_OK || got == 16
               ? st
               : err_set(e, ST_IO, "random", "the system gave no random bytes");
}

static enum status write_empty(struct store *s, const char *name, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(s->dir, name, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, e);
    if (st == ST_OK)
        st = io_sync(fd, e);
    return st == ST_OK ? io_close(fd_take(&fd), e) : st;
}

static enum status write_files(struct store *s, const struct store_birth *birth,
                               struct buf *charter, struct err *e)
{
    s->charter.lab = birth->lab || birth->clock.injected;
    s->charter.log_key = *signer_public(birth->log);
    s->charter.trust = birth->trust;
    time_format(clock_now(&birth->clock), s->charter.created);
    enum status st = random_nonce(s->charter.nonce, e);
    if (st == ST_OK)
        st = charter_encode(&s->charter, charter, e);
    if (st == ST_OK)
        st = pending_file(s->dir, CHARTER_FILE, 0600, buf_span(charter), false, e);
    if (st == ST_OK)
        st = write_empty(s, STORE_LOCK, e);
    if (st == ST_OK)
        st = write_empty(s, STORE_LEDGER, e);
    return st == ST_OK ? recover_blank(s, STORE_INDEX, &s->index, e) : st;
}

static enum status write_genesis(struct store *s, const struct store_birth *birth,
                                 struct span charter, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    uint64_t seq = 0;
    const struct change_entry entry = {.type = "init",
                                       .body = charter,
                                       .set = span_text("{}"),
                                       .clock = birth->clock,
                                       .log = birth->log};
    enum status st = change_begin(s, &c, e);
    return st == ST_OK ? change_commit(c, &entry, &seq, e) : st;
}

enum status store_create(const char *path, const struct store_birth *birth, struct store **out,
                         struct err *e)
{
    SCOPED(store_scope) struct store *s = heap_alloc(sizeof *s);
    SCOPED(buf_release) struct buf charter = BUF_EMPTY;
    char parent[4096];
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "making a store");
    *s = STORE_NONE;
    assert(birth->log != NULL);
    enum status st = split_path(path, parent, s->name, e);
    if (st == ST_OK)
        st = folder_make(parent, e);
    if (st == ST_OK)
        st = io_open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0, &s->parent, e);
    if (st == ST_OK)
        st = refuse_existing(s, path, e);
    if (st == ST_OK)
        st = take_place(s, parent, e);
    if (st == ST_OK)
        st = write_files(s, birth, &charter, e);
    if (st == ST_OK)
        st = write_genesis(s, birth, buf_span(&charter), e);
    if (st == ST_OK)
        *out = store_take(&s);
    return st;
}

static enum status rename_into_view(struct store *s, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = io_rename(s->parent, s->aside, s->parent, s->name, false, &why);
    if (st == ST_EXISTS && io_unlink(s->parent, s->name, true, &why) == ST_OK) /* an empty folder */
        st = io_rename(s->parent, s->aside, s->parent, s->name, false, &why);
    if (st == ST_EXISTS) {
        (void)err_set(e, st, "path-taken",
                      "something is there already and is no store; give another path");
        return err_subject(e, "%s", s->name);
    }
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    s->aside[0] = '\0'; /* in view: no longer ours to remove */
    return io_sync(s->parent, e);
}

enum status store_publish(struct store *store, struct err *e)
{
    SCOPED(store_scope) struct store *s = store;
    enum status st = store_writable(s, e);
    index_close(s->index);
    s->index = NULL;
    if (st == ST_OK)
        st = recover_sync_index(s, STORE_INDEX, e);
    const int folders[] = {s->packs, s->staging, s->quarantine, s->leases, s->dir};
    for (size_t i = 0; i < 5 && st == ST_OK; i++)
        st = io_sync(folders[i], e);
    return st == ST_OK ? rename_into_view(s, e) : st;
}
