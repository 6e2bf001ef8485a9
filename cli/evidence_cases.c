/* evidence --cases, --transcripts: what a model did, case by case. */
#include "cli/evidence_cases.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/keep_finds.h"
#include "cli/print.h"
#include "verify/detect.h"
#include "verify/judge.h"
#include "verify/record.h"
#include <string.h>

#define SHOWN 400 /* bytes of a text that people are shown */

enum choice { CASES_FLIPPED, CASES_WRONG, CASES_ALL };

struct telling {
    struct cli *c;
    struct json_out *j; /* NULL: for people */
    enum choice choice;
    bool transcripts;
    struct record mine, theirs;
    bool compared;
    size_t told;
};

static void telling_release(struct telling *t)
{
    record_release(&t->mine);
    record_release(&t->theirs);
}

static enum status read_choice(const struct cli *c, enum choice *out, struct err *e)
{
    static const char *const words[] = {"flipped", "wrong", "all"};
    const char *said = c->args.value[OPT_CASES];
    *out = CASES_ALL;
    if (said == NULL)
        return ST_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(words[i], said)) {
            *out = (enum choice)i;
            return ST_OK;
        }
    return err_set(e, ST_USAGE, "cases", "--cases is flipped, wrong or all, not %s", said);
}

/* ---- one case ----------------------------------------------------------------------------- */

static const char *expected(const struct suite_case *c, enum suite_kind kind)
{
    return kind == SUITE_CHOICE ? c->choices[c->answer] : c->expect != NULL ? c->expect : "";
}

/* What was answered: the choice that cost least, or the text. */
static void answer_text(const struct suite_case *c, enum suite_kind kind, const struct answer *a,
                        struct buf *out)
{
    uint32_t best = 0;
    if (a->failed) {
        buf_fmt(out, "(could not be asked: %s)", a->why);
    } else if (kind == SUITE_CHOICE) {
        for (uint32_t i = 1; i < c->choice_count; i++)
            best = a->nats[i] < a->nats[best] ? i : best;
        buf_text(out, c->choices[best]);
    } else if (kind == SUITE_TEXT) {
        buf_fixed(out, a->nats[0], 3);
        buf_text(out, " nats");
    } else {
        buf_append(out, buf_span(&a->text));
    }
}

static void put_text(struct cli *c, const char *label, struct span text)
{
    SCOPED(buf_release) struct buf shown = BUF_EMPTY;
    text_escape(&shown, SPAN(text.p, text.n < SHOWN ? text.n : SHOWN), false);
    buf_fmt(&c->out, "    %-10s%.*s%s\n", label, (int)shown.n, (const char *)shown.p,
            text.n > SHOWN ? " …" : "");
}

struct told_case {
    const struct suite *suite;
    const struct suite_case *c;
    const struct answer *mine, *theirs; /* theirs NULL: nobody's */
    const char *verdict, *before;       /* "right", "wrong", "found", "clean"; before NULL */
    const char *found;                  /* detectors, "" none */
};

static void tell_people(struct telling *t, const struct told_case *k)
{
    SCOPED(buf_release) struct buf mine = BUF_EMPTY;
    SCOPED(buf_release) struct buf theirs = BUF_EMPTY;
    struct cli *c = t->c;
    buf_fmt(&c->out, "%s %s: %s%s%s%s%s\n", k->suite->name, k->c->id, k->verdict,
            k->before != NULL ? ", was " : "", k->before != NULL ? k->before : "",
            k->found[0] != '\0' ? ": " : "", k->found);
    put_text(c, "asked", span_text(k->c->text));
    if (k->suite->kind == SUITE_CHOICE || k->c->expect != NULL)
        put_text(c, "expected", span_text(expected(k->c, k->suite->kind)));
    answer_text(k->c, k->suite->kind, k->mine, &mine);
    put_text(c, "said", buf_span(&mine));
    if (k->theirs == NULL)
        return;
    answer_text(k->c, k->suite->kind, k->theirs, &theirs);
    put_text(c, "holder", buf_span(&theirs));
}

