/* Damage at rest: every bit of every file of a store flipped, the file cut at every length, made
 * longer, sectors zeroed, blocks and pages put in each other's place. What is wrong is found and
 * named, or nothing that was promised is changed by it: the checker decides which. */
#include "tests/faults/campaign.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 64, SECTOR = 512, PAGE = 4096, LONGER = 64, ENOUGH = 20 };

enum damage { FLIP, CUT, LENGTHEN, ZERO, SWAP, OVER, DAMAGES };

struct shared {
    uint64_t number, points, bad, named, unnamed, harmless, crashed;
};

struct flips {
    struct run *run;
    struct unit *unit;
    struct shared *shared;
    uint64_t skip, number;
    size_t entries; /* of the whole store */
    const struct tree_node *node;
    char path[900];
    struct stat data, head; /* whose change means that the program wrote */
    uint8_t *bent;          /* [node->n + LONGER] */
};

static bool is_index(const struct flips *f)
{
    return strcmp(f->node->path, "store/index/data.mdb") == 0;
}

/* Files whose bytes promise something. */
static bool worth(const struct tree_node *n)
{
    static const char *const exact[] = {"store/format", "store/ledger", "store/ledger.head",
                                        "store/index/data.mdb"};
    if (n->p == NULL || n->n == 0)
        return false;
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        if (strcmp(n->path, exact[i]) == 0)
            return true;
    }
    return strncmp(n->path, "store/packs/", 12) == 0 ||
           strncmp(n->path, "store/quarantine/", 17) == 0;
}

/* How many cases of a kind a file of n bytes has. An index is mostly free space: one bit a byte. */
static uint64_t cases(const struct flips *f, enum damage d)
{
    uint64_t n = f->node->n;
    switch (d) {
    case FLIP: return is_index(f) ? n : 8 * n;
    case CUT: return is_index(f) ? n / BLOCK : n;
    case LENGTHEN: return LONGER;
    case ZERO: return n / SECTOR + 1;
    case SWAP:
    case OVER: return is_index(f) ? (n / PAGE) * (n / PAGE) : 2 * (n / BLOCK);
    case DAMAGES: break;
    }
    return 0;
}

static void exchange(uint8_t *a, uint8_t *b, size_t n, bool both)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t x = a[i];
        a[i] = b[i];
        b[i] = both ? x : b[i];
    }
}

/* The damaged bytes; their number, or 0 when nothing is changed by it. */
static size_t bend(const struct flips *f, enum damage d, uint64_t i)
{
    size_t n = f->node->n, unit = is_index(f) ? PAGE : BLOCK, k = n / unit, a = 0, b = 0;
    memcpy(f->bent, f->node->p, n);
    switch (d) {
    case FLIP:
        a = is_index(f) ? i : i / 8;
        f->bent[a] ^= (uint8_t)(1u << (is_index(f) ? (a * 2654435761u >> 7) % 8 : i % 8));
        return n;
    case CUT: return is_index(f) ? i * BLOCK : i;
    case LENGTHEN: memset(f->bent + n, (int)(i * 7), i + 1); return n + i + 1;
    case ZERO:
        a = i * SECTOR;
        memset(f->bent + a, 0, n - a < SECTOR ? n - a : SECTOR);
        return memcmp(f->bent, f->node->p, n) == 0 ? 0 : n;
    case SWAP:
    case OVER:
        a = is_index(f) ? i / k : i / 2;
        b = is_index(f) ? i % k : (a + 1 + i * 7919 % (k > 1 ? k - 1 : 1)) % k;
        exchange(f->bent + a * unit, f->bent + b * unit, unit, d == SWAP);
        return memcmp(f->bent, f->node->p, n) == 0 ? 0 : n;
    case DAMAGES: break;
    }
    return 0;
}

static void rewrite(const struct flips *f, const uint8_t *p, size_t n)
{
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)n) != 0 || pwrite(fd, p, n, 0) != (ssize_t)n)
        die("%s", f->path);
    (void)close(fd);
}

