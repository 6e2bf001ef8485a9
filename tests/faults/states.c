#include "tests/faults/states.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECTOR = 512, PLACES = 512 };

/* What of a write landed. */
struct tear {
    int op; /* −1: none is torn */
    enum { TEAR_HEAD, TEAR_TAIL, TEAR_LENGTH } how;
    uint64_t at; /* the border, in the file */
};

/* One moment: what is durable, what may be. */
struct moment {
    uint64_t t;
    uint8_t *done;
    int *pending; /* [n] */
    size_t n, acks;
    struct {
        int op, ino;
    } * now; /* [slots] by durable operations; op −1: never set */
};

struct walk {
    struct space *s;
    uint64_t *when; /* [ops] from when it is durable for sure */
    uint8_t *on;    /* [ops] done or chosen */
    struct placed *at;
    struct moment m;
    bool stop;
    uint64_t rng;
};

/* -- durability ----------------------------------------------------------------------------------
 */

static bool keeps(const struct space *s, const struct sync_op *k, const struct op *o, int i)
{
    if (k->op >= 0)
        return k->op == i;
    if (o->t1 >= k->t0)
        return false;
    if (o->kind != OP_NAMES)
        return o->ino == k->ino;
    return o->folder == k->ino || (!s->strict && o->creates == k->ino && k->ino > 0);
}

static void durable(struct walk *w)
{
    const struct record *r = w->s->r;
    for (size_t i = 0; i < r->ops; i++) {
        const struct op *o = &r->op[i];
        w->when[i] = o->t1 == 0 ? 0 : NEVER;
        for (size_t k = 0; k < r->syncs; k++) {
            const struct sync_op *sync = &r->sync[k];
            if ((w->s->drop == NULL || w->s->drop[k] == 0) && sync->t1 < w->when[i] &&
                keeps(w->s, sync, o, (int)i))
                w->when[i] = sync->t1;
        }
    }
}

/* -- one moment ----------------------------------------------------------------------------------
 */

static bool reaches(const struct walk *w, const uint8_t *named, const struct op *o)
{
    if (o->kind != OP_NAMES)
        return named[o->ino] != 0;
    for (int k = 0; k < o->sets; k++) {
        if (named[w->s->r->slot[o->set[k].slot].folder] != 0)
            return true;
    }
    return false;
}

/* Everything that can have a name now, by durable or pending operations. */
static void name_all(const struct walk *w, uint8_t *named)
{
    const struct record *r = w->s->r;
    const struct moment *m = &w->m;
    bool more = true;
    memset(named, 0, r->inos + 1);
    named[RECORD_ROOT] = 1;
    while (more) {
        more = false;
        for (size_t i = 0; i < r->slots; i++) {
            int ino = m->now[i].ino;
            if (m->now[i].op >= 0 && ino > 0 && named[r->slot[i].folder] && !named[ino])
                more = (named[ino] = 1) != 0;
        }
        for (size_t i = 0; i < m->n; i++) {
            const struct op *o = &r->op[m->pending[i]];
            for (int k = 0; o->kind == OP_NAMES && k < o->sets; k++) {
                int ino = o->set[k].ino;
                if (ino > 0 && named[r->slot[o->set[k].slot].folder] && !named[ino])
                    more = (named[ino] = 1) != 0;
            }
        }
    }
}

/* Operations that can still change the tree: not overruled by a durable one, and on something that
 * can have a name. */
static void relevant(struct walk *w, uint8_t *named)
{
    const struct record *r = w->s->r;
    struct moment *m = &w->m;
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct op *o = &r->op[m->pending[i]];
        bool live = o->kind != OP_NAMES;
        for (int k = 0; !live && k < o->sets; k++)
            live = m->now[o->set[k].slot].op < m->pending[i];
        if (live)
            m->pending[n++] = m->pending[i];
    }
    m->n = n;
    name_all(w, named);
    for (size_t i = n = 0; i < m->n; i++) {
        if (reaches(w, named, &r->op[m->pending[i]]))
            m->pending[n++] = m->pending[i];
    }
    m->n = n;
}

