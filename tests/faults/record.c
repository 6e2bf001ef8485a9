#include "tests/faults/record.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* -- the growing lists ---------------------------------------------------------------------------
 */

static void *grown(void *p, size_t n, size_t size)
{
    if ((n & (n - 1)) != 0)
        return p; /* doubled at powers of two */
    p = realloc(p, (n == 0 ? 1 : 2 * n) * size);
    if (p == NULL)
        die("no memory");
    return p;
}

static struct op *add_op(struct record *r, enum op_kind kind, uint64_t t0)
{
    r->op = grown(r->op, r->ops, sizeof *r->op);
    struct op *o = &r->op[r->ops++];
    *o = (struct op){.kind = kind, .t0 = t0, .t1 = r->now};
    return o;
}

static struct sync_op *add_sync(struct record *r, int ino, int op, uint64_t t0)
{
    r->sync = grown(r->sync, r->syncs, sizeof *r->sync);
    struct sync_op *s = &r->sync[r->syncs++];
    *s = (struct sync_op){.ino = ino, .op = op, .t0 = t0, .t1 = r->now};
    return s;
}

static int add_ino(struct record *r, bool folder, unsigned mode, ino_t real)
{
    if (r->inos == 0)
        r->inos = 1;
    if (r->ino == NULL || (r->inos & (r->inos - 1)) == 0) {
        r->ino = realloc(r->ino, 2 * r->inos * sizeof *r->ino);
        if (r->ino == NULL)
            die("no memory");
    }
    r->ino[r->inos] = (struct inode){.folder = folder, .mode = mode, .real = real};
    return (int)r->inos++;
}

int record_slot(struct record *r, int folder, const char *name)
{
    for (size_t i = 0; i < r->slots; i++) {
        if (r->slot[i].folder == folder && strcmp(r->slot[i].name, name) == 0)
            return (int)i;
    }
    r->slot = grown(r->slot, r->slots, sizeof *r->slot);
    struct slot *s = &r->slot[r->slots];
    *s = (struct slot){.folder = folder};
    (void)snprintf(s->name, sizeof s->name, "%.99s", name);
    return (int)r->slots++;
}

