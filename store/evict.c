#include "base/text.h"
#include "store/evict_inside.h"
#include "store/needs.h"
#include <stdlib.h>
#include <string.h>

struct evicting {
    struct store *s;
    const struct evict_options *o;
    struct buf list; /* struct evict_candidate each */
    struct leases held;
    struct fold trial;
    bool trying;
};

static void evicting_release(struct evicting *v)
{
    buf_release(&v->list);
    leases_release(&v->held);
    if (v->trying)
        fold_release(&v->trial);
}

static size_t count(const struct evicting *v)
{
    return v->list.n / sizeof(struct evict_candidate);
}

static struct evict_candidate *at(struct evicting *v, size_t i)
{
    return (struct evict_candidate *)(void *)(v->list.p + i * sizeof(struct evict_candidate));
}

/* -- candidates ----------------------------------------------------------------------------------
 */

static enum status take(void *ctx, const char *key, struct span value, struct err *e)
{
    struct evicting *v = ctx;
    SCOPED(install_release) struct install i = {0};
    struct evict_candidate c = {.reason = "oldest"};
    enum status st = install_decode(value, &i, e);
    if (st == ST_OK && !digest_parse(key + strlen(INSTALL_PREFIX), &c.artifact))
        st = err_set(e, ST_CORRUPT, "installed", "a key of the installed names no artifact");
    if (st != ST_OK)
        return err_subject(e, "%s", key);
    c.bytes = i.bytes;
    text_fmt(c.name, sizeof c.name, "%s", i.name);
    buf_append(&v->list, SPAN(&c, sizeof c));
    return buf_status(&v->list) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of artifacts");
}

