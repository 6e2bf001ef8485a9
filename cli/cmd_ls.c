/* ls and show: what is there, and everything known about one of them. */
#include "base/text.h"
#include "cli/budget_text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/policy_store.h"
#include "store/install.h"
#include "verify/evidence.h"
#include "verify/facts.h"
#include <string.h>

static uint64_t bytes_of(const struct manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->file_count; i++)
        sum += m->files[i].bytes;
    return sum;
}

static const char *format_of(const struct manifest *m)
{
    return m->model.present ? m->model.format : "opaque";
}

#define REF_MAX (2 * MANIFEST_NAME_MAX + 1)

/* From the facts that admission left in the state: no manifest is opened for a list. */
static enum status list_facts(struct listing *l, const struct json *f, const char *hex,
                              const char *state, const struct json *pin)
{
    uint64_t bytes = 0;
    const char *name = json_as_string(json_get(f, "name")),
               *version = json_as_string(json_get(f, "version"));
    const char *format = json_as_string(json_get(f, "format"));
    const char *content = json_as_string(json_get(f, "content")),
               *time = json_as_string(json_get(f, "time"));
    if (!json_as_u64(json_get(f, "bytes"), &bytes) || name == NULL || version == NULL ||
        format == NULL || content == NULL || time == NULL)
        return ST_CORRUPT;
    if (l->j != NULL) {
        json_object(l->j);
        member_text(l->j, "name", name);
        member_text(l->j, "version", version);
        member_text(l->j, "artifact", hex);
        member_text(l->j, "sha256", content);
        member_text(l->j, "format", format);
        member_u64(l->j, "bytes", bytes);
        member_text(l->j, "state", state);
        member_text(l->j, "added", time);
        member_json(l->j, "pin", pin);
        json_close(l->j);
        return ST_OK;
    }
    char text[32];
    struct buf size = buf_over(text, sizeof text - 1);
    put_size(&size, bytes);
    text[size.n] = '\0';
    table_cell(&l->table, "%s@%s", name, version);
    table_cell(&l->table, "%.12s", hex);
    table_cell(&l->table, "%s", format);
    table_cell(&l->table, "%s", text);
    table_cell(&l->table, "%s%s", state, pin != NULL ? ", pinned" : "");
    return ST_OK;
}

static enum status list_one(void *ctx, const char *ref, const char *hex, struct err *e)
{
    struct listing *l = ctx;
    struct digest artifact;
    char state[16], key[STORE_KEY_MAX], name[MANIFEST_NAME_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(json_scope) struct json *facts = NULL;
    SCOPED(json_scope) struct json *pin = NULL;
    bool gone = false;
    text_fmt(l->with, REF_MAX, "%s", ref); /* the last one told */
    text_fmt(key, sizeof key, "artifact/%s", hex);
    text_fmt(name, sizeof name, "%.*s", (int)strcspn(ref, "@"), ref);
    enum status st = store_get(l->c->store, key, &value, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&value), STORE_DOCUMENT_MAX, &facts, e);
    if (st == ST_OK && !digest_parse(hex, &artifact))
        st = err_set(e, ST_CORRUPT, "state-value", "the state binds %s to no digest", ref);
    if (st == ST_OK)
        st = channel_state(l->c->store, &artifact, name, state, e);
    if (st == ST_OK)
        st = install_evicted(l->c->store, &artifact, &gone, e);
    if (st == ST_OK)
        st = refs_pin(l->c, &artifact, &pin, e);
    if (gone)
        text_fmt(state, sizeof state, "evicted"); /* what holds a channel never goes */
    if (st == ST_OK && list_facts(l, facts, hex, state, pin) != ST_OK)
        st = err_set(e, ST_CORRUPT, "state-value", "the facts of %s are damaged", ref);
    return st;
}

enum status cmd_ls(struct cli *c, struct err *e)
{
    uint64_t limit = UINT64_MAX;
    bool more = false;
    enum status st = opt_u64(&c->args, OPT_LIMIT, 1, UINT64_MAX - 1, &limit, e);
    if (st == ST_OK)
        st = cli_store(c, e);
    if (st != ST_OK)
        return st;
    SCOPED(listing_release) struct listing l = listing_of(c, 5);
    char last[REF_MAX] = "";
    l.with = last;
    listing_open(&l, "assay.ls/1");
    listing_rows(&l, "artifacts");
    st = refs_page(c, c->args.value[OPT_AFTER], limit, list_one, &l, &more, e);
    if (st != ST_OK)
        return st;
    listing_end(&l);
    if (l.j != NULL && limit != UINT64_MAX)
        member_bool(l.j, "more", more);
    listing_close(&l);
    if (l.j != NULL)
        return ST_OK;
    if (more)
        cli_hint(c, "there are more; next: assay ls --limit %llu --after %s",
                 (unsigned long long)limit, last);
    if (l.table.cell == 0 && !opt_given(&c->args, OPT_AFTER))
        cli_hint(c, "the store is empty; next: assay add MODEL");
    return ST_OK;
}

