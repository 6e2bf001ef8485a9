#include "promote/baseline.h"
#include "verify/section.h"

void baseline_release(struct baseline *b)
{
    artifact_release(&b->artifact);
    buf_release(&b->answers);
    *b = (struct baseline){0};
}

/* What it answered when it was measured itself; nothing when that does not count. */
static enum status recall(struct store *s, const struct trust *t, enum gate g, int64_t now,
                          struct baseline *b, struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(evidence_release) struct evidence v = {0};
    struct err why = ERR_NONE;
    struct digest runtime;
    enum status st = identity_program(&runtime, e);
    if (st != ST_OK)
        return st;
    st = evidence_newest(s, t, &b->artifact.digest, g, now, &v, &why);
    if (st == ST_OK && digest_equal(&v.bound.runtime, &runtime) && !digest_equal(&v.cases, &none))
        st = store_document(s, &v.cases, &b->answers, &why);
    if (st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        buf_release(&b->answers);
    return ST_OK;
}

enum status baseline_find(struct store *s, const struct trust *t, const struct artifact *candidate,
                          enum gate g, struct span section, int64_t now, struct baseline *out,
                          struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    struct holder h = {0};
    *out = (struct baseline){0};
    enum status st = json_parse(section, section.n, &root, e);
    if (st != ST_OK)
        return err_stage(e, "policy");
    const char *channel = section_word(root, g, "baseline");
    if (channel == NULL)
        return ST_OK;
    st = channel_holder(s, candidate->manifest.name, channel, &h, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return ST_OK;
    }
    if (st != ST_OK || digest_equal(&h.artifact, &candidate->digest))
        return st;
    st = artifact_open(s, t, &h.artifact, now, &out->artifact, e);
    if (st == ST_OK)
        st = recall(s, t, g, now, out, e);
    out->present = st == ST_OK;
    out->against =
        (struct gate_against){.artifact = &out->artifact, .answers = buf_span(&out->answers)};
    return st;
}

const struct gate_against *baseline_against(const struct baseline *b)
{
    return b->present ? &b->against : NULL;
}

bool baseline_same(const struct baseline *b, const struct evidence *v)
{
    static const struct digest none = {{0}};
    return digest_equal(b->present ? &b->artifact.digest : &none, &v->baseline);
}
