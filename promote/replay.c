#include "promote/replay.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/recall.h"
#include "promote/rules.h"
#include "store/ledger.h"
#include <string.h>

/* ---- what an entry says ---- */

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool get_digest(const struct json *v, const char *key, struct digest *out)
{
    const char *hex = json_as_string(json_get(v, key));
    return hex != NULL && digest_parse(hex, out);
}

static bool get_before(const struct json *body, struct digest *out)
{
    const struct json *v = json_get(body, "before");
    return get_digest(body, "before", out) || (v != NULL && json_kind(v) == JSON_NULL);
}

/* A refusal's body, as a statement. */
static bool read_refusal(const struct json *body, struct statement *s)
{
    char kind[16];
    bool read = get_digest(body, "artifact", &s->artifact) &&
                basis_read(json_get(body, "basis"), &s->basis) && get_before(body, &s->before) &&
                get_text(body, "channel", s->channel, sizeof s->channel) &&
                get_text(body, "clock", s->time, sizeof s->time) &&
                get_text(body, "kind", kind, sizeof kind) &&
                get_text(body, "name", s->name, sizeof s->name) &&
                get_text(body, "version", s->version, sizeof s->version) &&
                json_as_u64(json_get(body, "number"), &s->number) &&
                get_digest(body, "policy", &s->policy) &&
                json_as_bool(json_get(body, "self_signed"), &s->self_signed);
    s->kind = read && text_equal(kind, "emergency") ? DECISION_EMERGENCY : DECISION_PROMOTE;
    return read;
}

#define STEPS 16 /* channels that an artifact came through */

struct replaying {
    const struct promoter *by;
    struct recall *recall;
    const struct policy *law;   /* NULL: that of the time */
    bool revoked;               /* … as far as its people are believed still */
    char before[TIME_TEXT_MAX]; /* the time of the entry before */
    replay_each each;
    void *ctx;
};

static enum status trouble(struct past *p, const char *why)
{
    text_fmt(p->trouble, sizeof p->trouble, "%s", why);
    return ST_OK;
}

/* ---- one entry ---- */

