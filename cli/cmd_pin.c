/* pin and unpin. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "store/change.h"
#include "store/install.h"
#include <string.h>

static void write_value(struct cli *c, struct buf *out)
{
    char time[TIME_TEXT_MAX];
    const char *reason = c->args.value[OPT_REASON];
    time_format(cli_now(c), time);
    struct json_out j = json_out(out);
    json_object(&j);
    member_text(&j, "reason", reason != NULL ? reason : "");
    member_text(&j, "time", time);
    json_close(&j);
}

static enum status commit(struct cli *c, const struct artifact *a, bool pin, struct err *e)
{
    char key[STORE_KEY_MAX];
    uint64_t seq = 0;
    SCOPED(change_scope) struct change *change = NULL;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    install_key(INSTALL_PINNED, &a->digest, key);
    write_value(c, &value);
    struct json_out j = json_out(&set);
    json_object(&j);
    json_key(&j, key);
    if (pin)
        json_text(&j, buf_span(&value));
    else
        json_null(&j);
    json_close(&j);
    j = json_out(&body);
    json_object(&j);
    member_digest(&j, "artifact", &a->digest);
    member_text(&j, "name", a->manifest.name);
    member_text(&j, "version", a->manifest.version);
    json_close(&j);
    if (buf_status(&set) != ST_OK || buf_status(&body) != ST_OK || buf_status(&value) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    struct change_entry entry = {.type = pin ? "pin" : "unpin",
                                 .body = buf_span(&body),
                                 .set = buf_span(&set),
                                 .clock = c->clock};
    enum status st = cli_key(c, "log", &entry.log, e);
    if (st == ST_OK)
        st = change_begin(c->store, &change, e);
    return st == ST_OK ? change_commit(change, &entry, &seq, e) : st;
}

static enum status turn_one(struct cli *c, const char *ref, bool pin, struct json_out *j,
                            struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(json_scope) struct json *held = NULL;
    enum status st = cli_artifact(c, ref, false, &a, e);
    if (st == ST_OK)
        st = refs_pin(c, &a.digest, &held, e);
    const bool was = held != NULL;
    if (st == ST_OK && was != pin)
        st = commit(c, &a, pin, e);
    if (st != ST_OK)
        return st;
    if (j == NULL) {
        buf_fmt(&c->out, "%s@%s is %s%s\n", a.manifest.name, a.manifest.version,
                was == pin ? (pin ? "pinned already" : "not pinned") : (pin ? "pinned" : "free"),
                was != pin && !pin ? " to be evicted" : "");
        return ST_OK;
    }
    json_object(j);
    member_digest(j, "artifact", &a.digest);
    member_text(j, "name", a.manifest.name);
    member_text(j, "version", a.manifest.version);
    member_bool(j, "pinned", pin);
    member_bool(j, "changed", was != pin);
    json_close(j);
    return ST_OK;
}

static enum status turn(struct cli *c, bool pin, struct err *e)
{
    struct json_out j;
    enum status st = ST_OK;
    if (c->json) {
        j = answer_open(c, "assay.pin/1");
        json_key(&j, "artifacts");
        json_array(&j);
    }
    for (size_t i = 0; st == ST_OK && i < c->words; i++)
        st = turn_one(c, c->word[i], pin, c->json ? &j : NULL, e);
    if (st == ST_OK && c->json) {
        json_close(&j);
        answer_close(c, &j);
    }
    return st;
}

enum status cmd_pin(struct cli *c, struct err *e)
{
    return turn(c, true, e);
}

enum status cmd_unpin(struct cli *c, struct err *e)
{
    return turn(c, false, e);
}