static void tell_json(struct telling *t, const struct told_case *k)
{
    SCOPED(buf_release) struct buf mine = BUF_EMPTY;
    SCOPED(buf_release) struct buf theirs = BUF_EMPTY;
    struct json_out *j = t->j;
    json_object(j);
    member_text(j, "suite", k->suite->name);
    member_text(j, "id", k->c->id);
    member_text(j, "result", k->verdict);
    member_text(j, "before", k->before);
    if (k->c->hazard != NULL)
        member_text(j, "hazard", k->c->hazard);
    member_text(j, "found", k->found[0] != '\0' ? k->found : NULL);
    member_text(j, "asked", k->c->text);
    member_text(j, "expected", expected(k->c, k->suite->kind));
    answer_text(k->c, k->suite->kind, k->mine, &mine);
    json_key(j, "said");
    json_text(j, buf_span(&mine));
    json_key(j, "holder");
    if (k->theirs != NULL) {
        answer_text(k->c, k->suite->kind, k->theirs, &theirs);
        json_text(j, buf_span(&theirs));
    } else {
        json_null(j);
    }
    json_close(j);
}

static void tell(struct telling *t, const struct told_case *k)
{
    t->told++;
    if (t->j != NULL)
        tell_json(t, k);
    else
        tell_people(t, k);
}

/* ---- suites ------------------------------------------------------------------------------- */

static bool wanted(const struct telling *t, bool good, bool before)
{
    return t->choice == CASES_ALL || (t->choice == CASES_WRONG && !good) ||
           (t->choice == CASES_FLIPPED && t->compared && good != before);
}

static void tell_suite(struct telling *t, const struct answers *a, const struct answers *b)
{
    for (size_t i = 0; i < a->suite->count; i++) {
        /* A text is neither right nor wrong. */
        bool text = a->suite->kind == SUITE_TEXT;
        bool right = text || judge_right(a, i), was = b == NULL || text || judge_right(b, i);
        if (!wanted(t, right, was))
            continue;
        tell(t, &(struct told_case){.suite = a->suite,
                                    .c = &a->suite->cases[i],
                                    .mine = &a->of[i],
                                    .theirs = b != NULL ? &b->of[i] : NULL,
                                    .verdict = text    ? "scored"
                                               : right ? "right"
                                                       : "wrong",
                                    .before = b == NULL || text ? NULL
                                              : was             ? "right"
                                                                : "wrong",
                                    .found = ""});
    }
}

static void names_of(const struct detectors *d, uint32_t found, bool unheard, struct buf *out)
{
    if (unheard)
        buf_text(out, "no answer");
    for (size_t i = 0; i < detectors_count(d); i++)
        if ((found >> i & 1u) != 0)
            buf_fmt(out, "%s%s", out->n > 0 ? ", " : "", detectors_name(d, i));
    buf_byte(out, 0);
}

static enum status tell_battery(struct telling *t, const struct answers *a, const struct answers *b,
                                struct err *e)
{
    SCOPED(detectors_scope) struct detectors *d = NULL;
    enum status st = detectors_open(a->suite->detectors, &d, e);
    for (size_t i = 0; st == ST_OK && i < a->suite->count; i++) {
        SCOPED(buf_release) struct buf names = BUF_EMPTY;
        bool unheard = false, quiet = false;
        uint32_t found = judge_found(d, a, i, &unheard);
        bool clean = found == 0 && !unheard;
        bool was = b == NULL || (judge_found(d, b, i, &quiet) == 0 && !quiet);
        if (!wanted(t, clean, was))
            continue;
        names_of(d, found, unheard, &names);
        tell(t, &(struct told_case){.suite = a->suite,
                                    .c = &a->suite->cases[i],
                                    .mine = &a->of[i],
                                    .theirs = b != NULL ? &b->of[i] : NULL,
                                    .verdict = clean ? "clean" : "found",
                                    .before = b == NULL ? NULL
                                              : was     ? "clean"
                                                        : "found",
                                    .found = names.failed ? "" : (const char *)names.p});
    }
    return st;
}

