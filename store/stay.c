#include "store/stay.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/move.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static enum status unclear(struct err *e, const char *to, const char *what)
{
    return err_set(e, ST_CONFLICT, "store-unclear",
                   "something is at %s, and whether it is this store cannot be told: %s; mend it "
                   "or rename it, then say it again",
                   to, what);
}

/* Is the successor where the fence says it is? Its charter tells. */
static enum status look_there(const struct store *s, const char *to, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct charter there;
    struct err why = ERR_NONE;
    enum status st = io_open(AT_FDCWD, to, O_RDONLY | O_DIRECTORY, 0, &dir, &why);
    if (st == ST_NOT_FOUND || why.sys == ENOTDIR)
        return ST_OK;
    if (st == ST_OK)
        st = file_read(dir, CHARTER_FILE, CHARTER_MAX, &bytes, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK; /* a folder without a store */
    if (st == ST_OK)
        st = charter_decode(buf_span(&bytes), &there, &why);
    if (st == ST_NO_MEMORY) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        return unclear(e, to, why.detail);
    if (!text_equal(there.id, s->charter.id))
        return ST_OK;
    return err_set(e, ST_CONFLICT, "store-alive",
                   "the store lives at %s: two ledgers that both go on could never be joined; use "
                   "that one, or move it back: assay --store %s copy --to PATH",
                   to, to);
}

/* A copy that is under way holds its folder's lock until it has arrived; so do we, until the fence
 * is gone. */
static enum status hold_place(const char *to, int *lock, struct err *e)
{
    char aside[4096 + sizeof MOVE_ASIDE];
    struct err why = ERR_NONE;
    text_fmt(aside, sizeof aside, "%s" MOVE_ASIDE, to);
    enum status st = io_open(AT_FDCWD, aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, lock, &why);
    if (st == ST_NOT_FOUND || why.sys == ENOTDIR)
        return ST_OK;
    if (st == ST_OK)
        st = io_lock(*lock, 0, &why);
    if (st == ST_BUSY)
        return err_set(e, ST_CONFLICT, "move-running", "a copy to %s is under way", to);
    return st == ST_OK ? st : unclear(e, aside, why.detail);
}

static enum status commit(struct store *s, const struct stay_options *o, struct stay_report *out,
                          struct span fence, struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    buf_append(&value, fence);
    buf_byte(&value, 0);
    struct json_out j = json_out(&body);
    json_object(&j);
    json_key(&j, "reason");
    json_string(&j, o->reason);
    json_key(&j, "to");
    json_string(&j, out->to);
    json_close(&j);
    if (buf_status(&body) != ST_OK || buf_status(&value) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct expect same = {.key = MOVED_KEY, .value = (const char *)value.p};
    const struct change_entry entry = {.type = "stayed",
                                       .body = buf_span(&body),
                                       .set = span_text("{\"" MOVED_KEY "\":null}"),
                                       .expects = &same,
                                       .expect_count = 1,
                                       .clock = o->clock,
                                       .log = o->log};
    return commit_entry(s, &entry, (struct commit_hook){0}, &out->seq, e);
}

enum status stay_store(struct store *s, const struct stay_options *o, struct stay_report *out,
                       struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    SCOPED(buf_release) struct buf fence = BUF_EMPTY;
    bool fenced = false;
    *out = (struct stay_report){0};
    enum status st = store_usable(s, e);
    if (st == ST_OK)
        st = move_fence(s, &fenced, &fence, out->to, out->time, e);
    if (st == ST_OK && !fenced)
        st = err_set(e, ST_NOT_FOUND, "not-moved",
                     "the store did not move: there is no fence to lift");
    if (st == ST_OK)
        st = hold_place(out->to, &lock, e);
    if (st == ST_OK)
        st = look_there(s, out->to, e);
    return st != ST_OK || o->dry_run ? st : commit(s, o, out, buf_span(&fence), e);
}
