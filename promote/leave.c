#include "promote/leave.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/entry.h"
#include "promote/policy_store.h"
#include "store/change.h"
#include <string.h>

static const char *const channels[POLICY_CHANNELS] = {"preview", "stable"};

enum status reason_check(const char *reason, const char *act, struct err *e)
{
    if (reason != NULL && *reason != '\0' && strlen(reason) < REASON_MAX &&
        utf8_valid(span_text(reason)))
        return ST_OK;
    return err_set(e, ST_USAGE, "reason", "%s needs a reason: 1 to %d bytes of UTF-8", act,
                   REASON_MAX - 1);
}

/* One channel that is left. */
struct leaving {
    struct standing on;
    struct statement s;
    struct digest envelope;
};

struct exit_set {
    struct leaving of[POLICY_CHANNELS + 1]; /* [count]; the last may be the retirement itself */
    size_t count;
};

static void exit_release(struct exit_set *x)
{
    for (size_t i = 0; i < x->count; i++)
        standing_release(&x->of[i].on);
}

static enum status need_keys(const struct promoter *by, struct err *e)
{
    if (by->release != NULL && by->log != NULL)
        return ST_OK;
    return err_set(e, ST_SIGNATURE, "no-signer",
                   "a decision needs the keys of the roles release and log");
}

static enum status law(const struct promoter *by, struct statement *s, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    enum status st = policy_load(by->store, by->trust, clock_now(&by->clock), &p, e);
    if (st != ST_OK)
        return st;
    s->policy = p.digest;
    text_fmt(s->policy_name, sizeof s->policy_name, "%s", p.name);
    return ST_OK;
}

/* The statement by which artifact a leaves; `channel` "" for the retirement itself. */
static enum status state(const struct promoter *by, const struct artifact *a, const char *channel,
                         enum decision_kind kind, const char *reason, struct leaving *l,
                         struct err *e)
{
    struct statement *s = &l->s;
    *s = (struct statement){.kind = kind, .artifact = a->digest, .self_signed = a->self_signed};
    text_fmt(s->name, sizeof s->name, "%s", a->manifest.name);
    text_fmt(s->version, sizeof s->version, "%s", a->manifest.version);
    text_fmt(s->channel, sizeof s->channel, "%s", channel);
    text_fmt(s->reason, sizeof s->reason, "%s", reason);
    enum status st = law(by, s, e);
    return st == ST_OK ? entry_prepare(by, &l->on, s, e) : st;
}

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    put_text(j, key, hex);
}

static void write_entry(const struct exit_set *x, struct buf *body, struct buf *set)
{
    char key[STORE_KEY_MAX];
    const struct statement *s = &x->of[x->count - 1].s;
    struct json_out j = json_out(body), k = json_out(set);
    json_object(&j);
    json_object(&k);
    put_digest(&j, "artifact", &s->artifact);
    put_text(&j, "channel", x->of[0].s.channel);
    json_key(&j, "decisions");
    json_array(&j);
    for (size_t i = 0; i < x->count; i++) {
        const struct leaving *l = &x->of[i];
        json_object(&j);
        put_text(&j, "channel", l->s.channel);
        put_digest(&j, "decision", &l->envelope);
        json_close(&j);
        if (l->s.channel[0] != '\0')
            entry_set(&l->on, &l->s, &l->envelope, NULL, &k);
        else {
            channel_retired_key(&l->s.artifact, key);
            put_digest(&k, key, &l->envelope);
        }
    }
    json_close(&j);
    put_text(&j, "name", s->name);
    put_text(&j, "reason", s->reason);
    put_text(&j, "version", s->version);
    json_close(&j);
    json_close(&k);
}

static enum status stage(const struct promoter *by, struct exit_set *x, struct change *c,
                         struct err *e)
{
    for (size_t i = 0; i < x->count; i++) {
        SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
        enum status st = entry_sign(by, &x->of[i].s, &envelope, e);
        if (st != ST_OK ||
            (st = change_document(c, buf_span(&envelope), &x->of[i].envelope, e)) != ST_OK)
            return st;
    }
    return ST_OK;
}

/* Every decision and the one entry that makes them mean something; `after` is the ledger entry that
 * everything was read behind. */