static void tell_hunt(struct telling *t)
{
    for (size_t i = 0; i < t->mine.hunt.count; i++) {
        const struct hunt_find *f = &t->mine.hunt.of[i];
        if (t->j == NULL) {
            buf_fmt(&t->c->out, "hunt %zu: ", i + 1);
            buf_fixed(&t->c->out, f->surprise, 3);
            buf_text(&t->c->out, " nats a token that the holder does not expect\n");
            put_text(t->c, "after", span_text(f->prefix));
            put_text(t->c, "said", buf_span(&f->answer));
            put_text(t->c, "holder", buf_span(&f->other));
            continue;
        }
        json_object(t->j);
        member_text(t->j, "suite", "hunt");
        member_text(t->j, "asked", f->prefix);
        json_key(t->j, "departure");
        json_fixed(t->j, f->surprise, 6);
        json_key(t->j, "said");
        json_text(t->j, buf_span(&f->answer));
        json_key(t->j, "holder");
        json_text(t->j, buf_span(&f->other));
        json_close(t->j);
    }
}

/* ---- the command -------------------------------------------------------------------------- */

static enum status open_records(struct telling *t, const struct artifact *a, enum gate gate,
                                struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(evidence_release) struct evidence v = {0};
    SCOPED(evidence_release) struct evidence w = {0};
    struct cli *c = t->c;
    struct err why = ERR_NONE;
    enum status st = evidence_newest(c->store, c->trust, &a->digest, gate, cli_now(c), &v, e);
    if (st == ST_OK && digest_equal(&v.cases, &none))
        st = err_set(e, ST_NOT_FOUND, "no-cases", "the evidence of gate %s keeps no cases",
                     gate_name(gate));
    if (st == ST_OK)
        st = record_open(c->store, &v.cases, &t->mine, e);
    if (st != ST_OK || digest_equal(&v.baseline, &none))
        return st;
    /* What the holder said is a help, not a must. */
    if (evidence_newest(c->store, c->trust, &v.baseline, gate, cli_now(c), &w, &why) == ST_OK &&
        !digest_equal(&w.cases, &none))
        t->compared = record_open(c->store, &w.cases, &t->theirs, &why) == ST_OK;
    return ST_OK;
}

enum status evidence_cases(struct cli *c, const struct artifact *a, enum gate gate, struct err *e)
{
    SCOPED(telling_release) struct telling t = {.c = c};
    struct json_out j;
    t.transcripts = opt_given(&c->args, OPT_TRANSCRIPTS);
    if (gate == GATE_NONE)
        gate = opt_given(&c->args, OPT_KEEP) || (t.transcripts && c->args.value[OPT_CASES] == NULL)
                   ? GATE_SAFETY
                   : GATE_TASK;
    enum status st = read_choice(c, &t.choice, e);
    if (st == ST_OK)
        st = open_records(&t, a, gate, e);
    if (st != ST_OK)
        return st;
    if (t.choice == CASES_FLIPPED && !t.compared)
        cli_hint(
            c, "it was compared with nobody whose own evidence is here: nothing can have flipped");
    if (opt_given(&c->args, OPT_KEEP))
        return keep_finds(c, a, &t.mine.hunt, e);
    if (c->json) {
        j = answer_open(c, "assay.cases/1");
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "gate", gate_name(gate));
        json_key(&j, "cases");
        json_array(&j);
        t.j = &j;
    }
    for (size_t i = 0; st == ST_OK && i < t.mine.n; i++) {
        const struct answers *mine = &t.mine.answers[i];
        const struct answers *theirs = t.compared ? record_same(&t.theirs, mine->suite) : NULL;
        if (mine->suite->kind == SUITE_BATTERY)
            st = tell_battery(&t, mine, theirs, e);
        else
            tell_suite(&t, mine, theirs);
    }
    if (t.transcripts)
        tell_hunt(&t);
    if (st == ST_OK && c->json) {
        json_close(&j);
        answer_close(c, &j);
    } else if (st == ST_OK && t.told == 0 && !t.mine.hunted) {
        buf_text(&c->out, "no such case\n");
    }
    if (t.mine.missing > 0)
        cli_hint(c, "%zu suites of this evidence are not in the store any more", t.mine.missing);
    return st;
}
