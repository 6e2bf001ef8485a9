#include "promote/soak.h"
#include "base/text.h"
#include "store/envelope.h"
#include "store/ledger.h"

#define SOAK_DECISIONS 10000 /* looked at; older ones do not count */

enum status decision_open(struct store *s, const struct trust *t, const struct digest *envelope,
                          int64_t now, struct statement *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = store_document(s, envelope, &bytes, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&bytes), &v, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, STATEMENT_TYPE))
        return err_at(e, ST_SIGNATURE, "decision", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a decision", v.type);
    if ((st = trust_check(t, ROLE_RELEASE, &v, now, e)) != ST_OK)
        return st;
    return statement_decode(buf_span(&v.payload), out, e);
}

struct chain {
    struct store *store;
    const struct trust *trust;
    const struct soak_question *q;
    char id[33];     /* of the store */
    uint64_t number; /* that the next one must have; 0: any */
};

/* Did it take its place in time, and, as the newest, nobody the next? *time: when that was. */
static enum status find_place(struct chain *c, const struct digest *d, const struct statement *s,
                              bool *proven, int64_t *time, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    struct digest taken, next;
    struct err why = ERR_NONE;
    uint64_t seq = 0, after = 0;
    int64_t said = 0;
    enum status st = channel_place(c->store, s->name, s->channel, s->number, &taken, &seq, e);
    if (st == ST_OK && c->number == 0)
        st = channel_place(c->store, s->name, s->channel, s->number + 1, &next, &after, e);
    *proven = st == ST_OK && seq > 0 && seq < c->q->before && digest_equal(&taken, d) &&
              (after == 0 || after >= c->q->before);
    if (!*proven)
        return st;
    st = store_entry(c->store, seq, &entry, &why);
    *proven =
        st == ST_OK && time_parse(entry.time, time) && time_parse(s->time, &said) && said <= *time;
    if (status_exit(st) != 3)
        return ST_OK;
    *e = why;
    return st;
}

/* One decision; *proven false ends the count, what could not be read is an error. */
static enum status step(struct chain *c, const struct digest *d, struct statement *out,
                        bool *proven, int64_t *time, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = decision_open(c->store, c->trust, d, c->q->now, out, &why);
    *proven = st == ST_OK && text_equal(out->store, c->id) && text_equal(out->name, c->q->name) &&
              text_equal(out->channel, c->q->channel) && out->number > 0 &&
              (c->number == 0 || out->number == c->number);
    if (status_exit(st) == 3) {
        *e = why;
        return st;
    }
    st = *proven ? find_place(c, d, out, proven, time, e) : ST_OK;
    c->number = *proven ? out->number - 1 : 0;
    return st;
}

/* From the latest of when it was decided, when the store took it in, and when it was decided before
 * (a clock that was set back proves nothing), until the next decision. */
static void count(struct soak *out, const struct soak_question *q, int64_t since, int64_t before,
                  int64_t until)
{
    int64_t from = since > before ? since : before;
    from = from > q->added ? from : q->added;
    if (from < until)
        out->seconds += (uint64_t)(until - from);
}

enum status soak_time(struct store *s, const struct trust *t, const struct soak_question *q,
                      struct soak *out, struct err *e)
{
    struct store_facts facts;
    struct chain c = {.store = s, .trust = t, .q = q};
    struct digest at = q->newest;
    int64_t until = q->now, since = INT64_MAX; /* of the decision seen last, … */
    bool held = false; /* … not counted before the one before it is seen */
    *out = (struct soak){.seconds = 0};
    enum status st = store_facts(s, &facts, e);
    if (st != ST_OK)
        return st;
    text_fmt(c.id, sizeof c.id, "%s", facts.id);
    for (int i = 0; i < SOAK_DECISIONS && !digest_is_zero(&at); i++) {
        struct statement d;
        bool proven = false;
        int64_t time = 0;
        if ((st = step(&c, &at, &d, &proven, &time, e)) != ST_OK)
            return st;
        if (!proven)
            break;
        if (held)
            count(out, q, since, time, until);
        until = since < until ? since : until;
        since = time;
        held = decision_enters(d.kind) && digest_equal(&d.artifact, &q->artifact);
        if (i == 0) {
            out->proven = true;
            out->holds = held;
        }
        if (out->seconds >= q->enough)
            return ST_OK;
        if (d.number <= 1 || since < q->added)
            break;
        at = d.before;
    }
    if (held)
        count(out, q, since, since, until);
    return ST_OK;
}
