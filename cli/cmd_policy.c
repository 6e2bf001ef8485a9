/* policy check, set, show: the law. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/print.h"
#include "promote/policy_store.h"
#include <string.h>

static void put_gates(struct buf *out, const struct policy_channel *channel)
{
    const char *comma = "";
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (channel->gates[g]) {
            buf_fmt(out, "%s%s", comma, gate_name((enum gate)g));
            comma = ", ";
        }
    }
    buf_byte(out, 0);
}

/* In whole days where it is such, else in hours. */
static void put_age(struct buf *out, uint64_t seconds)
{
    bool days = seconds % 86400 == 0;
    if (seconds == 0)
        buf_text(out, "of any age");
    else
        buf_fmt(out, "at most %llu %s old",
                (unsigned long long)(days ? seconds / 86400 : (seconds + 3599) / 3600),
                days ? "days" : "hours");
    buf_byte(out, 0);
}

static void put_policy(struct buf *out, const struct policy *p)
{
    char hex[DIGEST_TEXT];
    digest_text(&p->digest, hex);
    put_field(out, "policy", "%s", p->name);
    put_field(out, "sha256", "%s", hex);
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        const struct policy_channel *channel = &p->channels[i];
        SCOPED(buf_release) struct buf gates = BUF_EMPTY;
        SCOPED(buf_release) struct buf age = BUF_EMPTY;
        if (!channel->present)
            continue;
        put_gates(&gates, channel);
        put_age(&age, channel->evidence_max_age_s);
        put_field(out, channel->name, "from %s; gates: %s; evidence %s%s", channel->from,
                  gates.failed ? "?" : (const char *)gates.p,
                  age.failed ? "?" : (const char *)age.p,
                  channel->allow_self_signed ? "" : "; not self-signed");
    }
    put_field(out, "retain", "%llu former holders of each channel", (unsigned long long)p->retain);
}

static enum status answer_policy(struct cli *c, const char *schema, const struct policy *p,
                                 uint64_t seq, struct err *e)
{
    SCOPED(json_scope) struct json *doc = NULL;
    if (!c->json) {
        put_policy(&c->out, p);
        return ST_OK;
    }
    enum status st = json_parse(buf_span(&p->canonical), STORE_DOCUMENT_MAX, &doc, e);
    if (st != ST_OK)
        return st;
    struct json_out j = answer_open(c, schema);
    member_text(&j, "name", p->name);
    member_digest(&j, "sha256", &p->digest);
    if (seq > 0)
        member_u64(&j, "seq", seq);
    member_json(&j, "policy", doc);
    answer_close(c, &j);
    return ST_OK;
}

enum status cmd_policy_check(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    enum status st = policy_file_read(c->word[0], &p, e);
    return st == ST_OK ? answer_policy(c, "assay.policy-check/1", &p, 0, e) : st;
}

enum status cmd_policy_set(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    const struct signer *law = NULL, *log = NULL;
    uint64_t seq = 0;
    enum status st = policy_file_read(c->word[0], &p, e);
    if (st == ST_OK)
        st = cli_trust(c, e);
    if (st == ST_OK)
        st = cli_key(c, "policy", &law, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = policy_install(c->store, &p, law, log, c->clock, &seq, e);
    return st == ST_OK ? answer_policy(c, "assay.policy-set/1", &p, seq, e) : st;
}

enum status cmd_policy_show(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &p, e);
    return st == ST_OK ? answer_policy(c, "assay.policy-show/1", &p, 0, e) : st;
}