/* The clock may stand still or go back, the ledger does not. */
static int by_age(const struct evict_candidate *x, const struct evict_candidate *y)
{
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Of one name the newest last. */
static int by_name(const void *a, const void *b)
{
    const struct evict_candidate *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = by_age(x, y);
    return order != 0 ? order : memcmp(x->artifact.b, y->artifact.b, DIGEST_BYTES);
}

static int rank(const struct evict_candidate *c)
{
    return text_equal(c->reason, "retired") ? 0 : text_equal(c->reason, "superseded") ? 1 : 2;
}

static int in_order(const void *a, const void *b)
{
    const struct evict_candidate *x = a, *y = b;
    int order = rank(x) - rank(y);
    if (order == 0)
        order = by_age(x, y);
    if (order == 0 && x->bytes != y->bytes)
        order = x->bytes > y->bytes ? -1 : 1;
    return order != 0 ? order : memcmp(x->artifact.b, y->artifact.b, DIGEST_BYTES);
}

static enum status is_retired(struct store *s, const struct digest *artifact, bool *out,
                              struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    install_key("retired/", artifact, key);
    enum status st = store_get(s, key, &value, &why);
    *out = st == ST_OK;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status put_in_order(struct evicting *v, struct err *e)
{
    struct evict_facts unused;
    enum status st = ST_OK;
    const size_t n = count(v);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        st = evict_facts(v->s, at(v, i), &unused, e);
    if (st != ST_OK || n == 0)
        return st;
    qsort(v->list.p, n, sizeof(struct evict_candidate), by_name);
    for (size_t i = 0; i + 1 < n; i++)
        if (text_equal(at(v, i)->name, at(v, i + 1)->name))
            at(v, i)->reason = "superseded";
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        bool retired = false;
        st = is_retired(v->s, &at(v, i)->artifact, &retired, e);
        if (retired)
            at(v, i)->reason = "retired";
    }
    qsort(v->list.p, n, sizeof(struct evict_candidate), in_order);
    return st;
}

static enum status take_only(struct evicting *v, struct err *e)
{
    struct evict_facts unused;
    for (size_t i = 0; i < v->o->only_count; i++) {
        struct evict_candidate c = {.artifact = v->o->only[i], .reason = "asked"};
        enum status st = evict_facts(v->s, &c, &unused, e);
        if (st != ST_OK)
            return st;
        buf_append(&v->list, SPAN(&c, sizeof c));
    }
    return buf_status(&v->list) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of artifacts");
}

static enum status list(struct evicting *v, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    enum status st = lease_gate(v->s, &gate, e);
    if (st == ST_OK)
        st = leases_read(v->s, &v->held, e);
    if (st != ST_OK)
        return st;
    if (v->o->only != NULL)
        return take_only(v, e);
    st = store_scan(v->s, INSTALL_PREFIX, take, v, e);
    return st == ST_OK ? put_in_order(v, e) : st;
}

/* -- choosing ------------------------------------------------------------------------------------
 */

/* What its going would free, those before it gone: tried in a transaction that is dropped. */
static enum status try_one(struct evicting *v, struct evict_candidate *c, struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(install_release) struct install i = {0};
    install_key(INSTALL_PREFIX, &c->artifact, key);
    enum status st = store_get(v->s, key, &value, &why);
    c->absent = st == ST_NOT_FOUND;
    if (c->absent)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    st = install_decode(buf_span(&value), &i, e);
    return st == ST_OK ? needs_forget(&v->trial, &i, &c->freed, e) : st;
}

static enum status choose(struct evicting *v, struct evict_report *out, struct err *e)
{
    enum status st = fold_begin(&v->trial, v->s, v->s->index, NULL, e);
    v->trying = st == ST_OK;
    v->trial.trial = true;
    for (size_t i = 0; st == ST_OK && i < count(v); i++) {
        struct evict_candidate *c = at(v, i);
        if (v->o->only == NULL && out->freed >= v->o->bytes) {
            v->list.n = i * sizeof *c;
            break;
        }
        st = evict_kept(v->s, &v->held, v->o, c, e);
        if (st == ST_OK && c->kept[0] == '\0')
            st = try_one(v, c, e);
        out->freed += c->kept[0] == '\0' ? c->freed : 0;
    }
    if (v->trying)
        fold_release(&v->trial);
    v->trying = false;
    return st;
}

/* -- the call ------------------------------------------------------------------------------------
 */

static enum status go(struct evicting *v,
                      enum status (*each)(void *ctx, const struct evict_candidate *c,
                                          struct err *e),
                      void *ctx, struct evict_report *out, struct err *e)
{
    enum status st = ST_OK;
    out->freed = 0;
    for (size_t i = 0; st == ST_OK && i < count(v); i++) {
        struct evict_candidate *c = at(v, i);
        if (c->absent && c->kept[0] == '\0')
            text_fmt(c->kept, sizeof c->kept, EVICT_ABSENT);
        if (c->kept[0] == '\0' && !v->o->dry_run)
            st = evict_commit(v->s, v->o, c, false, e);
        if (st != ST_OK)
            return st;
        const bool went = c->kept[0] == '\0';
        out->evicted += went;
        out->kept += !went;
        out->freed += went ? c->freed : 0;
        st = each(ctx, c, e);
    }
    return st;
}

enum status evict_run(struct store *s, const struct evict_options *o,
                      enum status (*each)(void *ctx, const struct evict_candidate *c,
                                          struct err *e),
                      void *ctx, struct evict_report *out, struct err *e)
{
    SCOPED(evicting_release) struct evicting v = {.s = s, .o = o};
    *out = (struct evict_report){0};
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = list(&v, e);
    if (st == ST_OK)
        st = choose(&v, out, e);
    return st == ST_OK ? go(&v, each, ctx, out, e) : st;
}

enum status evict_remove(struct store *s, const struct digest *artifact,
                         const struct evict_options *o, struct evict_candidate *c, struct err *e)
{
    struct evict_options one = *o;
    struct evict_report sums = {0};
    SCOPED(evicting_release) struct evicting v = {.s = s, .o = &one};
    one.only = artifact;
    one.only_count = 1;
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = list(&v, e);
    if (st == ST_OK)
        st = choose(&v, &sums, e);
    if (st != ST_OK)
        return st;
    *c = *at(&v, 0);
    if (c->kept[0] == '\0' && !o->dry_run)
        st = evict_commit(s, o, c, true, e);
    if (st == ST_OK && c->kept[0] != '\0')
        st = err_set(e, ST_REFUSED, "artifact-kept", "%s@%s stays: %s", c->name, c->version,
                     c->kept);
    return st;
}
