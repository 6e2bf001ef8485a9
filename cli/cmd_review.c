/* request, review, approve: one person asks, others answer, and only files go between them. */
#include "base/files.h"
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "cli/target.h"
#include "promote/approval.h"
#include "verify/trust_format.h"

enum status cmd_request(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct ask ask = {.kind = ASK_PROMOTE};
    const char *channel = c->args.value[OPT_TO], *reason = "";
    bool emergency = opt_given(&c->args, OPT_EMERGENCY);
    if (channel == NULL)
        return err_set(e, ST_USAGE, "no-channel-given", "for which channel? say --to stable");
    if (!channel_name_valid(channel))
        return err_set(e, ST_USAGE, "channel",
                       "there is no channel %.40s; there are preview and stable", channel);
    enum status st = emergency ? ask_reason(c, &reason, e) : ST_OK;
    if (st == ST_OK)
        st = cli_artifact(c, c->word[0], false, &a, e);
    if (st != ST_OK)
        return st;
    if (emergency)
        ask.kind = ASK_EMERGENCY;
    text_fmt(ask.channel, sizeof ask.channel, "%s", channel);
    text_fmt(ask.reason, sizeof ask.reason, "%s", reason);
    st = ask_put(c, &a, &ask, e);
    return st == ST_OK ? ST_OK : err_subject(e, "%s", c->word[0]);
}

/* ---- review ---- */

static void put_people(struct buf *out, const struct trust *t, enum role r)
{
    const struct trust_role *role = &t->roles[r];
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    for (size_t i = 0; i < role->count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&t->keys[role->keys[i]].public, id);
        buf_fmt(&list, "%s%s %s", i > 0 ? ", " : "", t->keys[role->keys[i]].owner, id);
    }
    buf_byte(&list, '\0');
    put_field(out, role_name(r), "%u of %u: %s", (unsigned)role->threshold, (unsigned)role->count,
              list.failed ? "?" : (const char *)list.p);
}

static const char *short_of(const struct digest *d, char out[DIGEST_TEXT])
{
    digest_text(d, out);
    return out;
}

static void tell_text(struct cli *c, const struct request *r, const struct judgement *j)
{
    char hex[DIGEST_TEXT];
    const struct ask *ask = &r->ask;
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    ask_text(ask, &what);
    buf_byte(&what, '\0');
    put_field(&c->out, "asked", "%s", what.failed ? "?" : (const char *)what.p);
    if (ask->reason[0] != '\0')
        put_field(&c->out, "reason", "%s", ask->reason);
    put_field(&c->out, "artifact", "%s", short_of(&ask->artifact, hex));
    put_field(&c->out, "store", "%s, at entry %llu", ask->store, (unsigned long long)r->head.seq);
    put_field(&c->out, "made", "%s, holds until %s", ask->made, ask->expires);
    if (ask->kind != ASK_WAIVE && digest_is_zero(&ask->holder))
        put_field(&c->out, "channel", "%s, about which nothing was decided yet", ask->channel);
    else if (ask->kind != ASK_WAIVE)
        put_field(&c->out, "channel", "%s, as decision %s left it", ask->channel,
                  short_of(&ask->holder, hex));
    put_field(&c->out, "policy", "%s, %s", j->policy.name, short_of(&ask->policy, hex));
    put_field(&c->out, "trust", "version %llu, %s", (unsigned long long)j->trust->version,
              short_of(&ask->trust, hex));
    put_people(&c->out, j->trust, ROLE_ROOT);
    if (inputs_approvals(&j->inputs) != NULL)
        put_people(&c->out, j->trust, inputs_approvals(&j->inputs)->role);
    if (ask->kind != ASK_WAIVE)
        rules_text(&c->out, &j->decision);
}

static void tell_check(struct json_out *j, const struct gate_check *v)
{
    json_object(j);
    member_text(j, "name", v->name);
    member_text(j, "verdict", verdict_name(v->verdict));
    member_text(j, "measured", v->measured);
    member_text(j, "message", v->message);
    json_close(j);
}

static void tell_evidence(struct json_out *j, const struct inputs *in)
{
    json_key(j, "evidence");
    json_array(j);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        const struct gate_input *of = &in->gates[g];
        if (!of->good)
            continue;
        json_object(j);
        member_text(j, "gate", gate_name(g));
        member_text(j, "verdict", verdict_name(of->evidence.verdict));
        member_digest(j, "evidence", &of->evidence.digest);
        json_key(j, "checks");
        json_array(j);
        for (size_t i = 0; i < of->evidence.check_count; i++)
            tell_check(j, &of->evidence.checks[i]);
        json_close(j);
        json_close(j);
    }
    json_close(j);
}

