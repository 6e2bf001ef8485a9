#include "promote/entry.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/change.h"
#include "store/envelope.h"
#include "verify/trust_format.h"
#include <string.h>

void standing_release(struct standing *s)
{
    buf_release(&s->channel);
    buf_release(&s->policy);
    buf_release(&s->trust);
}

/* The value of a key as text with a NUL; absent leaves it empty. */
static enum status read_text(struct store *s, const char *key, struct buf *out, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = store_get(s, key, out, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    buf_byte(out, '\0');
    return buf_status(out) == ST_OK ? ST_OK
                                    : err_set(e, ST_NO_MEMORY, NULL, "no memory for a decision");
}

enum status standing_read(struct store *s, const char *name, const char *channel,
                          struct standing *out, struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    channel_key(name, channel, key);
    /* The text first: if the holder changes in between, the commit notices. */
    enum status st = read_text(s, key, &out->channel, e);
    if (st != ST_OK || (st = read_text(s, "policy", &out->policy, e)) != ST_OK ||
        (st = read_text(s, "trust", &out->trust, e)) != ST_OK)
        return st;
    st = channel_seat(s, name, channel, &out->holder, &why);
    out->known = st == ST_OK;
    out->held = out->known && !digest_is_zero(&out->holder.artifact);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    return ST_OK;
}

struct digest standing_last(const struct standing *s)
{
    return s->known ? s->holder.decision : (struct digest){{0}};
}

enum status standing_trust(const struct promoter *by, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct trust_pointer now = {0};
    const struct digest mine = trust_facts(by->trust).digest;
    enum status st = store_get(by->store, TRUST_KEY, &value, e);
    if (st == ST_OK)
        st = trust_pointer_parse(buf_span(&value), &now, e);
    if (st != ST_OK || digest_equal(&now.digest, &mine))
        return st;
    return err_at(e, ST_CONFLICT, "trust", "trust-changed", ERR_NO_OFFSET,
                  "trust version %llu came meanwhile; nothing was done: say it again",
                  (unsigned long long)now.version);
}

enum status entry_prepare(const struct promoter *by, const struct standing *on, struct statement *s,
                          struct err *e)
{
    struct store_facts facts;
    int64_t seen = 0, now = clock_now(&by->clock);
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = standing_trust(by, e)) != ST_OK ||
        (st = store_seen(by->store, &seen, e)) != ST_OK)
        return st;
    struct trust_facts trust = trust_facts(by->trust);
    memcpy(s->store, facts.id, sizeof s->store);
    s->lab = facts.lab;
    s->basis.trust = trust.digest;
    s->self_signed = s->self_signed || trust.self_signed;
    s->number = on->known ? on->holder.number + 1 : 1;
    s->before = standing_last(on);
    time_format(now > seen ? now : seen, s->time);
    return ST_OK;
}

static const char *text_of(const struct buf *b)
{
    return b->n > 0 ? (const char *)b->p : NULL;
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
    put_text(j, key, digest_is_zero(d) ? NULL : hex);
}

/* ---- decisions ---- */

enum status entry_sign(const struct promoter *by, const struct statement *s, struct buf *envelope,
                       struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = statement_encode(s, &payload, e);
    if (st != ST_OK ||
        (st = envelope_sign(STATEMENT_TYPE, buf_span(&payload), by->release, envelope, e)) !=
            ST_OK ||
        (st = envelope_parse(buf_span(envelope), &v, e)) != ST_OK)
        return st;
    /* A decision that nobody would believe is not worth a channel. */
    return trust_check(by->trust, ROLE_RELEASE, &v, clock_now(&by->clock), e);
}

static void write_body(const struct statement *s, const struct standing *on, const struct holder *h,
                       struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    put_digest(&j, "artifact", &s->artifact);
    put_text(&j, "channel", s->channel);
    put_digest(&j, "decision", &h->decision);
    put_text(&j, "name", s->name);
    json_key(&j, "number");
    json_u64(&j, s->number);
    put_digest(&j, "policy", &s->policy);
    put_digest(&j, "previous", on->held ? &on->holder.artifact : &(struct digest){{0}});
    if (s->reason[0] != '\0')
        put_text(&j, "reason", s->reason);
    put_text(&j, "version", s->version);
    json_close(&j);
}

static struct holder holder_of(const struct statement *s, const struct digest *envelope)
{
    struct holder h = {.decision = *envelope, .number = s->number};
    text_fmt(h.name, sizeof h.name, "%s", s->name);
    text_fmt(h.channel, sizeof h.channel, "%s", s->channel);
    memcpy(h.since, s->time, sizeof h.since);
    if (decision_enters(s->kind))
        h.artifact = s->artifact;
    return h;
}

static void put_holder(struct json_out *j, const char *key, const struct holder *h, bool former)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    channel_value(h, former, &value);
    json_key(j, key);
    json_text(j, buf_span(&value));
    j->to->failed = j->to->failed || value.failed;
}

