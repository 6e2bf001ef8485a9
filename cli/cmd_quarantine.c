/* quarantine ls and show: what was rejected, where it went wrong, and the bytes around that place.
 */
#include "base/heap.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "store/quarantine.h"
#include <stdlib.h>
#include <string.h>

static void facts_json(struct json_out *j, const struct quarantine_facts *f)
{
    member_text(j, "id", f->id);
    member_text(j, "name", f->name);
    member_text(j, "kind", quarantine_kind_name(f->kind));
    member_digest(j, "sha256", &f->sha256);
    member_u64(j, "bytes", f->bytes);
    member_text(j, "stage", f->stage);
    member_text(j, "code", f->code);
    member_text(j, "status", f->status);
    member_offset(j, "offset", f->offset);
    member_text(j, "message", f->message);
    member_text(j, "time", f->time);
}

struct reject {
    uint64_t seq; /* of the ledger entry: the order in which they came */
    char id[64];
};

static enum status collect(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    struct buf *list = ctx;
    struct reject it = {0};
    text_fmt(it.id, sizeof it.id, "%s", f->id);
    if (!text_u64(SPAN(it.id, strcspn(it.id, "-")), &it.seq))
        it.seq = UINT64_MAX;
    buf_append(list, SPAN(&it, sizeof it));
    return list->failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for a list") : ST_OK;
}

static int by_age(const void *a, const void *b)
{
    const struct reject *x = a, *y = b;
    return x->seq != y->seq ? (x->seq < y->seq ? -1 : 1) : strcmp(x->id, y->id);
}

static void list_one(struct listing *l, const struct quarantine_facts *f)
{
    if (l->j != NULL) {
        json_object(l->j);
        facts_json(l->j, f);
        json_close(l->j);
        return;
    }
    table_cell(&l->table, "%s", f->id);
    table_cell(&l->table, "%.60s", f->name);
    table_cell(&l->table, "%s", f->stage);
    table_cell(&l->table, "%s", f->code);
    table_cell(&l->table, "%s", f->time);
}

/* The state is ordered by bytes, people want the order of time. */
static enum status list_all(struct cli *c, struct listing *l, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    enum status st = quarantine_each(c->store, collect, &list, e);
    size_t count = list.n / sizeof(struct reject);
    if (st != ST_OK || count == 0)
        return st;
    struct reject *ids = heap_alloc(list.n);
    if (ids == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a list");
    memcpy(ids, list.p, list.n);
    qsort(ids, count, sizeof *ids, by_age);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
        st = quarantine_get(c->store, ids[i].id, &f, e);
        if (st == ST_OK)
            list_one(l, &f);
    }
    heap_free(ids);
    return st;
}

enum status cmd_quarantine_ls(struct cli *c, struct err *e)
{
    SCOPED(listing_release) struct listing l = listing_of(c, 5);
    enum status st = cli_store(c, e);
    if (st != ST_OK)
        return st;
    listing_open(&l, "assay.quarantine/1");
    listing_rows(&l, "entries");
    st = list_all(c, &l, e);
    if (st != ST_OK)
        return st;
    listing_close(&l);
    if (l.j == NULL && l.table.cell == 0)
        cli_hint(c, "nothing was rejected");
    return ST_OK;
}

static void json_member_value(struct json_out *j, const char *key, const struct json *v)
{
    json_key(j, key);
    if (v != NULL)
        value_json(j, v);
    else
        json_null(j);
}

static void show_json(struct cli *c, const struct quarantine_facts *f, const struct json *claimed,
                      const struct json *parsed, const struct quarantine_view *v)
{
    char hex[2 * QUARANTINE_VIEW + 1];
    struct json_out j = answer_open(c, "assay.quarantine-show/1");
    facts_json(&j, f);
    json_key(&j, "inside");
    if (f->inside.path[0] != '\0') {
        json_object(&j);
        member_text(&j, "path", f->inside.path);
        member_digest(&j, "sha256", &f->inside.sha256);
        member_u64(&j, "bytes", f->inside.bytes);
        json_close(&j);
    } else {
        json_null(&j);
    }
    hex_encode(hex, SPAN(v->p, v->n));
    json_key(&j, "view");
    json_object(&j);
    member_u64(&j, "offset", v->from);
    member_text(&j, "hex", hex);
    json_close(&j);
    json_member_value(&j, "claimed", claimed);
    json_member_value(&j, "parsed", parsed);
    answer_close(c, &j);
}

