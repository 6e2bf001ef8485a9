/* An incident as JSON; verify/incident_read.c is the way back. */
#include "base/base64.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include "verify/incident.h"

static void text(struct json_out *j, const char *key, const char *s)
{
    json_key(j, key);
    json_string(j, s[0] != '\0' ? s : NULL);
}

static void hex(struct json_out *j, const char *key, const struct digest *d)
{
    char digits[DIGEST_TEXT];
    digest_text(d, digits);
    json_key(j, key);
    json_string(j, digest_is_zero(d) ? NULL : digits);
}

static void number(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_u64(j, v);
}

static void put_prompt(const struct incident_prompt *p, struct json_out *j)
{
    json_key(j, "prompt");
    json_object(j);
    text(j, "policy", prompt_policy_name(p->policy));
    json_key(j, "bytes");
    if (p->given)
        json_u64(j, p->bytes);
    else
        json_null(j);
    if (p->given && p->policy == PROMPT_DIGEST)
        hex(j, "sha256", &p->sha256);
    if (p->given && p->policy == PROMPT_FULL && utf8_valid(buf_span(&p->text))) {
        json_key(j, "text");
        json_text(j, buf_span(&p->text));
    } else if (p->given && p->policy == PROMPT_FULL) {
        SCOPED(buf_release) struct buf coded = BUF_EMPTY;
        base64_encode(&coded, buf_span(&p->text));
        json_key(j, "base64");
        json_text(j, buf_span(&coded));
    }
    json_close(j);
}

static void put_sampling(const struct incident *i, struct json_out *j)
{
    char seed[24];
    json_key(j, "sampling");
    if (!i->sampled) {
        json_null(j);
        return;
    }
    text_fmt(seed, sizeof seed, "%llu", (unsigned long long)i->sampling.seed);
    json_object(j);
    json_key(j, "temperature");
    json_fixed(j, (double)i->sampling.temperature, 6);
    number(j, "top_k", i->sampling.top_k);
    json_key(j, "top_p");
    json_fixed(j, (double)i->sampling.top_p, 6);
    text(j, "seed", seed);
    number(j, "max_new_tokens", i->max_new_tokens);
    json_close(j);
}

static void put_gate(const struct incident_gate *g, struct json_out *j)
{
    json_key(j, "gate");
    json_object(j);
    text(j, "name", gate_name(g->gate));
    text(j, "result", verdict_name(g->verdict));
    hex(j, "evidence", &g->evidence);
    json_key(j, "checks");
    json_array(j);
    for (size_t k = 0; k < g->check_count; k++)
        check_write(&g->checks[k], j);
    json_close(j);
    json_close(j);
}

static void put_identity(const struct incident *i, struct json_out *j)
{
    json_key(j, "identity");
    json_object(j);
    hex(j, "artifact", &i->artifact);
    hex(j, "sha256", &i->content);
    text(j, "name", i->artifact_name);
    text(j, "version", i->version);
    text(j, "channel", i->channel);
    hex(j, "program", &i->program);
    hex(j, "bundle", &i->bundle);
    text(j, "module", i->module);
    text(j, "browser", i->browser);
    json_close(j);
}

void incident_write(const struct incident *i, struct buf *out)
{
    char time[TIME_TEXT_MAX];
    struct json_out j = json_out(out);
    time_format(i->time, time);
    json_object(&j);
    text(&j, "schema", "assay.incident/1");
    text(&j, "time", time);
    text(&j, "command", i->command);
    text(&j, "stage", i->stage == STAGE_NONE ? "" : stage_name(i->stage));
    json_key(&j, "error");
    json_object(&j);
    number(&j, "code", i->code);
    text(&j, "name", i->name);
    text(&j, "message", i->message);
    text(&j, "detail", i->detail);
    json_close(&j);
    number(&j, "elapsed_ms", i->elapsed_ms);
    put_identity(i, &j);
    put_prompt(&i->prompt, &j);
    put_sampling(i, &j);
    if (i->gate.gate != GATE_NONE)
        put_gate(&i->gate, &j);
    json_key(&j, "diagnostics");
    if (i->diagnostics.n > 0)
        json_raw(&j, buf_span(&i->diagnostics));
    else
        json_null(&j);
    json_close(&j);
    buf_byte(out, '\n');
}
