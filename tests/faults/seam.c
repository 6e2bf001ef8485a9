/* Two views of one run: what the door base/io says that it does, and what the kernel is asked for.
 * They agree call by call, LMDB's own files aside: nothing goes round the door, so what is injected
 * and counted there is all there is. */
#include "base/io.h"
#include "tests/faults/campaign.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    long nr[3];
} kinds[] = {{"write", {SYS_write, -1, -1}},
             {"pwrite", {SYS_pwrite64, -1, -1}},
             {"fsync", {SYS_fsync, -1, -1}},
             {"fdatasync", {SYS_fdatasync, -1, -1}},
             {"sync_file_range", {SYS_sync_file_range, -1, -1}},
             {"fallocate", {SYS_fallocate, -1, -1}},
             {"ftruncate", {SYS_ftruncate, -1, -1}},
             {"rename", {SYS_rename, SYS_renameat, SYS_renameat2}},
             {"unlink", {SYS_unlink, -1, -1}}, /* unlinkat is told apart by its flag */
             {"rmdir", {SYS_rmdir, -1, -1}},
             {"mkdir", {SYS_mkdir, SYS_mkdirat, -1}}};
enum { KINDS = sizeof kinds / sizeof kinds[0], AT_UNLINK = 8, AT_RMDIR = 9 };

/* -- the door's view, in the child ---------------------------------------------------------------
 */

static uint64_t told[KINDS];
static int report = -1;

static int listen(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx;
    (void)path;
    (void)fd;
    (void)bytes;
    for (size_t i = 0; i < KINDS; i++)
        told[i] += strcmp(kinds[i].name, call) == 0;
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
    uint64_t seen[KINDS];
};

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

static void leave(void *ctx, struct trace_call *c)
{
    struct kernel *k = ctx;
    if (of_child(k, c->pid))
        return;
    if (c->nr == SYS_unlinkat) {
        k->seen[(c->arg[2] & 0x200) != 0 ? AT_RMDIR : AT_UNLINK]++;
        return;
    }
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t n = 0; n < 3; n++) {
            if (kinds[i].nr[n] == c->nr && c->nr >= 0 &&
                (i > 6 || c->nr == SYS_fsync || !of_lmdb(c)))
                k->seen[i]++;
        }
    }
}

static uint64_t seam_count(struct run *r, struct unit *u)
{
    struct kernel k = {0};
    const struct trace_watcher watcher = {enter, leave, &k};
    static struct inner inner;
    uint64_t said[KINDS] = {0};
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
        r->tally.points += k.seen[i];
        if (k.seen[i] == said[i])
            continue;
        r->tally.bad++;
        (void)snprintf(why, WHY, "%llu calls of %s, the door tells of %llu",
                       (unsigned long long)k.seen[i], kinds[i].name, (unsigned long long)said[i]);
        campaign_tell(r, &campaign_seam, u, i, why);
    }
    return 0;
}

const struct campaign campaign_seam = {.name = "seam",
                                       .what = "system calls against what base/io tells",
                                       .count = seam_count,
                                       .itself = true};
