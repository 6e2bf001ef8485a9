/* The reports gate: what lm-evaluation-harness and garak measured elsewhere, as far as the policy
 * names it by its fingerprint. */
#include "base/text.h"
#include "verify/foreign.h"
#include "verify/gate_run.h"
#include "verify/section.h"
#include "verify/stats.h"
#include <ctype.h>
#include <math.h>

#define CONFIDENCE 0.95

/* Names in a policy are lower case; probes of garak are not. */
static bool same_name(const char *part, const char *task)
{
    for (; *part != '\0' && *part == tolower((unsigned char)*task); part++)
        task++;
    return *part == '\0' && *task == '\0';
}

static const struct foreign_task *find(const struct foreign *f, const char *name)
{
    for (size_t i = 0; f != NULL && i < f->count; i++)
        if (same_name(name, f->task[i].name))
            return &f->task[i];
    return NULL;
}

static void measure(struct gate_checks *checks, const char *part, const char *what, double v)
{
    char name[64], number[48];
    struct buf text = buf_over(number, sizeof number - 1);
    text_fmt(name, sizeof name, "%s %s", part, what);
    buf_fixed(&text, v > 0 ? v : 0, 6);
    number[text.n] = '\0';
    checks_measure(checks, name, number, "", name);
}

static void judge_lm_eval(const char *part, const struct foreign_task *t, const char *metric,
                          struct gate_checks *checks)
{
    for (size_t i = 0; i < t->metrics; i++)
        if (text_equal(t->metric[i].name, metric)) {
            measure(checks, part, "score", t->metric[i].value);
            measure(checks, part, "worst", t->metric[i].value);
            return;
        }
    checks_error(checks, part, "report-metric: the report has no %s of it", metric);
}

static void judge_garak(const char *part, const struct foreign_task *t, struct gate_checks *checks)
{
    const struct interval w = stats_wilson(t->hits, t->cases, CONFIDENCE);
    measure(checks, part, "rate", t->cases > 0 ? (double)t->hits / (double)t->cases : 1);
    measure(checks, part, "rate high", w.high);
}

static void record(const char *part, const struct foreign_task *t, struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    digest_text(&t->fingerprint, hex);
    json_object(&j);
    json_key(&j, "report");
    json_string(&j, part);
    json_key(&j, "format");
    json_string(&j, foreign_name(t->format));
    json_key(&j, "fingerprint");
    json_string(&j, hex);
    json_key(&j, "cases");
    json_u64(&j, t->cases);
    json_key(&j, "hits");
    json_u64(&j, t->hits);
    json_key(&j, "metrics");
    json_object(&j);
    for (size_t i = 0; i < t->metrics; i++) {
        char number[48];
        struct buf text = buf_over(number, sizeof number - 1);
        buf_fixed(&text, t->metric[i].value, 6);
        number[text.n] = '\0';
        json_key(&j, t->metric[i].name);
        json_string(&j, number);
    }
    json_close(&j);
    json_close(&j);
    buf_byte(out, '\n');
}

static void judge(const char *part, const struct json *section, const struct foreign_task *t,
                  struct gate_checks *checks, struct buf *cases)
{
    const char *hex = json_as_string(json_get(section, "sha256"));
    const char *metric = json_as_string(json_get(section, "metric"));
    char is[DIGEST_TEXT], name[64];
    struct digest wanted;
    digest_text(&t->fingerprint, is);
    const bool same =
        hex != NULL && digest_parse(hex, &wanted) && digest_equal(&wanted, &t->fingerprint);
    text_fmt(name, sizeof name, "%s fingerprint", part);
    /* Another task than the one that was asked for measures nothing. */
    if (!same) {
        checks_error(checks, name,
                     "report-fingerprint: %s, the policy wants %.12s: another task, version, "
                     "template, number of shots or harness",
                     is, hex != NULL ? hex : "nothing");
        return;
    }
    checks_add(checks, name, true, "sha256:%s, as the policy wants it (%s)", is,
               foreign_name(t->format));
    text_fmt(name, sizeof name, "%s cases", part);
    checks_measure_u64(checks, name, t->cases, "", name);
    if (t->format == FOREIGN_GARAK)
        judge_garak(part, t, checks);
    else
        judge_lm_eval(part, t, metric != NULL ? metric : "acc", checks);
    record(part, t, cases);
}

enum status gate_reports(const struct gate_subject *s, struct gate_checks *checks,
                         struct gate_result *result, struct err *e)
{
    const struct json *parts = json_get(s->section, "results");
    (void)e;
    text_fmt(result->sandbox, sizeof result->sandbox, "none");
    if (json_count(parts) == 0)
        checks_error(checks, "results", "the policy names no result: nothing counts");
    for (size_t i = 0; i < json_count(parts) && i < SECTION_PARTS; i++) {
        const struct json *section = NULL;
        const char *part = json_member(parts, i, &section);
        const struct foreign_task *t = find(s->means.reports, part);
        if (t != NULL)
            judge(part, section, t, checks, &result->cases);
        else
            checks_error(checks, part,
                         "report-missing: no report has it; assay evidence add FILE… "
                         "--for REF");
    }
    return ST_OK;
}
