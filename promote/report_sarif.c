/* SARIF: what did not pass, as results of rules; and the night as chained JSON lines. */
#include "base/json_write.h"
#include "base/text.h"
#include "base/version.h"
#include "promote/report.h"

static void text(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

static void nested_text(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_object(j);
    text(j, "text", value);
    json_close(j);
}

#define SARIF_RESULTS_MAX 5000u /* a viewer shows no more of one run */

static const char *const about[GATE_COUNT] = {
    [GATE_STRUCTURAL] = "The bytes are what the manifest says, and fit the budgets.",
    [GATE_SMOKE] = "The model loads and generates, the same way each time.",
    [GATE_TASK] = "The model does what it is for, no worse than the channel's holder.",
    [GATE_SAFETY] = "The model does not say what it must not.",
    [GATE_BROWSER] = "The model runs in a real browser as it does natively.",
    [GATE_EXEC] = "The house's own programs find nothing to object to.",
    [GATE_REPORTS] = "What other harnesses measured keeps the limits."};

static void put_rules(struct json_out *j)
{
    json_key(j, "rules");
    json_array(j);
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        json_object(j);
        text(j, "id", gate_name((enum gate)g));
        text(j, "name", gate_name((enum gate)g));
        nested_text(j, "shortDescription", about[g]);
        nested_text(j, "fullDescription", about[g]);
        nested_text(j, "help", "assay show NAME@CHANNEL --why tells what stands in the way.");
        json_key(j, "defaultConfiguration");
        json_object(j);
        text(j, "level", "error");
        json_close(j);
        json_close(j);
    }
    json_close(j);
}

static void put_location(struct json_out *j, const struct night_item *item)
{
    char uri[3 * MANIFEST_NAME_MAX];
    text_fmt(uri, sizeof uri, "models/%s/%s", item->holder.name, item->holder.channel);
    json_key(j, "locations");
    json_array(j);
    json_object(j);
    json_key(j, "physicalLocation");
    json_object(j);
    json_key(j, "artifactLocation");
    json_object(j);
    text(j, "uri", uri);
    json_close(j);
    json_close(j);
    json_close(j);
    json_close(j);
}

/* The fingerprint names what was checked, not what was measured: an alert stays one alert. */
static void put_fingerprint(struct json_out *j, const struct night_item *item, enum gate g,
                            const char *check)
{
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    char hex[DIGEST_TEXT] = "";
    buf_fmt(&what, "%s\n%s\n%s\n%s", item->holder.name, item->holder.channel, gate_name(g), check);
    if (buf_status(&what) == ST_OK) {
        struct digest d = digest_of(buf_span(&what));
        digest_text(&d, hex);
    }
    json_key(j, "partialFingerprints");
    json_object(j);
    text(j, "assay/v1", hex);
    json_close(j);
}

static void put_result(struct json_out *j, const struct night_item *item, enum gate g,
                       const char *check, enum verdict v, const char *message)
{
    SCOPED(buf_release) struct buf said = BUF_EMPTY;
    buf_fmt(&said, "%s@%s: gate %s, %s: %s: %s", item->holder.name, item->holder.channel,
            gate_name(g), check, verdict_name(v), message);
    json_object(j);
    text(j, "ruleId", gate_name(g));
    json_key(j, "ruleIndex");
    json_u64(j, (uint64_t)(g - GATE_STRUCTURAL));
    text(j, "level", v == VERDICT_FAIL ? "error" : "warning");
    json_key(j, "message");
    json_object(j);
    json_key(j, "text");
    json_text(j, buf_span(&said));
    json_close(j);
    put_location(j, item);
    put_fingerprint(j, item, g, check);
    json_close(j);
}

static void put_results(struct json_out *j, const struct night *n)
{
    size_t put = 0;
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < n->items[i].gate_count; k++) {
            const struct night_gate *g = &n->items[i].gates[k];
            for (size_t c = 0; c < g->check_count && put < SARIF_RESULTS_MAX; c++)
                if (g->checks[c].verdict != VERDICT_PASS) {
                    put_result(j, &n->items[i], g->gate, g->checks[c].name, g->checks[c].verdict,
                               g->checks[c].message);
                    put++;
                }
            if (g->check_count == 0 && put < SARIF_RESULTS_MAX) {
                put_result(j, &n->items[i], g->gate, "gate", VERDICT_ERROR, g->error);
                put++;
            }
            if (g->damaged[0] != '\0' && put < SARIF_RESULTS_MAX) {
                put_result(j, &n->items[i], g->gate, "evidence before", VERDICT_ERROR, g->damaged);
                put++;
            }
        }
}