static void take_moment(struct walk *w, uint64_t t, uint8_t *named)
{
    const struct record *r = w->s->r;
    struct moment *m = &w->m;
    m->t = t;
    m->n = m->acks = 0;
    for (size_t i = 0; i < r->slots; i++)
        m->now[i].op = -1;
    for (size_t i = 0; i < r->ops; i++) {
        const struct op *o = &r->op[i];
        m->done[i] = w->when[i] <= t;
        if (!m->done[i] && o->t0 <= t)
            m->pending[m->n++] = (int)i;
        for (int k = 0; m->done[i] && o->kind == OP_NAMES && k < o->sets; k++) {
            m->now[o->set[k].slot].op = (int)i;
            m->now[o->set[k].slot].ino = o->set[k].ino;
        }
    }
    for (size_t i = 0; i < r->acks; i++)
        m->acks += r->ack[i] <= t;
    relevant(w, named);
}

/* -- contents ------------------------------------------------------------------------------------
 */

static void put(struct blob *b, size_t *room, uint64_t off, const uint8_t *p, size_t n)
{
    size_t end = (size_t)off + n;
    if (end > *room) {
        *room = end * 2;
        b->p = realloc(b->p, *room);
        if (b->p == NULL)
            die("no memory");
    }
    if (end > b->n) {
        memset(b->p + b->n, 0, end - b->n);
        b->n = end;
    }
    if (p != NULL && n > 0)
        memcpy(b->p + off, p, n);
}

static void apply(struct blob *b, size_t *room, const struct op *o, const struct tear *tear)
{
    size_t head = tear == NULL ? 0 : (size_t)(tear->at - o->off);
    if (o->kind == OP_CUT) {
        put(b, room, o->off, NULL, 0);
        if (o->off < b->n)
            b->n = (size_t)o->off;
        if (o->off > b->n)
            put(b, room, b->n, NULL, (size_t)o->off - b->n);
    } else if (o->kind == OP_LENGTHEN) {
        if (o->off > b->n)
            put(b, room, b->n, NULL, (size_t)o->off - b->n);
    } else if (tear == NULL) {
        put(b, room, o->off, o->p, o->n);
    } else if (tear->how == TEAR_HEAD) {
        put(b, room, o->off, o->p, head);
    } else if (tear->how == TEAR_TAIL) {
        put(b, room, tear->at, o->p + head, o->n - head);
    } else if (o->off + o->n > b->n) {
        put(b, room, b->n, NULL, (size_t)(o->off + o->n) - b->n);
    }
}

/* A file's content, of which the operations that are on landed. */
static const struct blob *content(struct walk *w, int ino, const struct tear *tear)
{
    const struct record *r = w->s->r;
    int list[2048];
    size_t n = 1, room = 0;
    list[0] = ino;
    for (size_t i = 0; i < r->ops && n < 2040; i++) {
        if (r->op[i].kind == OP_NAMES || r->op[i].ino != ino || w->on[i] == 0)
            continue;
        list[n++] = (int)i;
        if (tear->op == (int)i) {
            list[n++] = -1 - (int)tear->how;
            list[n++] = (int)tear->at;
        }
    }
    const struct chk_pair *hit = chk_map_get(&w->s->blobs, list, n * sizeof *list);
    if (hit == NULL) {
        struct blob b = {0};
        for (size_t i = 1; i < n; i++) {
            bool torn = list[i] == tear->op;
            apply(&b, &room, &r->op[list[i]], torn ? tear : NULL);
            i += torn ? 2 : 0;
        }
        b.hash[0] = chk_xxh64(b.p, b.n, 1);
        b.hash[1] = chk_xxh64(b.p, b.n, 2);
        struct blob *keep = must_alloc(sizeof *keep);
        *keep = b;
        chk_map_put(&w->s->blobs, list, n * sizeof *list, &keep, sizeof keep);
        hit = chk_map_get(&w->s->blobs, list, n * sizeof *list);
    }
    const struct blob *found;
    memcpy(&found, hit->value, sizeof found);
    return found;
}

/* -- one state -----------------------------------------------------------------------------------
 */

