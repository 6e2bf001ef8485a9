#include "verify/judge.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/detect.h"
#include "verify/stats.h"
#include <math.h>
#include <regex.h>
#include <string.h>

#define CONFIDENCE 0.95
#define ROUNDS     2000u
#define SEED       0x6173736179u
#define ALPHA      0.05
#define POWER      0.8
#define LN2        0.69314718055994530942

/* ---- one case ----------------------------------------------------------------------------- */

static bool begins(struct span text, const char *with)
{
    size_t n = strlen(with);
    return text.n >= n && memcmp(text.p, with, n) == 0;
}

static bool matches(const char *pattern, const struct buf *text)
{
    regex_t r;
    SCOPED(buf_release) struct buf copy = BUF_EMPTY;
    buf_append(&copy, buf_span(text));
    buf_byte(&copy, 0);
    if (buf_status(&copy) != ST_OK || regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool found = regexec(&r, (const char *)copy.p, 0, NULL, 0) == 0;
    regfree(&r);
    return found;
}

bool judge_right(const struct answers *a, size_t i)
{
    const struct suite_case *c = &a->suite->cases[i];
    const struct answer *said = &a->of[i];
    if (said->failed)
        return false;
    if (a->suite->kind == SUITE_EXACT)
        return begins(buf_span(&said->text), c->expect);
    if (a->suite->kind == SUITE_PATTERN)
        return matches(c->expect, &said->text);
    uint32_t best = 0;
    for (uint32_t k = 1; k < c->choice_count; k++)
        best = said->nats[k] < said->nats[best] ? k : best;
    return best == c->answer;
}

uint32_t judge_found(const struct detectors *d, const struct answers *a, size_t i, bool *unheard)
{
    const struct suite_case *c = &a->suite->cases[i];
    const struct answer *said = &a->of[i];
    *unheard = said->failed;
    if (said->failed)
        return 0;
    const struct heard h = {
        .hazard = c->hazard, .prompt = c->text, .text = buf_span(&said->text), .utf8 = said->utf8};
    return detectors_find(d, &h);
}

/* ---- numbers as checks -------------------------------------------------------------------- */

static struct gate_check *measure(struct gate_checks *checks, const char *part, const char *what,
                                  double v, unsigned places)
{
    char name[64], number[48];
    struct buf text = buf_over(number, sizeof number - 1);
    text_fmt(name, sizeof name, "%s %s", part, what);
    buf_fixed(&text, v, places);
    number[text.n] = 0;
    checks_measure(checks, name, number, "", name);
    return checks_find(checks, name);
}

struct number {
    char text[32];
};
static struct number show(double v, unsigned places)
{
    struct number n;
    struct buf text = buf_over(n.text, sizeof n.text - 1);
    buf_fixed(&text, v, places);
    n.text[text.n] = 0;
    return n;
}

static size_t answered(const struct answers *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->suite->count; i++)
        n += !a->of[i].failed;
    return n;
}

static void tell_cases(struct gate_checks *checks, const char *part, const struct answers *a)
{
    size_t n = answered(a);
    struct gate_check *c = measure(checks, part, "cases", (double)n, 0);
    const char *why = "";
    for (size_t i = 0; why[0] == '\0' && i < a->suite->count; i++)
        if (a->of[i].failed)
            why = a->of[i].why;
    checks_explain(c, "%zu of %zu cases were answered%s%s", n, a->suite->count,
                   why[0] != '\0' ? "; the first that was not: " : "", why);
}

/* ---- two models on the same cases --------------------------------------------------------- */

/* Per case how much worse the candidate is, and by how many it is worse or better. */
struct paired {
    double *fall, *weight; /* [n] */
    size_t n;
    uint64_t worse, better;
};

static void paired_release(struct paired *p)
{
    heap_free(p->fall);
    heap_free(p->weight);
}

static enum status paired_make(struct paired *p, size_t n, struct err *e)
{
    p->n = n;
    p->fall = heap_zero(n, sizeof *p->fall);
    p->weight = heap_zero(n, sizeof *p->weight);
    return p->fall != NULL && p->weight != NULL
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for a comparison");
}

static void paired_set(struct paired *p, size_t i, double fall, double weight)
{
    p->fall[i] = fall;
    p->weight[i] = weight;
    p->worse += fall > 0;
    p->better += fall < 0;
}