static void problem(struct record *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void problem(struct record *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (r->problem[0] == '\0')
        (void)vsnprintf(r->problem, sizeof r->problem, fmt, ap);
    va_end(ap);
}

static int by_real(const struct record *r, ino_t real)
{
    for (size_t i = r->inos; i-- > 1;) { /* the newest first: numbers come again */
        if (r->ino[i].real == real)
            return (int)i;
    }
    return 0;
}

/* -- names ---------------------------------------------------------------------------------------
 */

static void set(struct record *r, struct op *o, int slot, int ino)
{
    if (o->sets == 8) {
        problem(r, "a rename with too long a past");
        return;
    }
    o->set[o->sets].slot = slot;
    o->set[o->sets++].ino = ino;
    r->slot[slot].ino = ino;
}

static void make(struct record *r, int slot, bool folder, unsigned mode, ino_t real, uint64_t t0)
{
    int ino = add_ino(r, folder, mode, real);
    struct op *o = add_op(r, OP_NAMES, t0);
    o->folder = r->slot[slot].folder;
    o->creates = folder ? 0 : ino;
    (void)snprintf(o->label, sizeof o->label, "make %.60s", r->slot[slot].name);
    r->slot[slot].pasts = 0;
    set(r, o, slot, ino);
}

static void gone(struct record *r, int slot, uint64_t t0)
{
    struct op *o = add_op(r, OP_NAMES, t0);
    o->folder = r->slot[slot].folder;
    (void)snprintf(o->label, sizeof o->label, "remove %.60s", r->slot[slot].name);
    r->slot[slot].pasts = 0;
    set(r, o, slot, 0);
}

/* Earlier names of what moves cannot come back with it. */
static void moved(struct record *r, int from, int to, uint64_t t0)
{
    int ino = r->slot[from].ino;
    struct op *o = add_op(r, OP_NAMES, t0);
    o->folder = r->slot[to].folder;
    (void)snprintf(o->label, sizeof o->label, "rename %.30s to %.30s", r->slot[from].name,
                   r->slot[to].name);
    int past[7], pasts = r->slot[from].pasts;
    memcpy(past, r->slot[from].past, sizeof r->slot[from].past);
    past[pasts++] = from;
    r->slot[from].pasts = 0;
    for (int i = 0; i < pasts; i++) {
        if (past[i] == from || (past[i] != to && r->slot[past[i]].ino == 0))
            set(r, o, past[i], 0);
    }
    set(r, o, to, ino);
    r->slot[to].pasts = pasts > 6 ? 6 : pasts;
    memcpy(r->slot[to].past, past, sizeof r->slot[to].past);
}

/* -- data ----------------------------------------------------------------------------------------
 */

static struct op *data(struct record *r, enum op_kind kind, int ino, uint64_t off, uint8_t *p,
                       size_t n, uint64_t t0)
{
    struct op *o = add_op(r, kind, t0);
    o->ino = ino;
    o->off = off;
    o->p = p;
    o->n = n;
    const char *name = "?";
    for (size_t i = 0; i < r->slots; i++)
        name = r->slot[i].ino == ino ? r->slot[i].name : name;
    (void)snprintf(o->label, sizeof o->label, "%s %.40s at %llu, %zu",
                   kind == OP_WRITE ? "write"
                   : kind == OP_CUT ? "cut"
                                    : "lengthen",
                   name, (unsigned long long)off, n);
    uint64_t *size = &r->ino[ino].size;
    if (kind == OP_CUT || off + n > *size)
        *size = kind == OP_WRITE ? off + n : off;
    return o;
}

/* -- looking at the traced process ---------------------------------------------------------------
 */

struct seen {
    uint64_t t0;
    int slot, other; /* −1 none */
    int ino;
    uint64_t off;
    uint8_t *p;
    size_t n;
    bool dsync, ack, existed;
};

static size_t peek(pid_t pid, uint64_t at, void *to, size_t n)
{
    struct iovec a = {to, n}, b = {(void *)(uintptr_t)at, n};
    ssize_t got = process_vm_readv(pid, &a, 1, &b, 1, 0);
    return got > 0 ? (size_t)got : 0;
}

static bool peek_path(pid_t pid, uint64_t at, char out[1024])
{
    for (size_t n = 0; n < 1023; n++) {
        if (peek(pid, at + n, out + n, 1) != 1)
            return false;
        if (out[n] == '\0')
            return true;
    }
    return false;
}

/* The slot of a path below the root, −1 elsewhere. */
static int slot_of(struct record *r, pid_t pid, int dir, uint64_t path_at)
{
    char path[1024], folder[1200];
    struct stat st;
    if (!peek_path(pid, path_at, path))
        return -1;
    char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *head = slash == NULL ? "." : path;
    if (slash != NULL)
        *slash = '\0';
    if (slash == path)
        return -1;
    if (path[0] == '/' && slash != NULL)
        (void)snprintf(folder, sizeof folder, "%s", head);
    else if (dir == AT_FDCWD)
        (void)snprintf(folder, sizeof folder, "/proc/%d/cwd/%s", pid, head);
    else
        (void)snprintf(folder, sizeof folder, "/proc/%d/fd/%d/%s", pid, dir, head);
    if (stat(folder, &st) != 0)
        return -1;
    int id = by_real(r, st.st_ino);
    return id > 0 && r->ino[id].folder ? record_slot(r, id, name) : -1;
}

static ino_t real_of(pid_t pid, int fd)
{
    char path[64];
    struct stat st;
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void place_of(pid_t pid, int fd, uint64_t *pos, unsigned *flags)
{
    char path[64], line[200];
    unsigned long long p = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "pos: %llu", &p);
        (void)sscanf(line, "flags: %o", flags);
    }
    if (f != NULL)
        (void)fclose(f);
    *pos = p;
}

static uint8_t *gather(const struct trace_call *c, size_t *n)
{
    if (c->nr == SYS_write || c->nr == SYS_pwrite64) {
        uint8_t *p = must_alloc(c->arg[2]);
        *n = peek(c->pid, c->arg[1], p, c->arg[2]);
        return p;
    }
    struct iovec v[64];
    size_t count = c->arg[2] < 64 ? c->arg[2] : 64, total = 0;
    if (peek(c->pid, c->arg[1], v, count * sizeof *v) != count * sizeof *v)
        count = 0;
    for (size_t i = 0; i < count; i++)
        total += v[i].iov_len;
    uint8_t *p = must_alloc(total);
    *n = 0;
    for (size_t i = 0; i < count; i++)
        *n += peek(c->pid, (uint64_t)(uintptr_t)v[i].iov_base, p + *n, v[i].iov_len);
    return p;
}

static void enter_write(struct record *r, const struct trace_call *c, struct seen *s)
{
    int fd = (int)c->arg[0];
    unsigned flags = 0;
    ino_t real = real_of(c->pid, fd);
    struct stat out;
    s->ino = by_real(r, real);
    s->ack = fstat(r->out, &out) == 0 && out.st_ino == real;
    if (s->ino == 0 && !s->ack)
        return;
    place_of(c->pid, fd, &s->off, &flags);
    if (c->nr == SYS_pwrite64 || c->nr == SYS_pwritev || c->nr == SYS_pwritev2)
        s->off = c->arg[3];
    else if ((flags & O_APPEND) != 0 && s->ino > 0)
        s->off = r->ino[s->ino].size;
    s->dsync = (flags & O_DSYNC) != 0;
    s->p = gather(c, &s->n);
}

