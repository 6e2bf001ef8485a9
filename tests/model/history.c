/* Random histories of several processes over one store, compared with a model.
 *
 *     history OPERATIONS WORKERS SEED [KILL_MS [BIG]]
 *
 * Each worker is a process with artifacts of its own and knows, in shared memory, what the store
 * must say of them; contents are shared between workers, so chunks are added, dropped and found by
 * several at once. Operations: add, get (one's own compared byte for byte, another's under a
 * lease), evict, rm, pin, unpin, a state key as promotion sets it, gc, fsck, opening anew. Every
 * KILL_MS milliseconds (0: never) a worker is killed with -9 and another goes on from what is in
 * shared memory: the operation under way must have happened wholly or not at all. The parent
 * samples the store's bytes against its quota all the time, which with odd seeds is so tight that
 * adders are refused until somebody sweeps. At the end everything is compared,
 * checked, folded anew and compared again. With BIG, some contents are so large that threads take
 * them in.
 *
 * Prints what was done; exits 1 with the first violation. A plain main, so that it runs under
 * ThreadSanitizer too. */
#include "tests/model/history.h"
#include "base/files.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/check.h"
#include "store/evict.h"
#include "store/gc.h"
#include "store/lease.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t quota = QUOTA;

/* -- the parent ----------------------------------------------------------------------------------
 */

struct sum {
    int dir;
    uint64_t bytes;
};

static enum status add_file(void *ctx, const char *name, struct err *e)
{
    struct sum *s = ctx;
    struct stat st;
    (void)e;
    if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        s->bytes += (uint64_t)st.st_size;
    return ST_OK;
}

static uint64_t reserve(void)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s/reserve", room.path);
    return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* While files move from one folder to another they may be seen twice; seen in this order, a file
 * published meanwhile is missed in staging at worst never in packs. So a number above the quota is
 * looked at again before it counts; and one while a sweep took the reserve or gave it back is none.
 */
static uint64_t sample(void)
{
    static const char *const folders[] = {"packs", "staging", "quarantine"};
    struct sum s = {.bytes = 0};
    char path[300];
    struct err e = ERR_NONE;
    const uint64_t kept = reserve();
    for (size_t i = 0; i < 3; i++) {
        SCOPED(fd_release) int dir = -1;
        snprintf(path, sizeof path, "%s/%s", room.path, folders[i]);
        if (io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir, &e) != ST_OK)
            continue;
        s.dir = dir;
        if (folder_each(dir, ".", add_file, &s, &e) != ST_OK)
            e = ERR_NONE;
    }
    return reserve() == kept ? s.bytes + kept : 0;
}

static pid_t start(unsigned worker, uint64_t operations, uint64_t seed)
{
    pid_t pid = fork();
    if (pid == 0)
        work(worker, operations, seed);
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    return pid;
}

struct run {
    unsigned workers;
    uint64_t operations, seed, kill_ms; /* operations: a worker */
    pid_t pids[WORKERS];
    uint64_t kills, samples, most;
};

static void kill_one(struct run *r)
{
    const unsigned w = (unsigned)roll(r->workers);
    if (r->pids[w] <= 0 || kill(r->pids[w], SIGKILL) != 0)
        return;
    int status = 0;
    (void)waitpid(r->pids[w], &status, 0);
    r->kills += WIFSIGNALED(status);
    r->pids[w] = start(w, r->operations, r->seed + r->kills * 7919);
}

static bool reap(struct run *r)
{
    bool running = false;
    for (unsigned w = 0; w < r->workers; w++) {
        int status = 0;
        if (r->pids[w] <= 0)
            continue;
        if (waitpid(r->pids[w], &status, WNOHANG) == r->pids[w]) {
            r->pids[w] = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                int none = 0;
                if (atomic_compare_exchange_strong(&board->violated, &none, 1))
                    snprintf(board->violation, sizeof board->violation, "worker %u died: %d", w,
                             status);
            }
            continue;
        }
        running = true;
    }
    return running;
}

