#include "base/text.h"
#include "verify/admission.h"
#include "verify/admit_name.h"
#include "verify/artifact.h"
#include <string.h>

static enum admit_step refuse(struct admission *a, size_t culprit, enum status st,
                              const char *stage, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

static enum admit_step refuse(struct admission *a, size_t culprit, enum status st,
                              const char *stage, const char *code, const char *fmt, ...)
{
    char detail[ERR_DETAIL_MAX];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(detail, sizeof detail, fmt, ap);
    va_end(ap);
    err_at(&a->why, st, stage, code, ERR_NO_OFFSET, "%s", detail);
    a->culprit = culprit;
    return ADMIT_REFUSED;
}

static enum admit_step fail(struct err *e, enum status st, const char *code, const char *detail)
{
    err_set(e, st, code, "%s", detail);
    return ADMIT_FAILED;
}

/* ---- digest, signature -------------------------------------------------------------------- */

static enum admit_step judge_digest(struct admission *a, const struct digest *want, const char *who,
                                    const char *code)
{
    char is[DIGEST_TEXT], asked[DIGEST_TEXT];
    if (digest_equal(&a->content, want))
        return ADMIT_FINE;
    digest_text(&a->content, is);
    digest_text(want, asked);
    return refuse(a, a->file_count, ST_MISMATCH, "digest", code,
                  "%s names sha256:%s, the bytes are sha256:%s", who, asked, is);
}

/* A wrong signature and a damaged manifest are refusals; a full disk on the way is not. */
static enum admit_step as_refusal(struct admission *a, enum status st, const char *stage,
                                  struct err *e)
{
    if (st == ST_NO_MEMORY || st == ST_IO || st == ST_INTERRUPTED)
        return ADMIT_FAILED;
    a->why = *e;
    *e = ERR_NONE;
    err_stage(&a->why, stage);
    a->culprit = a->file_count;
    return ADMIT_REFUSED;
}

static enum admit_step judge_signature(struct admission *a, struct err *e)
{
    enum status st = envelope_parse(a->request->manifest_envelope, &a->given, e);
    if (st != ST_OK)
        return as_refusal(a, st, "manifest", e);
    if (!text_equal(a->given.type, MANIFEST_TYPE))
        return refuse(a, a->file_count, ST_SIGNATURE, "manifest", "manifest-type",
                      "what was given as manifest is signed as something else");
    if (a->trust == NULL)
        return fail(e, ST_UNTRUSTED, "no-trust",
                    "a publisher's manifest needs a trust to check it with");
    st = trust_check(a->trust, ROLE_PUBLISHER, &a->given, clock_now(&a->keys->clock), e);
    if (st != ST_OK)
        return as_refusal(a, st, "signature", e);
    st = manifest_decode(buf_span(&a->given.payload), &a->stated, e);
    if (st != ST_OK)
        return as_refusal(a, st, "manifest", e);
    a->signed_by_other = true;
    struct digest stated;
    if (manifest_content(&a->stated, &stated, e) != ST_OK)
        return ADMIT_FAILED;
    return judge_digest(a, &stated, "the signed manifest", "manifest-content");
}

enum admit_step admit_judge_claims(struct admission *a, struct err *e)
{
    if (a->request->expect != NULL) {
        enum admit_step step = judge_digest(a, a->request->expect, "--expect", "expect");
        if (step != ADMIT_FINE)
            return step;
    }
    return a->request->manifest_envelope.n > 0 ? judge_signature(a, e) : ADMIT_FINE;
}

/* ---- kind --------------------------------------------------------------------------------- */

static enum admit_step kind_of(struct admission *a, size_t i, enum model_format *out)
{
    const char *foreign = NULL;
    const struct admitted *f = &a->files[i];
    *out = MODEL_FORMAT_NONE;
    switch (model_sniff(SPAN(f->head, f->head_bytes), f->path, f->content.bytes, &foreign)) {
    case CLAIM_SLM1: *out = MODEL_FORMAT_SLM1; break;
    case CLAIM_GGUF: *out = MODEL_FORMAT_GGUF; break;
    case CLAIM_FOREIGN:
        return refuse(a, i, ST_MODEL_MAGIC, "container", "foreign-format",
                      "this is %s, a format of others; convert it to GGUF or SLM1",
                      foreign != NULL ? foreign : "a foreign model");
    case CLAIM_NONE: break;
    }
    return ADMIT_FINE;
}

/* --format has the last word on what a single file must be. */
static enum admit_step apply_format(struct admission *a, struct err *e)
{
    const char *wanted = a->request->format;
    const size_t none = a->file_count;
    if (wanted == NULL)
        return ADMIT_FINE;
    if (text_equal(wanted, "opaque"))
        return a->model == none ? ADMIT_FINE
                                : fail(e, ST_USAGE, "format",
                                       "it claims to be a model; add it without --format opaque");
    enum model_format format = format_parse(wanted);
    if (format == MODEL_FORMAT_NONE)
        return fail(e, ST_USAGE, "format", "--format is slm1, gguf or opaque");
    if (a->model == none && none > 1)
        return fail(e, ST_USAGE, "format", "none of the folder's files claims to be a model");
    if (a->model == none)
        a->model = 0;
    a->format = format;
    return ADMIT_FINE;
}

enum admit_step admit_judge_kind(struct admission *a, struct err *e)
{
    const size_t none = a->file_count;
    a->model = none;
    for (size_t i = 0; i < none; i++) {
        enum model_format format;
        enum admit_step step = kind_of(a, i, &format);
        if (step != ADMIT_FINE)
            return step;
        if (format == MODEL_FORMAT_NONE)
            continue;
        if (a->model != none) {
            err_set(e, ST_USAGE, "two-models",
                    "it holds two models, %s and %s; an artifact has one: add them one by one",
                    a->files[a->model].path, a->files[i].path);
            return ADMIT_FAILED;
        }
        a->model = i;
        a->format = format;
    }
    return apply_format(a, e);
}

/* ---- structure ---------------------------------------------------------------------------- */

enum admit_step admit_judge_structure(struct admission *a, struct err *e)
{
    if (a->model == a->file_count)
        return ADMIT_FINE;
    const struct content *c = &a->files[a->model].content;
    SCOPED(probe_scope) struct probe *probe = NULL;
    enum status st = probe_start(a->format, c->bytes, &probe, e);
    if (st != ST_OK)
        return ADMIT_FAILED;
    st = change_read_back(a->change, &c->sha256, probe_sink(probe), e);
    if (st != ST_OK && st != ST_CANCELLED)
        return ADMIT_FAILED;
    *e = ERR_NONE;
    st = probe_finish(probe, &a->probe, e);
    if (st != ST_OK)
        return ADMIT_FAILED;
    if (a->probe.accepted)
        return ADMIT_FINE;
    a->why = a->probe.refusal;
    a->culprit = a->model;
    return ADMIT_REFUSED;
}

/* ---- manifest ----------------------------------------------------------------------------- */

/* One text of the manifest: the given manifest's, or the request's, which must not contradict it.
 */
static bool choose(const struct admission *a, const char *asked, const char *stated,
                   const char *field, char *out, size_t cap, struct err *e)
{
    const char *text = a->signed_by_other ? stated : asked != NULL ? asked : "";
    if (a->signed_by_other && asked != NULL && !text_equal(asked, stated)) {
        err_set(e, ST_USAGE, "contradiction",
                "%s: \"%s\" was asked for, the signed manifest says \"%s\"", field, asked, stated);
        return false;
    }
    if (text_fmt(out, cap, "%s", text) >= cap) {
        err_set(e, ST_INVALID_LENGTH, field, "%s is longer than %zu bytes", field, cap - 1);
        return false;
    }
    return true;
}

static bool choose_name(const struct admission *a, struct manifest *m, struct err *e)
{
    const struct admit_request *r = a->request;
    if (!choose(a, r->name, a->stated.name, "name", m->name, sizeof m->name, e) ||
        !choose(a, r->version, a->stated.version, "version", m->version, sizeof m->version, e))
        return false;
    if (m->name[0] == 0)
        admit_default_name(r->label, r->folder, m->name);
    if (m->version[0] == 0)
        admit_default_version(&a->content, m->version);
    if (!manifest_name_valid(m->name) || !manifest_name_valid(m->version)) {
        err_set(e, ST_USAGE, "name",
                "%s@%s: names and versions read [a-z0-9][a-z0-9._-]*, at most 128 long", m->name,
                m->version);
        return false;
    }
    if (artifact_is_channel(m->version)) {
        err_set(e, ST_USAGE, "version", "\"%s\" is the name of a channel and cannot be a version",
                m->version);
        return false;
    }
    return true;
}

static bool choose_source(const struct admission *a, struct manifest *m, struct err *e)
{
    const struct admit_request *r = a->request;
    if (!choose(a, r->source_uri, a->stated.source_uri, "source", m->source_uri,
                sizeof m->source_uri, e) ||
        !choose(a, r->revision, a->stated.source_revision, "revision", m->source_revision,
                sizeof m->source_revision, e))
        return false;
    if (a->signed_by_other)
        memcpy(m->source_kind, a->stated.source_kind, sizeof m->source_kind);
    else if (m->source_uri[0] != 0)
        text_fmt(m->source_kind, sizeof m->source_kind, "uri");
    return true;
}

/* A licence inside the model is a fact of the bytes; what is said outside must be the same. */
static enum admit_step judge_license(struct admission *a, struct manifest *m, struct err *e)
{
    const char *inside = a->probe.accepted ? a->probe.facts.license : "";
    if (!choose(a, a->request->license, a->stated.license, "license", m->license, sizeof m->license,
                e))
        return ADMIT_FAILED;
    if (inside[0] == 0 || text_equal(m->license, inside))
        return ADMIT_FINE;
    if (m->license[0] == 0 && !a->signed_by_other) {
        text_fmt(m->license, sizeof m->license, "%s", inside);
        return ADMIT_FINE;
    }
    if (a->signed_by_other)
        return refuse(
            a, a->model, ST_MISMATCH, "manifest", "license",
            "license: the signed manifest says \"%s\", the model's general.license \"%s\"",
            m->license, inside);
    err_set(e, ST_USAGE, "license",
            "license: --license says \"%s\", the model's general.license \"%s\"", m->license,
            inside);
    return ADMIT_FAILED;
}

enum admit_step admit_judge_manifest(struct admission *a, struct err *e)
{
    struct manifest *m = &a->manifest;
    if (!choose_name(a, m, e) || !choose_source(a, m, e))
        return ADMIT_FAILED;
    enum admit_step step = judge_license(a, m, e);
    if (step != ADMIT_FINE)
        return step;
    if (a->probe.accepted)
        facts_manifest(&a->probe.facts, &a->probe.tokenizer, &m->model);
    if (!a->signed_by_other)
        return ADMIT_FINE;
    const char *field = manifest_difference(&a->stated, m);
    if (field == NULL)
        return ADMIT_FINE;
    return refuse(a, a->file_count, ST_MISMATCH, "manifest", "manifest-field",
                  "%s: the signed manifest states something else than the bytes say", field);
}
