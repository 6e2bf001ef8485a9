#include "cli/refs.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/install.h"
#include <string.h>

struct page {
    struct buf list; /* REF and hex, a NUL behind each */
    uint64_t count, limit;
    bool more;
};

static void page_release(struct page *p)
{
    buf_release(&p->list);
}

/* Keys are copied out first: reading while a scan is open would hold two views of the index at
 * once. */
static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct page *p = ctx;
    (void)e;
    p->more = p->count == p->limit;
    if (p->more)
        return ST_CANCELLED;
    p->count++;
    buf_text(&p->list, key + strlen("name/"));
    buf_byte(&p->list, 0);
    buf_append(&p->list, value);
    buf_byte(&p->list, 0);
    return ST_OK;
}

enum status refs_page(struct cli *c, const char *after, uint64_t limit,
                      enum status (*each)(void *ctx, const char *ref, const char *hex,
                                          struct err *e),
                      void *ctx, bool *more, struct err *e)
{
    SCOPED(page_release) struct page p = {.limit = limit};
    char key[STORE_KEY_MAX];
    text_fmt(key, sizeof key, "name/%s", after != NULL ? after : "");
    enum status st = store_scan_after(c->store, "name/", key, collect, &p, e);
    if (st == ST_OK && buf_status(&p.list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of artifacts");
    for (size_t at = 0; st == ST_OK && at < p.list.n;) {
        const char *ref = (const char *)p.list.p + at;
        const char *hex = ref + strlen(ref) + 1;
        at += strlen(ref) + strlen(hex) + 2;
        st = each(ctx, ref, hex, e);
        if (st == ST_OK)
            st = cli_alive(e);
    }
    *more = p.more;
    return st;
}

enum status refs_each(struct cli *c,
                      enum status (*each)(void *ctx, const char *ref, const char *hex,
                                          struct err *e),
                      void *ctx, struct err *e)
{
    bool more = false;
    return refs_page(c, NULL, UINT64_MAX, each, ctx, &more, e);
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

#define BARE_SHOWN 5

/* Versions and channels of one name, as REFs. */
struct bare {
    const char *name;
    size_t count; /* all of them */
    char first[300];
    struct buf list;
};

static void bare_release(struct bare *b)
{
    buf_release(&b->list);
}

/* name/NAME@VERSION and channel/NAME/CHANNEL. */
static enum status bare_add(void *ctx, const char *key, struct span value, struct err *e)
{
    struct bare *b = ctx;
    const char *what = key + strcspn(key, "/") + 1 + strlen(b->name) + 1;
    (void)value;
    (void)e;
    if (b->count == 0)
        text_fmt(b->first, sizeof b->first, "%s@%s", b->name, what);
    if (b->count < BARE_SHOWN)
        buf_fmt(&b->list, "%s%s@%s", b->count > 0 ? ", " : "", b->name, what);
    b->count++;
    return ST_OK;
}

/* The command line again, with a REF that says which. */
static void type_again(const struct cli *c, const char *name, const char *ref, struct buf *out)
{
    buf_fmt(out, "assay %s", c->command->name);
    for (size_t i = 0; i < c->words; i++)
        buf_fmt(out, " %s", strcmp(c->word[i], name) == 0 ? ref : c->word[i]);
    for (int i = 0; i < OPT_COUNT; i++) {
        const char *value = c->args.value[i];
        if (value == NULL)
            continue;
        const char *quote = value[strcspn(value, " \t\n'\"\\$*?;&|<>()`")] != '\0' ? "'" : "";
        buf_fmt(out, " --%s", opt_shapes[i].name);
        if (opt_shapes[i].arg != NULL)
            buf_fmt(out, " %s%s%s", quote, strcmp(value, name) == 0 ? ref : value, quote);
    }
}

enum status refs_bare(struct cli *c, const char *name, struct err *e)
{
    SCOPED(bare_release) struct bare b = {.name = name};
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    char key[STORE_KEY_MAX];
    if (!manifest_name_valid(name))
        return ST_OK;
    text_fmt(key, sizeof key, "name/%s@", name);
    enum status st = store_scan(c->store, key, bare_add, &b, e);
    text_fmt(key, sizeof key, "channel/%s/", name);
    if (st == ST_OK)
        st = store_scan(c->store, key, bare_add, &b, e);
    if (st != ST_OK || b.count == 0 || c->command == NULL)
        return st;
    type_again(c, name, b.first, &again);
    buf_byte(&again, '\0');
    buf_byte(&b.list, '\0');
    if (buf_status(&again) != ST_OK || buf_status(&b.list) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a message");
    return err_set(e, ST_USAGE, "ref", "which %s? There is %s%s; type: %s", name,
                   (const char *)b.list.p, b.count > BARE_SHOWN ? " and more" : "",
                   (const char *)again.p);
}

static enum status one_is_enough(void *ctx, const char *key, struct span value, struct err *e)
{
    bool *found = ctx;
    (void)key;
    (void)value;
    (void)e;
    *found = true;
    return ST_CANCELLED;
}

enum status refs_known(struct cli *c, const char *name, bool *out, struct err *e)
{
    char key[STORE_KEY_MAX];
    *out = false;
    text_fmt(key, sizeof key, "name/%s@", name);
    return store_scan(c->store, key, one_is_enough, out, e);
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

enum status refs_pin(struct cli *c, const struct digest *artifact, struct json **out, struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    install_key(INSTALL_PINNED, artifact, key);
    enum status st = store_get(c->store, key, &value, &why);
    if (st == ST_OK)
        return json_parse(buf_span(&value), STORE_DOCUMENT_MAX, out, e);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}
