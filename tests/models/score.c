#include "tests/models/score.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/session.h"
#include <fcntl.h>
#include <math.h>
#include <string.h>

#define FILE_MAX (64u << 20)
#define CASE_MAX (64u << 10)

static enum status likelihood(struct session *s, const char *context, const char *rest, double *out,
                              struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    uint64_t tokens;
    buf_text(&text, context);
    buf_text(&text, rest);
    enum status st = buf_status(&text);
    return st != ST_OK ? err_set(e, st, NULL, "a case")
                       : session_score(s, buf_span(&text), out, &tokens, e);
}

static enum status score_choice(struct session *s, const struct json *c, struct score *out,
                                struct err *e)
{
    const char *context;
    uint64_t answer, best = 0;
    double top = (double)-INFINITY;
    enum status st = json_need_string(c, "case", "context", &context, e);
    if (st == ST_OK)
        st = json_need_u64(c, "case", "answer", &answer, e);
    const struct json *choices = json_get(c, "choices");
    for (size_t i = 0; st == ST_OK && i < json_count(choices); i++) {
        double value;
        st = likelihood(s, context, json_as_string(json_at(choices, i)), &value, e);
        if (st == ST_OK && value > top) {
            top = value;
            best = i;
        }
    }
    if (st == ST_OK)
        out->right[out->cases] = best == answer;
    return st;
}

static enum status score_exact(struct session *s, const struct json *c, struct score *out,
                               struct err *e)
{
    const char *prompt, *expect;
    enum status st = json_need_string(c, "case", "prompt", &prompt, e);
    if (st == ST_OK)
        st = json_need_string(c, "case", "expect", &expect, e);
    if (st != ST_OK)
        return st;
    size_t n = strlen(expect);
    struct generation g;
    session_reset(s);
    st = session_generate(s, span_text(prompt), (uint32_t)n, NULL, &g, e);
    if (st == ST_OK)
        out->right[out->cases] = g.text.n >= n && memcmp(g.text.p, expect, n) == 0;
    return st == ST_INVALID_UTF8 ? ST_OK : st; /* what is no text is no right answer */
}

static enum status score_text(struct session *s, const struct json *c, struct score *out,
                              struct err *e)
{
    const char *text;
    double value;
    uint64_t tokens;
    enum status st = json_need_string(c, "case", "text", &text, e);
    if (st == ST_OK)
        st = session_score(s, span_text(text), &value, &tokens, e);
    if (st == ST_OK) {
        out->bits -= value / log(2);
        out->bytes += strlen(text);
    }
    return st;
}

static enum status score_line(struct session *s, struct span line, struct score *out, struct err *e)
{
    SCOPED(json_scope) struct json *c = NULL;
    enum status st = json_parse(line, CASE_MAX, &c, e);
    if (st != ST_OK)
        return st;
    if (out->kind[0] == '\0') { /* the head */
        const char *name, *kind;
        st = json_need_string(c, "suite", "name", &name, e);
        if (st == ST_OK)
            st = json_need_string(c, "suite", "kind", &kind, e);
        if (st == ST_OK) {
            text_fmt(out->name, sizeof out->name, "%s", name);
            text_fmt(out->kind, sizeof out->kind, "%s", kind);
        }
        return st;
    }
    if (out->cases == SCORE_CASES)
        return err_set(e, ST_FORMAT, "suite-cases", "more than %u cases", SCORE_CASES);
    st = text_equal(out->kind, "choice")  ? score_choice(s, c, out, e)
         : text_equal(out->kind, "exact") ? score_exact(s, c, out, e)
                                          : score_text(s, c, out, e);
    if (st == ST_OK)
        out->right_count += out->right[out->cases++];
    return st;
}

enum status score_suite(const char *model_path, const char *suite_path, struct score *out,
                        struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(buf_release) struct buf suite = BUF_EMPTY;
    SCOPED(model_scope) struct model *m = NULL;
    SCOPED(session_scope) struct session *s = NULL;
    *out = (struct score){0};
    enum status st = file_read(AT_FDCWD, model_path, FILE_MAX, &file, e);
    if (st == ST_OK)
        st = file_read(AT_FDCWD, suite_path, FILE_MAX, &suite, e);
    if (st == ST_OK)
        st = model_open(buf_span(&file), &model_limits_default, true, &m, e);
    if (st == ST_OK)
        st = session_open(m, &s, e);
    for (size_t at = 0; st == ST_OK && at < suite.n;) {
        const uint8_t *end = memchr(suite.p + at, '\n', suite.n - at);
        size_t n = end != NULL ? (size_t)(end - suite.p) - at : suite.n - at;
        st = score_line(s, SPAN(suite.p + at, n), out, e);
        at += n + 1;
    }
    return st;
}

double score_mcnemar(const struct score *a, const struct score *b, uint32_t *only_a,
                     uint32_t *only_b)
{
    uint32_t x = 0, y = 0;
    for (uint32_t i = 0; i < a->cases && i < b->cases; i++) {
        x += a->right[i] > b->right[i];
        y += b->right[i] > a->right[i];
    }
    *only_a = x;
    *only_b = y;
    uint32_t n = x + y, least = x < y ? x : y;
    double p = 0;
    for (uint32_t k = 0; k <= least; k++)
        p += exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * log(2));
    return n == 0 || 2 * p > 1 ? 1 : 2 * p;
}
