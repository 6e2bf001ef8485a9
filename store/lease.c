#include "store/lease.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/quota.h"
#include "store/reserve.h"
#include "store/seat.h"
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define GATE        "gate"
#define GATE_WAIT   30000u /* milliseconds */
#define HEAD        128u
#define ENTRY       40u
#define LEASE_BYTES (64u << 20) /* of a lease's file */
#define LENT        (64u << 10) /* of the reserve, for a lease on a full disk */

enum { AT_PID = 8, AT_START = 16, AT_RESERVED = 24, AT_BOOT = 40, AT_WHAT = 76 };
enum { ENTRY_PACK = 1, ENTRY_ARTIFACT = 2, ENTRY_MADE = 3 };
static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'L', 'S', '1'};

static _Atomic unsigned serial;

struct lease {
    struct store *s;
    int fd;
    char name[64];
    pthread_mutex_t lock; /* guards all below; no sync is waited for while it is held */
    uint64_t end;         /* of the file */
    uint64_t reserved[2];
    bool last, adding, lent; /* lent: its page is the reserve's */
    struct buf packs;        /* uint64_t each: held already */
};

/* -- the gate ------------------------------------------------------------------------------------
 */

enum status lease_gate(struct store *s, int *fd, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    enum status st = seat_open(s->leases, GATE, O_RDWR | O_CREAT, 0600, &gate, e);
    if (st == ST_OK)
        st = io_lock(gate, GATE_WAIT, e);
    if (st != ST_OK)
        return err_subject(e, "%s/" STORE_LEASES "/" GATE, s->path);
    *fd = fd_take(&gate);
    return ST_OK;
}

/* -- one's own -----------------------------------------------------------------------------------
 */

/* The owner, for people. What cannot be found out stays empty. */
static void write_owner(uint8_t head[HEAD], const char *what)
{
    SCOPED(buf_release) struct buf stat = BUF_EMPTY;
    SCOPED(buf_release) struct buf boot = BUF_EMPTY;
    struct err ignored = ERR_NONE;
    uint64_t start = 0;
    memcpy(head, magic, sizeof magic);
    put_le64(head + AT_PID, (uint64_t)getpid());
    if (file_read(AT_FDCWD, "/proc/self/stat", 4096, &stat, &ignored) == ST_OK) {
        size_t at = stat.n, fields = 0; /* behind the name, which may hold anything: field 22 */
        while (at > 0 && stat.p[at - 1] != ')')
            at--;
        for (; at < stat.n && fields < 20; at++)
            fields += stat.p[at] == ' ';
        for (; at < stat.n && stat.p[at] >= '0' && stat.p[at] <= '9'; at++)
            start = start * 10 + (uint64_t)(stat.p[at] - '0');
    }
    put_le64(head + AT_START, start);
    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, &ignored) == ST_OK)
        memcpy(head + AT_BOOT, boot.p, boot.n < 36 ? boot.n : 36);
    for (size_t i = 0; what[i] != '\0' && i < HEAD - AT_WHAT; i++)
        head[AT_WHAT + i] = (uint8_t)what[i];
}

static enum status make_file(struct lease *l, const char *what, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    uint8_t head[HEAD] = {0};
    write_owner(head, what);
    enum status st = lease_gate(l->s, &gate, e);
    for (bool taken = true; st == ST_OK && taken;) {
        text_fmt(l->name, sizeof l->name, "%ld.%u", (long)getpid(), atomic_fetch_add(&serial, 1));
        st = io_open(l->s->leases, l->name, O_RDWR | O_CREAT | O_EXCL, 0600, &l->fd, e);
        taken = st == ST_EXISTS; /* of a dead process with our number */
        if (taken) {
            *e = ERR_NONE;
            st = ST_OK;
        }
    }
    if (st == ST_OK)
        st = io_lock(l->fd, 0, e);
    if (st == ST_OK)
        st = io_write_at(l->fd, SPAN(head, sizeof head), 0, e);
    l->end = HEAD;
    return st;
}

/* What lies on a full disk can be read all the same: the reserve lends the lease its page, and no
 * more, since what is read may be written to this disk. */
