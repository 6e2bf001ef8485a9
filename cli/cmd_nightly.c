/* nightly: the gates again over everything that is in a channel, and reports of it. */
#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/gate_watch.h"
#include "cli/incident_file.h"
#include "cli/print.h"
#include "cli/target.h"
#include "promote/policy_store.h"
#include "promote/report.h"
#include <fcntl.h>
#include <string.h>

struct nightly {
    struct cli *c;
    struct policy law;
    struct night night;
    struct night_plan plan;
    struct gate_watch watch;
    char of[MANIFEST_NAME_MAX + 24]; /* whose gates are shown */
};

static void nightly_release(struct nightly *n)
{
    night_release(&n->night);
    policy_release(&n->law);
}

/* "i/n", counted from 1. */
static enum status read_shard(struct nightly *n, struct err *e)
{
    const char *text = n->c->args.value[OPT_SHARD];
    uint64_t i = 1, of = 1;
    if (text != NULL) {
        const char *slash = strchr(text, '/');
        if (slash == NULL || !text_u64(SPAN(text, (size_t)(slash - text)), &i) ||
            !text_u64(span_text(slash + 1), &of) || i < 1 || i > of || of > 1000)
            return err_set(e, ST_USAGE, "shard", "--shard is i/n, such as 1/4, n at most 1000");
    }
    n->plan.shard = (uint32_t)(i - 1);
    n->plan.shards = (uint32_t)of;
    return ST_OK;
}

/* One night at a time: the lock is the store's folder, and goes with the process. */
static enum status lock(const struct cli *c, int *fd, struct err *e)
{
    enum status st = io_open(AT_FDCWD, c->home.store, O_RDONLY | O_DIRECTORY, 0, fd, e);
    if (st == ST_OK)
        st = io_lock(*fd, 0, e);
    if (st == ST_BUSY)
        *e = ERR_NONE;
    return st == ST_BUSY ? err_set(e, ST_BUSY, "nightly-runs",
                                   "another nightly run of this store is under way")
                         : st;
}

static enum status each(void *ctx, const struct night_item *item, bool done, struct err *e)
{
    struct nightly *n = ctx;
    gate_watch_clear(&n->watch);
    text_fmt(n->of, sizeof n->of, "%s@%s", item->holder.name, item->holder.channel);
    if (done)
        cli_note(n->c, "%s@%s: %s", item->holder.name, item->holder.channel,
                 verdict_name(item->verdict));
    return cli_alive(e);
}

/* ---- reports ------------------------------------------------------------------------------ */

static enum status publish(const struct cli *c, int folder, const char *name,
                           const struct buf *text, struct err *e)
{
    enum status st = buf_status(text);
    return st != ST_OK ? err_set(e, st, NULL, "no memory for %s", name)
                       : pending_file(folder, name, 0666 & ~c->umask, buf_span(text), true, e);
}

static enum status put_reports(struct nightly *n, const char *path, struct err *e)
{
    static const struct {
        const char *name;
        void (*write)(const struct night *n, struct buf *out);
    } files[] = {{"junit.xml", report_junit},
                 {"results.sarif", report_sarif},
                 {"nightly.jsonl", report_lines},
                 {"summary.md", report_markdown}};
    SCOPED(fd_release) int folder = -1;
    SCOPED(buf_release) struct buf html = BUF_EMPTY;
    enum status st = target_folder(n->c, path, &folder, e);
    for (size_t i = 0; st == ST_OK && i < sizeof files / sizeof *files; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        files[i].write(&n->night, &text);
        st = publish(n->c, folder, files[i].name, &text, e);
    }
    if (st == ST_OK)
        st = report_html(&n->night, &n->plan.pipeline, &html, e);
    return st == ST_OK ? publish(n->c, folder, "report.html", &html, e) : st;
}

/* ---- incidents ---------------------------------------------------------------------------- */

