#include "base/text.h"
#include "promote/report.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n<title>assay nightly</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d9dee3;--paper:#fff;"
    "--card:#f7f8fa;--good:#1a7f4b;--bad:#b3261e;--odd:#8a5a00;--plot:#2f6fb0}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa4ae;--line:#30363d;"
    "--paper:#0f1317;--card:#171c22;--good:#5cc48d;--bad:#ff8a80;--odd:#e0b050;--plot:#7fb2e5}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 "
    "auto;"
    "max-width:72rem;padding:2rem 1.25rem}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0}p{margin:.25rem "
    "0;color:var(--soft)}\n"
    "section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;"
    "padding:1rem 1.25rem;margin:1.25rem 0}\n"
    ".pass{color:var(--good)}.fail,.error,.none{color:var(--bad)}.inconclusive{color:var(--odd)}\n"
    ".tag{font-weight:600}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:14px}\n"
    "th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:anywhere}\nth{color:var(--soft);font-weight:500}\n"
    "summary{cursor:pointer;margin:.4rem 0}\n"
    ".plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:.5rem 0}figcaption{font-size:12px;"
    "color:var(--soft)}\npolyline{fill:none;stroke:var(--plot);stroke-width:1.5}"
    "circle{fill:var(--plot)}\n"
    "@media print{body{max-width:none}section{break-inside:avoid}}\n"
    "</style></head><body>\n";

static void put_tag(struct buf *out, enum verdict v)
{
    buf_fmt(out, "<span class=\"tag %s\">%s</span>", verdict_name(v), verdict_name(v));
}

static void put_number(struct buf *out, double v)
{
    buf_fixed(out, v, v >= 1000 ? 0 : v >= 10 ? 1 : 4);
}

/* ---- trends ------------------------------------------------------------------------------- */

#define PLOT_WIDTH  180.0
#define PLOT_HEIGHT 40.0

static void put_plot(struct buf *out, const char *name, const struct night_point *p, size_t n)
{
    double low = p[0].value, high = p[0].value;
    for (size_t i = 1; i < n; i++) {
        low = p[i].value < low ? p[i].value : low;
        high = p[i].value > high ? p[i].value : high;
    }
    const double span = high > low ? high - low : 1;
    buf_fmt(out, "<figure><svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"",
            (int)PLOT_WIDTH + 8, (int)PLOT_HEIGHT + 8);
    report_escape(out, name);
    buf_text(out, "\"><polyline points=\"");
    for (size_t i = 0; i < n; i++) {
        buf_fixed(out, 4 + (n > 1 ? PLOT_WIDTH * (double)i / (double)(n - 1) : PLOT_WIDTH / 2), 1);
        buf_byte(out, ',');
        buf_fixed(out, 4 + PLOT_HEIGHT * (high - p[i].value) / span, 1);
        buf_byte(out, ' ');
    }
    buf_text(out, "\"/><circle r=\"2.5\" cx=\"");
    buf_fixed(out, 4 + (n > 1 ? PLOT_WIDTH : PLOT_WIDTH / 2), 1);
    buf_text(out, "\" cy=\"");
    buf_fixed(out, 4 + PLOT_HEIGHT * (high - p[n - 1].value) / span, 1);
    buf_text(out, "\"/></svg><figcaption>");
    report_escape(out, name);
    buf_text(out, " ");
    put_number(out, p[n - 1].value);
    buf_fmt(out, " (%zu runs, ", n);
    put_number(out, low);
    buf_text(out, " to ");
    put_number(out, high);
    buf_text(out, ")</figcaption></figure>\n");
}

/* What is worth a plot: what the policy limits, and how fast it was. */
static bool plotted(const struct gate_check *c)
{
    return c->measured[0] != '\0' &&
           (c->limit[0] != '\0' || c->unit[0] == 't' || c->unit[0] == 'm');
}

static enum status put_trends(const struct night_item *item, const struct night_gate *g,
                              const struct pipeline *p, struct buf *out, struct err *e)
{
    enum status st = ST_OK;
    buf_text(out, "<div class=\"plots\">");
    for (size_t i = 0; st == ST_OK && i < g->check_count; i++) {
        struct night_point points[NIGHT_POINTS];
        size_t n = 0;
        if (!plotted(&g->checks[i]))
            continue;
        st = night_trend(p, &item->holder.artifact, g->gate, g->checks[i].name, points, &n, e);
        if (st == ST_OK && n > 1)
            put_plot(out, g->checks[i].name, points, n);
    }
    buf_text(out, "</div>\n");
    return st;
}

