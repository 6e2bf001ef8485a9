#include "base/err.h"
#include "base/ensure.h"
#include "base/text.h"

/* A caller that does not want to know why may pass NULL everywhere. */
static void fill(struct err *e, enum status st, const char *code, const char *fmt, va_list ap)
{
    ENSURE(st != ST_OK);
    if (e == NULL)
        return;
    e->status = st;
    e->sys = 0;
    e->code = code;
    e->stage = NULL;
    e->offset = ERR_NO_OFFSET;
    e->subject[0] = 0;
    text_vfmt(e->detail, sizeof e->detail, fmt, ap);
}

enum status err_set(struct err *e, enum status st, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, st, code, fmt, ap);
    va_end(ap);
    return st;
}

enum status err_at(struct err *e, enum status st, const char *stage, const char *code,
                   uint64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, st, code, fmt, ap);
    va_end(ap);
    if (e != NULL) {
        e->stage = stage;
        e->offset = offset;
    }
    return st;
}

/* An error that nobody filled is one all the same: never a success on its way out. */
static enum status passed_on(struct err *e)
{
    if (e->status == ST_OK)
        e->status = ST_IO;
    return e->status;
}

enum status err_subject(struct err *e, const char *fmt, ...)
{
    if (e == NULL)
        return ST_IO; /* no struct to ask: the caller passes its own status on */
    if (e->subject[0] == 0) {
        va_list ap;
        va_start(ap, fmt);
        text_vfmt(e->subject, sizeof e->subject, fmt, ap);
        va_end(ap);
    }
    return passed_on(e);
}

enum status err_stage(struct err *e, const char *stage)
{
    if (e == NULL)
        return ST_IO;
    if (e->stage == NULL)
        e->stage = stage;
    return passed_on(e);
}

const char *err_code(const struct err *e)
{
    return e->code != NULL ? e->code : status_slug(e->status);
}
