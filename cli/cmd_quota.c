/* quota: what is used, what may be. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/size.h"
#include "store/change.h"
#include "store/manifest.h"
#include "store/quota.h"
#include <string.h>

/* -- setting -------------------------------------------------------------------------------------
 */

static enum status wanted(const struct cli *c, enum opt id, const char **value, char text[24],
                          struct err *e)
{
    uint64_t n = 0;
    *value = NULL;
    if (!opt_given(&c->args, id) || text_equal(c->args.value[id], "none"))
        return ST_OK;
    enum status st = size_option(&c->args, id, &n, e);
    text_fmt(text, 24, "%llu", (unsigned long long)n);
    *value = text;
    return st;
}

static void write_key(const struct cli *c, const char *what, char out[STORE_KEY_MAX])
{
    const char *name = c->args.value[OPT_NAME];
    if (opt_given(&c->args, OPT_QUARANTINE))
        text_fmt(out, STORE_KEY_MAX, QUOTA_PREFIX "quarantine/%s", what);
    else if (name != NULL)
        text_fmt(out, STORE_KEY_MAX, QUOTA_PREFIX "name/%s/%s", name, what);
    else
        text_fmt(out, STORE_KEY_MAX, QUOTA_PREFIX "%s", what);
}

static enum status commit(struct cli *c, struct span set, struct err *e)
{
    SCOPED(change_scope) struct change *change = NULL;
    uint64_t seq = 0;
    struct change_entry entry = {.type = "quota", .set = set, .clock = c->clock};
    enum status st = cli_key(c, "log", &entry.log, e);
    if (st == ST_OK)
        st = change_begin(c->store, &change, e);
    return st == ST_OK ? change_commit(change, &entry, &seq, e) : st;
}

