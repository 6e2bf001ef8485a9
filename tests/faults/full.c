/* Real full disks: a memory file system of every size from what the store takes, page by page. The
 * command ends with success or an error of its own, nothing is lost, the store can be read as it
 * is, and once there is room the same command succeeds. Needs the right to mount. */
#include "tests/faults/campaign.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SIZES = 96, PAGE = 4096, ROOM = 64 << 20 };

static struct {
    char live[80], store[100], disk[80];
    uint64_t need; /* pages of the state itself */
    bool on;
} full;

static bool mount_disk(uint64_t pages, bool again)
{
    char how[64];
    (void)snprintf(how, sizeof how, "size=%llu,mode=0700", (unsigned long long)(pages * PAGE));
    return mount("battery", full.disk, "tmpfs", again ? MS_REMOUNT : 0, how) == 0;
}

/* The stage plays on the small disk until it is put back. */
static bool move(struct run *r, const struct unit *u, uint64_t pages)
{
    struct stage *s = r->stage;
    char link[100];
    if (!mount_disk(ROOM / PAGE, false))
        return false;
    (void)snprintf(s->live, sizeof s->live, "%.60s/live", full.disk);
    (void)snprintf(s->store, sizeof s->store, "%.70s/store", s->live);
    (void)snprintf(link, sizeof link, "%.60s/in", full.disk);
    if (symlink("../in", link) != 0) /* the command lines say ../in/FILE */
        return false;
    tree_put(&u->state->tree, s->live);
    return full.on = mount_disk(pages, true);
}

static void put_back(struct run *r)
{
    (void)umount2(full.disk, MNT_DETACH);
    (void)snprintf(r->stage->live, sizeof r->stage->live, "%s", full.live);
    (void)snprintf(r->stage->store, sizeof r->stage->store, "%s", full.store);
    full.on = false;
}

static uint64_t full_count(struct run *r, struct unit *u)
{
    struct statfs f;
    (void)snprintf(full.live, sizeof full.live, "%s", r->stage->live);
    (void)snprintf(full.store, sizeof full.store, "%s", r->stage->store);
    (void)snprintf(full.disk, sizeof full.disk, "%.60s/disk", r->stage->root);
    (void)mkdir(full.disk, 0700);
    if (!move(r, u, ROOM / PAGE)) {
        (void)printf("full: no right to mount here\n");
        put_back(r);
        return 0;
    }
    full.need = statfs(full.disk, &f) == 0 ? (uint64_t)(f.f_blocks - f.f_bfree) + 1 : 64;
    put_back(r);
    return SIZES;
}

static enum verdict on_disk(struct run *r, struct unit *u, char why[WHY])
{
    struct stage *s = r->stage;
    struct trace_job job = stage_job(s, u->try->line);
    struct trace_end end = stage_run(s, &job);
    struct promise promise = promise_of(s, u);
    why[0] = '\0';
    if (end.hung || end.signal != 0) {
        (void)snprintf(why, WHY, "%s, signal %d: %.300s", end.hung ? "hangs" : "crashes",
                       end.signal, stage_said(s, true));
        return VERDICT_BAD;
    }
    if (end.exit == 0 && u->exit == 0)
        promise = (struct promise){.entries = u->added, .files = true};
    r->tally.seen[end.exit == u->exit ? 0 : end.exit == 8 ? 1 : 2]++;
    if (!judge_raw(s, u, promise, why))
        return VERDICT_BAD;
    if (u->state->chk != NULL && stage_cli(s, "ls").exit != 0) {
        (void)snprintf(why, WHY, "on the full disk, ls: %.400s", stage_said(s, true));
        return VERDICT_BAD;
    }
    if (!mount_disk(ROOM / PAGE, true))
        die("remount");
    return judge_open(s, u, why) && judge_again(s, u, why) ? VERDICT_GOOD : VERDICT_BAD;
}

static enum verdict full_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    uint64_t far = i > SIZES / 2 ? i - SIZES / 2 : 0; /* page by page, then in growing steps */
    if (!move(r, u, full.need + i + far * far))
        return VERDICT_UNPROVEN;
    enum verdict v = on_disk(r, u, why);
    put_back(r);
    return v;
}

const struct campaign campaign_full = {.name = "full",
                                       .what = "real full disks, page by page",
                                       .also = {"had room", "said no space", "failed otherwise"},
                                       .count = full_count,
                                       .point = full_point};
