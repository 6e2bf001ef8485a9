#include "base/text.h"
#include "promote/report.h"
#include <string.h>

/* Length of the character that begins at p, 1 for what is none. */
static size_t character(const uint8_t *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (utf8_valid(SPAN(p, n)))
            return n;
    return 0;
}

void report_escape(struct buf *out, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text);
    while (left > 0) {
        size_t n = character(p, left);
        bool odd = n == 0 || (n == 1 && p[0] < 0x20 && p[0] != '\t' && p[0] != '\n') ||
                   (n == 1 && p[0] == 0x7f) ||
                   (n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
        const char *entity = p[0] == '&'    ? "&amp;"
                             : p[0] == '<'  ? "&lt;"
                             : p[0] == '>'  ? "&gt;"
                             : p[0] == '"'  ? "&quot;"
                             : p[0] == '\'' ? "&#39;"
                                            : NULL;
        if (odd)
            buf_text(out, "\xef\xbf\xbd");
        else if (entity != NULL)
            buf_text(out, entity);
        else
            buf_append(out, SPAN(p, n));
        n = n == 0 ? 1 : n;
        p += n;
        left -= n;
    }
}

static void attribute(struct buf *out, const char *name, const char *value)
{
    buf_fmt(out, " %s=\"", name);
    report_escape(out, value);
    buf_text(out, "\"");
}

struct tally {
    size_t tests, failures, errors, skipped;
};

static void count(struct tally *t, enum verdict v)
{
    t->tests++;
    t->failures += v == VERDICT_FAIL;
    t->errors += v == VERDICT_ERROR || v == VERDICT_NONE;
    t->skipped += v == VERDICT_INCONCLUSIVE;
}

static struct tally tally_of(const struct night_gate *g)
{
    struct tally t = {0};
    for (size_t i = 0; i < g->check_count; i++)
        count(&t, g->checks[i].verdict);
    if (g->check_count == 0)
        count(&t, VERDICT_ERROR);
    if (g->damaged[0] != '\0')
        count(&t, VERDICT_ERROR);
    return t;
}

static void put_tally(struct buf *out, const struct tally *t)
{
    buf_fmt(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\"",
            t->tests, t->failures, t->errors, t->skipped);
}

static void put_case(struct buf *out, const char *class, const char *name, enum verdict v,
                     const char *message)
{
    static const char *const element[] = {[VERDICT_NONE] = "error",
                                          [VERDICT_PASS] = NULL,
                                          [VERDICT_FAIL] = "failure",
                                          [VERDICT_INCONCLUSIVE] = "skipped",
                                          [VERDICT_ERROR] = "error"};
    buf_text(out, "    <testcase");
    attribute(out, "classname", class);
    attribute(out, "name", name);
    buf_text(out, " time=\"0\"");
    if (element[v] == NULL) {
        buf_text(out, "/>\n");
        return;
    }
    buf_fmt(out, "><%s", element[v]);
    attribute(out, "message", message);
    if (v != VERDICT_INCONCLUSIVE)
        attribute(out, "type", verdict_name(v));
    buf_text(out, "/></testcase>\n");
}

static void put_property(struct buf *out, const char *name, const char *value)
{
    buf_text(out, "      <property");
    attribute(out, "name", name);
    attribute(out, "value", value);
    buf_text(out, "/>\n");
}

static void put_suite(struct buf *out, const struct night *n, const struct night_item *item,
                      const struct night_gate *g, size_t id)
{
    char name[2 * MANIFEST_NAME_MAX + 64], hex[DIGEST_TEXT];
    const struct tally t = tally_of(g);
    text_fmt(name, sizeof name, "%s@%s.%s", item->holder.name, item->holder.channel,
             gate_name(g->gate));
    buf_text(out, "  <testsuite");
    attribute(out, "name", name);
    attribute(out, "package", item->holder.name);
    attribute(out, "hostname", "localhost");
    buf_fmt(out, " id=\"%zu\" timestamp=\"%.19s\"", id, g->ended[0] ? g->ended : n->started);
    put_tally(out, &t);
    buf_text(out, ">\n    <properties>\n");
    digest_text(&item->holder.artifact, hex);
    put_property(out, "artifact", hex);
    put_property(out, "version", item->version);
    digest_text(&g->evidence, hex);
    put_property(out, "evidence", hex);
    put_property(out, "reused", g->reused ? "true" : "false");
    buf_text(out, "    </properties>\n");
    for (size_t i = 0; i < g->check_count; i++)
        put_case(out, name, g->checks[i].name, g->checks[i].verdict, g->checks[i].message);
    if (g->check_count == 0)
        put_case(out, name, "gate", VERDICT_ERROR, g->error);
    if (g->damaged[0] != '\0')
        put_case(out, name, "evidence before", VERDICT_ERROR, g->damaged);
    buf_text(out, "  </testsuite>\n");
}

void report_junit(const struct night *n, struct buf *out)
{
    struct tally all = {0};
    size_t id = 0;
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < n->items[i].gate_count; k++) {
            struct tally t = tally_of(&n->items[i].gates[k]);
            all.tests += t.tests;
            all.failures += t.failures;
            all.errors += t.errors;
            all.skipped += t.skipped;
        }
    buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay nightly\"");
    put_tally(out, &all);
    buf_text(out, ">\n");
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < n->items[i].gate_count; k++)
            put_suite(out, n, &n->items[i], &n->items[i].gates[k], id++);
    buf_text(out, "</testsuites>\n");
}
