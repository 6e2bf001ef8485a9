#include "store/check.h"
#include "base/text.h"
#include "store/check_inside.h"
#include "store/quarantine.h"
#include "store/seat.h"
#include <fcntl.h>
#include <string.h>

enum status check_begin(struct check *c, struct store *s, struct progress *progress,
                        check_found found, void *ctx, struct check_report *out, struct err *e)
{
    *out = (struct check_report){0};
    *c = (struct check){.s = s, .progress = progress, .found = found, .ctx = ctx, .report = out};
    enum status st = index_view_open(s->index, &c->v, e);
    return st == ST_OK ? catalog_mark_get(c->v, &c->mark, e) : st;
}

void check_release(struct check *c)
{
    index_view_close(c->v);
    buf_release(&c->damaged);
}

bool check_is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_MISMATCH || st == ST_NOT_FOUND ||
           st == ST_SET_BACK || st == ST_SIGNATURE || st == ST_UNSUPPORTED;
}

void check_tell(struct check *c, const struct err *why, const char *object, const struct digest *d)
{
    struct finding f = {.status = why->status, .code = err_code(why), .offset = why->offset};
    text_fmt(f.object, sizeof f.object, "%s", object);
    text_fmt(f.detail, sizeof f.detail, "%s", why->detail);
    if (d != NULL)
        f.digest = *d;
    c->report->findings += why->status != ST_OK;
    if (c->found != NULL)
        c->found(c->ctx, &f);
}

enum status check_absorb(struct check *c, enum status st, const struct err *why, const char *object,
                         const struct digest *d, struct err *e)
{
    if (st == ST_OK)
        return ST_OK;
    if (check_is_damage(st)) {
        check_tell(c, why, object, d);
        return ST_OK;
    }
    *e = *why;
    return st;
}

bool check_remembers(const struct check *c, const struct digest *chunk)
{
    for (size_t at = 0; at < c->damaged.n; at += sizeof *chunk)
        if (memcmp(c->damaged.p + at, chunk, sizeof *chunk) == 0)
            return true;
    return false;
}

/* -- format file ---------------------------------------------------------------------------------
 */

enum status check_format_part(struct check *c, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct charter now;
    struct err why = ERR_NONE;
    enum status st = file_read(c->s->dir, CHARTER_FILE, CHARTER_MAX, &bytes, &why);
    if (st == ST_INVALID_LENGTH)
        st = err_set(&why, ST_CORRUPT, "store-format", "the format file grew");
    if (st == ST_OK)
        st = charter_decode(buf_span(&bytes), &now, &why);
    if (st == ST_OK && !digest_equal(&now.digest, &c->s->charter.digest))
        st = err_set(&why, ST_CORRUPT, "store-format",
                     "the format file is not what entry 1 of the ledger says");
    c->report->bytes += bytes.n;
    return check_absorb(c, st, &why, CHARTER_FILE, NULL, e);
}

/* -- quarantine ----------------------------------------------------------------------------------
 */

static enum status each_quarantined(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    struct check *c = ctx;
    char object[96];
    size_t got = 0;
    struct err why = ERR_NONE;
    text_fmt(object, sizeof object, "quarantine %s", f->id);
    enum status st = quarantine_bytes(c->s, f, 0, NULL, 0, &got, &why);
    c->report->bytes += f->bytes;
    if (text_equal(err_code(&why), SEAT_WRONG))
        return ST_OK; /* told with the places */
    return check_absorb(c, st, &why, object, &f->sha256, e);
}

enum status check_quarantine_part(struct check *c, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = quarantine_each(c->s, each_quarantined, c, &why);
    return check_absorb(c, st, &why, "index", NULL, e);
}

/* -- places --------------------------------------------------------------------------------------
 */

static void tell_place(void *ctx, const char *name, const struct err *why)
{
    check_tell(ctx, why, name, NULL);
}

enum status check_places(const char *path, check_found found, void *ctx, struct check_report *out,
                         struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    struct check c = {.found = found, .ctx = ctx, .report = out};
    *out = (struct check_report){0};
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    return st == ST_OK ? seat_each(dir, tell_place, &c, e) : st;
}

static void tell_aside(void *ctx, const char *name, const struct err *why)
{
    struct check *c = ctx;
    struct finding f = {.status = ST_OK, .code = SEAT_WRONG, .offset = ERR_NO_OFFSET};
    text_fmt(f.object, sizeof f.object, "%s", name);
    text_fmt(f.detail, sizeof f.detail, "%s", why->subject);
    c->found(c->ctx, &f);
}

enum status mend_places(const char *path, check_found moved, void *ctx, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    struct check c = {.found = moved, .ctx = ctx};
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    return st == ST_OK ? seat_aside(dir, tell_aside, &c, e) : st;
}

/* -- the calls -----------------------------------------------------------------------------------
 */

/* Whoever asks for a check has time for every page: nothing is read through LMDB before. */
static enum status check_begin_whole(struct check *c, struct store *s, struct progress *progress,
                                     check_found found, void *ctx, struct check_report *out,
                                     struct err *e)
{
    enum status st = index_sound(s->index, true, e);
    return st == ST_OK ? check_begin(c, s, progress, found, ctx, out, e) : st;
}

static enum status check_all(struct check *c, struct err *e)
{
    enum status st = check_format_part(c, e);
    if (st == ST_OK)
        st = check_ledger_part(c, e);
    if (st == ST_OK)
        st = check_packs_part(c, e);
    if (st == ST_OK)
        st = check_recipes_part(c, e);
    if (st == ST_OK && c->report->findings == 0)
        st = check_needs_part(c, e);
    if (st == ST_OK && !c->headers_only)
        st = check_quarantine_part(c, e);
    if (st == ST_OK)
        st = seat_each(c->s->dir, tell_place, c, e);
    return st == ST_OK ? check_foreign_part(c, e) : st;
}

enum status check_store(struct store *s, struct progress *progress, check_found found, void *ctx,
                        struct check_report *out, struct err *e)
{
    SCOPED(check_release) struct check c = {0};
    enum status st = check_begin_whole(&c, s, progress, found, ctx, out, e);
    return st == ST_OK ? check_all(&c, e) : st;
}

enum status check_index(struct store *s, struct progress *progress, check_found found, void *ctx,
                        struct check_report *out, struct err *e)
{
    SCOPED(check_release) struct check c = {0};
    enum status st = check_begin_whole(&c, s, progress, found, ctx, out, e);
    c.headers_only = true;
    return st == ST_OK ? check_all(&c, e) : st;
}

enum status check_ledger(struct store *s, const struct log_head *against, check_found found,
                         void *ctx, struct check_report *out, struct err *e)
{
    SCOPED(check_release) struct check c = {0};
    enum status st = against != NULL ? log_head_same_store(against, s->charter.id, e) : ST_OK;
    if (st == ST_OK)
        st = check_begin(&c, s, NULL, found, ctx, out, e);
    c.against = against;
    if (st == ST_OK)
        st = check_format_part(&c, e);
    return st == ST_OK ? check_ledger_part(&c, e) : st;
}
