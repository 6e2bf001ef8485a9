/* Two views of one run: what the door base/io says that it does, and what the kernel is asked for.
 * They agree in the number of calls of each kind and in what these are about: the file and how many
 * bytes, or the name. LMDB's own files aside nothing goes round the door, so what is injected and
 * recorded there is all there is. */
#include "base/io.h"
#include "tests/faults/campaign.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NONE = -1, PATHS = 7, AT_UNLINK = 8, AT_RMDIR = 9 };

/* arg: which argument of the call is the number of bytes, or from PATHS on the name. */
static const struct {
    const char *name;
    struct {
        long nr;
        int arg;
    } call[3];
} kinds[] = {{"write", {{SYS_write, 2}}},
             {"pwrite", {{SYS_pwrite64, 2}}},
             {"fsync", {{SYS_fsync, NONE}}},
             {"fdatasync", {{SYS_fdatasync, NONE}}},
             {"sync_file_range", {{SYS_sync_file_range, 2}}},
             {"fallocate", {{SYS_fallocate, 3}}},
             {"ftruncate", {{SYS_ftruncate, 1}}},
             {"rename", {{SYS_rename, 1}, {SYS_renameat, 3}, {SYS_renameat2, 3}}},
             {"unlink", {{SYS_unlink, 0}}}, /* unlinkat is told apart by its flag */
             {"rmdir", {{SYS_rmdir, 0}}},
             {"mkdir", {{SYS_mkdir, 0}, {SYS_mkdirat, 1}}}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* A kind's calls, and the sum of a hash of each: threads go in no order. */
struct seen {
    _Atomic uint64_t calls, sum;
};

static void see(struct seen *s, const void *p, size_t n, uint64_t bytes)
{
    (void)atomic_fetch_add(&s->calls, 1);
    (void)atomic_fetch_add(&s->sum, chk_xxh64(p, n, bytes));
}

/* -- the door's view, in the child ---------------------------------------------------------------
 */

static struct seen told[KINDS];
static int report = -1;

static int listen(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct stat st = {0};
    (void)ctx;
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, call) != 0)
            continue;
        if (i >= PATHS)
            see(&told[i], path, strlen(path), 0);
        else if (fstat(fd, &st) == 0)
            see(&told[i], &st.st_ino, sizeof st.st_ino, bytes);
    }
    return 0;
}

struct inner {
    int (*body)(void *ctx);
    void *ctx;
};

static int watched(void *ctx)
{
    const struct inner *in = ctx;
    memset(told, 0, sizeof told);
    io_watch(listen, NULL);
    int rc = in->body(in->ctx);
    return pwrite(report, told, sizeof told, 0) == (ssize_t)sizeof told ? rc : 126;
}

/* -- the kernel's --------------------------------------------------------------------------------
 */

struct kernel {
    pid_t first;
    struct seen seen[KINDS];
};

/* It asks for no blocks ahead: those of its lock file are had through the door. */
static bool of_lmdb(const struct trace_call *c)
{
    char link[64], path[600];
    (void)snprintf(link, sizeof link, "/proc/%d/fd/%d", c->pid, (int)c->arg[0]);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return strstr(path, ".mdb") != NULL || strstr(path, "memfd:report") != NULL;
}

/* A sandboxed child has counts of its own, which die with it. */
static bool of_child(const struct kernel *k, pid_t pid)
{
    char path[64], line[128];
    int group = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        (void)sscanf(line, "Tgid: %d", &group);
    if (f != NULL)
        (void)fclose(f);
    return group != k->first;
}

static void enter(void *ctx, struct trace_call *c)
{
    struct kernel *k = ctx;
    k->first = k->first == 0 ? c->pid : k->first;
    (void)c;
}

static void name_seen(struct seen *s, const struct trace_call *c, int arg)
{
    char name[1024];
    struct iovec to = {name, 1}, from = {(void *)(uintptr_t)c->arg[arg], 1};
    size_t n = 0;
    while (n < sizeof name && process_vm_readv(c->pid, &to, 1, &from, 1, 0) == 1 &&
           name[n] != '\0') {
        to.iov_base = name + ++n;
        from.iov_base = (char *)from.iov_base + 1;
    }
    see(s, name, n, 0);
}

static void file_seen(struct seen *s, const struct trace_call *c, int arg)
{
    char path[64];
    struct stat st = {0};
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", c->pid, (int)c->arg[0]);
    (void)stat(path, &st);
    see(s, &st.st_ino, sizeof st.st_ino, arg == NONE ? 0 : c->arg[arg]);
}

static void leave(void *ctx, struct trace_call *c)
{
    struct kernel *k = ctx;
    if (of_child(k, c->pid))
        return;
    if (c->nr == SYS_unlinkat) {
        name_seen(&k->seen[(c->arg[2] & 0x200) != 0 ? AT_RMDIR : AT_UNLINK], c, 1);
        return;
    }
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t n = 0; n < 3 && kinds[i].call[n].nr + kinds[i].call[n].arg != 0; n++) {
            if (kinds[i].call[n].nr != c->nr)
                continue;
            if (i >= PATHS)
                name_seen(&k->seen[i], c, kinds[i].call[n].arg);
            else if (c->nr == SYS_fsync || c->nr == SYS_fallocate || !of_lmdb(c))
                file_seen(&k->seen[i], c, kinds[i].call[n].arg);
        }
    }
}

static uint64_t seam_count(struct run *r, struct unit *u)
{
    struct kernel k = {0};
    const struct trace_watcher watcher = {enter, leave, &k};
    static struct inner inner;
    struct seen said[KINDS] = {0};
    report = memfd_create("report", MFD_CLOEXEC);
    tree_put(&u->state->tree, r->stage->live);
    struct trace_job job = stage_job(r->stage, u->try->line);
    inner = (struct inner){job.body, job.ctx};
    job.body = watched;
    job.ctx = &inner;
    job.set = TRACE_MUTATING;
    job.watcher = &watcher;
    (void)stage_run(r->stage, &job);
    if (pread(report, said, sizeof said, 0) != (ssize_t)sizeof said)
        r->tally.unproven++;
    (void)close(report);
    for (size_t i = 0; i < KINDS; i++) {
        char why[WHY];
        const uint64_t calls = k.seen[i].calls, by_door = said[i].calls;
        r->tally.points += calls;
        if (calls == by_door && k.seen[i].sum == said[i].sum)
            continue;
        r->tally.bad++;
        (void)snprintf(why, WHY, "%llu calls of %s, the door tells of %llu%s",
                       (unsigned long long)calls, kinds[i].name, (unsigned long long)by_door,
                       calls == by_door ? ", about something else" : "");
        campaign_tell(r, &campaign_seam, u, i, why);
    }
    return 0;
}

const struct campaign campaign_seam = {.name = "seam",
                                       .what = "system calls against what base/io tells",
                                       .count = seam_count,
                                       .itself = true};
