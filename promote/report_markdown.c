#include "base/text.h"
#include "promote/report.h"

static const char *const signs[] = {[VERDICT_NONE] = "error",
                                    [VERDICT_PASS] = "pass",
                                    [VERDICT_FAIL] = "**FAIL**",
                                    [VERDICT_INCONCLUSIVE] = "inconclusive",
                                    [VERDICT_ERROR] = "**error**"};

/* In a table's cell: markup means nothing, a bar or a line's end would end the cell. */
static void cell(struct buf *out, const char *text)
{
    SCOPED(buf_release) struct buf plain = BUF_EMPTY;
    report_escape(&plain, text);
    for (size_t i = 0; i < plain.n; i++) {
        const uint8_t c = plain.p[i];
        if (c == '\n' || c == '\t')
            buf_byte(out, ' ');
        else if (c == '|' || c == '*' || c == '_' || c == '`' || c == '[' || c == ']' || c == '\\')
            buf_fmt(out, "\\%c", c);
        else
            buf_byte(out, c);
    }
}

static void put_row(struct buf *out, const struct night_item *item, const struct night_gate *g)
{
    char hex[DIGEST_TEXT];
    digest_text(&g->evidence, hex);
    buf_text(out, "| ");
    cell(out, item->holder.name);
    buf_fmt(out, "@%s | ", item->holder.channel);
    cell(out, item->version);
    buf_fmt(out, " | %s | %s%s | `%.12s`%s |\n", gate_name(g->gate), signs[g->verdict],
            g->changed ? " (was another)" : "", hex, g->reused ? "" : " new");
}

static void put_failures(struct buf *out, const struct night_item *item)
{
    for (size_t k = 0; k < item->gate_count; k++) {
        const struct night_gate *g = &item->gates[k];
        for (size_t i = 0; i < g->check_count; i++) {
            if (g->checks[i].verdict == VERDICT_PASS)
                continue;
            buf_text(out, "- ");
            cell(out, item->holder.name);
            buf_fmt(out, "@%s, gate %s, ", item->holder.channel, gate_name(g->gate));
            cell(out, g->checks[i].name);
            buf_fmt(out, ": %s: ", verdict_name(g->checks[i].verdict));
            cell(out, g->checks[i].message);
            buf_text(out, "\n");
        }
        if (g->check_count == 0) {
            buf_text(out, "- ");
            cell(out, item->holder.name);
            buf_fmt(out, "@%s, gate %s: ", item->holder.channel, gate_name(g->gate));
            cell(out, g->error);
            buf_text(out, "\n");
        }
    }
    if (item->action[0] != '\0') {
        buf_text(out, "- ");
        cell(out, item->holder.name);
        buf_fmt(out, "@%s: ", item->holder.channel);
        cell(out, item->action);
        buf_text(out, "\n");
    }
}

static void put_head(struct buf *out, const struct night *n)
{
    size_t by[VERDICT_ERROR + 1] = {0};
    for (size_t i = 0; i < n->count; i++)
        by[n->items[i].verdict]++;
    buf_fmt(out, "# assay nightly: %s\n\n", verdict_name(night_verdict(n)));
    buf_fmt(out,
            "%zu in channels: %zu passed, %zu failed, %zu could not be measured, %zu inconclusive",
            n->count, by[VERDICT_PASS], by[VERDICT_FAIL], by[VERDICT_ERROR] + by[VERDICT_NONE],
            by[VERDICT_INCONCLUSIVE]);
    if (n->shards > 1)
        buf_fmt(out, " (shard %u of %u)", n->shard, n->shards);
    buf_fmt(out, ". Policy %s, store `%s`, %s to %s.\n\n", n->policy_name, n->store_id, n->started,
            n->ended);
}

/* Cuts at a line's end, and says so: a summary that is too long is shown not at all. */
static void put_within(struct buf *out, struct span more, size_t most)
{
    size_t n = more.n;
    if (out->n + n > most) {
        n = most > out->n ? most - out->n : 0;
        while (n > 0 && more.p[n - 1] != '\n')
            n--;
    }
    buf_append(out, SPAN(more.p, n));
    if (n < more.n)
        buf_text(out, "\n… and more; the whole of it is in the other reports.\n");
}

void report_markdown(const struct night *n, struct buf *out)
{
    SCOPED(buf_release) struct buf failures = BUF_EMPTY;
    SCOPED(buf_release) struct buf table = BUF_EMPTY;
    put_head(out, n);
    for (size_t i = 0; i < n->count; i++)
        put_failures(&failures, &n->items[i]);
    put_within(out, buf_span(&failures), REPORT_MARKDOWN_MAX / 2);
    buf_text(&table, "\n<details><summary>All gates</summary>\n\n"
                     "| in channel | version | gate | result | evidence |\n"
                     "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < n->items[i].gate_count; k++)
            put_row(&table, &n->items[i], &n->items[i].gates[k]);
    put_within(out, buf_span(&table), REPORT_MARKDOWN_MAX - 256);
    buf_text(out, "\n</details>\n");
    out->failed = out->failed || failures.failed || table.failed;
}
