#include "base/json_write.h"
#include "verify/admit.h"

static void member(struct json_out *j, const char *key, const char *text)
{
    if (text == NULL)
        return;
    json_key(j, key);
    json_string(j, text);
}

static void digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    if (d == NULL)
        return;
    digest_text(d, hex);
    member(j, key, hex);
}

enum status admit_claimed(const struct admit_request *r, const struct digest *artifact,
                          struct buf *out, struct err *e)
{
    const struct digest manifest = digest_of(r->manifest_envelope);
    struct json_out j = json_out(out);
    json_object(&j);
    digest(&j, "artifact", artifact);
    member(&j, "format", r->format);
    member(&j, "license", r->license);
    digest(&j, "manifest", r->manifest_envelope.n > 0 ? &manifest : NULL);
    member(&j, "name", r->name);
    member(&j, "revision", r->revision);
    digest(&j, "sha256", r->expect);
    member(&j, "source", r->source_uri);
    member(&j, "version", r->version);
    json_close(&j);
    return buf_status(out) == ST_OK ? ST_OK
                                    : err_set(e, ST_NO_MEMORY, NULL, "no memory for a refusal");
}