void entry_set(const struct standing *on, const struct statement *s, const struct digest *envelope,
               const struct holder *return_to, struct json_out *j)
{
    char key[STORE_KEY_MAX];
    struct holder h = holder_of(s, envelope);
    channel_place_key(s->name, s->channel, s->number, key);
    put_digest(j, key, envelope);
    channel_key(s->name, s->channel, key);
    put_holder(j, key, &h, false);
    /* The same artifact under a newer decision is no former holder. */
    if (on->held && !digest_equal(&on->holder.artifact, &h.artifact)) {
        struct holder was = on->holder;
        was.withdrawn = s->kind != DECISION_PROMOTE && s->kind != DECISION_EMERGENCY;
        channel_held_key(&was, key);
        put_holder(j, key, &was, true);
    }
    if (return_to != NULL) {
        channel_held_key(return_to, key);
        json_key(j, key);
        json_null(j);
    }
}

static enum status commit(const struct promoter *by, const struct standing *on,
                          const struct statement *s, struct span body, struct span set,
                          uint64_t after, struct change *c, uint64_t *seq, struct err *e)
{
    char key[STORE_KEY_MAX];
    channel_key(s->name, s->channel, key);
    const struct expect expects[] = {{.key = key, .value = text_of(&on->channel)},
                                     {.key = "policy", .value = text_of(&on->policy)},
                                     {.key = "trust", .value = text_of(&on->trust)}};
    const struct change_entry entry = {.type = decision_kind_name(s->kind),
                                       .body = body,
                                       .set = set,
                                       .expects = expects,
                                       .expect_count = sizeof expects / sizeof expects[0],
                                       .after = after,
                                       .clock = by->clock,
                                       .log = by->log};
    enum status st = change_commit(c, &entry, seq, e);
    if (st != ST_CONFLICT || !text_equal(e->subject, key))
        return st;
    *e = ERR_NONE;
    err_set(e, ST_CONFLICT, "holder-changed",
            "another decision about %s@%s came first; nothing was done", s->name, s->channel);
    return err_subject(e, "%s@%s", s->name, s->channel);
}

enum status entry_commit(const struct promoter *by, const struct standing *on,
                         const struct statement *s, const struct holder *return_to, uint64_t after,
                         struct holder *out, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct digest digest;
    enum status st = entry_sign(by, s, &envelope, e);
    if (st != ST_OK || (st = change_begin(by->store, &c, e)) != ST_OK ||
        (st = change_document(c, buf_span(&envelope), &digest, e)) != ST_OK)
        return st;
    struct holder h = holder_of(s, &digest);
    struct json_out j = json_out(&set);
    write_body(s, on, &h, &body);
    json_object(&j);
    entry_set(on, s, &digest, return_to, &j);
    json_close(&j);
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a decision");
    if ((st = commit(by, on, s, buf_span(&body), buf_span(&set), after, c, &h.seq, e)) != ST_OK)
        return st;
    *out = h;
    return ST_OK;
}

/* ---- refusals ---- */

static void write_rules(const struct decision *d, struct json_out *j)
{
    json_key(j, "unmet");
    json_array(j);
    for (size_t i = 0; i < d->rule_count; i++) {
        if (d->rules[i].met)
            continue;
        json_object(j);
        put_text(j, "message", d->rules[i].message);
        put_text(j, "rule", d->rules[i].rule);
        json_close(j);
    }
    json_close(j);
}

enum status entry_refuse(const struct promoter *by, const struct statement *s, uint64_t after,
                         struct decision *d, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    char now[TIME_TEXT_MAX];
    struct json_out j = json_out(&body);
    json_object(&j);
    put_digest(&j, "artifact", &s->artifact);
    json_key(&j, "basis");
    basis_write(&s->basis, &j);
    put_digest(&j, "before", &s->before);
    put_text(&j, "channel", s->channel);
    time_format(clock_now(&by->clock), now);
    put_text(&j, "clock", now);
    put_text(&j, "kind", decision_kind_name(s->kind));
    put_text(&j, "name", s->name);
    json_key(&j, "number");
    json_u64(&j, s->number);
    put_digest(&j, "policy", &s->policy);
    if (s->reason[0] != '\0')
        put_text(&j, "reason", s->reason);
    json_key(&j, "self_signed");
    json_bool(&j, s->self_signed);
    write_rules(d, &j);
    put_text(&j, "version", s->version);
    json_close(&j);
    if (buf_status(&body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a refusal");
    const struct change_entry entry = {.type = "refuse",
                                       .body = buf_span(&body),
                                       .set = span_text("{}"),
                                       .after = after,
                                       .clock = by->clock,
                                       .log = by->log};
    enum status st = change_begin(by->store, &c, e);
    return st == ST_OK ? change_commit(c, &entry, &d->seq, e) : st;
}