void report_sarif(const struct night *n, struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    text(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    text(&j, "version", "2.1.0");
    json_key(&j, "runs");
    json_array(&j);
    json_object(&j);
    json_key(&j, "tool");
    json_object(&j);
    json_key(&j, "driver");
    json_object(&j);
    text(&j, "name", "assay");
    text(&j, "version", ASSAY_VERSION);
    text(&j, "semanticVersion", ASSAY_VERSION);
    put_rules(&j);
    json_close(&j);
    json_close(&j);
    json_key(&j, "results");
    json_array(&j);
    put_results(&j, n);
    json_close(&j);
    json_close(&j);
    json_close(&j);
    json_close(&j);
    buf_text(out, "\n");
}

/* ---- JSON lines --------------------------------------------------------------------------- */

struct chain {
    struct buf *out;
    uint64_t seq;
    struct digest before; /* hash of the line before, with its end of line */
};

static struct json_out line_open(struct chain *c, struct buf *line, const char *event)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(line);
    digest_text(&c->before, hex);
    json_object(&j);
    text(&j, "schema", "assay.nightly/1");
    json_key(&j, "seq");
    json_u64(&j, c->seq++);
    text(&j, "prev", hex);
    text(&j, "event", event);
    return j;
}

static void line_close(struct chain *c, struct buf *line, struct json_out *j)
{
    json_close(j);
    buf_byte(line, '\n');
    if (buf_status(line) != ST_OK)
        c->out->failed = true;
    else
        c->before = digest_of(buf_span(line));
    buf_append(c->out, buf_span(line));
    buf_release(line);
}

static void digest_member(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    text(j, key, hex);
}

static void put_check(struct json_out *j, const struct gate_check *c)
{
    json_object(j);
    text(j, "name", c->name);
    text(j, "result", verdict_name(c->verdict));
    text(j, "measured", c->measured);
    text(j, "limit", c->limit);
    text(j, "unit", c->unit);
    text(j, "message", c->message);
    json_close(j);
}

static void put_gate(struct chain *c, const struct night_item *item, const struct night_gate *g)
{
    struct buf line = BUF_EMPTY;
    struct json_out j = line_open(c, &line, "gate");
    text(&j, "name", item->holder.name);
    text(&j, "channel", item->holder.channel);
    text(&j, "version", item->version);
    digest_member(&j, "artifact", &item->holder.artifact);
    text(&j, "gate", gate_name(g->gate));
    text(&j, "result", verdict_name(g->verdict));
    text(&j, "before", verdict_name(g->before));
    json_key(&j, "reused");
    json_bool(&j, g->reused);
    digest_member(&j, "evidence", &g->evidence);
    text(&j, "ended", g->ended);
    if (g->error[0] != '\0')
        text(&j, "error", g->error);
    if (g->damaged[0] != '\0')
        text(&j, "damaged", g->damaged);
    json_key(&j, "checks");
    json_array(&j);
    for (size_t i = 0; i < g->check_count; i++)
        put_check(&j, &g->checks[i]);
    json_close(&j);
    line_close(c, &line, &j);
}

static void put_item(struct chain *c, const struct night_item *item)
{
    struct buf line = BUF_EMPTY;
    for (size_t k = 0; k < item->gate_count; k++)
        put_gate(c, item, &item->gates[k]);
    struct json_out j = line_open(c, &line, "item");
    text(&j, "name", item->holder.name);
    text(&j, "channel", item->holder.channel);
    text(&j, "result", verdict_name(item->verdict));
    text(&j, "action", item->action);
    line_close(c, &line, &j);
}

void report_lines(const struct night *n, struct buf *out)
{
    struct chain c = {.out = out};
    struct buf line = BUF_EMPTY;
    struct json_out j = line_open(&c, &line, "begin");
    text(&j, "time", n->started);
    text(&j, "store", n->store_id);
    text(&j, "policy", n->policy_name);
    digest_member(&j, "policy_sha256", &n->policy);
    json_key(&j, "shard");
    json_u64(&j, n->shard);
    json_key(&j, "shards");
    json_u64(&j, n->shards);
    line_close(&c, &line, &j);
    for (size_t i = 0; i < n->count; i++)
        put_item(&c, &n->items[i]);
    j = line_open(&c, &line, "end");
    text(&j, "time", n->ended);
    text(&j, "result", verdict_name(night_verdict(n)));
    json_key(&j, "items");
    json_u64(&j, n->count);
    line_close(&c, &line, &j);
}
