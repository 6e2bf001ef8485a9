#include "base/text.h"
#include "runtime/budget.h"
#include "verify/gate_run.h"
#include "verify/probe.h"

/* The model's bytes go to the probe and, all of them, through the digest, however early the probe
 * has made up its mind. */
struct twin {
    struct hasher *hasher;
    struct sink probe; /* write is NULL once it does not listen any more */
    uint64_t bytes;
};

static enum status twin_write(void *ctx, struct span bytes, struct err *e)
{
    struct twin *t = ctx;
    hasher_add(t->hasher, bytes);
    t->bytes += bytes.n;
    if (t->probe.write == NULL)
        return ST_OK;
    enum status st = t->probe.write(t->probe.ctx, bytes, e);
    if (st == ST_CANCELLED) {
        t->probe.write = NULL;
        *e = ERR_NONE;
        st = ST_OK;
    }
    return st;
}

#define FILES_SHOWN 16

/* What the store itself found wrong with the bytes is the gate's finding, not the harness's
 * trouble. */
static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_MISMATCH || st == ST_NOT_FOUND;
}

static enum status check_file(const struct gate_subject *s, const struct manifest_file *f,
                              struct sink probe, struct gate_checks *checks, struct err *e)
{
    SCOPED(hasher_scope) struct hasher *hasher = NULL;
    struct err damage = ERR_NONE;
    enum status st = hasher_open(&hasher, e);
    if (st != ST_OK)
        return st;
    struct twin twin = {.hasher = hasher, .probe = probe};
    st = store_content_read(s->store, &f->sha256, (struct sink){.write = twin_write, .ctx = &twin},
                            NULL, &damage);
    if (st != ST_OK && !is_damage(st)) {
        *e = damage;
        return st;
    }
    const struct digest is = hasher_end(hasher);
    char hex[DIGEST_TEXT];
    digest_text(&is, hex);
    bool same = st == ST_OK && digest_equal(&is, &f->sha256);
    if (st == ST_OK)
        checks_add(checks, "digest", same, "%.120s: sha256:%s %s the manifest's", f->path, hex,
                   same ? "is" : "is not");
    else
        checks_add(checks, "digest", false, "%.80s: %.150s", f->path, damage.detail);
    checks_add(checks, "size", twin.bytes == f->bytes, "%.120s: %llu bytes, the manifest says %llu",
               f->path, (unsigned long long)twin.bytes, (unsigned long long)f->bytes);
    return ST_OK;
}

static void check_container(const struct probe_result *r, struct gate_checks *checks)
{
    if (r->accepted)
        checks_add(checks, "container", true, "%s version %u: %u tensors, every value finite",
                   format_name(r->facts.format), r->facts.format_version, r->facts.tensors);
    else if (r->refusal.offset == ERR_NO_OFFSET)
        checks_add(checks, "container", false, "%s: %.180s", err_code(&r->refusal),
                   r->refusal.detail);
    else
        checks_add(checks, "container", false, "%s at byte %llu: %.160s", err_code(&r->refusal),
                   (unsigned long long)r->refusal.offset, r->refusal.detail);
}

/* Every declared fact against what the bytes say. */
static void check_manifest(const struct gate_subject *s, const struct probe_result *r,
                           struct gate_checks *checks)
{
    const struct manifest *said = &s->artifact->manifest;
    struct manifest parsed = *said;
    facts_manifest(&r->facts, &r->tokenizer, &parsed.model);
    const char *field = manifest_difference(said, &parsed);
    checks_add(checks, "manifest", field == NULL, "%s%s", field != NULL ? field : "every fact",
               field != NULL ? ": the manifest states something else than the bytes say"
                             : " the manifest states is what the bytes say");
    bool same = digest_equal(&said->model.tokenizer_sha256, &r->tokenizer);
    checks_add(checks, "tokenizer", same,
               "vocabulary %s of %u tokens: its digest %s the manifest's", r->facts.tokenizer,
               r->facts.shape.vocab, same ? "is" : "is not");
    const char *inside = r->facts.license;
    checks_add(checks, "license", inside[0] == 0 || text_equal(inside, said->license),
               "the manifest says \"%.90s\", general.license \"%.90s\"", said->license, inside);
}

static void check_budget(const struct model_facts *facts, struct gate_checks *checks)
{
    struct budget b;
    struct err e = ERR_NONE;
    if (budget_of(facts, &b, &e) != ST_OK) {
        checks_add(checks, "budget", false, "%.200s", e.detail);
        return;
    }
    checks_measure_u64(checks, "budget transfer", b.transfer, "bytes", "host transfer");
    checks_measure_u64(checks, "budget weights", b.weights, "bytes", "weights");
    checks_measure_u64(checks, "budget scratch", b.scratch, "bytes", "forward scratch");
    checks_measure_u64(checks, "budget kv", b.kv, "bytes", "KV cache");
    checks_measure_u64(checks, "budget logits", b.logits, "bytes", "logits");
    checks_measure_u64(checks, "budget total", b.total, "bytes", "total resident");
    checks_measure_u64(checks, "parameters", facts->parameters, "parameters", "parameters");
}

/* The model's bytes are read once, for the digest and the parser alike. */
static enum status probe_model(const struct gate_subject *s, struct gate_checks *checks,
                               struct probe_result *r, struct err *e)
{
    SCOPED(probe_scope) struct probe *probe = NULL;
    enum status st =
        probe_start(format_parse(s->artifact->manifest.model.format), s->file->bytes, &probe, e);
    if (st != ST_OK)
        return st;
    st = check_file(s, s->file, probe_sink(probe), checks, e);
    if (st != ST_OK)
        return st;
    return probe_finish(probe, r, e);
}

/* Files beside the model; of the damaged ones the first few are named. */
static enum status check_others(const struct gate_subject *s, struct gate_checks *checks,
                                struct err *e)
{
    const struct manifest *m = &s->artifact->manifest;
    size_t damaged = 0;
    for (size_t i = 0; i < m->file_count; i++) {
        SCOPED(checks_release) struct gate_checks one = {0};
        if (&m->files[i] == s->file)
            continue;
        enum status st = check_file(s, &m->files[i], (struct sink){0}, &one, e);
        if (st != ST_OK)
            return st;
        if (checks_worst(one.p, one.n) == VERDICT_PASS)
            continue;
        if (damaged++ < FILES_SHOWN)
            checks_add(checks, "file", false, "%s", one.p != NULL ? one.p[0].message : "no memory");
    }
    if (m->file_count > 1)
        checks_add(checks, "files", damaged == 0, "%zu files beside the model, %zu of them damaged",
                   m->file_count - 1, damaged);
    return ST_OK;
}

enum status gate_structural(const struct gate_subject *s, struct gate_checks *checks,
                            struct gate_result *result, struct err *e)
{
    SCOPED(probe_result_release) struct probe_result r = {.refusal = ERR_NONE};
    enum status st = probe_model(s, checks, &r, e);
    if (st == ST_OK)
        st = check_others(s, checks, e);
    if (st != ST_OK)
        return st;
    text_fmt(result->sandbox, sizeof result->sandbox, "%s", r.level);
    check_container(&r, checks);
    if (r.accepted) {
        check_manifest(s, &r, checks);
        check_budget(&r.facts, checks);
    }
    return ST_OK;
}