static void supervise(struct run *r)
{
    uint64_t last = clock_ticks();
    while (reap(r)) {
        const struct timespec nap = {.tv_nsec = 5000000};
        (void)nanosleep(&nap, NULL);
        uint64_t bytes = sample();
        for (unsigned i = 0; i < 3 && bytes > quota; i++)
            bytes = sample();
        r->samples++;
        r->most = bytes > r->most ? bytes : r->most;
        if (bytes > quota)
            atomic_store(&board->violated, 2);
        if (r->kill_ms > 0 && clock_ticks() - last > r->kill_ms * 1000000) {
            kill_one(r);
            last = clock_ticks();
        }
    }
}

static enum status dump(void *ctx, const char *key, struct span value, struct err *e)
{
    (void)e;
    buf_text(ctx, key);
    buf_append(ctx, value);
    return ST_OK;
}

static void compare_all(struct run *r)
{
    SCOPED(buf_release) struct buf before = BUF_EMPTY;
    SCOPED(buf_release) struct buf after = BUF_EMPTY;
    struct err e = ERR_NONE;
    alone = true;
    reopen();
    for (unsigned w = 0; w < r->workers; w++) {
        reconcile(w);
        for (unsigned i = 0; i < SLOTS; i++) {
            const struct facts *f = &board->slots[w][i].now;
            if (!says(w, i, f))
                violation("the state is not the model's", w, i, NULL);
            if (f->state == INSTALLED)
                must_read(w, i, f->content);
        }
    }
    sweep();
    check();
    if (store_scan(room.s, "", dump, &before, &e) != ST_OK)
        violation("scan", 0, 0, &e);
    store_close(room.s);
    room.s = NULL;
    if (index_rebuild(room.path, NULL, &e) != ST_OK)
        violation("rebuild", 0, 0, &e);
    reopen();
    if (store_scan(room.s, "", dump, &after, &e) != ST_OK ||
        !span_equal(buf_span(&before), buf_span(&after)))
        violation("the index folded anew is another", 0, 0, &e);
    check();
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
    uint64_t n = otherwise;
    if (argc > i && !text_u64(span_text(argv[i]), &n))
        exit(2);
    return n;
}

int main(int argc, char **argv)
{
    struct run r = {.workers = (unsigned)number(argc, argv, 2, 4),
                    .seed = number(argc, argv, 3, 1),
                    .kill_ms = number(argc, argv, 4, 0)};
    struct err e = ERR_NONE;
    char limit[24];
    big = argc > 5;
    quota = big ? 512u << 20 : r.seed % 2 == 0 ? QUOTA : QUOTA_TIGHT;
    if (r.workers == 0 || r.workers > WORKERS)
        return 2;
    r.operations = number(argc, argv, 1, 4000) / r.workers;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return 2;
    contents_make();
    roll_seed(r.seed * 97 + 13);
    room = room_make();
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)quota);
    if (room_set(&room, "quota/bytes", limit, NULL, &e) != ST_OK)
        return 2;
    store_close(room.s);
    room.s = NULL;
    const uint64_t began = clock_ticks();
    for (unsigned w = 0; w < r.workers; w++)
        r.pids[w] = start(w, r.operations, r.seed);
    supervise(&r);
    if (atomic_load(&board->violated) == 0)
        compare_all(&r);
    uint64_t total = 0;
    for (unsigned w = 0; w < r.workers; w++)
        total += atomic_load(&board->done[w]);
    printf("%llu operations by %u processes in %.1f s, %llu kills; refused for room %llu; gc freed "
           "%llu bytes; at most %llu of %llu bytes in %llu samples\n",
           (unsigned long long)total, r.workers, (double)(clock_ticks() - began) / 1e9,
           (unsigned long long)r.kills, (unsigned long long)atomic_load(&board->refused),
           (unsigned long long)atomic_load(&board->freed), (unsigned long long)r.most,
           (unsigned long long)quota, (unsigned long long)r.samples);
    for (int i = 0; i < OPS; i++)
        printf("%s %llu%s", op_names[i], (unsigned long long)atomic_load(&board->count[i]),
               i + 1 < OPS ? ", " : "\n");
    if (atomic_load(&board->violated) == 2)
        snprintf(board->violation, sizeof board->violation, "the quota was exceeded");
    if (atomic_load(&board->violated) != 0) {
        printf("VIOLATION: %s\n", board->violation);
        printf("the store is left at %s\n", room.path);
        return 1;
    }
    printf("0 violations\n");
    room_remove(&room);
    return 0;
}