static enum status tell_paired(struct gate_checks *checks, const char *part, const char *drop,
                               const char *drop_p, const struct paired *p, struct err *e)
{
    struct interval sure;
    double weights = 0, falls = 0;
    enum status st =
        stats_bootstrap_ratio(p->fall, p->weight, p->n, CONFIDENCE, ROUNDS, SEED, &sure, e);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < p->n; i++) {
        weights += p->weight[i];
        falls += p->fall[i];
    }
    double chance = stats_sign_tail(p->better, p->worse);
    double share = (double)(p->worse + p->better) / (double)p->n;
    checks_explain(
        measure(checks, part, drop, sure.low > 0 ? sure.low : 0, 6),
        "%s by %s, 95 %% interval %s to %s, on the same %zu cases; a change of %s would be seen "
        "(α 0.05, power 0.8)",
        drop, show(falls / weights, 6).text, show(sure.low, 6).text, show(sure.high, 6).text, p->n,
        show(stats_detectable(p->n, share, ALPHA, POWER), 3).text);
    checks_explain(measure(checks, part, drop_p, chance, 6),
                   "worse in %llu cases, better in %llu: chance of that if it were no worse %s",
                   (unsigned long long)p->worse, (unsigned long long)p->better,
                   show(chance, 6).text);
    return ST_OK;
}

static void tell_alone(struct gate_checks *checks, const char *part, const char *drop,
                       const char *drop_p)
{
    checks_explain(measure(checks, part, drop, 0, 6), "nobody holds the channel to compare with");
    checks_explain(measure(checks, part, drop_p, 1, 6), "nobody holds the channel to compare with");
}

/* ---- suites ------------------------------------------------------------------------------- */

static void tell_rate(struct gate_checks *checks, const char *part, const char *rate,
                      const char *end, bool high, uint64_t hits, uint64_t n)
{
    char name[64];
    struct interval w = stats_wilson(hits, n, CONFIDENCE);
    double value = n > 0 ? (double)hits / (double)n : (double)NAN;
    checks_explain(measure(checks, part, rate, value, 6),
                   "%s %s: %llu of %llu, 95 %% interval %s to %s", rate, show(value, 4).text,
                   (unsigned long long)hits, (unsigned long long)n, show(w.low, 4).text,
                   show(w.high, 4).text);
    text_fmt(name, sizeof name, "%s %s", rate, end);
    (void)measure(checks, part, name, high ? w.high : w.low, 6);
}

static enum status judge_rights(const char *part, const struct answers *a,
                                const struct answers *baseline, struct gate_checks *checks,
                                struct err *e)
{
    uint64_t right = 0;
    SCOPED(paired_release) struct paired p = {0};
    enum status st = paired_make(&p, a->suite->count, e);
    for (size_t i = 0; st == ST_OK && i < a->suite->count; i++) {
        bool mine = judge_right(a, i), theirs = baseline != NULL && judge_right(baseline, i);
        right += mine;
        paired_set(&p, i, (double)theirs - (double)mine, 1);
    }
    if (st != ST_OK)
        return st;
    tell_rate(checks, part, "accuracy", "low", false, right, a->suite->count);
    if (baseline != NULL)
        return tell_paired(checks, part, "drop", "drop p", &p, e);
    tell_alone(checks, part, "drop", "drop p");
    return ST_OK;
}

/* Bits that a text costs; what could not be scored costs more than anything: no number comes out.
 */
static double bits(const struct answers *a, size_t i)
{
    return a->of[i].failed ? (double)NAN : a->of[i].nats[0] / LN2;
}

static enum status judge_texts(const char *part, const struct answers *a,
                               const struct answers *baseline, struct gate_checks *checks,
                               struct err *e)
{
    double cost = 0, bytes = 0;
    SCOPED(paired_release) struct paired p = {0};
    enum status st = paired_make(&p, a->suite->count, e);
    for (size_t i = 0; st == ST_OK && i < a->suite->count; i++) {
        double length = (double)strlen(a->suite->cases[i].text), mine = bits(a, i);
        cost += mine;
        bytes += length;
        paired_set(&p, i, baseline != NULL ? mine - bits(baseline, i) : 0, length);
    }
    if (st != ST_OK)
        return st;
    double each = cost / bytes;
    checks_explain(measure(checks, part, "bits per byte", each, 6),
                   "bits per byte %s over %s bytes", show(each, 4).text, show(bytes, 0).text);
    (void)measure(checks, part, "perplexity", exp2(each), 6);
    if (baseline != NULL)
        return tell_paired(checks, part, "drop", "drop p", &p, e);
    tell_alone(checks, part, "drop", "drop p");
    return ST_OK;
}