static enum status make_from_reserve(struct lease *l, const char *what, struct err *e)
{
    SCOPED(reserve_use_release) struct reserve_use room = {0};
    struct err ignored = ERR_NONE;
    *e = ERR_NONE;
    if (io_unlink(l->s->leases, l->name, false, &ignored) == ST_OK)
        fd_release(&l->fd);
    l->lent = true;
    enum status st = reserve_use(l->s, LENT, &room, e);
    return st == ST_OK ? make_file(l, what, e) : st;
}

enum status lease_open(struct store *s, const char *what, struct lease **out, struct err *e)
{
    *out = NULL;
    if (index_read_only(s->index))
        return ST_OK;
    SCOPED(lease_scope) struct lease *l = heap_zero(1, sizeof *l);
    if (l == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a lease");
    l->s = s;
    l->fd = -1;
    int made = pthread_mutex_init(&l->lock, NULL);
    assert(made == 0);
    enum status st = make_file(l, what, e);
    if (st == ST_NO_SPACE)
        st = make_from_reserve(l, what, e);
    if (st == ST_OK)
        *out = lease_take(&l);
    return st;
}

void lease_close(struct lease *l)
{
    if (l == NULL)
        return;
    struct err ignored = ERR_NONE; /* what cannot be removed is free once it is closed */
    if (l->fd >= 0 && io_unlink(l->s->leases, l->name, false, &ignored) != ST_OK)
        l->end = 0;
    fd_release(&l->fd);
    if (l->lent)
        reserve_refill(l->s);
    buf_release(&l->packs);
    (void)pthread_mutex_destroy(&l->lock);
    heap_free(l);
}

static enum status append(struct lease *l, uint64_t kind, const struct digest *d, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    uint8_t entry[ENTRY];
    put_le64(entry, kind);
    memcpy(entry + 8, d->b, DIGEST_BYTES);
    enum status st = lease_gate(l->s, &gate, e);
    if (st == ST_OK && l->end + ENTRY > LEASE_BYTES)
        st = err_set(e, ST_INVALID_LENGTH, "lease-length", "one change needs too many packs");
    if (st == ST_OK)
        st = io_write_at(l->fd, SPAN(entry, sizeof entry), l->end, e);
    if (st == ST_OK)
        l->end += ENTRY;
    return st;
}

static bool holds(const struct buf *packs, uint64_t pack)
{
    for (size_t at = packs->n; at > 0; at -= sizeof pack)
        if (memcmp(packs->p + at - sizeof pack, &pack, sizeof pack) == 0)
            return true;
    return false;
}

static enum status note(struct lease *l, uint64_t kind, uint64_t pack, struct err *e)
{
    struct digest d = {{0}};
    put_le64(d.b, pack);
    enum status st = append(l, kind, &d, e);
    buf_append(&l->packs, SPAN(&pack, sizeof pack));
    if (st == ST_OK && buf_status(&l->packs) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a lease");
    return st;
}

enum status lease_pack(struct lease *l, uint64_t pack, bool *fresh, struct err *e)
{
    *fresh = false;
    if (l == NULL)
        return ST_OK;
    (void)pthread_mutex_lock(&l->lock);
    *fresh = !holds(&l->packs, pack);
    enum status st = *fresh ? note(l, ENTRY_PACK, pack, e) : ST_OK;
    (void)pthread_mutex_unlock(&l->lock);
    return st;
}

enum status lease_made(struct lease *l, uint64_t pack, struct err *e)
{
    if (l == NULL)
        return ST_OK;
    (void)pthread_mutex_lock(&l->lock);
    const bool kept = l->adding;
    enum status st = note(l, kept ? ENTRY_MADE : ENTRY_PACK, pack, e);
    (void)pthread_mutex_unlock(&l->lock);
    if (st == ST_OK && kept)
        st = io_sync(l->fd, e);
    return st == ST_OK && kept ? io_sync(l->s->leases, e) : st;
}

void lease_adding(struct lease *l, bool adding)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->adding = adding;
    (void)pthread_mutex_unlock(&l->lock);
}

enum status lease_artifact(struct lease *l, const struct digest *artifact, struct err *e)
{
    if (l == NULL)
        return ST_OK;
    (void)pthread_mutex_lock(&l->lock);
    enum status st = append(l, ENTRY_ARTIFACT, artifact, e);
    (void)pthread_mutex_unlock(&l->lock);
    return st;
}

/* -- room ----------------------------------------------------------------------------------------
 */

static enum status write_reserved(struct lease *l, enum lease_room room, struct err *e)
{
    uint8_t number[8];
    put_le64(number, l->reserved[room]);
    return io_write_at(l->fd, SPAN(number, sizeof number), AT_RESERVED + 8u * (unsigned)room, e);
}

static enum status reserve(struct lease *l, enum lease_room room, uint64_t bytes, bool last,
                           struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    SCOPED(leases_release) struct leases all = {0};
    enum status st = lease_gate(l->s, &gate, e);
    if (st == ST_OK)
        st = leases_read(l->s, &all, e);
    if (st == ST_OK)
        st = quota_room(l->s, &all, l->reserved[LEASE_STORE], room, bytes, last, e);
    if (st != ST_OK)
        return st;
    l->reserved[room] += bytes;
    return write_reserved(l, room, e);
}

enum status lease_reserve(struct lease *l, enum lease_room room, uint64_t bytes, struct err *e)
{
    if (l == NULL || bytes == 0)
        return ST_OK;
    (void)pthread_mutex_lock(&l->lock);
    enum status st = reserve(l, room, bytes, false, e);
    (void)pthread_mutex_unlock(&l->lock);
    return st;
}

enum status lease_reserve_last(struct lease *l, uint64_t bytes, struct err *e)
{
    if (l == NULL || bytes == 0)
        return ST_OK;
    (void)pthread_mutex_lock(&l->lock);
    enum status st = reserve(l, LEASE_STORE, bytes, true, e);
    l->last = true;
    (void)pthread_mutex_unlock(&l->lock);
    return st;
}

bool lease_last(struct lease *l)
{
    if (l == NULL)
        return false;
    (void)pthread_mutex_lock(&l->lock);
    const bool last = l->last;
    (void)pthread_mutex_unlock(&l->lock);
    return last;
}

void lease_settle(struct lease *l, enum lease_room room, uint64_t bytes)
{
    SCOPED(fd_release) int gate = -1;
    struct err ignored = ERR_NONE; /* then it counts until the lease ends */
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->lock);
    if (lease_gate(l->s, &gate, &ignored) == ST_OK) {
        l->reserved[room] -= bytes < l->reserved[room] ? bytes : l->reserved[room];
        if (write_reserved(l, room, &ignored) != ST_OK)
            l->reserved[room] += bytes;
    }
    (void)pthread_mutex_unlock(&l->lock);
}

