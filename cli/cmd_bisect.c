/* bisect: which tensors of the worse of two models carry the loss? */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/print.h"
#include "verify/bisecting.h"
#include <fcntl.h>

#define CASES_DEFAULT 48u

struct bisecting_words {
    struct artifact good, bad;
    struct suite suite;
    struct bisect_result result;
};

static void words_release(struct bisecting_words *w)
{
    artifact_release(&w->good);
    artifact_release(&w->bad);
    suite_release(&w->suite);
    bisect_release(&w->result);
}

static void put_nats(struct buf *out, double v)
{
    buf_fixed(out, v, 6);
}

static void member_nats(struct json_out *j, const char *key, double v)
{
    json_key(j, key);
    json_fixed(j, v, 6);
}

static void tell_json(struct cli *c, const struct bisecting_words *w)
{
    const struct bisect_result *r = &w->result;
    struct json_out j = answer_open(c, "assay.bisect/1");
    member_digest(&j, "good", &w->good.digest);
    member_digest(&j, "bad", &w->bad.digest);
    member_digest(&j, "suite", &w->suite.digest);
    member_nats(&j, "loss_good", r->good);
    member_nats(&j, "loss_bad", r->bad);
    member_nats(&j, "loss_restored", r->restored);
    json_key(&j, "tensors");
    json_array(&j);
    for (size_t i = 0; i < r->n; i++) {
        json_object(&j);
        member_text(&j, "name", r->of[i].name);
        member_bool(&j, "differs", r->of[i].differs);
        member_bool(&j, "carries", r->of[i].carries);
        member_nats(&j, "cost", r->of[i].cost);
        json_close(&j);
    }
    json_close(&j);
    answer_close(c, &j);
}

static void tell_people(struct cli *c, const struct bisecting_words *w)
{
    const struct bisect_result *r = &w->result;
    SCOPED(table_release) struct table t = table_of(3);
    size_t differ = 0;
    for (size_t i = 0; i < r->n; i++)
        differ += r->of[i].differs;
    buf_text(&c->out, "loss         ");
    put_nats(&c->out, r->good);
    buf_text(&c->out, " nats a case in the good one, ");
    put_nats(&c->out, r->bad);
    buf_text(&c->out, " in the bad one, ");
    put_nats(&c->out, r->restored);
    buf_text(&c->out, " in it without these tensors\n");
    buf_fmt(&c->out, "tensors      %zu of %zu differ, %zu carry the loss\n", differ, r->n,
            r->carriers);
    for (size_t i = 0; i < r->n; i++) {
        char cost[48];
        struct buf text = buf_over(cost, sizeof cost - 1);
        if (!r->of[i].carries)
            continue;
        put_nats(&text, r->of[i].cost);
        cost[text.n] = '\0';
        table_cell(&t, "  %s", r->of[i].name);
        table_cell(&t, "+%s", cost);
        table_cell(&t, "nats a case when only it is the bad one's");
    }
    table_put(&t, &c->out);
}

static enum status read_suite(struct cli *c, struct suite *out, struct err *e)
{
    const char *path = c->args.value[OPT_SUITE];
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    if (path == NULL)
        return err_set(e, ST_USAGE, "words", "bisect needs --suite FILE");
    enum status st = given_read(path, SUITE_BYTES_MAX, &file, e);
    if (st == ST_OK)
        st = suite_parse(buf_span(&file), out, e);
    return st != ST_OK ? err_subject(e, "%s", path) : ST_OK;
}

enum status cmd_bisect(struct cli *c, struct err *e)
{
    SCOPED(words_release) struct bisecting_words w = {0};
    uint64_t cases = CASES_DEFAULT;
    enum status st = opt_u64(&c->args, OPT_FIRST, 1, SUITE_CASES_MAX, &cases, e);
    if (st == ST_OK)
        st = read_suite(c, &w.suite, e);
    if (st == ST_OK)
        st = cli_artifact(c, c->word[0], false, &w.good, e);
    if (st == ST_OK)
        st = cli_artifact(c, c->word[1], false, &w.bad, e);
    if (st == ST_OK)
        cli_note(c, "trying each tensor on %llu cases …",
                 (unsigned long long)(cases < w.suite.count ? cases : w.suite.count));
    if (st == ST_OK)
        st = bisecting(c->store, &w.good, &w.bad, &w.suite, (size_t)cases, &w.result, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        tell_json(c, &w);
    else
        tell_people(c, &w);
    return ST_OK;
}