enum status judge_suite(const char *name, const struct answers *a, const struct answers *baseline,
                        struct gate_checks *checks, struct err *e)
{
    tell_cases(checks, name, a);
    return a->suite->kind == SUITE_TEXT ? judge_texts(name, a, baseline, checks, e)
                                        : judge_rights(name, a, baseline, checks, e);
}

/* ---- batteries ---------------------------------------------------------------------------- */

#define HAZARD_SHOWN 14 /* bytes of a hazard in a check's name */
#define LETTERS      "abcdefghijklmnopqrstuvwxyz0123456789-_"
#define HAZARDS      24 /* of one battery that have a rate of their own */

/* How often each hazard was found. */
struct hazards {
    const char *name[HAZARDS];
    uint64_t hits[HAZARDS], asked[HAZARDS];
    size_t n;
};

static void hazard_count(struct hazards *h, const char *name, bool hit)
{
    size_t i = 0;
    while (i < h->n && !text_equal(h->name[i], name))
        i++;
    if (i == HAZARDS)
        i = HAZARDS - 1; /* whatever is more is counted with the last */
    else if (i == h->n)
        h->name[h->n++] = name;
    h->asked[i]++;
    h->hits[i] += hit;
}

/* Told, not limited: a policy limits the battery's rate. One hazard is the battery itself. */
static void tell_hazards(struct gate_checks *checks, const char *part, const struct hazards *h)
{
    for (size_t i = 0; h->n > 1 && i < h->n; i++) {
        char name[32];
        struct interval w = stats_wilson(h->hits[i], h->asked[i], CONFIDENCE);
        /* A check's name is short and stands once: a long or odd hazard goes by its number there.
         */
        if (strlen(h->name[i]) <= HAZARD_SHOWN && strspn(h->name[i], LETTERS) == strlen(h->name[i]))
            text_fmt(name, sizeof name, "rate of %s", h->name[i]);
        else
            text_fmt(name, sizeof name, "rate of #%zu", i + 1);
        checks_explain(measure(checks, part, name, (double)h->hits[i] / (double)h->asked[i], 6),
                       "%.60s: %llu of %llu, 95 %% interval %s to %s", h->name[i],
                       (unsigned long long)h->hits[i], (unsigned long long)h->asked[i],
                       show(w.low, 4).text, show(w.high, 4).text);
    }
}

static bool found_any(const struct detectors *d, const struct answers *a, size_t i)
{
    bool unheard = false;
    return judge_found(d, a, i, &unheard) != 0 || unheard;
}

enum status judge_battery(const char *name, const struct answers *a, const struct answers *baseline,
                          struct gate_checks *checks, struct err *e)
{
    uint64_t hits = 0;
    struct hazards hazards = {.n = 0};
    SCOPED(detectors_scope) struct detectors *d = NULL;
    SCOPED(paired_release) struct paired p = {0};
    enum status st = detectors_open(a->suite->detectors, &d, e);
    if (st == ST_OK)
        st = paired_make(&p, a->suite->count, e);
    for (size_t i = 0; st == ST_OK && i < a->suite->count; i++) {
        bool mine = found_any(d, a, i), theirs = baseline != NULL && found_any(d, baseline, i);
        hits += mine;
        hazard_count(&hazards, a->suite->cases[i].hazard, mine);
        paired_set(&p, i, (double)mine - (double)theirs, 1);
    }
    if (st != ST_OK)
        return st;
    tell_cases(checks, name, a);
    tell_rate(checks, name, "rate", "high", true, hits, a->suite->count);
    tell_hazards(checks, name, &hazards);
    if (baseline != NULL)
        return tell_paired(checks, name, "rise", "rise p", &p, e);
    tell_alone(checks, name, "rise", "rise p");
    return ST_OK;
}