static void show_model(struct json_out *j, const struct manifest_model *m)
{
    json_key(j, "model");
    if (!m->present) {
        json_null(j);
        return;
    }
    json_object(j);
    member_text(j, "format", m->format);
    member_u64(j, "format_version", m->format_version);
    member_text(j, "family", m->family);
    member_text(j, "quantization", m->quantization);
    member_u64(j, "parameters", m->parameters);
    member_text(j, "internal_checksum",
                m->internal_checksum[0] != '\0' ? m->internal_checksum : NULL);
    json_key(j, "tokenizer");
    json_object(j);
    member_text(j, "kind", m->tokenizer_kind);
    member_digest(j, "sha256", &m->tokenizer_sha256);
    json_close(j);
    json_key(j, "shape");
    json_object(j);
    member_u64(j, "vocab", m->vocab);
    member_u64(j, "hidden", m->hidden);
    member_u64(j, "layers", m->layers);
    member_u64(j, "heads", m->heads);
    member_u64(j, "kv_heads", m->kv_heads);
    member_u64(j, "head_dim", m->head_dim);
    member_u64(j, "ffn", m->ffn);
    member_u64(j, "context", m->context);
    json_close(j);
    json_close(j);
}

/* What running it would take; false when it is no model (or one beyond counting). */
static bool needs(const struct manifest *m, struct budget *out)
{
    struct err none = ERR_NONE;
    const struct model_facts f = facts_of_manifest(&m->model, bytes_of(m));
    return m->model.present && budget_of(&f, out, &none) == ST_OK;
}

static void show_json_facts(struct json_out *j, const struct artifact *a, const char *state,
                            const struct json *pin)
{
    const struct manifest *m = &a->manifest;
    member_text(j, "name", m->name);
    member_text(j, "version", m->version);
    member_digest(j, "artifact", &a->digest);
    member_digest(j, "sha256", &a->content);
    member_u64(j, "bytes", bytes_of(m));
    member_text(j, "format", format_of(m));
    member_text(j, "state", state);
    member_text(j, "added", a->added);
    member_json(j, "pin", pin);
    member_text(j, "license", m->license);
    member_bool(j, "self_signed", a->self_signed);
    json_key(j, "publishers");
    json_object(j);
    member_u64(j, "have", a->publishers);
    member_u64(j, "need", a->publishers_needed);
    json_close(j);
    json_key(j, "source");
    json_object(j);
    member_text(j, "uri", m->source_uri);
    member_text(j, "revision", m->source_revision);
    member_text(j, "kind", m->source_kind);
    json_close(j);
    json_key(j, "files");
    json_array(j);
    for (size_t i = 0; i < m->file_count; i++) {
        json_object(j);
        member_text(j, "path", m->files[i].path);
        member_u64(j, "bytes", m->files[i].bytes);
        member_digest(j, "sha256", &m->files[i].sha256);
        json_close(j);
    }
    json_close(j);
    show_model(j, &m->model);
    struct budget b;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    json_key(j, "budget");
    if (needs(m, &b)) {
        budget_json(&b, &text);
        json_raw(j, buf_span(&text));
    } else {
        json_null(j);
    }
}

static void show_text_facts(struct buf *out, const struct artifact *a, const char *state,
                            const struct json *pin)
{
    const struct manifest *m = &a->manifest;
    char id[DIGEST_TEXT];
    SCOPED(buf_release) struct buf size = BUF_EMPTY;
    put_size(&size, bytes_of(m));
    buf_byte(&size, 0);
    put_field(out, "artifact", "%s@%s (%s)", m->name, m->version, state);
    digest_text(&a->digest, id);
    put_field(out, "identity", "%s", id);
    digest_text(&a->content, id);
    put_field(out, "sha256", "%s", id);
    put_field(out, "size", "%s", size.failed ? "?" : (const char *)size.p);
    put_field(out, "added", "%s%s", a->added, a->self_signed ? ", self-signed" : "");
    const char *reason = json_as_string(json_get(pin, "reason"));
    const char *since = json_as_string(json_get(pin, "time"));
    if (pin != NULL)
        put_field(out, "pinned", "since %s%s%s", since != NULL ? since : "?",
                  reason != NULL && reason[0] != '\0' ? ": " : "", reason != NULL ? reason : "");
    if (a->publishers_needed > 1 || a->publishers < a->publishers_needed)
        put_field(out, "publishers", "%u of %u signed", a->publishers, a->publishers_needed);
    put_field(out, "license", "%s", m->license[0] != '\0' ? m->license : "not stated");
    if (m->source_uri[0] != '\0')
        put_field(out, "source", "%s %s", m->source_uri, m->source_revision);
    if (!m->model.present) {
        put_field(out, "format", "opaque: kept and verified, never gated");
    } else {
        const struct manifest_model *v = &m->model;
        put_field(out, "format", "%s %u, family %s, %s, %llu parameters", v->format,
                  v->format_version, v->family, v->quantization, (unsigned long long)v->parameters);
        put_field(out, "shape",
                  "vocabulary %u, hidden %u, layers %u, heads %u/%u of %u, ffn %u, context %u",
                  v->vocab, v->hidden, v->layers, v->heads, v->kv_heads, v->head_dim, v->ffn,
                  v->context);
        put_field(out, "tokenizer", "%s", v->tokenizer_kind);
    }
    for (size_t i = 0; m->file_count > 1 && i < m->file_count; i++)
        put_field(out, i == 0 ? "files" : "", "%s", m->files[i].path);
    struct budget b;
    if (needs(m, &b)) {
        buf_text(out, "to run it needs:\n");
        budget_text(out, &b);
    }
}