static void look(const struct flips *f, struct stat *data, struct stat *head)
{
    char path[900];
    (void)snprintf(path, sizeof path, "%s/index/data.mdb", f->run->stage->store);
    if (stat(path, data) != 0)
        memset(data, 0, sizeof *data);
    (void)snprintf(path, sizeof path, "%s/ledger.head", f->run->stage->store);
    if (stat(path, head) != 0)
        memset(head, 0, sizeof *head);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void fresh(struct flips *f)
{
    tree_put(&f->unit->state->tree, f->run->stage->live);
    look(f, &f->data, &f->head);
}

/* Puts the file back, and all the rest when the program wrote something. */
static void restore(struct flips *f)
{
    struct stat data, head;
    look(f, &data, &head);
    bool index = is_index(f), top = strcmp(f->node->path, "store/ledger.head") == 0;
    if ((!index && !same(&data, &f->data)) || (!top && !same(&head, &f->head)) ||
        (index && data.st_ino != f->data.st_ino) || (top && head.st_ino != f->head.st_ino)) {
        fresh(f);
        return;
    }
    rewrite(f, f->node->p, f->node->n);
    look(f, &f->data, &f->head);
}

/* Accepted: then it must be as good as it was. */
static bool harmless(struct flips *f, char why[WHY])
{
    struct chk *c = chk_read(f->run->stage->store);
    bool ok = chk_index(c) && (c->entries == f->entries ||
                               chk_fail(c, "%zu entries of %zu", c->entries, f->entries));
    if (!ok)
        (void)snprintf(why, WHY, "FALSE ACCEPT: %s", c->why);
    chk_free(c);
    return ok;
}

/* Is the damaged file named in what was said? */
static bool named(const struct flips *f, const char *said)
{
    const char *name = strrchr(f->node->path, '/') + 1;
    char stem[100];
    (void)snprintf(stem, sizeof stem, "%.*s", (int)strcspn(name, "."), name);
    return strstr(said, is_index(f) ? "index" : stem) != NULL;
}

static void one(struct flips *f, enum damage d, uint64_t i)
{
    static const char *const names[] = {"flip", "cut", "lengthen", "zero", "swap", "copy"};
    char why[WHY] = "";
    uint64_t number = f->number++;
    const struct run *r = f->run;
    if (number < f->skip ||
        (r->single ? number != r->at : number % r->stride != r->seed % r->stride))
        return;
    size_t n = bend(f, d, i);
    if (n == 0 && d != CUT)
        return;
    f->shared->number = number;
    f->shared->points++;
    rewrite(f, f->bent, n);
    bool bad = false;
    if (probe_store(r->stage->store, why) == 0) {
        bad = !harmless(f, why);
        f->shared->harmless += !bad;
    } else if (named(f, why)) {
        f->shared->named++;
    } else {
        f->shared->unnamed++;
        if (f->shared->unnamed <= 5)
            (void)printf("not named: %s, %s %llu: %.300s\n", f->node->path, names[d],
                         (unsigned long long)i, why);
    }
    if (bad) {
        f->shared->bad++;
        char text[WHY + 200];
        (void)snprintf(text, sizeof text, "%s, %s %llu: %s", f->node->path, names[d],
                       (unsigned long long)i, why);
        campaign_tell(f->run, &campaign_flips, f->unit, number, text);
    }
    restore(f);
}

static void all(struct flips *f)
{
    const struct tree *t = &f->unit->state->tree;
    f->number = 0;
    for (size_t i = 0; i < t->n && f->shared->bad < ENOUGH; i++) {
        f->node = &t->node[i];
        if (!worth(f->node) || (f->run->truth && is_index(f)))
            continue;
        f->bent = must_alloc(f->node->n + LONGER);
        (void)snprintf(f->path, sizeof f->path, "%s/%s", f->run->stage->live, f->node->path);
        fresh(f);
        for (enum damage d = FLIP; d < DAMAGES; d++) {
            for (uint64_t k = 0, n = cases(f, d); k < n && f->shared->bad < ENOUGH; k++)
                one(f, d, k);
        }
        free(f->bent);
    }
}

/* Keys are made anew in each run, so a number alone does not bring a store's bytes back. */
static void keep_crashed(const struct flips *f)
{
    char path[200];
    struct tree t = tree_load(f->run->stage->live);
    (void)snprintf(path, sizeof path, "%.120s-crashed-%llu", f->run->stage->root,
                   (unsigned long long)f->shared->crashed);
    tree_put(&t, path);
    tree_free(&t);
    (void)printf("the damaged store: %s\n", path);
}

static uint64_t flips_count(struct run *r, struct unit *u)
{
    struct flips f = {.run = r, .unit = u};
    if (strcmp(u->try->name, "verify") != 0)
        return 0;
    f.shared =
        mmap(NULL, sizeof *f.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (f.shared == MAP_FAILED)
        die("shared memory");
    f.entries = u->state->chk->entries;
    for (unsigned deaths = 0; deaths < ENOUGH; deaths++) {
        int status = 0;
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0) {
            all(&f);
            (void)fflush(NULL);
            _exit(0);
        }
        (void)waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        char why[80];
        (void)snprintf(why, sizeof why, "CRASH: status %x", status);
        f.shared->bad++;
        f.shared->crashed++;
        campaign_tell(r, &campaign_flips, u, f.shared->number, why);
        keep_crashed(&f);
        f.skip = f.shared->number + 1;
    }
    r->tally.points += f.shared->points;
    r->tally.bad += f.shared->bad;
    r->tally.seen[0] += f.shared->named;
    r->tally.seen[1] += f.shared->unnamed;
    r->tally.seen[2] += f.shared->harmless;
    r->tally.seen[3] += f.shared->crashed;
    (void)munmap(f.shared, sizeof *f.shared);
    return 0;
}

const struct campaign campaign_flips = {.name = "flips",
                                        .what = "bits, cuts and splices of every file",
                                        .also = {"named", "not named", "harmless", "crashed"},
                                        .count = flips_count,
                                        .itself = true};