static size_t lay(struct walk *w, const struct tear *tear, int *ino_of)
{
    const struct record *r = w->s->r;
    size_t n = 0;
    for (size_t head = 0; head <= n; head++) { /* breadth first, the root ahead of all */
        int folder = head == 0 ? RECORD_ROOT : w->at[head - 1].ino;
        if (head > 0 && !w->at[head - 1].folder)
            continue;
        for (size_t i = 0; i < r->slots && n < PLACES; i++) {
            if (r->slot[i].folder != folder || ino_of[i] <= 0)
                continue;
            struct placed *p = &w->at[n++];
            const struct inode *node = &r->ino[ino_of[i]];
            *p = (struct placed){.ino = ino_of[i], .folder = node->folder, .mode = node->mode};
            (void)snprintf(p->path, sizeof p->path, "%.290s%s%.99s",
                           head == 0 ? "" : w->at[head - 1].path, head == 0 ? "" : "/",
                           r->slot[i].name);
            p->blob = node->folder ? NULL : content(w, ino_of[i], tear);
        }
    }
    return n;
}

static void tell_lost(const struct walk *w, const struct tear *tear, char out[160])
{
    int at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < w->m.n && at < 150; i++) {
        if (w->on[w->m.pending[i]] == 0)
            at += snprintf(out + at, 160 - (size_t)at, "%s%.50s", at == 0 ? "without " : "; ",
                           w->s->r->op[w->m.pending[i]].label);
    }
    if (tear->op >= 0 && at < 150)
        (void)snprintf(out + at, 160 - (size_t)at, " torn %.40s", w->s->r->op[tear->op].label);
}

static void emit(struct walk *w, const struct tear *tear)
{
    static int ino_of[4096];
    const struct record *r = w->s->r;
    uint64_t hash[3] = {w->m.acks, 0, 0};
    w->s->choices++;
    for (size_t i = 0; i < r->slots; i++)
        ino_of[i] = w->m.now[i].op >= 0 ? w->m.now[i].ino : 0;
    for (size_t i = 0; i < w->m.n; i++) {
        int k = w->m.pending[i];
        const struct op *o = &r->op[k];
        for (int j = 0; w->on[k] != 0 && o->kind == OP_NAMES && j < o->sets; j++) {
            if (w->m.now[o->set[j].slot].op < k)
                ino_of[o->set[j].slot] = o->set[j].ino;
        }
    }
    struct a_state state = {.at = w->at, .acks = w->m.acks};
    state.n = lay(w, tear, ino_of);
    for (size_t i = 0; i < state.n; i++) {
        const struct placed *p = &w->at[i];
        const uint64_t file[2] = {p->folder ? 7 : p->blob->hash[0],
                                  p->folder ? 7 : p->blob->hash[1]};
        uint64_t name = chk_xxh64(p->path, strlen(p->path), 3);
        hash[1] += chk_xxh64(file, sizeof file, name);
        hash[2] += chk_xxh64(file, sizeof file, ~name);
    }
    if (chk_map_get(&w->s->seen, hash, sizeof hash) != NULL)
        return;
    chk_map_put(&w->s->seen, hash, sizeof hash, "", 0);
    state.number = w->s->states++;
    tell_lost(w, tear, state.lost);
    w->stop = !w->s->each(w->s->ctx, &state);
}

/* -- the choices at a moment ---------------------------------------------------------------------
 */

static void all_on(struct walk *w, bool on)
{
    memcpy(w->on, w->m.done, w->s->r->ops);
    for (size_t i = 0; i < w->m.n && on; i++)
        w->on[w->m.pending[i]] = 1;
}

static const struct tear whole = {.op = -1};

static void choose(struct walk *w, uint64_t bits)
{
    all_on(w, false);
    for (size_t i = 0; i < w->m.n && i < 64; i++)
        w->on[w->m.pending[i]] = bits >> i & 1;
    emit(w, &whole);
}

static uint64_t roll(struct walk *w)
{
    w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
    return w->rng >> 33;
}