static enum status commit(const struct promoter *by, struct exit_set *x, uint64_t after,
                          uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    enum status st = change_begin(by->store, &c, e);
    if (st == ST_OK)
        st = change_last(c, e);
    if (st != ST_OK || (st = stage(by, x, c, e)) != ST_OK)
        return st;
    write_entry(x, &body, &set);
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a decision");
    const struct change_entry entry = {.type = decision_kind_name(x->of[0].s.kind),
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .after = after,
                                       .clock = by->clock,
                                       .log = by->log};
    return change_commit(c, &entry, seq, e);
}

static enum status demote_once(const struct promoter *by, const char *name, const char *channel,
                               const struct digest *who, const char *reason, struct holder *out,
                               struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(exit_release) struct exit_set x = {.count = 1};
    struct store_facts facts;
    uint64_t seq = 0;
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = channel_holder(by->store, name, channel, out, e)) != ST_OK)
        return st;
    if (!digest_equal(&out->artifact, who))
        return err_set(e, ST_CONFLICT, "holder-changed",
                       "the channel's holder has changed meanwhile; nothing was done");
    if ((st = standing_read(by->store, name, channel, &x.of[0].on, e)) != ST_OK ||
        (st = artifact_open(by->store, NULL, &out->artifact, clock_now(&by->clock), &a, e)) !=
            ST_OK ||
        (st = state(by, &a, channel, DECISION_DEMOTE, reason, &x.of[0], e)) != ST_OK ||
        (st = commit(by, &x, facts.seq, &seq, e)) != ST_OK)
        return st;
    out->decision = x.of[0].envelope;
    out->seq = seq;
    return ST_OK;
}

#define TRIES 8

enum status demote(const struct promoter *by, const char *name, const char *channel,
                   const char *reason, struct holder *out, struct err *e)
{
    enum status st = reason_check(reason, "demote", e);
    if (st != ST_OK || (st = need_keys(by, e)) != ST_OK)
        return st;
    if ((st = channel_holder(by->store, name, channel, out, e)) != ST_OK)
        return err_subject(e, "%s@%s", name, channel);
    const struct holder who = *out;
    return demote_holder(by, &who, reason, out, e);
}

enum status demote_holder(const struct promoter *by, const struct holder *who, const char *reason,
                          struct holder *out, struct err *e)
{
    enum status st = reason_check(reason, "demote", e);
    if (st != ST_OK || (st = need_keys(by, e)) != ST_OK)
        return st;
    for (int i = 0; i < TRIES; i++) {
        *e = ERR_NONE;
        st = demote_once(by, who->name, who->channel, &who->artifact, reason, out, e);
        if (st != ST_CONFLICT || !text_equal(err_code(e), "moved"))
            break;
    }
    return st == ST_OK ? ST_OK : err_subject(e, "%s@%s", who->name, who->channel);
}

static enum status retire_once(const struct promoter *by, const struct artifact *a,
                               const char *reason, unsigned *left, uint64_t *seq, struct err *e)
{
    SCOPED(exit_release) struct exit_set x = {.count = 0};
    struct store_facts facts;
    bool already = false;
    enum status st = store_facts(by->store, &facts, e);
    if (st == ST_OK)
        st = channel_retired(by->store, &a->digest, &already, e);
    if (st == ST_OK && already)
        st = err_set(e, ST_EXISTS, "retired-already", "it is retired already");
    for (size_t i = 0; st == ST_OK && i < POLICY_CHANNELS; i++) {
        struct leaving *l = &x.of[x.count++];
        st = standing_read(by->store, a->manifest.name, channels[i], &l->on, e);
        if (st == ST_OK && l->on.held && digest_equal(&l->on.holder.artifact, &a->digest))
            st = state(by, a, channels[i], DECISION_RETIRE, reason, l, e);
        else {
            standing_release(&l->on);
            *l = (struct leaving){.on = {.held = false}};
            x.count--;
        }
    }
    *left = (unsigned)x.count;
    if (st == ST_OK)
        st = state(by, a, "", DECISION_RETIRE, reason, &x.of[x.count++], e);
    return st == ST_OK ? commit(by, &x, facts.seq, seq, e) : st;
}

enum status retire(const struct promoter *by, const struct artifact *a, const char *reason,
                   unsigned *left, uint64_t *seq, struct err *e)
{
    enum status st = reason_check(reason, "retire", e);
    if (st != ST_OK || (st = need_keys(by, e)) != ST_OK)
        return st;
    for (int i = 0; i < TRIES; i++) {
        *e = ERR_NONE;
        st = retire_once(by, a, reason, left, seq, e);
        if (st != ST_CONFLICT || !text_equal(err_code(e), "moved"))
            break;
    }
    return st;
}