/* The statement that was decided on: a decision's own, or what a refusal recorded. */
static enum status statement_of(struct replaying *r, const struct ledger_entry *entry,
                                struct statement *s, struct past *p, struct err *e)
{
    struct digest envelope;
    struct err why = ERR_NONE;
    *s = (struct statement){.kind = DECISION_NONE};
    if (!p->was_allowed)
        return read_refusal(entry->body, s)
                   ? ST_OK
                   : trouble(p, "the entry does not say what it rested on");
    if (!get_digest(entry->body, "decision", &envelope))
        return trouble(p, "the entry names no decision");
    p->envelope = envelope;
    enum status st = recall_decision(r->recall, &envelope, entry->seq, s, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    return st == ST_OK ? ST_OK : trouble(p, why.detail);
}

/* Did it take its place in the channel's order by this very entry, and is its time of then? */
static enum status in_place(const struct replaying *r, const struct ledger_entry *entry,
                            const struct statement *s, struct past *p, struct err *e)
{
    struct digest taken;
    uint64_t seq = 0;
    enum status st = channel_place(r->by->store, s->name, s->channel, s->number, &taken, &seq, e);
    if (st != ST_OK)
        return st;
    if (seq != entry->seq || !digest_equal(&taken, &p->envelope))
        return trouble(p, "the decision did not take its place in the channel's order by it");
    if (strcmp(s->time, r->before) < 0 || strcmp(entry->time, s->time) < 0)
        return trouble(p, "the decision's time is not the one of its entry");
    return s->kind == DECISION_PROMOTE || s->kind == DECISION_EMERGENCY
               ? ST_OK
               : trouble(p, "the decision is no promotion");
}

static enum status decide(struct replaying *r, const struct statement *s, struct past *p,
                          struct err *e)
{
    SCOPED(recalled_release) struct recalled in = {.ready = false};
    struct err why = ERR_NONE;
    const struct recall_question q = {.statement = s,
                                      .law = r->law,
                                      .time = p->time,
                                      .before = r->before,
                                      .seq = p->seq,
                                      .revoked = r->revoked};
    enum status st = recall_inputs(r->recall, &q, &in, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        return trouble(p, why.detail);
    const struct policy_channel *law = policy_channel(in.inputs.policy, s->channel);
    text_fmt(p->from, sizeof p->from, "%s", law != NULL ? law->from : "");
    return rules_apply(&in.inputs, &p->decision, e);
}

/* The entry decided again; r->before is the time of the one before it. */
static enum status replay_one(struct replaying *r, const struct ledger_entry *entry, struct past *p,
                              struct err *e)
{
    struct statement s;
    *p = (struct past){.seq = entry->seq, .was_allowed = !text_equal(entry->type, "refuse")};
    text_fmt(p->time, sizeof p->time, "%s", entry->time);
    if (!entry->verified)
        return trouble(p, "the entry's signature does not verify");
    enum status st = statement_of(r, entry, &s, p, e);
    if (st == ST_OK && p->trouble[0] == '\0' && p->was_allowed)
        st = in_place(r, entry, &s, p, e);
    if (st != ST_OK || p->trouble[0] != '\0')
        return st;
    text_fmt(p->name, sizeof p->name, "%s", s.name);
    text_fmt(p->version, sizeof p->version, "%s", s.version);
    text_fmt(p->channel, sizeof p->channel, "%s", s.channel);
    p->emergency = s.kind == DECISION_EMERGENCY;
    p->artifact = s.artifact;
    p->policy = s.policy;
    text_fmt(p->time, sizeof p->time, "%s", s.time); /* the entry was written a moment later */
    return decide(r, &s, p, e);
}

/* One entry by its number, and the time of the one before it. */
static enum status read_entry(struct replaying *r, uint64_t seq, struct ledger_entry *out,
                              struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry before = {0};
    enum status st = store_entry(r->by->store, seq, out, e);
    r->before[0] = '\0';
    if (st != ST_OK || seq == 1)
        return st;
    if ((st = store_entry(r->by->store, seq - 1, &before, e)) != ST_OK)
        return st;
    text_fmt(r->before, sizeof r->before, "%s", before.time);
    return digest_equal(&before.hash, &out->prev)
               ? ST_OK
               : err_at(e, ST_CORRUPT, "ledger", "ledger-chain", ERR_NO_OFFSET,
                        "entry %llu does not follow from the entry before it",
                        (unsigned long long)seq);
}

/* ---- where it rests ---- */

static enum status unproven(struct err *e, const char *code, const char *what)
{
    return err_at(e, ST_UNPROVEN, "decision", code, ERR_NO_OFFSET, "%s", what);
}

/* The decision that took a place, and the entry by which it did. */
static enum status open_place(struct replaying *r, const struct replay_place *at, uint64_t *seq,
                              struct statement *out, struct err *e)
{
    struct digest d;
    enum status st = channel_place(r->by->store, at->name, at->channel, at->number, &d, seq, e);
    if (st != ST_OK)
        return st;
    if (*seq == 0 || !(digest_is_zero(&at->decision) || digest_equal(&at->decision, &d)))
        return unproven(e, "decision-place",
                        "the decision is not the one that has its number in the channel's order");
    if ((st = recall_decision(r->recall, &d, *seq, out, e)) != ST_OK)
        return st;
    return text_equal(out->name, at->name) && text_equal(out->channel, at->channel) &&
                   out->number == at->number
               ? ST_OK
               : unproven(e, "decision-channel",
                          "the decision was made for another name or channel");
}

/* A rollback says of the artifact what its promotion said, and nothing of its own but the trust. */
static enum status same_basis(const struct statement *rollback, const struct statement *grant,
                              struct err *e)
{
    SCOPED(buf_release) struct buf a = BUF_EMPTY;
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct basis said = rollback->basis;
    struct json_out j = json_out(&a), k = json_out(&b);
    said.trust = grant->basis.trust;
    basis_write(&said, &j);
    basis_write(&grant->basis, &k);
    if (buf_status(&a) != ST_OK || buf_status(&b) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a past decision");
    return digest_equal(&rollback->artifact, &grant->artifact) &&
                   digest_equal(&rollback->policy, &grant->policy) &&
                   span_equal(buf_span(&a), buf_span(&b))
               ? ST_OK
               : unproven(e, "decision-restores",
                          "the rollback says something else than the promotion it goes back to");
}

/* The promotion that a place rests on: itself, or the one that a rollback goes back to. */
static enum status find_grant(struct replaying *r, const struct replay_place *at, uint64_t *seq,
                              struct err *e)
{
    struct statement s, back;
    enum status st = open_place(r, at, seq, &s, e);
    if (st != ST_OK || s.kind != DECISION_ROLLBACK)
        return st;
    struct replay_place former = *at;
    former.number = s.restores;
    former.decision = (struct digest){{0}};
    if (s.restores >= s.number)
        return unproven(e, "decision-restores", "the rollback goes back to nothing before it");
    st = open_place(r, &former, seq, &back, e);
    return st == ST_OK ? same_basis(&s, &back, e) : st;
}

static enum status judge(const struct past *p, struct err *e)
{
    if (p->trouble[0] != '\0')
        return err_at(e, ST_UNPROVEN, "decision", "decision-unlawful", ERR_NO_OFFSET,
                      "entry %llu cannot be decided again: %.150s", (unsigned long long)p->seq,
                      p->trouble);
    for (size_t i = 0; i < p->decision.rule_count && !p->decision.allowed; i++) {
        const struct rule_outcome *rule = &p->decision.rules[i];
        if (!rule->met)
            return err_at(e, ST_UNPROVEN, "decision", "decision-unlawful", ERR_NO_OFFSET,
                          "the law of its time did not allow it (entry %llu): %s: %.150s",
                          (unsigned long long)p->seq, rule->rule, rule->message);
    }
    return p->decision.allowed ? ST_OK : unproven(e, "decision-unlawful", "no rule allowed it");
}

/* Where what was promoted came from; false when that was no channel. */
static enum status came_from(struct replaying *r, const struct past *p, struct replay_place *at,
                             bool *more, struct err *e)
{
    struct statement source;
    *more = p->from[0] != '\0' && !text_equal(p->from, "candidate");
    if (!*more)
        return ST_OK;
    enum status st = recall_decision(r->recall, &p->decision.basis.source, p->seq, &source, e);
    text_fmt(at->channel, sizeof at->channel, "%s", p->from);
    at->number = st == ST_OK ? source.number : 0;
    at->decision = p->decision.basis.source;
    return st;
}

/* Each channel that it came through, back to the candidate. *p: the first that was looked at. */
static enum status prove_chain(struct replaying *r, struct replay_place at, bool more,
                               struct past *p, struct err *e)
{
    enum status st = ST_OK;
    for (int i = 0; st == ST_OK && more; i++) {
        SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
        uint64_t seq = 0;
        if (i == STEPS)
            return unproven(e, "decision-chain", "it came through more channels than are followed");
        if ((st = find_grant(r, &at, &seq, e)) == ST_OK &&
            (st = read_entry(r, seq, &entry, e)) == ST_OK &&
            (st = replay_one(r, &entry, p, e)) == ST_OK && (st = judge(p, e)) == ST_OK)
            st = came_from(r, p, &at, &more, e);
    }
    return st;
}

enum status replay_prove(const struct promoter *by, const struct replay_place *at, struct err *e)
{
    SCOPED(recall_scope) struct recall *recall = NULL;
    SCOPED(heap_scope) struct past *p = heap_zero(1, sizeof *p);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a past decision");
    enum status st = recall_open(by, &recall, e);
    struct replaying r = {.by = by, .recall = recall, .revoked = true};
    return st == ST_OK ? prove_chain(&r, *at, true, p, e) : st;
}

/* ---- asking ---- */

static bool decides(const struct ledger_entry *entry)
{
    return text_equal(entry->type, "promote") || text_equal(entry->type, "emergency") ||
           text_equal(entry->type, "refuse");
}

static enum status visit(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct replaying *r = ctx;
    enum status st = ST_OK;
    if (decides(entry)) {
        SCOPED(heap_scope) struct past *p = heap_zero(1, sizeof *p);
        if (p == NULL)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for a past decision");
        st = replay_one(r, entry, p, e);
        if (st == ST_OK)
            st = r->each(r->ctx, p, e);
    }
    text_fmt(r->before, sizeof r->before, "%s", entry->time);
    return st;
}

enum status replay_history(const struct promoter *by, const struct policy *law, replay_each each,
                           void *ctx, struct err *e)
{
    SCOPED(recall_scope) struct recall *recall = NULL;
    enum status st = recall_open(by, &recall, e);
    struct replaying r = {.by = by, .recall = recall, .law = law, .each = each, .ctx = ctx};
    return st == ST_OK ? store_entries(by->store, true, visit, &r, e) : st;
}

/* What came from nowhere by right did not hold the channel it came from. */
static enum status judge_source(struct replaying *r, struct past *p, struct err *e)
{
    SCOPED(heap_scope) struct past *before = heap_zero(1, sizeof *before);
    struct replay_place at = {.number = 0};
    struct err why = ERR_NONE;
    bool more = false;
    if (before == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a past decision");
    text_fmt(at.name, sizeof at.name, "%s", p->name);
    enum status st = came_from(r, p, &at, &more, &why);
    if (st == ST_OK)
        st = prove_chain(r, at, more, before, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    for (size_t i = 0; st != ST_OK && i < p->decision.rule_count; i++) {
        struct rule_outcome *rule = &p->decision.rules[i];
        if (!text_equal(rule->rule, "from"))
            continue;
        rule->met = p->decision.allowed = false;
        text_fmt(rule->message, sizeof rule->message, "it did not hold %s by right: %.200s",
                 p->from, why.detail);
    }
    return ST_OK;
}

enum status replay_entry(const struct promoter *by, uint64_t seq, struct past *out, struct err *e)
{
    SCOPED(recall_scope) struct recall *recall = NULL;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    enum status st = recall_open(by, &recall, e);
    struct replaying r = {.by = by, .recall = recall};
    if (st != ST_OK || (st = read_entry(&r, seq, &entry, e)) != ST_OK)
        return st;
    if (!decides(&entry))
        return err_set(e, ST_USAGE, "audit-type",
                       "entry %llu is of the type %s: nothing was decided by rules there",
                       (unsigned long long)seq, entry.type);
    st = replay_one(&r, &entry, out, e);
    return st == ST_OK && out->trouble[0] == '\0' && out->decision.allowed
               ? judge_source(&r, out, e)
               : st;
}