static enum status show_evidence(struct cli *c, const struct artifact *a, struct json_out *j,
                                 struct err *e)
{
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        SCOPED(evidence_release) struct evidence v = {0};
        enum status st =
            evidence_newest(c->store, c->trust, &a->digest, (enum gate)g, TRUST_ANY_TIME, &v, e);
        if (st == ST_NOT_FOUND) {
            *e = ERR_NONE;
            continue;
        }
        if (st != ST_OK)
            return st;
        char ended[TIME_TEXT_MAX], id[DIGEST_TEXT];
        time_format(v.ended, ended);
        digest_text(&v.digest, id);
        if (j == NULL) {
            put_field(&c->out, "evidence", "%s: %s, %s, %.12s", gate_name(v.gate),
                      verdict_name(v.verdict), ended, id);
            continue;
        }
        json_object(j);
        member_text(j, "gate", gate_name(v.gate));
        member_text(j, "result", verdict_name(v.verdict));
        member_text(j, "ended", ended);
        member_digest(j, "evidence", &v.digest);
        json_close(j);
    }
    return ST_OK;
}

/* The first channel of the policy that the artifact is not in yet. */
static const char *next_channel(const struct policy *p, const char *state)
{
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        if (p->channels[i].present && strcmp(p->channels[i].from, state) == 0)
            return p->channels[i].name;
    }
    return NULL;
}

static enum status show_why(struct cli *c, const struct artifact *a, const char *state,
                            struct json_out *j, struct err *e)
{
    SCOPED(policy_release) struct policy law = {0};
    struct promoter by;
    struct decision d = {0};
    enum status st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &law, e);
    if (st != ST_OK)
        return st;
    const char *next = next_channel(&law, state);
    if (j != NULL)
        member_text(j, "next", next);
    if (next == NULL) {
        if (j == NULL)
            put_field(&c->out, "next", "no channel of the policy %s follows %s", law.name, state);
        return ST_OK;
    }
    st = promote(&by, &(struct promotion){.artifact = a, .channel = next, .dry_run = true}, &d, e);
    if (st != ST_OK)
        return st;
    if (j != NULL) {
        json_key(j, "rules");
        rules_json(j, &d);
        return ST_OK;
    }
    put_field(&c->out, "next", "%s: %s", next, d.allowed ? "nothing stands in the way" : "not yet");
    rules_text(&c->out, &d);
    return ST_OK;
}

enum status cmd_show(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(json_scope) struct json *pin = NULL;
    char state[16];
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = refs_pin(c, &a.digest, &pin, e);
    if (st == ST_OK)
        st = channel_state(c->store, &a.digest, a.manifest.name, state, e);
    bool gone = false;
    if (st == ST_OK)
        st = install_evicted(c->store, &a.digest, &gone, e);
    if (st != ST_OK)
        return st;
    if (gone)
        text_fmt(state, sizeof state, "evicted");
    bool why = opt_given(&c->args, OPT_WHY);
    if (!c->json) {
        show_text_facts(&c->out, &a, state, pin);
        st = show_evidence(c, &a, NULL, e);
        return st == ST_OK && why ? show_why(c, &a, state, NULL, e) : st;
    }
    struct json_out j = answer_open(c, "assay.show/1");
    show_json_facts(&j, &a, state, pin);
    json_key(&j, "evidence");
    json_array(&j);
    st = show_evidence(c, &a, &j, e);
    json_close(&j);
    if (st == ST_OK && why)
        st = show_why(c, &a, state, &j, e);
    if (st == ST_OK)
        answer_close(c, &j);
    return st;
}