static void enter(void *ctx, struct trace_call *c)
{
    struct record *r = ctx;
    struct seen *s = must_alloc(sizeof *s);
    s->t0 = ++r->now;
    s->slot = s->other = -1;
    c->own = s;
    switch (c->nr) {
    case SYS_openat: s->slot = slot_of(r, c->pid, (int)c->arg[0], c->arg[1]); break;
    case SYS_unlinkat: s->slot = slot_of(r, c->pid, (int)c->arg[0], c->arg[1]); break;
    case SYS_mkdirat: s->slot = slot_of(r, c->pid, (int)c->arg[0], c->arg[1]); break;
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink: s->slot = slot_of(r, c->pid, AT_FDCWD, c->arg[0]); break;
    case SYS_rename:
        s->slot = slot_of(r, c->pid, AT_FDCWD, c->arg[0]);
        s->other = slot_of(r, c->pid, AT_FDCWD, c->arg[1]);
        break;
    case SYS_renameat:
    case SYS_renameat2:
        s->slot = slot_of(r, c->pid, (int)c->arg[0], c->arg[1]);
        s->other = slot_of(r, c->pid, (int)c->arg[2], c->arg[3]);
        break;
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2: enter_write(r, c, s); break;
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
    case SYS_fallocate: s->ino = by_real(r, real_of(c->pid, (int)c->arg[0])); break;
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_copy_file_range:
    case SYS_sendfile: problem(r, "%s is not modelled", trace_name(c->nr)); break;
    default: break;
    }
    s->existed = s->slot >= 0 && r->slot[s->slot].ino > 0;
}

/* -- what came of it -----------------------------------------------------------------------------
 */

static void opened(struct record *r, const struct trace_call *c, struct seen *s)
{
    if (s->slot < 0)
        return;
    if (!s->existed)
        make(r, s->slot, false, (unsigned)c->arg[3] & 0700u, real_of(c->pid, (int)c->result),
             s->t0);
    else if ((c->arg[2] & O_TRUNC) != 0 && r->ino[r->slot[s->slot].ino].size > 0)
        (void)data(r, OP_CUT, r->slot[s->slot].ino, 0, NULL, 0, s->t0);
}

static void wrote(struct record *r, const struct trace_call *c, struct seen *s)
{
    size_t n = (size_t)c->result < s->n ? (size_t)c->result : s->n;
    if (s->ack) {
        for (size_t i = 0; i < n; i++) {
            if (s->p[i] != '\n')
                continue;
            r->ack = grown(r->ack, r->acks, sizeof *r->ack);
            r->ack[r->acks++] = s->t0;
        }
        return;
    }
    if (s->ino == 0 || n == 0)
        return;
    struct op *o = data(r, OP_WRITE, s->ino, s->off, s->p, n, s->t0);
    s->p = NULL;
    if (s->dsync)
        (void)snprintf(add_sync(r, 0, (int)r->ops - 1, s->t0)->label, 80, "O_DSYNC %.60s",
                       o->label);
}

static void synced(struct record *r, const struct trace_call *c, const struct seen *s)
{
    const char *name = s->ino == RECORD_ROOT ? "(the folder above)" : "?";
    if (s->ino == 0)
        return;
    for (size_t i = 0; i < r->slots; i++)
        name = r->slot[i].ino == s->ino ? r->slot[i].name : name;
    (void)snprintf(add_sync(r, s->ino, -1, s->t0)->label, 80, "%s %.60s", trace_name(c->nr), name);
}

static void made_folder(struct record *r, const struct trace_call *c, const struct seen *s)
{
    char path[1300];
    struct stat st;
    if (s->slot < 0)
        return;
    int folder = r->slot[s->slot].folder;
    if (folder == RECORD_ROOT) {
        (void)snprintf(path, sizeof path, "%s/%s", r->live, r->slot[s->slot].name);
    } else if (c->nr == SYS_mkdirat && (int)c->arg[0] != AT_FDCWD) {
        char name[1024] = "";
        (void)peek_path(c->pid, c->arg[1], name);
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d/%s", c->pid, (int)c->arg[0], name);
    } else {
        char name[1024] = "";
        (void)peek_path(c->pid, c->arg[c->nr == SYS_mkdirat], name);
        (void)snprintf(path, sizeof path, name[0] == '/' ? "%.0d%s" : "/proc/%d/cwd/%s",
                       name[0] == '/' ? 0 : c->pid, name);
    }
    make(r, s->slot, true, 0700, stat(path, &st) == 0 ? st.st_ino : 0, s->t0);
}