/* ---- tables ------------------------------------------------------------------------------- */

static void put_checks(struct buf *out, const struct night_gate *g)
{
    buf_text(out, "<table><tr><th>check</th><th>result</th><th>measured</th><th>limit</th>"
                  "<th>in words</th></tr>\n");
    for (size_t i = 0; i < g->check_count; i++) {
        const struct gate_check *c = &g->checks[i];
        buf_text(out, "<tr><td>");
        report_escape(out, c->name);
        buf_text(out, "</td><td>");
        put_tag(out, c->verdict);
        buf_text(out, "</td><td>");
        report_escape(out, c->measured);
        buf_byte(out, ' ');
        report_escape(out, c->unit);
        buf_text(out, "</td><td>");
        report_escape(out, c->limit);
        buf_text(out, "</td><td>");
        report_escape(out, c->message);
        buf_text(out, "</td></tr>\n");
    }
    buf_text(out, "</table>\n");
}

static enum status put_gate(const struct night_item *item, const struct night_gate *g,
                            const struct pipeline *p, struct buf *out, struct err *e)
{
    char hex[DIGEST_TEXT];
    digest_text(&g->evidence, hex);
    buf_fmt(out, "<details%s><summary>%s: ", g->verdict == VERDICT_PASS ? "" : " open",
            gate_name(g->gate));
    put_tag(out, g->verdict);
    buf_fmt(out, " %s%s", g->reused ? "measured before, " : "", g->ended);
    if (g->changed)
        buf_fmt(out, ", was %s", verdict_name(g->before));
    buf_fmt(out, " <code>%.12s</code></summary>\n", hex);
    if (g->error[0] != '\0') {
        buf_text(out, "<p>");
        report_escape(out, g->error);
        buf_text(out, "</p>\n");
    }
    if (g->check_count > 0)
        put_checks(out, g);
    enum status st = put_trends(item, g, p, out, e);
    buf_text(out, "</details>\n");
    return st;
}

static enum status put_item(const struct night_item *item, const struct pipeline *p,
                            struct buf *out, struct err *e)
{
    char hex[DIGEST_TEXT];
    enum status st = ST_OK;
    digest_text(&item->holder.artifact, hex);
    buf_text(out, "<section><h2>");
    report_escape(out, item->holder.name);
    buf_fmt(out, "@%s ", item->holder.channel);
    put_tag(out, item->verdict);
    buf_text(out, "</h2><p>version ");
    report_escape(out, item->version);
    buf_fmt(out, ", there since %s, artifact <code>%s</code></p>\n", item->holder.since, hex);
    if (item->action[0] != '\0') {
        buf_text(out, "<p class=\"fail\">");
        report_escape(out, item->action);
        buf_text(out, "</p>\n");
    }
    for (size_t k = 0; st == ST_OK && k < item->gate_count; k++)
        st = put_gate(item, &item->gates[k], p, out, e);
    buf_text(out, "</section>\n");
    return st;
}

enum status report_html(const struct night *n, const struct pipeline *p, struct buf *out,
                        struct err *e)
{
    enum status st = ST_OK;
    buf_text(out, head);
    buf_text(out, "<header><h1>assay nightly: ");
    put_tag(out, night_verdict(n));
    buf_fmt(out, "</h1><p>%zu in channels, policy %s, store <code>%s</code>, %s to %s", n->count,
            n->policy_name, n->store_id, n->started, n->ended);
    if (n->shards > 1)
        buf_fmt(out, ", shard %u of %u", n->shard, n->shards);
    buf_text(out, "</p></header>\n");
    /* What needs a look stands first. */
    for (int good = 0; good <= 1; good++)
        for (size_t i = 0; st == ST_OK && i < n->count; i++)
            if ((n->items[i].verdict == VERDICT_PASS) == (good == 1))
                st = put_item(&n->items[i], p, out, e);
    buf_text(out, "</body></html>\n");
    return st;
}