/* Nothing was read into it: the parser did not come so far. */
static bool is_blank(const struct json *v)
{
    const char *text = json_as_string(v);
    int64_t number = 1;
    bool truth = true;
    if (text != NULL)
        return text[strspn(text, "0.")] == '\0';
    if (json_as_bool(v, &truth))
        return !truth;
    return json_kind(v) == JSON_NULL || (json_as_i64(v, &number) && number <= 0);
}

/* A line for each member that says something. */
static void put_members(struct buf *out, const char *title, const struct json *parsed)
{
    if (json_count(parsed) > 0)
        buf_text(out, title);
    for (size_t i = 0; i < json_count(parsed); i++) {
        const struct json *v = NULL;
        const char *key = json_member(parsed, i, &v);
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        struct json_out j = json_out(&text);
        if (key == NULL)
            return;
        if (is_blank(v))
            continue;
        value_json(&j, v);
        buf_byte(&text, 0);
        if (text.failed)
            return;
        buf_text(out, "  ");
        put_field(out, key, "%s",
                  json_as_string(v) != NULL ? json_as_string(v) : (const char *)text.p);
    }
}

static void show_text(struct cli *c, const struct quarantine_facts *f, const struct json *claimed,
                      const struct json *parsed, const struct quarantine_view *v)
{
    struct buf *out = &c->out;
    char hex[DIGEST_TEXT];
    digest_text(&f->sha256, hex);
    put_field(out, "id", "%s", f->id);
    put_field(out, "name", "%s", f->name);
    put_field(out, "kind", "%s", quarantine_kind_name(f->kind));
    put_field(out, "sha256", "%s", hex);
    put_field(out, "bytes", "%llu", (unsigned long long)f->bytes);
    put_field(out, "rejected", "%s", f->time);
    put_field(out, "stage", "%s", f->stage);
    put_field(out, "code", "%s", f->code);
    if (f->inside.path[0] != '\0') {
        digest_text(&f->inside.sha256, hex);
        put_field(out, "inside", "%s", f->inside.path);
        put_field(out, "  sha256", "%s", hex);
        put_field(out, "  bytes", "%llu", (unsigned long long)f->inside.bytes);
    }
    if (f->offset != ERR_NO_OFFSET)
        put_field(out, "offset", "%llu (0x%llx)", (unsigned long long)f->offset,
                  (unsigned long long)f->offset);
    put_field(out, "why", "%s", f->message);
    put_hex(out, SPAN(v->p, v->n), v->from, f->offset);
    put_members(out, "was said to be:\n", claimed);
    put_members(out, "parsed until then:\n", parsed);
}

enum status cmd_quarantine_show(struct cli *c, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
    SCOPED(json_scope) struct json *parsed = NULL;
    SCOPED(json_scope) struct json *claimed = NULL;
    struct quarantine_view v;
    enum status st = cli_store(c, e);
    if (st == ST_OK)
        st = quarantine_get(c->store, c->word[0], &f, e);
    if (st == ST_OK)
        st = quarantine_look(c->store, &f, &v, e);
    if (st == ST_OK && f.parsed.n > 0)
        st = json_parse(buf_span(&f.parsed), STORE_DOCUMENT_MAX, &parsed, e);
    if (st == ST_OK && f.claimed.n > 0)
        st = json_parse(buf_span(&f.claimed), STORE_DOCUMENT_MAX, &claimed, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->json)
        show_json(c, &f, claimed, parsed, &v);
    else
        show_text(c, &f, claimed, parsed, &v);
    return ST_OK;
}