static void some(struct walk *w)
{
    for (size_t i = 0; i < w->m.n && !w->stop; i++) { /* each alone, all but each, every prefix */
        all_on(w, false);
        w->on[w->m.pending[i]] = 1;
        emit(w, &whole);
        all_on(w, true);
        w->on[w->m.pending[i]] = 0;
        emit(w, &whole);
        all_on(w, false);
        for (size_t k = 0; k <= i; k++)
            w->on[w->m.pending[k]] = 1;
        emit(w, &whole);
    }
    for (unsigned n = 0; n < w->s->random && !w->stop; n++) {
        uint64_t share = roll(w) % 1000;
        all_on(w, false);
        for (size_t i = 0; i < w->m.n; i++)
            w->on[w->m.pending[i]] = roll(w) % 1000 < share;
        emit(w, &whole);
    }
}

static void torn(struct walk *w, int k)
{
    const struct op *o = &w->s->r->op[k];
    uint64_t first = (o->off / SECTOR + 1) * SECTOR, end = o->off + o->n;
    uint64_t last = end > 0 ? (end - 1) / SECTOR * SECTOR : 0, border[3] = {first, 0, last};
    border[1] = first + ((last - first) / SECTOR / 2 + (last - first) / SECTOR % 2) * SECTOR;
    for (int alone = 0; alone < 2 && !w->stop; alone++) {
        all_on(w, alone == 0);
        w->on[k] = 1;
        for (int b = 0; first < end && b < 3 && !w->stop; b++) {
            emit(w, &(struct tear){k, TEAR_HEAD, border[b]});
            emit(w, &(struct tear){k, TEAR_TAIL, border[b]});
        }
        emit(w, &(struct tear){k, TEAR_LENGTH, o->off});
    }
}

static void at_moment(struct walk *w)
{
    w->s->cuts++;
    if (w->m.n <= w->s->limit) {
        w->s->exhaustive++;
        for (uint64_t bits = 0; bits < (uint64_t)1 << w->m.n && !w->stop; bits++)
            choose(w, bits);
    } else {
        choose(w, 0);
        all_on(w, true);
        emit(w, &whole);
        some(w);
    }
    for (size_t i = 0; i < w->m.n && !w->stop; i++) {
        if (w->s->r->op[w->m.pending[i]].kind == OP_WRITE)
            torn(w, w->m.pending[i]);
    }
}

static bool is_time(const struct walk *w, uint64_t t)
{
    const struct record *r = w->s->r;
    bool hit = t == 0;
    for (size_t i = 0; i < r->ops && !hit; i++)
        hit = r->op[i].t0 == t || w->when[i] == t;
    for (size_t i = 0; i < r->acks && !hit; i++)
        hit = r->ack[i] == t;
    return hit;
}

void states_walk(struct space *s)
{
    const struct record *r = s->r;
    struct walk w = {.s = s, .rng = s->seed};
    w.when = must_alloc(r->ops * sizeof *w.when);
    w.on = must_alloc(r->ops);
    w.at = must_alloc(PLACES * sizeof *w.at);
    w.m.done = must_alloc(r->ops);
    w.m.pending = must_alloc(r->ops * sizeof *w.m.pending);
    w.m.now = must_alloc((r->slots + 1) * sizeof *w.m.now);
    uint8_t *named = must_alloc(r->inos + 1);
    durable(&w);
    for (uint64_t t = 0; t <= r->now && !w.stop; t++) {
        if (!is_time(&w, t))
            continue;
        take_moment(&w, t, named);
        at_moment(&w);
    }
    free(w.when);
    free(w.on);
    free(w.at);
    free(w.m.done);
    free(w.m.pending);
    free(w.m.now);
    free(named);
}

void states_free(struct space *s)
{
    for (size_t i = 0; i < s->blobs.n; i++) {
        struct blob *b;
        memcpy(&b, s->blobs.pair[i].value, sizeof b);
        free(b->p);
        free(b);
    }
    chk_map_free(&s->blobs);
    chk_map_free(&s->seen);
}

void states_build(const struct a_state *state, const char *root)
{
    char path[1200];
    tree_wipe(root);
    if (mkdir(root, 0700) != 0)
        die("%s", root);
    for (size_t i = 0; i < state->n; i++) {
        const struct placed *p = &state->at[i];
        (void)snprintf(path, sizeof path, "%s/%s", root, p->path);
        if (!p->folder)
            write_file(path, p->blob->p, p->blob->n, p->mode | 0400u);
        else if (mkdir(path, 0700) != 0)
            die("%s", path);
    }
}