static enum status set_limits(struct cli *c, struct err *e)
{
    static const struct {
        enum opt id;
        const char *what;
    } limits[] = {{OPT_SET_BYTES, "bytes"}, {OPT_SET_COUNT, "count"}};
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct json_out j = json_out(&set);
    json_object(&j);
    for (size_t i = 0; i < 2; i++) {
        char text[24], key[STORE_KEY_MAX];
        const char *value = NULL;
        enum status st = wanted(c, limits[i].id, &value, text, e);
        if (st != ST_OK)
            return st;
        write_key(c, limits[i].what, key);
        if (opt_given(&c->args, limits[i].id))
            member_text(&j, key, value);
    }
    json_close(&j);
    if (buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    return commit(c, buf_span(&set), e);
}

/* -- showing -------------------------------------------------------------------------------------
 */

struct showing {
    struct cli *c;
    struct json_out *j; /* NULL: the table */
    struct table table;
};

static void showing_release(struct showing *s)
{
    table_release(&s->table);
}

static void put_amount(struct buf *out, const char *what, uint64_t n)
{
    if (text_equal(what, "bytes"))
        put_size(out, n);
    else
        buf_fmt(out, "%llu", (unsigned long long)n);
}

static enum status show_one(struct showing *s, const char *what, const char *key, uint64_t used,
                            struct err *e)
{
    uint64_t limit = 0;
    char text[96];
    const char *unit = text_equal(key + strlen(key) - 5, "bytes") ? "bytes" : "artifacts";
    enum status st = quota_limit(s->c->store, key, &limit, e);
    if (st != ST_OK)
        return st;
    if (s->j != NULL) {
        json_object(s->j);
        member_text(s->j, "what", what);
        member_text(s->j, "unit", unit);
        member_u64(s->j, "used", used);
        if (limit == UINT64_MAX)
            member_text(s->j, "limit", NULL);
        else
            member_u64(s->j, "limit", limit);
        json_close(s->j);
        return ST_OK;
    }
    struct buf out = buf_over(text, sizeof text - 1);
    put_amount(&out, unit, used);
    if (limit != UINT64_MAX) {
        buf_text(&out, " of ");
        put_amount(&out, unit, limit);
    }
    text[out.n] = '\0';
    table_cell(&s->table, "%s", what);
    table_cell(&s->table, "%s", unit);
    table_cell(&s->table, "%s", text);
    return ST_OK;
}

/* quota/name/NAME/bytes or …/count */
static enum status collect_name(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    (void)value;
    (void)e;
    buf_text(list, key);
    buf_byte(list, '\0');
    return ST_OK;
}

static enum status show_names(struct showing *s, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    enum status st = store_scan(s->c->store, QUOTA_PREFIX "name/", collect_name, &list, e);
    if (st == ST_OK && buf_status(&list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of quotas");
    for (size_t at = 0; st == ST_OK && at < list.n;) {
        const char *key = (const char *)list.p + at, *name = key + strlen(QUOTA_PREFIX "name/");
        char what[MANIFEST_NAME_MAX];
        uint64_t count = 0, bytes = 0;
        at += strlen(key) + 1;
        text_fmt(what, sizeof what, "%.*s", (int)strcspn(name, "/"), name);
        st = quota_name(s->c->store, what, &count, &bytes, e);
        if (st == ST_OK)
            st = show_one(s, what, key, strstr(name, "/bytes") != NULL ? bytes : count, e);
    }
    return st;
}

static enum status show_all(struct showing *s, const struct quota_use *use, struct err *e)
{
    const uint64_t bytes = use->packs + use->staging + use->quarantine + use->reserve;
    enum status st = show_one(s, "store", "quota/bytes", bytes, e);
    if (st == ST_OK)
        st = show_one(s, "store", "quota/count", use->installed, e);
    if (st == ST_OK)
        st = show_one(s, "quarantine", "quota/quarantine/bytes", use->quarantine, e);
    if (st == ST_OK)
        st = show_one(s, "quarantine", "quota/quarantine/count", use->quarantined, e);
    return st == ST_OK ? show_names(s, e) : st;
}

static void show_parts(struct cli *c, const struct quota_use *use)
{
    static const char *const names[] = {"packs", "staging", "quarantine", "reserve", "free by gc"};
    const uint64_t n[] = {use->packs, use->staging, use->quarantine, use->reserve,
                          use->reclaimable};
    for (size_t i = 0; i < 5; i++) {
        SCOPED(buf_release) struct buf size = BUF_EMPTY;
        put_size(&size, n[i]);
        buf_byte(&size, '\0');
        put_field(&c->out, names[i], "%s", size.failed ? "?" : (const char *)size.p);
    }
}

enum status cmd_quota(struct cli *c, struct err *e)
{
    struct quota_use use;
    const char *name = c->args.value[OPT_NAME];
    const bool setting = opt_given(&c->args, OPT_SET_BYTES) || opt_given(&c->args, OPT_SET_COUNT);
    if (!setting && (name != NULL || opt_given(&c->args, OPT_QUARANTINE)))
        return err_set(e, ST_USAGE, "words", "say which limit: --set-bytes N or --set-count N");
    if (name != NULL && (!manifest_name_valid(name) || opt_given(&c->args, OPT_QUARANTINE)))
        return err_set(e, ST_USAGE, "option-value", "--name wants one artifact's name, alone");
    enum status st = cli_store(c, e);
    if (st == ST_OK && setting)
        st = set_limits(c, e);
    if (st == ST_OK)
        st = quota_use(c->store, &use, e);
    if (st != ST_OK)
        return st;
    SCOPED(showing_release) struct showing s = {.c = c, .table = table_of(3)};
    if (!c->json) {
        st = show_all(&s, &use, e);
        table_put(&s.table, &c->out);
        buf_byte(&c->out, '\n');
        show_parts(c, &use);
        return st;
    }
    struct json_out j = answer_open(c, "assay.quota/1");
    s.j = &j;
    json_key(&j, "limits");
    json_array(&j);
    st = show_all(&s, &use, e);
    json_close(&j);
    member_u64(&j, "packs", use.packs);
    member_u64(&j, "staging", use.staging);
    member_u64(&j, "quarantine", use.quarantine);
    member_u64(&j, "reserve", use.reserve);
    member_u64(&j, "reclaimable", use.reclaimable);
    member_u64(&j, "installed_bytes", use.installed_bytes);
    if (st == ST_OK)
        answer_close(c, &j);
    return st;
}
