/* What the task and safety gates' child costs beside the runtime's own speed on the same work.
 *
 *     bench_task MODEL SUITE…   for each suite: seconds of processor time of inquire_child, of the
 *                               runtime alone (session_score_cases in one call; session_generate
 * for generated answers), and their ratio; medians of interleaved rounds */
#include "base/files.h"
#include "base/heap.h"
#include "runtime/session.h"
#include "verify/inquire.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9 };

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what, const struct err *e)
{
    (void)fprintf(stderr, "bench_task: %s: %s\n", what, e->detail);
    exit(1);
}

static uint64_t score_alone(struct session *s, const struct suite *suite)
{
    struct err e = ERR_NONE;
    uint64_t tokens = 0;
    size_t n = 0;
    struct score_case *c = heap_zero(suite->count * SUITE_CHOICES, sizeof *c);
    if (c == NULL)
        exit(1);
    for (size_t i = 0; i < suite->count; i++) {
        const struct suite_case *from = &suite->cases[i];
        if (suite->kind == SUITE_TEXT)
            c[n++].text = span_text(from->text);
        for (uint32_t k = 0; k < from->choice_count; k++)
            c[n++] = (struct score_case){.before = span_text(from->text),
                                         .text = span_text(from->choices[k])};
    }
    if (session_score_cases(s, c, n, NULL, &e) != ST_OK)
        fail("scoring", &e);
    for (size_t i = 0; i < n; i++)
        tokens += c[i].tokens;
    heap_free(c);
    return tokens;
}

static uint64_t generate_alone(struct session *s, const struct suite *suite)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < suite->count; i++) {
        struct generation g = {0};
        struct err e = ERR_NONE;
        session_reset(s);
        if (session_generate(s, span_text(suite->cases[i].text), suite->cases[i].tokens, NULL, &g,
                             &e) == ST_OK)
            tokens += g.token_count;
    }
    return tokens;
}

/* The runtime as a program would use it: model opened, every case, one thread. */
static double alone(struct span file, const struct suite *suite, uint64_t *tokens)
{
    struct err e = ERR_NONE;
    struct model *m = NULL;
    struct session *s = NULL;
    const double from = seconds();
    if (model_open(file, NULL, false, &m, &e) != ST_OK || session_open(m, &s, &e) != ST_OK)
        fail("model", &e);
    *tokens = suite->kind == SUITE_CHOICE || suite->kind == SUITE_TEXT ? score_alone(s, suite)
                                                                       : generate_alone(s, suite);
    const double took = seconds() - from;
    session_close(s);
    model_close(m);
    return took;
}

static double gated(int fd, uint64_t bytes, const struct suite *suite)
{
    struct inquiry job = {.bytes = bytes, .suites = suite, .suite_count = 1, .parts = 1};
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const double from = seconds();
    int rc = inquire_child(&job, fd, out);
    const double took = seconds() - from;
    (void)close(out);
    if (rc != 0)
        exit(1);
    return took;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf model = BUF_EMPTY;
    double all[2] = {0};
    if (argc < 3 || file_read(AT_FDCWD, argv[1], UINT64_C(1) << 32, &model, &e) != ST_OK)
        fail(argc < 3 ? "MODEL SUITE…" : argv[1], &e);
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    (void)printf("%-36s %9s %9s %7s %12s\n", "suite", "gate s", "alone s", "ratio", "tokens/s");
    for (int a = 2; a < argc; a++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        SCOPED(suite_release) struct suite suite = {.count = 0};
        double gate[ROUNDS], own[ROUNDS];
        uint64_t tokens = 0;
        if (file_read(AT_FDCWD, argv[a], SUITE_BYTES_MAX, &text, &e) != ST_OK ||
            suite_parse(buf_span(&text), &suite, &e) != ST_OK)
            fail(argv[a], &e);
        for (int i = 0; i < ROUNDS; i++) {
            gate[i] = gated(fd, model.n, &suite);
            own[i] = alone(buf_span(&model), &suite, &tokens);
        }
        qsort(gate, ROUNDS, sizeof *gate, by_size);
        qsort(own, ROUNDS, sizeof *own, by_size);
        const double g = gate[ROUNDS / 2], o = own[ROUNDS / 2];
        all[0] += g;
        all[1] += o;
        (void)printf("%-36s %9.3f %9.3f %7.3f %12.0f\n", suite.name, g, o, g / o,
                     (double)tokens / g);
    }
    (void)printf("%-36s %9.3f %9.3f %7.3f\n", "together", all[0], all[1], all[0] / all[1]);
    return 0;
}
