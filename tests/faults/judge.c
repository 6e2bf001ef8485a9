#include "tests/faults/judge.h"
#include "store/check.h"
#include "tests/faults/naps.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No lock survives its owner, so the next writer has its lock within a second, in naps it asks for:
 * a loaded machine makes no violation and hides none. */
enum { LOCK_MS = 1000 };

/* Keys, and what a copied store says of itself, differ from run to run; only their length is told.
 */
static bool is_as(const struct tree_node *n, const char *path, const struct stat *st)
{
    if (n->p == NULL)
        return true;
    if ((size_t)st->st_size != n->n)
        return false;
    if (strncmp(n->path, "keys/", 5) == 0 || strncmp(n->path, "other/", 6) == 0)
        return true;
    struct chk_bytes b = {0};
    const bool same = chk_file(path, &b) && b.n == n->n && memcmp(b.p, n->p, n->n) == 0;
    free(b.p);
    return same;
}

/* What the command makes beside the store: keys, files to hand out. */
static bool beside(struct stage *s, const struct unit *u, char why[WHY])
{
    char path[1200];
    for (size_t i = 0; i < u->tree.n; i++) {
        const struct tree_node *n = &u->tree.node[i];
        struct stat st;
        if (strncmp(n->path, "store/", 6) == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", s->live, n->path);
        if (stat(path, &st) == 0 && is_as(n, path, &st))
            continue;
        (void)snprintf(why, WHY, "I1: acknowledged, but %.300s is not there as it was", n->path);
        return false;
    }
    return true;
}

struct promise promise_of(struct stage *s, const struct unit *u)
{
    return (struct promise){.entries = stage_promised(s, u),
                            .files = u->answers > 0 && stage_answers(s) >= u->answers};
}

bool judge_raw(struct stage *s, const struct unit *u, struct promise promise, char why[WHY])
{
    if (promise.files && !beside(s, u, why))
        return false;
    struct chk *now = chk_read(s->store);
    if (!now->there && u->state->chk == NULL && promise.entries == 0) {
        chk_free(now); /* nothing was promised, nothing is there */
        return true;
    }
    bool ok = chk_follows(now, u->state->chk, u->after, promise.entries,
                          u->added > 1 && u->answers == u->added) &&
              chk_room(now);
    if (!ok)
        (void)snprintf(why, WHY, "as it lies: %s", now->why);
    chk_free(now);
    return ok;
}

static void found(void *ctx, const struct finding *f)
{
    char *why = ctx;
    if (why[0] == '\0')
        (void)snprintf(why, WHY, "verify finds %s in %s: %s", f->code, f->object, f->detail);
}

int probe_store(const char *store, char why[WHY])
{
    struct err e = ERR_NONE;
    struct check_report report = {0};
    struct store *s = NULL;
    why[0] = '\0';
    enum status st = store_open(store, &s, &e);
    if (st == ST_OK)
        st = check_store(s, NULL, found, why, &report, &e);
    if (s != NULL)
        store_close(s);
    if (st != ST_OK)
        (void)snprintf(why, WHY, "open: exit %d, %.150s %.60s: %.200s", status_exit(st), e.subject,
                       err_code(&e), e.detail);
    return why[0] != '\0';
}

/* Twice, since opening must be idempotent; what the second finds is the checker's to tell. */
static int probe_body(void *ctx)
{
    struct stage *s = ctx;
    char why[WHY];
    int bad = probe_store(s->store, why);
    if (bad == 0) {
        struct err e = ERR_NONE;
        struct store *again = NULL;
        if (store_open(s->store, &again, &e) == ST_OK)
            store_close(again);
        else
            bad = snprintf(why, WHY, "a second opening: %.200s", e.detail) > 0;
    }
    if (bad != 0 && write(1, why, strlen(why)) < 0)
        return 3;
    return bad;
}

static bool probe(struct stage *s, char why[WHY])
{
    struct trace_job job = {
        .body = probe_body, .ctx = s, .limit_ms = 60000, .out = s->out, .err = s->err};
    struct trace_end end = stage_run(s, &job);
    if (end.exit == 0)
        return true;
    if (end.exit == 1)
        (void)snprintf(why, WHY, "%s", stage_said(s, false));
    else
        (void)snprintf(why, WHY, "opening: %s, signal %d", end.hung ? "hangs" : "crashes",
                       end.signal);
    return false;
}

bool judge_open(struct stage *s, const struct unit *u, char why[WHY])
{
    struct chk *before = chk_read(s->store);
    if (!before->there && u->state->chk == NULL) {
        chk_free(before);
        return true;
    }
    bool ok = probe(s, why);
    if (ok) {
        struct chk *c = chk_read(s->store);
        ok = chk_index(c) &&
             (c->entries == before->entries ||
              chk_fail(c, "I7: %zu entries, after opening %zu", before->entries, c->entries));
        if (!ok)
            (void)snprintf(why, WHY, "after opening: %s", c->why);
        chk_free(c);
    }
    chk_free(before);
    return ok;
}

/* Who only finds the work done writes nothing and sweeps nothing: then the next who writes must. */
static bool swept(struct stage *s, struct chk **c)
{
    if (chk_clean(*c))
        return true;
    char first[CHK_WHY];
    (void)snprintf(first, sizeof first, "%s", (*c)->why);
    (void)stage_cli(s, "add @blob --name sweep --version 1");
    chk_free(*c);
    *c = chk_read(s->store);
    return chk_clean(*c);
}

bool judge_again(struct stage *s, const struct unit *u, char why[WHY])
{
    naps_begin(1);
    struct trace_end end = stage_cli(s, u->try->line);
    if (end.exit != u->exit && end.exit != u->again) {
        (void)snprintf(why, WHY, "I8: again: exit %d, signal %d: %.400s", end.exit, end.signal,
                       stage_said(s, true));
        return false;
    }
    if (naps_ms() >= LOCK_MS) {
        (void)snprintf(why, WHY, "I10: again waited %llu ms", (unsigned long long)naps_ms());
        return false;
    }
    struct chk *c = chk_read(s->store);
    bool ok = !c->there && u->after == NULL;
    if (!ok) {
        ok = chk_follows(c, u->state->chk, NULL, 0, false) && chk_index(c) && chk_room(c);
        if (ok && u->after != NULL && c->entries < u->after->entries)
            ok = chk_fail(c, "I8: after the same again %zu entries, %zu undisturbed", c->entries,
                          u->after->entries);
        ok = ok && swept(s, &c);
    }
    if (!ok)
        (void)snprintf(why, WHY, "after the same again: %s", c->why);
    chk_free(c);
    return ok;
}

/* -- what was judged before ----------------------------------------------------------------------
 */

struct sight {
    uint64_t tree[2], entries, files, of;
};

static struct {
    const struct state *state;
    const struct try *try;
    struct chk_map good; /* struct sight, of this unit */
    struct sight now;
    uint64_t trees;
} memo;

bool judge_knows(struct stage *s, const struct unit *u, struct promise promise, uint64_t of,
                 const struct trace_end *end)
{
    if (memo.state != u->state || memo.try != u->try) {
        chk_map_free(&memo.good);
        memo.good = (struct chk_map){0};
        memo.state = u->state;
        memo.try = u->try;
    }
    memo.now = (struct sight){.entries = promise.entries, .files = promise.files, .of = of};
    tree_sum(s->live, end->pid, memo.now.tree);
    const bool known = chk_map_get(&memo.good, &memo.now, sizeof memo.now) != NULL;
    memo.trees += !known;
    return known;
}

void judge_learn(void)
{
    chk_map_put(&memo.good, &memo.now, sizeof memo.now, "", 0);
}

uint64_t judge_trees(void)
{
    const uint64_t n = memo.trees;
    memo.trees = 0;
    return n;
}

bool judge_all(struct stage *s, const struct unit *u, struct promise promise,
               const struct trace_end *end, char why[WHY])
{
    why[0] = '\0';
    if (judge_knows(s, u, promise, 0, end))
        return true;
    const bool good =
        judge_raw(s, u, promise, why) && judge_open(s, u, why) && judge_again(s, u, why);
    if (good)
        judge_learn();
    return good;
}
