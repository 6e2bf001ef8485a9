#include "cli/refs.h"
#include "base/text.h"
#include "cli/print.h"
#include <string.h>

/* Keys are copied out first: reading while a scan is open would hold two views of the index at
 * once. */
static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    (void)e;
    buf_text(list, key + strlen("name/"));
    buf_byte(list, 0);
    buf_append(list, value);
    buf_byte(list, 0);
    return ST_OK;
}

enum status refs_each(struct cli *c,
                      enum status (*each)(void *ctx, const char *ref, const char *hex,
                                          struct err *e),
                      void *ctx, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    enum status st = store_scan(c->store, "name/", collect, &list, e);
    if (st == ST_OK && buf_status(&list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of artifacts");
    for (size_t at = 0; st == ST_OK && at < list.n;) {
        const char *ref = (const char *)list.p + at;
        const char *hex = ref + strlen(ref) + 1;
        at += strlen(ref) + strlen(hex) + 2;
        st = each(ctx, ref, hex, e);
        if (st == ST_OK)
            st = cli_alive(e);
    }
    return st;
}

enum status refs_channel(const char *text, char name[MANIFEST_NAME_MAX], char channel[16],
                         struct err *e)
{
    const char *at = strchr(text, '@');
    size_t n = at != NULL ? (size_t)(at - text) : 0;
    if (at == NULL || n == 0 || n >= MANIFEST_NAME_MAX || at[1] == '\0' || strlen(at + 1) >= 16)
        return err_set(e, ST_USAGE, "channel", "%s is no NAME@CHANNEL", text);
    text_fmt(name, MANIFEST_NAME_MAX, "%.*s", (int)n, text);
    text_fmt(channel, 16, "%s", at + 1);
    if (!manifest_name_valid(name))
        return err_set(e, ST_USAGE, "channel",
                       "%s is no name: small letters, digits, dot, dash, underscore", name);
    return ST_OK;
}

void refs_name(struct cli *c, const struct digest *artifact, char *out, size_t cap)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct err ignored = ERR_NONE;
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    if (artifact_find(c->store, NULL, hex, cli_now(c), &a, &ignored) == ST_OK)
        text_fmt(out, cap, "%s@%s", a.manifest.name, a.manifest.version);
    else
        text_fmt(out, cap, "%.12s", hex);
}

void rules_json(struct json_out *j, const struct decision *d)
{
    json_array(j);
    for (size_t i = 0; i < d->rule_count; i++) {
        json_object(j);
        member_text(j, "rule", d->rules[i].rule);
        member_bool(j, "met", d->rules[i].met);
        member_text(j, "message", d->rules[i].message);
        json_close(j);
    }
    json_close(j);
}

void rules_text(struct buf *out, const struct decision *d)
{
    SCOPED(table_release) struct table t = table_of(3);
    for (size_t i = 0; i < d->rule_count; i++) {
        table_cell(&t, "  %s", d->rules[i].met ? "met" : "NOT MET");
        table_cell(&t, "%s", d->rules[i].rule);
        table_cell(&t, "%s", d->rules[i].message);
    }
    table_put(&t, out);
}

/* The stored envelope of an artifact's manifest. */
enum status refs_envelope(struct cli *c, const struct artifact *a, struct envelope *out,
                          struct err *e)
{
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    SCOPED(buf_release) struct buf facts = BUF_EMPTY;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    struct digest envelope;
    digest_text(&a->digest, hex);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    enum status st = store_get(c->store, key, &facts, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&facts), STORE_DOCUMENT_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *where = json_as_string(json_get(v, "manifest"));
    if (where == NULL || !digest_parse(where, &envelope))
        return err_set(e, ST_CORRUPT, "state-value", "the facts of artifact %.12s are damaged",
                       hex);
    st = store_document(c->store, &envelope, &text, e);
    return st == ST_OK ? envelope_parse(buf_span(&text), out, e) : st;
}