/* -- all of them ---------------------------------------------------------------------------------
 */

void leases_release(struct leases *l)
{
    buf_release(&l->packs);
    buf_release(&l->artifacts);
}

bool leases_pack(const struct leases *l, uint64_t pack)
{
    return holds(&l->packs, pack);
}

bool leases_artifact(const struct leases *l, const struct digest *artifact)
{
    for (size_t at = 0; at < l->artifacts.n; at += DIGEST_BYTES)
        if (memcmp(l->artifacts.p + at, artifact->b, DIGEST_BYTES) == 0)
            return true;
    return false;
}

struct reading {
    struct store *s;
    struct leases *out;
    bool swept;
};

static void take_entry(struct leases *out, const uint8_t *entry)
{
    uint64_t pack = get_le64(entry + 8);
    if (get_le64(entry) == ENTRY_PACK || get_le64(entry) == ENTRY_MADE)
        buf_append(&out->packs, SPAN(&pack, sizeof pack));
    if (get_le64(entry) == ENTRY_ARTIFACT)
        buf_append(&out->artifacts, SPAN(entry + 8, DIGEST_BYTES));
}

/* Nobody's yet, and there: what is needed needs no lease, and what is gone has none. */
static enum status waits(struct index_view *v, uint64_t pack, bool *out, struct err *e)
{
    struct catalog_pack p;
    bool found = false;
    enum status st = catalog_pack_from(v, pack, &found, &p, e);
    *out = found && p.id == pack && p.live == 0;
    return st;
}