/* Of what was measured this night and failed; an artifact that cannot be opened is told as such. */
static void keep_incidents(struct nightly *n, uint64_t began)
{
    for (size_t i = 0; i < n->night.count; i++) {
        const struct night_item *item = &n->night.items[i];
        SCOPED(artifact_release) struct artifact a = {0};
        struct err e = ERR_NONE;
        if (item->verdict == VERDICT_PASS ||
            artifact_open(n->c->store, n->c->trust, &item->holder.artifact, cli_now(n->c), &a,
                          &e) != ST_OK)
            continue;
        text_fmt(a.channel, sizeof a.channel, "%s", item->holder.channel);
        for (size_t k = 0; k < item->gate_count; k++) {
            const struct night_gate *g = &item->gates[k];
            const struct gate_told told = {.gate = g->gate,
                                           .verdict = g->verdict,
                                           .evidence = g->evidence,
                                           .checks = g->checks,
                                           .count = g->check_count};
            if (!g->reused)
                incident_of_gate(n->c, &a, &told, (clock_ticks() - began) / 1000000u);
        }
    }
}

/* ---- the answer --------------------------------------------------------------------------- */

static void tell_people(struct nightly *n)
{
    SCOPED(table_release) struct table t = table_of(5);
    for (size_t i = 0; i < n->night.count; i++) {
        const struct night_item *item = &n->night.items[i];
        for (size_t k = 0; k < item->gate_count; k++) {
            const struct night_gate *g = &item->gates[k];
            table_cell(&t, "%s@%s", item->holder.name, item->holder.channel);
            table_cell(&t, "%s", gate_name(g->gate));
            table_cell(&t, "%s", verdict_name(g->verdict));
            table_cell(&t, "%s", g->reused ? "measured before" : "measured now");
            table_cell(&t, "%s", g->changed ? "was another" : g->error);
        }
        if (item->action[0] != '\0')
            cli_hint(n->c, "%s@%s: %s", item->holder.name, item->holder.channel, item->action);
    }
    table_put(&t, &n->c->out);
    buf_fmt(&n->c->out, "%zu in channels: %s\n", n->night.count,
            verdict_name(night_verdict(&n->night)));
}

static enum status outcome(enum verdict v)
{
    switch (v) {
    case VERDICT_PASS: return ST_OK;
    case VERDICT_FAIL: return ST_REFUSED;
    case VERDICT_INCONCLUSIVE: return ST_INCONCLUSIVE;
    case VERDICT_ERROR:
    case VERDICT_NONE: break;
    }
    return ST_HARNESS;
}

/* Who has no key of the role release measures all the same; the reports say what was not demoted.
 */
static enum status releaser(struct nightly *n, struct err *e)
{
    enum status st = cli_key(n->c, "release", &n->plan.release, e);
    if (st != ST_NOT_FOUND)
        return st;
    *e = ERR_NONE;
    return ST_OK;
}

static enum status prepare(struct nightly *n, struct err *e)
{
    struct cli *c = n->c;
    struct pipeline *p = &n->plan.pipeline;
    enum status st = read_shard(n, e);
    if (st == ST_OK)
        st = cli_trust(c, e);
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, cli_now(c), &n->law, e);
    if (st == ST_OK)
        st = cli_key(c, "gate", &p->gate, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &p->log, e);
    if (st == ST_OK && n->law.nightly.demote)
        st = releaser(n, e);
    p->store = c->store;
    p->trust = c->trust;
    p->policy = &n->law;
    p->clock = c->clock;
    if (st == ST_OK)
        st = gate_watch_machine(&c->args, &p->machine, e);
    p->again = opt_given(&c->args, OPT_AGAIN);
    p->tell = gate_watch_tell;
    p->ctx = &n->watch;
    n->watch = gate_watch_begin(c, n->of);
    n->plan.each = each;
    n->plan.ctx = n;
    return st;
}

enum status cmd_nightly(struct cli *c, struct err *e)
{
    SCOPED(nightly_release) struct nightly n = {.c = c};
    SCOPED(fd_release) int held = -1;
    const char *folder = c->args.value[OPT_REPORT];
    const uint64_t began = clock_ticks();
    enum status st = prepare(&n, e);
    if (st == ST_OK)
        st = lock(c, &held, e);
    if (st == ST_OK)
        st = night_run(&n.plan, &n.night, e);
    if (st == ST_OK)
        keep_incidents(&n, began);
    if (st == ST_OK && folder != NULL)
        st = put_reports(&n, folder, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        report_lines(&n.night, &c->out);
    else
        tell_people(&n);
    if (folder != NULL)
        cli_note(c, "reports: %s", folder);
    st = outcome(night_verdict(&n.night));
    c->answered = st != ST_OK;
    return st;
}