static void tell_json(struct cli *c, const struct request *r, const struct judgement *j)
{
    const struct ask *ask = &r->ask;
    struct json_out o = answer_open(c, "assay.review/1");
    member_text(&o, "kind", ask_kind_name(ask->kind));
    member_text(&o, "name", ask->name);
    member_text(&o, "version", ask->version);
    member_digest(&o, "artifact", &ask->artifact);
    member_text(&o, "channel", ask->channel);
    member_text(&o, "gate", ask->gate != GATE_NONE ? gate_name(ask->gate) : NULL);
    member_text(&o, "check", ask->check);
    member_text(&o, "until", ask->until);
    member_text(&o, "reason", ask->reason);
    member_text(&o, "store", ask->store);
    member_u64(&o, "seq", r->head.seq);
    member_text(&o, "made", ask->made);
    member_text(&o, "expires", ask->expires);
    member_digest(&o, "decision", &ask->holder);
    member_digest(&o, "policy", &ask->policy);
    member_digest(&o, "trust", &ask->trust);
    member_u64(&o, "trust_version", j->trust->version);
    tell_evidence(&o, &j->inputs);
    json_key(&o, "rules");
    rules_json(&o, &j->decision);
    answer_close(c, &o);
}

static enum status check_time(const struct cli *c, const struct ask *ask, struct err *e)
{
    int64_t expires = 0;
    if (time_parse(ask->expires, &expires) && cli_now(c) < expires)
        return ST_OK;
    return err_set(e, ST_EXPIRED, "request-expired",
                   "the request expired at %s; have it made again", ask->expires);
}

enum status cmd_review(struct cli *c, struct err *e)
{
    SCOPED(request_release) struct request r = {.root = NULL};
    SCOPED(judgement_release) struct judgement j = {.trust = NULL};
    enum status st = ask_open(c, c->word[0], &r, e);
    if (st == ST_OK)
        st = request_judge(&r, cli_now(c), &j, e);
    if (st == ST_OK)
        st = check_time(c, &r.ask, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->json)
        tell_json(c, &r, &j);
    else
        tell_text(c, &r, &j);
    cli_hint(c, "is it the trust you mean? then: assay approve %s --key K --reason TEXT -o FILE",
             c->word[0]);
    return ST_OK;
}

/* ---- approve ---- */

static enum status may_sign(const struct judgement *j, const struct signer *key, struct err *e)
{
    const struct policy_approvals *law = inputs_approvals(&j->inputs);
    char id[KEY_ID_TEXT];
    if (law == NULL)
        return err_set(e, ST_REFUSED, "not-asked", "the policy %s asks nobody for approval here",
                       j->policy.name);
    if (trust_has(j->trust, law->role, signer_public(key)))
        return ST_OK;
    key_id_text(signer_public(key), id);
    return err_set(e, ST_UNTRUSTED, "wrong-role",
                   "the key %s has not the role %s in that trust, so its word would not count", id,
                   role_name(law->role));
}

static enum status put_answer(struct cli *c, const struct approval *a, const struct signer *key,
                              struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    const char *path = c->args.value[OPT_OUTPUT];
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    enum status st = approval_sign(a, key, &file, e);
    if (st == ST_OK)
        st = target_put(c, path, buf_span(&file), e);
    if (st != ST_OK)
        return st;
    ask_text(&a->ask, &what);
    buf_byte(&what, '\0');
    struct digest d = digest_of(buf_span(&file));
    if (c->json) {
        struct json_out j = answer_open(c, "assay.approve/1");
        member_bool(&j, "approve", a->approve);
        member_digest(&j, "approval", &d);
        member_digest(&j, "artifact", &a->ask.artifact);
        member_text(&j, "expires", a->ask.expires);
        member_text(&j, "file", path);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s: %s → ", a->approve ? "agreed" : "rejected",
            what.failed ? "?" : (const char *)what.p);
    put_foreign(&c->out, path);
    buf_byte(&c->out, '\n');
    cli_hint(c, "send %s back; there: assay approvals add %s", path, path);
    return ST_OK;
}

enum status cmd_approve(struct cli *c, struct err *e)
{
    SCOPED(request_release) struct request r = {.root = NULL};
    SCOPED(judgement_release) struct judgement j = {.trust = NULL};
    const struct signer *key = NULL;
    const char *reason = NULL, *name = c->args.value[OPT_KEY];
    struct approval a = {.approve = !opt_given(&c->args, OPT_REJECT)};
    if (name == NULL)
        return err_set(e, ST_USAGE, "no-key-given", "with which key? say --key NAME");
    if (c->args.value[OPT_OUTPUT] == NULL)
        return err_set(e, ST_USAGE, "no-output", "where to? say -o FILE");
    enum status st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = ask_open(c, c->word[0], &r, e);
    if (st == ST_OK)
        st = request_judge(&r, cli_now(c), &j, e);
    if (st == ST_OK)
        st = check_time(c, &r.ask, e);
    if (st == ST_OK)
        st = cli_key(c, name, &key, e);
    if (st == ST_OK)
        st = may_sign(&j, key, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    a.ask = r.ask;
    a.head = r.head;
    text_fmt(a.reason, sizeof a.reason, "%s", reason);
    time_format(cli_now(c), a.time);
    return put_answer(c, &a, key, e);
}
