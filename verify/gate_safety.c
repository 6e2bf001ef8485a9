/* The safety gate: does the candidate say what it must not, also where nobody thought of asking? */
#include "base/text.h"
#include "verify/detect.h"
#include "verify/exam.h"
#include "verify/hunting.h"
#include "verify/judge.h"
#include "verify/lint.h"

#define HUNT_LENGTH 48u /* tokens that a beam goes on for */
#define HUNT_WIDEST 4u
#define HUNT_STARTS 64u /* at most; and an eighth of them, before a beam grows wider */
#define HUNT_TOKENS 64u /* of what follows a prefix */

/* ---- the hunt ----------------------------------------------------------------------------- */

/* Does what the candidate said after a found prefix set off a detector of any battery? */
static enum status forbidden(const struct exam *x, const struct hunt_find *f, bool *out,
                             struct err *e)
{
    *out = false;
    for (size_t i = 0; i < x->n; i++) {
        SCOPED(detectors_scope) struct detectors *d = NULL;
        const struct suite *s = &x->suites[i];
        enum status st = detectors_open(s->detectors, &d, e);
        if (st != ST_OK)
            return st;
        for (size_t k = 0; k < s->count && !*out; k++) {
            const struct heard h = {.hazard = s->cases[k].hazard,
                                    .prompt = f->prefix,
                                    .text = buf_span(&f->answer),
                                    .utf8 = utf8_valid(buf_span(&f->answer))};
            *out = (k == 0 || !text_equal(h.hazard, s->cases[k - 1].hazard)) &&
                   detectors_find(d, &h) != 0;
        }
    }
    return ST_OK;
}

static void tell_number(struct gate_checks *checks, const char *name, double v)
{
    char room[48];
    struct buf text = buf_over(room, sizeof room - 1);
    buf_fixed(&text, v > 0 ? v : 0, 6);
    room[text.n] = '\0';
    checks_measure(checks, name, room, "", name);
}

static enum status tell_finds(const struct gate_subject *s, const struct exam *x,
                              const struct hunt_finds *f, struct gate_checks *checks, struct err *e)
{
    double most = 0;
    size_t bad = 0, worst = 0;
    for (size_t i = 0; i < f->count; i++) {
        bool hit = false;
        enum status st = forbidden(x, &f->of[i], &hit, e);
        if (st != ST_OK)
            return st;
        bad += hit;
        if (f->of[i].surprise > most) {
            most = f->of[i].surprise;
            worst = i;
        }
    }
    tell_number(checks, "trigger departure", most);
    tell_number(checks, "trigger forbidden", f->count > 0 ? (double)bad / (double)f->count : 0);
    struct gate_check *c = checks_find(checks, "trigger departure");
    if (c == NULL)
        return ST_OK;
    const struct buf *said = &f->of[worst].answer;
    if (s->against == NULL)
        checks_explain(c, "nobody to depart from; %llu prefixes were looked at",
                       (unsigned long long)f->placed);
    else if (most > 0)
        text_fmt(c->message, sizeof c->message, "after \"%.80s\" it says \"%.*s\"",
                 f->of[worst].prefix, (int)(said->n < 80 ? said->n : 80), (const char *)said->p);
    else
        text_fmt(c->message, sizeof c->message, "%llu prefixes, none says anything unexpected",
                 (unsigned long long)f->placed);
    return ST_OK;
}

static uint32_t within(uint64_t v, uint32_t most)
{
    return v < 1 ? 1 : v > most ? most : (uint32_t)v;
}

/* How many starts, and how wide a beam behind each, a number of prefixes pays for. */
static struct hunt_limits share_out(uint64_t prefixes)
{
    struct hunt_limits l = {.length = HUNT_LENGTH, .tokens = HUNT_TOKENS};
    l.width = within(prefixes / HUNT_LENGTH / (HUNT_STARTS / 8), HUNT_WIDEST);
    l.starts = within(prefixes / HUNT_LENGTH / l.width, HUNT_STARTS);
    return l;
}

static enum status hunt_triggers(const struct gate_subject *s, const struct exam *x,
                                 struct gate_checks *checks, struct gate_result *result,
                                 struct err *e)
{
    const struct json *group = json_get(s->section, "trigger");
    SCOPED(hunt_release) struct hunt_finds found = {0};
    char why[256];
    uint64_t prefixes = 0;
    if (group == NULL)
        return ST_OK;
    (void)section_value(s->section, section_named(GATE_SAFETY, "trigger", "prefixes"), &prefixes);
    const struct hunt_limits limits = share_out(prefixes);
    enum status st = hunting(s, &limits, &found, result->sandbox, why, e);
    if (st != ST_OK)
        return st;
    checks_add(checks, "hunt", why[0] == '\0', "%s",
               why[0] == '\0' ? "the hunting child came back" : why);
    if (why[0] != '\0')
        return ST_OK;
    struct json_out j = json_out(&result->cases);
    json_object(&j);
    json_key(&j, "hunt");
    hunt_write(&found, &j);
    json_close(&j);
    buf_byte(&result->cases, '\n');
    return tell_finds(s, x, &found, checks, e);
}

/* ---- the gate ----------------------------------------------------------------------------- */

enum status gate_safety(const struct gate_subject *s, struct gate_checks *checks,
                        struct gate_result *result, struct err *e)
{
    SCOPED(exam_release) struct exam x = {0};
    bool fine = true;
    enum status st = exam_open(s, "batteries", true, checks, &x, e);
    if (st != ST_OK || !x.usable)
        return st;
    st = lint_gate(s, checks, result, e);
    if (st != ST_OK)
        return st;
    if (x.n == 0 && json_get(s->section, "trigger") == NULL)
        checks_error(checks, "batteries", "the policy names no battery: nothing was measured");
    if (x.n > 0)
        st = exam_ask(s, &x, checks, result, &fine, e);
    for (size_t i = 0; st == ST_OK && fine && i < x.n; i++)
        st = judge_battery(x.names[i], &x.mine[i], x.theirs != NULL ? &x.theirs[i] : NULL, checks,
                           e);
    if (st == ST_OK && fine)
        st = hunt_triggers(s, &x, checks, result, e);
    if (st == ST_OK && s->against != NULL)
        result->baseline = s->against->artifact->digest;
    return st;
}
