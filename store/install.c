#include "store/install.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/ledger.h"
#include <string.h>

void install_release(struct install *i)
{
    buf_release(&i->contents);
}

size_t install_count(const struct install *i)
{
    return i->contents.n / DIGEST_BYTES;
}

struct digest install_content(const struct install *i, size_t n)
{
    struct digest d;
    memcpy(d.b, i->contents.p + n * DIGEST_BYTES, DIGEST_BYTES);
    return d;
}

void install_encode(const struct install *i, struct buf *out)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    base64_encode(&text, buf_span(&i->contents));
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "bytes");
    json_u64(&j, i->bytes);
    json_key(&j, "contents");
    json_text(&j, buf_span(&text));
    json_key(&j, "name");
    json_string(&j, i->name);
    json_close(&j);
    out->failed = out->failed || text.failed;
}

static enum status damaged(struct err *e)
{
    return err_set(e, ST_CORRUPT, "installed", "what an artifact has installed is told wrongly");
}

enum status install_decode(struct span value, struct install *out, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err why = ERR_NONE;
    *out = (struct install){0};
    enum status st = json_parse(value, LEDGER_LINE_MAX, &v, &why);
    if (st == ST_NO_MEMORY) {
        *e = why;
        return st;
    }
    const char *name = json_as_string(json_get(v, "name"));
    const char *contents = json_as_string(json_get(v, "contents"));
    if (st != ST_OK || name == NULL || contents == NULL || strlen(name) >= sizeof out->name ||
        !json_as_u64(json_get(v, "bytes"), &out->bytes))
        return damaged(e);
    text_fmt(out->name, sizeof out->name, "%s", name);
    bool text = base64_decode(&out->contents, span_text(contents));
    if (buf_status(&out->contents) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an artifact's contents");
    return text && out->contents.n % DIGEST_BYTES == 0 ? ST_OK : damaged(e);
}

void install_key(const char *prefix, const struct digest *artifact, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "%s%s", prefix, hex);
}

static enum status has_key(struct store *s, const char *prefix, const struct digest *artifact,
                           bool *has, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct err why = ERR_NONE;
    char key[STORE_KEY_MAX];
    install_key(prefix, artifact, key);
    enum status st = store_get(s, key, &value, &why);
    *has = st == ST_OK;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

enum status install_there(struct store *s, const struct digest *artifact, bool *there,
                          struct err *e)
{
    return has_key(s, INSTALL_PREFIX, artifact, there, e);
}

enum status install_evicted(struct store *s, const struct digest *artifact, bool *gone,
                            struct err *e)
{
    return has_key(s, INSTALL_EVICTED, artifact, gone, e);
}
