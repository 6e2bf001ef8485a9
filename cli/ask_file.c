#include "cli/ask_file.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/print.h"
#include "cli/target.h"
#include "promote/leave.h"
#include <fcntl.h>

#define DAY UINT64_C(86400)

enum status ask_reason(const struct cli *c, const char **out, struct err *e)
{
    *out = c->args.value[OPT_REASON];
    if (*out == NULL || (*out)[0] == '\0')
        return err_set(e, ST_USAGE, "no-reason", "why? say --reason TEXT; the ledger keeps it");
    return reason_check(*out, c->command->name, e);
}

enum status ask_until(const struct cli *c, char out[TIME_TEXT_MAX], struct err *e)
{
    const char *text = c->args.value[OPT_UNTIL];
    int64_t t = 0;
    if (text == NULL)
        return err_set(e, ST_USAGE, "no-until", "until when? say --until 2026-02-01");
    bool day =
        text_fmt(out, TIME_TEXT_MAX, "%sT00:00:00Z", text) < TIME_TEXT_MAX && time_parse(out, &t);
    if (!day && (text_fmt(out, TIME_TEXT_MAX, "%s", text) >= TIME_TEXT_MAX || !time_parse(out, &t)))
        return err_set(e, ST_USAGE, "option-value",
                       "--until %.64s is no time: one such as 2026-02-01 or 2026-02-01T08:00:00Z",
                       text);
    return ST_OK;
}

enum status ask_open(struct cli *c, const char *path, struct request *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    bool given = false;
    *out = (struct request){.root = NULL};
    enum status st = cli_clock(c, &given, &c->clock, e);
    if (st == ST_OK)
        st = given_read(path, REQUEST_MAX, &bytes, e);
    if (st == ST_OK)
        st = request_open(buf_span(&bytes), out, e);
    if (st == ST_OK && given && !out->charter.lab)
        st = err_set(e, ST_USAGE, "clock-not-lab",
                     "the request is of no lab store: the clock cannot be set");
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}

static void tell(struct cli *c, const struct ask *ask, const char *path)
{
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    ask_text(ask, &what);
    buf_byte(&what, '\0');
    if (c->json) {
        struct json_out j = answer_open(c, "assay.request-made/1");
        member_text(&j, "asks", what.failed ? NULL : (const char *)what.p);
        member_digest(&j, "artifact", &ask->artifact);
        member_text(&j, "channel", ask->channel);
        member_text(&j, "expires", ask->expires);
        member_text(&j, "file", path);
        answer_close(c, &j);
        return;
    }
    put_field(&c->out, "asked", "%s", what.failed ? "?" : (const char *)what.p);
    put_field(&c->out, "until", "%s", ask->expires);
    put_field(&c->out, "file", "%s", path);
    cli_hint(c,
             "whoever gets the file: assay review %s; assay approve %s --key K --reason TEXT -o F",
             path, path);
}

enum status ask_put(struct cli *c, const struct artifact *a, struct ask *ask, struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    const char *path = c->args.value[OPT_OUTPUT];
    uint64_t days = REQUEST_VALID / DAY;
    struct promoter by;
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-output", "where to? say -o FILE");
    enum status st = opt_u64(&c->args, OPT_DAYS, 1, 365, &days, e);
    if (st == ST_OK)
        st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &by.log, e);
    if (st == ST_OK)
        st = request_make(&by, a, days * DAY, ask, &file, e);
    buf_byte(&file, '\n');
    if (st == ST_OK)
        st = buf_status(&file);
    if (st == ST_OK)
        st = target_put(c, path, buf_span(&file), e);
    if (st == ST_OK)
        tell(c, ask, path);
    return st;
}