static void came(struct record *r, struct trace_call *c, struct seen *s)
{
    switch (c->nr) {
    case SYS_openat: opened(r, c, s); break;
    case SYS_mkdir:
    case SYS_mkdirat: made_folder(r, c, s); break;
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
        if (s->slot >= 0)
            gone(r, s->slot, s->t0);
        break;
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
        if (s->slot >= 0 && s->other >= 0)
            moved(r, s->slot, s->other, s->t0);
        else if (s->slot >= 0 || s->other >= 0)
            problem(r, "a rename across the folder's border");
        break;
    case SYS_fsync:
    case SYS_fdatasync: synced(r, c, s); break;
    case SYS_ftruncate:
        if (s->ino > 0)
            (void)data(r, OP_CUT, s->ino, c->arg[1], NULL, 0, s->t0);
        break;
    case SYS_fallocate:
        if (s->ino > 0 && (c->arg[1] & 1) == 0 && c->arg[2] + c->arg[3] > r->ino[s->ino].size)
            (void)data(r, OP_LENGTHEN, s->ino, c->arg[2] + c->arg[3], NULL, 0, s->t0);
        break;
    default: wrote(r, c, s); break;
    }
}

static bool is_write(long nr)
{
    return nr == SYS_write || nr == SYS_writev || nr == SYS_pwrite64 || nr == SYS_pwritev ||
           nr == SYS_pwritev2;
}

static void leave(void *ctx, struct trace_call *c)
{
    struct record *r = ctx;
    struct seen *s = c->own;
    r->now++;
    bool known = is_write(c->nr) || c->nr == SYS_openat || c->nr == SYS_mkdir ||
                 c->nr == SYS_mkdirat || c->nr == SYS_unlink || c->nr == SYS_unlinkat ||
                 c->nr == SYS_rmdir || c->nr == SYS_rename || c->nr == SYS_renameat ||
                 c->nr == SYS_renameat2 || c->nr == SYS_fsync || c->nr == SYS_fdatasync ||
                 c->nr == SYS_ftruncate || c->nr == SYS_fallocate;
    if (c->result >= 0 && known)
        came(r, c, s);
    free(s->p);
    free(s);
    c->own = NULL;
}

/* -- beginning -----------------------------------------------------------------------------------
 */

static void place(struct record *r, const struct tree_node *n)
{
    char path[700];
    int folder = RECORD_ROOT;
    (void)snprintf(path, sizeof path, "%s", n->path);
    char *name = path;
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(name, '/')) {
        *slash = '\0';
        folder = r->slot[record_slot(r, folder, name)].ino;
        name = slash + 1;
    }
    make(r, record_slot(r, folder, name), n->p == NULL, n->mode, n->ino, 0);
    if (n->p == NULL || n->n == 0)
        return;
    uint8_t *copy = must_alloc(n->n);
    memcpy(copy, n->p, n->n);
    (void)data(r, OP_WRITE, (int)r->inos - 1, 0, copy, n->n, 0);
}

struct record *record_begin(struct stage *s)
{
    struct record *r = must_alloc(sizeof *r);
    struct tree t = tree_load(s->live);
    struct stat st;
    (void)snprintf(r->live, sizeof r->live, "%s", s->live);
    r->out = s->out;
    if (stat(s->live, &st) != 0)
        die("%s", s->live);
    (void)add_ino(r, true, 0700, st.st_ino);
    for (size_t i = 0; i < t.n; i++)
        place(r, &t.node[i]);
    for (size_t i = 0; i < r->ops; i++)
        r->op[i].t0 = r->op[i].t1 = 0;
    tree_free(&t);
    return r;
}

/* The name in the live folder that a slot lies below. */
static const char *top_of(const struct record *r, int slot)
{
    for (size_t left = r->slots; left > 0 && r->slot[slot].folder != RECORD_ROOT; left--) {
        for (size_t i = 0; i < r->slots; i++) {
            if (r->slot[i].ino == r->slot[slot].folder)
                slot = (int)i;
        }
    }
    return r->slot[slot].name;
}

struct trace_end record_run(struct record *r, struct stage *s, struct trace_job *job)
{
    const struct trace_watcher watcher = {enter, leave, r};
    size_t first = r->ops;
    job->set = TRACE_MUTATING;
    job->watcher = &watcher;
    struct trace_end end = stage_run(s, job);
    for (size_t i = first; i < r->ops; i++) {
        const struct op *o = &r->op[i];
        for (int k = 0; k < o->sets; k++)
            r->outside = r->outside || strncmp(top_of(r, o->set[k].slot), "store", 5) != 0;
    }
    return end;
}

void record_free(struct record *r)
{
    for (size_t i = 0; i < r->ops; i++)
        free(r->op[i].p);
    free(r->op);
    free(r->sync);
    free(r->slot);
    free(r->ino);
    free(r->ack);
    free(r);
}
