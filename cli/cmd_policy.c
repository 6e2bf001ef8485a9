/* policy check, set, sign, show: the law. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/print.h"
#include "cli/target.h"
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

/* What was signed: the policy, of which store and place, and how many have signed. */
static enum status answer_law(struct cli *c, const struct enactment *n, size_t signatures,
                              struct err *e)
{
    if (!c->json) {
        put_policy(&c->out, &n->policy);
        put_field(&c->out, "law", "version %llu of store %s", (unsigned long long)n->version,
                  n->store);
        put_field(&c->out, "signatures", "%zu", signatures);
        return ST_OK;
    }
    SCOPED(json_scope) struct json *doc = NULL;
    enum status st = json_parse(buf_span(&n->policy.canonical), STORE_DOCUMENT_MAX, &doc, e);
    if (st != ST_OK)
        return st;
    struct json_out j = answer_open(c, "assay.policy-sign/1");
    member_text(&j, "name", n->policy.name);
    member_digest(&j, "sha256", &n->policy.digest);
    member_text(&j, "store", n->store);
    member_u64(&j, "version", n->version);
    member_u64(&j, "signatures", signatures);
    member_text(&j, "file", c->args.value[OPT_OUTPUT]);
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

/* ---- becoming law ---- */

static enum status policy_key(struct cli *c, const struct signer **out, struct err *e)
{
    const char *name = c->args.value[OPT_KEY];
    return cli_key(c, name != NULL ? name : "policy", out, e);
}

/* A policy that is signed by others already, as the next law of this store. */
static enum status set_signed(struct cli *c, struct span file, struct policy *out, uint64_t *seq,
                              struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(enactment_release) struct enactment n = {.version = 0};
    const struct signer *log = NULL;
    enum status st = enactment_open(file, &v, &n, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = policy_enact(c->store, file, log, c->clock, seq, e);
    if (st != ST_OK)
        return st;
    *out = n.policy;
    n.policy = (struct policy){0};
    return ST_OK;
}

static enum status put_signed(struct cli *c, struct span envelope, struct err *e)
{
    const char *path = c->args.value[OPT_OUTPUT];
    enum status st = target_put(c, path, envelope, e);
    if (st == ST_OK)
        cli_hint(c, "next: assay policy sign %s --key K -o FILE, or assay policy set %s", path,
                 path);
    return st;
}

/* Signed once, for others to sign as well. */
static enum status propose(struct cli *c, const struct policy *p, struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    const struct signer *law = NULL;
    enum status st = policy_key(c, &law, e);
    if (st == ST_OK)
        st = trust_alive(c->trust, cli_now(c), e);
    if (st == ST_OK)
        st = trust_want(c->trust, ROLE_POLICY, signer_public(law), e);
    if (st == ST_OK)
        st = policy_next(c->store, p, &payload, e);
    if (st == ST_OK)
        st = envelope_sign(POLICY_TYPE, buf_span(&payload), law, &envelope, e);
    return st == ST_OK ? put_signed(c, buf_span(&envelope), e) : st;
}

static enum status set_unsigned(struct cli *c, struct policy *p, uint64_t *seq, struct err *e)
{
    const struct signer *law = NULL, *log = NULL;
    enum status st = policy_file_read(c->word[0], p, e);
    if (st == ST_OK && opt_given(&c->args, OPT_OUTPUT))
        return propose(c, p, e);
    if (st == ST_OK)
        st = policy_key(c, &law, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    return st == ST_OK ? policy_install(c->store, p, law, log, c->clock, seq, e) : st;
}

enum status cmd_policy_set(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    bool enactment = false;
    uint64_t seq = 0;
    enum status st = policy_file_signed(c->word[0], &file, &enactment, e);
    if (st == ST_OK)
        st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    if (enactment && opt_given(&c->args, OPT_OUTPUT))
        return err_set(e, ST_USAGE, "words",
                       "%s is signed already; assay policy sign adds a signature", c->word[0]);
    st = enactment ? set_signed(c, buf_span(&file), &p, &seq, e) : set_unsigned(c, &p, &seq, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    return answer_policy(c, "assay.policy-set/1", &p, seq, e);
}

/* Needs no store: what is signed says for which it is. */
enum status cmd_policy_sign(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(enactment_release) struct enactment n = {.version = 0};
    const struct signer *signer = NULL;
    bool enactment = false;
    if (!opt_given(&c->args, OPT_KEY) || !opt_given(&c->args, OPT_OUTPUT))
        return err_set(e, ST_USAGE, "words", "policy sign needs --key K and -o FILE");
    enum status st = policy_file_signed(c->word[0], &file, &enactment, e);
    if (st == ST_OK && !enactment)
        st = err_set(e, ST_USAGE, "policy-unsigned",
                     "it is a policy and nobody's law yet; assay policy set FILE -o makes it one "
                     "to sign");
    if (st == ST_OK)
        st = enactment_open(buf_span(&file), &v, &n, e);
    if (st == ST_OK)
        st = policy_key(c, &signer, e);
    if (st == ST_OK)
        st = envelope_cosign(&v, signer, &out, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    st = put_signed(c, buf_span(&out), e);
    return st == ST_OK ? answer_law(c, &n, v.count + 1, e) : st;
}

enum status cmd_policy_show(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &p, e);
    return st == ST_OK ? answer_policy(c, "assay.policy-show/1", &p, 0, e) : st;
}
