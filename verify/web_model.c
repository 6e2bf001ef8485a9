#include "verify/web_model.h"
#include "base/text.h"
#include "runtime/budget.h"
#include "verify/facts.h"

struct json_out web_models_open(struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "schema");
    json_string(&j, "assay.models/1");
    json_key(&j, "models");
    json_array(&j);
    return j;
}

void web_models_close(struct json_out *j)
{
    json_close(j);
    json_close(j);
    buf_byte(j->to, '\n');
}

static void text(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

static void number(struct json_out *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_u64(j, value);
}

static void digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    text(j, key, hex);
}

static void put_evidence(struct json_out *j, const struct web_model *m)
{
    json_key(j, "evidence");
    json_array(j);
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (m->evidence[g].verdict == VERDICT_NONE)
            continue;
        char ended[TIME_TEXT_MAX];
        time_format(m->evidence[g].ended, ended);
        json_object(j);
        text(j, "gate", gate_name((enum gate)g));
        text(j, "result", verdict_name(m->evidence[g].verdict));
        digest(j, "digest", &m->evidence[g].digest);
        text(j, "ended", ended);
        json_close(j);
    }
    json_close(j);
}

/* The lines of the budget that add up to its total. */
static void put_memory(struct json_out *j, const struct web_model *m)
{
    const struct model_facts facts =
        facts_of_manifest(&m->artifact->manifest.model, m->file->bytes);
    struct err e = ERR_NONE;
    struct budget b = {0};
    json_key(j, "memory");
    json_object(j);
    if (budget_of(&facts, &b, &e) == ST_OK) {
        number(j, "transfer", b.transfer);
        number(j, "packed", b.packed);
        number(j, "scratch", b.scratch);
        number(j, "kv", b.kv);
        number(j, "logits", b.logits);
        number(j, "tables", b.tables);
        number(j, "total", b.total);
    }
    json_close(j);
}

void web_models_add(struct json_out *j, const struct web_model *m)
{
    const struct manifest *f = &m->artifact->manifest;
    if (m->file == NULL)
        return;
    json_object(j);
    text(j, "name", m->name);
    text(j, "version", f->version);
    text(j, "channel", m->channel);
    digest(j, "artifact", &m->artifact->digest);
    digest(j, "sha256", &m->file->sha256);
    number(j, "bytes", m->file->bytes);
    text(j, "license", f->license[0] != '\0' ? f->license : NULL);
    text(j, "format", f->model.format);
    text(j, "quantization", f->model.quantization);
    number(j, "parameters", f->model.parameters);
    number(j, "context", f->model.context);
    json_key(j, "proven");
    json_bool(j, m->problem == NULL);
    text(j, "problem", m->problem);
    put_evidence(j, m);
    put_memory(j, m);
    json_close(j);
}
