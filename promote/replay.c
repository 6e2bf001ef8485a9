#include "promote/replay.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/policy_store.h"
#include "promote/recall.h"
#include "promote/rules.h"
#include "promote/soak.h"
#include "store/ledger.h"
#include <fcntl.h>
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

/* A refusal's body, as a statement. */
static bool read_refusal(const struct json *body, struct statement *s)
{
    char kind[16];
    bool read = get_digest(body, "artifact", &s->artifact) &&
                basis_read(json_get(body, "basis"), &s->basis) &&
                get_text(body, "channel", s->channel, sizeof s->channel) &&
                get_text(body, "kind", kind, sizeof kind) &&
                get_text(body, "name", s->name, sizeof s->name) &&
                get_text(body, "version", s->version, sizeof s->version) &&
                get_digest(body, "policy", &s->policy) &&
                json_as_bool(json_get(body, "self_signed"), &s->self_signed);
    s->kind = read && text_equal(kind, "emergency") ? DECISION_EMERGENCY : DECISION_PROMOTE;
    return read;
}

struct replaying {
    const struct promoter *by;
    struct recall *recall;
    const struct policy *law;   /* NULL: that of the time */
    uint64_t only;              /* this entry; 0: all */
    char before[TIME_TEXT_MAX]; /* the time of the entry before */
    replay_each each;
    void *ctx;
    bool found;
};

static enum status trouble(struct past *p, const char *why)
{
    text_fmt(p->trouble, sizeof p->trouble, "%s", why);
    return ST_OK;
}

/* The statement that was decided on: a decision's own, or what a refusal recorded. */
static enum status statement_of(struct replaying *r, const struct ledger_entry *entry,
                                struct statement *s, struct past *p, struct err *e)
{
    struct digest envelope;
    struct err why = ERR_NONE;
    *s = (struct statement){.kind = DECISION_NONE};
    if (!p->was_allowed) {
        if (!entry->verified)
            return trouble(p, "the entry's signature does not verify");
        return read_refusal(entry->body, s)
                   ? ST_OK
                   : trouble(p, "the entry does not say what it rested on");
    }
    if (!get_digest(entry->body, "decision", &envelope))
        return trouble(p, "the entry names no decision");
    enum status st = recall_decision(r->recall, &envelope, s, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    return st == ST_OK ? ST_OK : trouble(p, why.detail);
}

static enum status decide(struct replaying *r, const struct statement *s, struct past *p,
                          struct err *e)
{
    SCOPED(recalled_release) struct recalled in = {.ready = false};
    struct err why = ERR_NONE;
    const struct recall_question q = {
        .statement = s, .law = r->law, .time = p->time, .before = r->before, .seq = p->seq};
    enum status st = recall_inputs(r->recall, &q, &in, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    return st == ST_OK ? rules_apply(&in.inputs, &p->decision, e) : trouble(p, why.detail);
}

static enum status replay_one(struct replaying *r, const struct ledger_entry *entry, struct err *e)
{
    SCOPED(heap_scope) struct past *p = heap_zero(1, sizeof *p);
    struct statement s;
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a past decision");
    p->seq = entry->seq;
    p->was_allowed = !text_equal(entry->type, "refuse");
    text_fmt(p->time, sizeof p->time, "%s", entry->time);
    enum status st = statement_of(r, entry, &s, p, e);
    if (st != ST_OK)
        return st;
    if (p->trouble[0] == '\0') {
        text_fmt(p->name, sizeof p->name, "%s", s.name);
        text_fmt(p->version, sizeof p->version, "%s", s.version);
        text_fmt(p->channel, sizeof p->channel, "%s", s.channel);
        p->emergency = s.kind == DECISION_EMERGENCY;
        p->policy = s.policy;
        if (p->was_allowed) /* the decision's own time: the entry was written a moment later */
            text_fmt(p->time, sizeof p->time, "%s", s.time);
        st = decide(r, &s, p, e);
    }
    r->found = true;
    return st == ST_OK ? r->each(r->ctx, p, e) : st;
}

static enum status visit(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct replaying *r = ctx;
    enum status st = ST_OK;
    bool decides = text_equal(entry->type, "promote") || text_equal(entry->type, "emergency") ||
                   text_equal(entry->type, "refuse");
    if (text_equal(entry->type, "policy"))
        st = recall_policy(r->recall, entry->body, e);
    else if (r->only == 0 ? decides : entry->seq == r->only) {
        if (!decides)
            return err_set(e, ST_USAGE, "audit",
                           "entry %llu is of the type %s: nothing was decided by rules there",
                           (unsigned long long)entry->seq, entry->type);
        st = replay_one(r, entry, e);
    }
    text_fmt(r->before, sizeof r->before, "%s", entry->time);
    return st == ST_OK && r->only > 0 && r->found ? ST_CANCELLED : st;
}

static enum status read_all(struct replaying *r, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    struct store_facts facts;
    struct ledger_place at = {.offset = 0};
    enum status st = store_facts(r->by->store, &facts, e);
    if (st != ST_OK)
        return st;
    st = io_open(AT_FDCWD, facts.path, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    if (st != ST_OK)
        return st;
    st = ledger_read(dir, &facts.log_key, &at, visit, r, e);
    return st == ST_CANCELLED && r->found ? ST_OK : st;
}

enum status replay_history(const struct promoter *by, const struct policy *law, replay_each each,
                           void *ctx, struct err *e)
{
    SCOPED(recall_scope) struct recall *recall = NULL;
    enum status st = recall_open(by, &recall, e);
    struct replaying r = {.by = by, .recall = recall, .law = law, .each = each, .ctx = ctx};
    return st == ST_OK ? read_all(&r, e) : st;
}

static enum status keep(void *ctx, const struct past *p, struct err *e)
{
    (void)e;
    *(struct past *)ctx = *p;
    return ST_OK;
}

enum status replay_entry(const struct promoter *by, uint64_t seq, struct past *out, struct err *e)
{
    SCOPED(recall_scope) struct recall *recall = NULL;
    enum status st = recall_open(by, &recall, e);
    struct replaying r = {.by = by, .recall = recall, .only = seq, .each = keep, .ctx = out};
    if (st == ST_OK)
        st = read_all(&r, e);
    if (st == ST_OK && !r.found)
        return err_set(e, ST_NOT_FOUND, "no-entry", "the ledger has no entry %llu",
                       (unsigned long long)seq);
    return st;
}
