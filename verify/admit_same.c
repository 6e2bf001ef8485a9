/* The name is bound: to the very bytes at hand, perhaps, under other file names and labels. */
#include "base/text.h"
#include "verify/admission.h"
#include "verify/artifact.h"

static bool same_bytes(const struct admission *a, const struct manifest *m)
{
    const char *format = a->manifest.model.present ? a->manifest.model.format : "";
    if (a->file_count != m->file_count ||
        !text_equal(format, m->model.present ? m->model.format : ""))
        return false;
    for (size_t i = 0; i < m->file_count; i++)
        if (!digest_equal(&a->files[i].content.sha256, &m->files[i].sha256))
            return false;
    return true;
}

/* What was said of the bytes, in as many words, and the artifact says otherwise; NULL: nothing. */
static const char *contradicted(const struct admit_request *r, const struct manifest *m)
{
    if (r->license != NULL && !text_equal(r->license, m->license))
        return "--license";
    if (r->source_uri != NULL && !text_equal(r->source_uri, m->source_uri))
        return "--source";
    if (r->revision != NULL && !text_equal(r->revision, m->source_revision))
        return "--revision";
    return NULL;
}

enum status admit_same(struct admission *a, const struct digest *holder, struct err *e)
{
    SCOPED(artifact_release) struct artifact held = {0};
    struct err unreadable = ERR_NONE; /* then all that is known is that the name is another's */
    if (a->signed_by_other ||
        artifact_open(a->store, NULL, holder, TRUST_ANY_TIME, &held, &unreadable) != ST_OK)
        return ST_EXISTS;
    if (!same_bytes(a, &held.manifest))
        return ST_EXISTS;
    const char *other = contradicted(a->request, &held.manifest);
    *e = ERR_NONE;
    if (other != NULL) {
        err_set(e, ST_EXISTS, "name-bound",
                "%s@%s has these very bytes, but says something else than %s does. What it says "
                "was signed and stays: leave %s out, or give another --version",
                a->manifest.name, a->manifest.version, other, other);
        return err_subject(e, "%s", a->request->label);
    }
    manifest_release(&a->manifest);
    a->manifest = held.manifest;
    held.manifest = (struct manifest){0};
    a->content = held.content;
    return ST_OK;
}
