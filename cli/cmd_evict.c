/* evict and rm: bytes go, what is known stays. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/kept.h"
#include "cli/print.h"
#include "cli/size.h"
#include <string.h>

struct evicting {
    struct cli *c;
    struct json_out *j; /* NULL: the table */
    struct table table;
    struct buf artifacts; /* struct digest each: those asked for */
    bool dry;
};

static void evicting_release(struct evicting *v)
{
    table_release(&v->table);
    buf_release(&v->artifacts);
}

static enum status tell(void *ctx, const struct evict_candidate *c, struct err *e)
{
    struct evicting *v = ctx;
    const bool went = c->kept[0] == '\0';
    (void)e;
    if (v->j != NULL) {
        json_object(v->j);
        member_text(v->j, "name", c->name);
        member_text(v->j, "version", c->version);
        member_digest(v->j, "artifact", &c->artifact);
        member_text(v->j, "added", c->added);
        member_u64(v->j, "bytes", c->bytes);
        member_u64(v->j, "freed", c->freed);
        member_bool(v->j, "evicted", went && !v->dry);
        member_text(v->j, "reason", went ? c->reason : NULL);
        member_text(v->j, "kept", went ? NULL : c->kept);
        json_close(v->j);
        return ST_OK;
    }
    char text[32];
    struct buf size = buf_over(text, sizeof text - 1);
    put_size(&size, went ? c->freed : c->bytes);
    text[size.n] = '\0';
    table_cell(&v->table, "%s", went ? (v->dry ? "would go" : "evicted") : "stays");
    table_cell(&v->table, "%s@%s", c->name, c->version);
    table_cell(&v->table, "%s", text);
    table_cell(&v->table, "%s", went ? c->reason : c->kept);
    return ST_OK;
}

/* Each once, though several REFs may name it. */
static enum status take_refs(struct evicting *v, struct err *e)
{
    struct cli *c = v->c;
    for (size_t i = 0; i < c->words; i++) {
        SCOPED(artifact_release) struct artifact a = {0};
        enum status st = cli_artifact(c, c->word[i], false, &a, e);
        if (st != ST_OK)
            return st;
        if (!digest_listed(buf_span(&v->artifacts), &a.digest))
            buf_append(&v->artifacts, SPAN(a.digest.b, DIGEST_BYTES));
    }
    return buf_status(&v->artifacts) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of artifacts");
}

static enum status finish(struct evicting *v, const struct evict_options *o,
                          const struct evict_report *r, struct err *e)
{
    struct cli *c = v->c;
    const bool short_of = o->only == NULL && r->freed < o->bytes;
    if (v->j != NULL) {
        json_close(v->j);
        member_bool(v->j, "dry_run", v->dry);
        member_u64(v->j, "freed", r->freed);
        member_u64(v->j, "evicted", r->evicted);
        member_u64(v->j, "kept", r->kept);
        answer_close(c, v->j);
    } else {
        table_put(&v->table, &c->out);
        put_size(&c->out, r->freed);
        buf_text(&c->out,
                 v->dry ? " would be free for the next sweep\n" : " free for the next sweep\n");
        if (r->freed > 0 && !v->dry)
            cli_hint(c, "next: assay gc");
    }
    const bool refused = o->only != NULL && r->kept > 0;
    if (!short_of && !refused)
        return ST_OK;
    c->answered = true;
    cli_note(c, short_of ? "there is no more that may go: the rest is pinned, in use, in a channel "
                           "or retained"
                         : "what stays is protected; see above");
    (void)e;
    return short_of ? ST_QUOTA : ST_REFUSED;
}

static enum status options(struct cli *c, struct evict_options *o, struct kept *law, struct err *e)
{
    enum status st = kept_open(c, law, e);
    *o = (struct evict_options){.reason = c->args.value[OPT_REASON],
                                .protects = kept_protects,
                                .ctx = law,
                                .dry_run = opt_given(&c->args, OPT_DRY_RUN),
                                .clock = c->clock};
    if (st == ST_OK && !o->dry_run)
        st = cli_key(c, "log", &o->log, e);
    return st;
}

enum status cmd_evict(struct cli *c, struct err *e)
{
    struct evict_options o;
    struct evict_report r;
    struct kept law;
    struct json_out j;
    SCOPED(evicting_release) struct evicting v = {.c = c, .table = table_of(4)};
    if ((c->words == 0) == !opt_given(&c->args, OPT_BYTES))
        return err_set(e, ST_USAGE, "words", "evict wants REFs, or --bytes N; one of the two");
    enum status st = options(c, &o, &law, e);
    if (st == ST_OK)
        st = size_option(&c->args, OPT_BYTES, &o.bytes, e);
    if (st == ST_OK)
        st = take_refs(&v, e);
    if (st != ST_OK)
        return st;
    v.dry = o.dry_run;
    if (c->words > 0) {
        o.only = (const struct digest *)(const void *)v.artifacts.p;
        o.only_count = v.artifacts.n / DIGEST_BYTES;
    }
    if (c->json) {
        j = answer_open(c, "assay.evict/1");
        json_key(&j, "artifacts");
        json_array(&j);
        v.j = &j;
    }
    st = evict_run(c->store, &o, tell, &v, &r, e);
    return st == ST_OK ? finish(&v, &o, &r, e) : st;
}

/* -- rm ------------------------------------------------------------------------------------------
 */

static void tell_removed(struct cli *c, const struct evict_candidate *gone, struct json_out *j)
{
    const bool dry = opt_given(&c->args, OPT_DRY_RUN);
    if (j == NULL) {
        buf_fmt(&c->out, dry ? "%s@%s would be removed, " : "%s@%s is removed, ", gone->name,
                gone->version);
        put_size(&c->out, gone->freed);
        buf_text(&c->out, " free for the next sweep\n");
        return;
    }
    json_object(j);
    member_text(j, "name", gone->name);
    member_text(j, "version", gone->version);
    member_digest(j, "artifact", &gone->artifact);
    member_u64(j, "freed", gone->freed);
    json_close(j);
}

/* Each of them; told by the last round only. */
static enum status remove_all(const struct evicting *v, const struct evict_options *o, bool last,
                              struct err *e)
{
    for (size_t at = 0; at < v->artifacts.n; at += DIGEST_BYTES) {
        struct evict_candidate gone;
        struct digest d;
        memcpy(d.b, v->artifacts.p + at, DIGEST_BYTES);
        enum status st = evict_remove(v->c->store, &d, o, &gone, e);
        if (st != ST_OK)
            return st;
        if (last)
            tell_removed(v->c, &gone, v->j);
    }
    return ST_OK;
}

/* Nothing goes unless everything may. */
enum status cmd_rm(struct cli *c, struct err *e)
{
    struct evict_options o;
    struct kept law;
    struct json_out j;
    SCOPED(evicting_release) struct evicting v = {.c = c};
    enum status st = options(c, &o, &law, e);
    struct evict_options dry = o;
    dry.dry_run = true;
    if (st == ST_OK)
        st = take_refs(&v, e);
    if (st == ST_OK && !o.dry_run)
        st = remove_all(&v, &dry, false, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        j = answer_open(c, "assay.rm/1");
        json_key(&j, "artifacts");
        json_array(&j);
        v.j = &j;
    }
    st = remove_all(&v, &o, true, e);
    if (st == ST_OK && c->json) {
        json_close(&j);
        member_bool(&j, "dry_run", o.dry_run);
        answer_close(c, &j);
    }
    if (st == ST_OK && !o.dry_run)
        cli_hint(c, "next: assay gc");
    return st;
}
