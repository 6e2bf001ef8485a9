/* Runs a fuzz target over mutations of a corpus as fast as it goes: no coverage is measured, so the
 * inputs to start from are those that libFuzzer found (tests/prove/fuzz.sh). Each call of the
 * target is one execution, in an arena of its own (tests/fuzz/bulk_heap.c).
 *
 *     bulk_NAME SECONDS COUNT SEED LONGEST FINDINGS FOLDER…
 *
 * Ends after SECONDS or COUNT executions (0: no such end) or at SIGTERM, and says how many there
 * were. An input that stops the program, or takes ten seconds of CPU time, is kept as
 * FINDINGS-bulk-<execution>. The same seed and corpus give the same inputs. */
#include "tests/fuzz/bulk.h"
#include "base/ensure.h"
#include "base/files.h"
#include "base/heap.h"
#include "tests/fuzz/bulk_mutate.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/reach.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static uint8_t input[BULK_INPUT_MAX];
static size_t input_size;
static uint64_t executions, seen_by_alarm;
static char finding[512]; /* where an input that stops the program goes, up to its number */
static volatile sig_atomic_t told_to_end;

static void on_end(int sig)
{
    (void)sig;
    told_to_end = 1;
}

/* Only calls that a signal handler may make. */
static void keep_input(void)
{
    char digits[24];
    size_t n = sizeof digits, at = strlen(finding);
    digits[--n] = '\0';
    for (uint64_t v = executions; n > 0 && (v > 0 || n == sizeof digits - 1); v /= 10)
        digits[--n] = (char)('0' + v % 10);
    memcpy(finding + at, digits + n, sizeof digits - n);
    int fd = open(finding, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0)
        (void)!write(fd, input, input_size);
}

static void on_abort(int sig)
{
    (void)signal(sig, SIG_DFL);
    keep_input();
    (void)raise(sig);
}

static void on_alarm(int sig)
{
    (void)sig;
    if (seen_by_alarm == executions)
        abort();
    seen_by_alarm = executions;
}

static void watch(void)
{
    const struct itimerval ten = {.it_interval = {.tv_sec = 10}, .it_value = {.tv_sec = 10}};
    (void)signal(SIGTERM, on_end);
    (void)signal(SIGINT, on_end);
    (void)signal(SIGABRT, on_abort);
    (void)signal(SIGILL, on_abort);
    (void)signal(SIGTRAP, on_abort);
    (void)signal(SIGVTALRM, on_alarm);
    (void)setitimer(ITIMER_VIRTUAL, &ten, NULL);
}

struct reading {
    struct bulk_corpus *corpus;
    int dir;
    size_t longest;
};

static enum status read_one(void *ctx, const char *name, struct err *e)
{
    struct reading *r = ctx;
    struct buf in = BUF_EMPTY; /* stays */
    enum status st = file_read(r->dir, name, 1u << 24, &in, e);
    if (st == ST_OK && in.n > 0 && in.n <= r->longest && r->corpus->count < BULK_INPUTS)
        r->corpus->at[r->corpus->count++] = buf_span(&in);
    else
        buf_release(&in);
    return st;
}

static enum status read_folder(struct bulk_corpus *c, const char *path, size_t longest,
                               struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    struct reading r = {.corpus = c, .dir = dir, .longest = longest};
    return st == ST_OK ? folder_each(dir, ".", read_one, &r, e) : st;
}

/* In memory of exactly its size, so that a read past the end shows. */
static void run(void)
{
    uint8_t *copy = heap_alloc(input_size);
    ENSURE(copy != NULL);
    memcpy(copy, input, input_size);
    executions++;
    (void)LLVMFuzzerTestOneInput(copy, input_size);
    heap_free(copy);
    bulk_heap_reset();
}

/* The inputs as they are; of these, the deepest are started from most. */
static void run_corpus(struct bulk_corpus *c)
{
    static int depth[BULK_INPUTS];
    int most = 1;
    for (size_t i = 0; i < c->count && !told_to_end; i++) {
        input_size = c->at[i].n;
        memcpy(input, c->at[i].p, input_size);
        run();
        depth[i] = reach_last();
        most = depth[i] > most ? depth[i] : most;
    }
    for (size_t i = 0; i < c->count; i++)
        if (depth[i] == most)
            c->deep[c->deep_count++] = i;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_all(const struct bulk_corpus *c, double seconds, uint64_t count, uint64_t seed,
                    size_t longest)
{
    const double end = seconds > 0 ? now() + seconds : 1e300;
    struct bulk_random r = bulk_random(seed);
    while (!told_to_end && (count == 0 || executions < count)) {
        if (executions % 1024 == 0 && now() >= end)
            return;
        input_size = bulk_mutate(c, &r, input, longest);
        run();
    }
}

int main(int argc, char **argv)
{
    static struct bulk_corpus corpus;
    struct err e = ERR_NONE;
    enum status st = ST_OK;
    size_t longest = argc > 6 ? (size_t)strtoull(argv[4], NULL, 10) : 0;
    if (longest == 0 || longest > BULK_INPUT_MAX) {
        (void)fprintf(stderr, "usage: %s SECONDS COUNT SEED LONGEST FINDINGS FOLDER…\n", argv[0]);
        return 2;
    }
    (void)snprintf(finding, sizeof finding - 32, "%s-bulk-", argv[5]);
    for (int i = 6; i < argc && st == ST_OK; i++)
        st = read_folder(&corpus, argv[i], longest, &e);
    if (st != ST_OK || corpus.count == 0) {
        (void)fprintf(stderr, "%s: %s\n", e.subject, corpus.count == 0 ? "no inputs" : e.detail);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"a", 1); /* makes what it needs once */
    bulk_heap_keep();
    watch();
    const double from = now();
    run_corpus(&corpus);
    run_all(&corpus, strtod(argv[1], NULL), strtoull(argv[2], NULL, 10),
            strtoull(argv[3], NULL, 10), longest);
    (void)printf("%llu executions of mutations of %zu inputs, %.0f a second\n",
                 (unsigned long long)executions, corpus.count,
                 (double)executions / (now() - from + 1e-9));
    return 0;
}