/* What the dead made of a content that was going in: *kept, if any of it still waits. */
static enum status keep(struct reading *r, int fd, const struct buf *bytes, bool *kept,
                        struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    const struct clock real = CLOCK_REAL;
    struct stat about;
    *kept = false;
    if (bytes->n < HEAD || memcmp(bytes->p, magic, sizeof magic) != 0 || fstat(fd, &about) != 0)
        return ST_OK;
    const int64_t age = clock_now(&real) - about.st_mtim.tv_sec;
    if (age >= LEASE_KEPT || age < -LEASE_KEPT)
        return ST_OK;
    enum status st = ST_OK;
    for (size_t at = HEAD; st == ST_OK && bytes->n - at >= ENTRY; at += ENTRY) {
        bool mine = false;
        if (get_le64(bytes->p + at) != ENTRY_MADE)
            continue;
        if (v == NULL)
            st = index_view_open(r->s->index, &v, e);
        if (st == ST_OK)
            st = waits(v, get_le64(bytes->p + at + 8), &mine, e);
        if (mine)
            take_entry(r->out, bytes->p + at);
        *kept = *kept || mine;
    }
    return st;
}

/* Staging first: as long as the lease is there, what its owner left counts. */
static enum status bury(struct reading *r, const char *name, int fd, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    bool kept = false;
    enum status st = file_read(r->s->leases, name, LEASE_BYTES, &bytes, e);
    if (st == ST_OK)
        st = keep(r, fd, &bytes, &kept, e);
    if (st == ST_NOT_FOUND) { /* closed between our opening it and the lock */
        *e = ERR_NONE;
        st = ST_OK;
    }
    if (st == ST_OK && !r->swept)
        st = pending_sweep(r->s->staging, e);
    if (st == ST_OK && !r->swept)
        st = pending_sweep(r->s->quarantine, e);
    r->swept = st == ST_OK;
    if (st != ST_OK || kept)
        return st;
    struct err why = ERR_NONE;
    st = io_unlink(r->s->leases, name, false, &why);
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status read_one(void *ctx, const char *name, struct err *e)
{
    struct reading *r = ctx;
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    if (text_equal(name, GATE))
        return ST_OK;
    enum status st = seat_open(r->s->leases, name, O_RDONLY, 0, &fd, &why);
    if (st == ST_NOT_FOUND || st == ST_CORRUPT)
        return ST_OK; /* closed just now, or no lease at all: fsck names it */
    if (st == ST_OK)
        st = io_lock(fd, 0, &why);
    if (st == ST_OK)
        return bury(r, name, fd, e);
    if (st == ST_BUSY) {
        why = ERR_NONE;
        st = file_read(r->s->leases, name, LEASE_BYTES, &bytes, &why);
    }
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (bytes.n < HEAD || memcmp(bytes.p, magic, sizeof magic) != 0)
        return ST_OK; /* foreign, or torn before it meant anything */
    r->out->count++;
    for (size_t i = 0; i < 2; i++)
        r->out->reserved[i] += get_le64(bytes.p + AT_RESERVED + 8 * i);
    const uint64_t here = get_le64(bytes.p + AT_RESERVED + 8 * LEASE_STORE);
    r->out->most = here > r->out->most ? here : r->out->most;
    for (size_t at = HEAD; bytes.n - at >= ENTRY; at += ENTRY)
        take_entry(r->out, bytes.p + at);
    return ST_OK;
}

enum status leases_read(struct store *s, struct leases *out, struct err *e)
{
    struct reading r = {.s = s, .out = out};
    *out = (struct leases){0};
    enum status st = folder_each(s->leases, ".", read_one, &r, e);
    if (st == ST_OK && (buf_status(&out->packs) != ST_OK || buf_status(&out->artifacts) != ST_OK))
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the leases");
    return st;
}
