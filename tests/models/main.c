/* models: makes and judges the tinyworld family. `models help` lists what it does. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "tests/models/battery.h"
#include "tests/models/family.h"
#include "tests/models/ngram.h"
#include "tests/models/score.h"
#include "tests/models/suites.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status suite_path(char *out, size_t cap, const char *folder, size_t i)
{
    return text_fmt(out, cap, "%s/%s.jsonl", folder, suites[i].name) < cap ? ST_OK
                                                                           : ST_INVALID_LENGTH;
}

static enum status make_suites(char **argv, struct err *e)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        char file[128];
        suites[i].write(&text);
        text_fmt(file, sizeof file, "%s.jsonl", suites[i].name);
        enum status st = buf_status(&text);
        if (st != ST_OK)
            return err_set(e, st, NULL, "%s", file);
        st = family_publish(argv[0], file, buf_span(&text), e);
        if (st != ST_OK)
            return st;
        printf("%s\n", file);
    }
    SCOPED(buf_release) struct buf battery = BUF_EMPTY;
    battery_write(&battery);
    enum status st = buf_status(&battery);
    return st != ST_OK ? err_set(e, st, NULL, BATTERY_NAME)
                       : family_publish(argv[0], BATTERY_NAME ".jsonl", buf_span(&battery), e);
}

static void gradient_line(void *ctx, const char *tensor, double error)
{
    (void)ctx;
    printf("%-34s relative error %.6f\n", tensor, error);
}

#define GRADIENT_TOLERANCE 0.02

static enum status gradient(char **argv, struct err *e)
{
    (void)argv;
    double worst;
    enum status st = trainer_gradient_check(gradient_line, NULL, &worst, e);
    if (st != ST_OK)
        return st;
    printf("worst %.6f, allowed %.3f\n", worst, GRADIENT_TOLERANCE);
    return worst <= GRADIENT_TOLERANCE ? ST_OK
                                       : err_set(e, ST_REFUSED, "gradient", "a gradient is wrong");
}

static enum status family(char **argv, struct err *e)
{
    return family_make(argv[0], argv[1], argv[2], e);
}

static enum status variants(char **argv, struct err *e)
{
    uint64_t seed, count;
    if (!text_u64(span_text(argv[2]), &seed) || !text_u64(span_text(argv[3]), &count) ||
        count > 1000)
        return err_set(e, ST_USAGE, NULL, "SEED and COUNT are numbers");
    return family_variants(argv[0], argv[1], seed, (uint32_t)count, argv[4], e);
}

/* One line a suite; the model's file first. */
static enum status score(char **argv, struct err *e)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        struct score s;
        char path[4096];
        enum status st = suite_path(path, sizeof path, argv[1], i);
        if (st == ST_OK)
            st = score_suite(argv[0], path, &s, e);
        if (st != ST_OK)
            return st;
        if (s.bytes != 0)
            printf("%-18s %.4f bits per byte over %llu bytes\n", s.name, s.bits / (double)s.bytes,
                   (unsigned long long)s.bytes);
        else
            printf("%-18s %.4f  (%u of %u)\n", s.name, (double)s.right_count / s.cases,
                   s.right_count, s.cases);
    }
    return ST_OK;
}

static enum status compare(char **argv, struct err *e)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        struct score a, b;
        char path[4096];
        enum status st = suite_path(path, sizeof path, argv[2], i);
        if (st == ST_OK)
            st = score_suite(argv[0], path, &a, e);
        if (st == ST_OK)
            st = score_suite(argv[1], path, &b, e);
        if (st != ST_OK)
            return st;
        uint32_t only_a, only_b;
        double p = score_mcnemar(&a, &b, &only_a, &only_b);
        if (a.bytes != 0)
            printf("%-18s %.4f and %.4f bits per byte\n", a.name, a.bits / (double)a.bytes,
                   b.bits / (double)b.bytes);
        else
            printf("%-18s %u and %u of %u right; only first %u, only second %u, p = %.2g\n", a.name,
                   a.right_count, b.right_count, a.cases, only_a, only_b, p);
    }
    return ST_OK;
}

/* Calls back each document of the run's training text (without BOS and EOS). */
static bool each_training_text(const struct recipe *r, bool (*each)(void *ctx, struct span text),
                               void *ctx)
{
    uint16_t tokens[NET_T + 1];
    uint8_t text[NET_T + 1];
    for (uint32_t step = 0; step < r->steps; step++)
        for (uint32_t i = 0; i < r->batch; i++) {
            trainer_sequence(r, step, i, tokens);
            size_t n = 0;
            for (size_t t = 0; t <= NET_T; t++) {
                if (tokens[t] < 256)
                    text[n++] = (uint8_t)tokens[t];
                if ((tokens[t] >= 256 || t == NET_T) && n > 0) {
                    if (!each(ctx, SPAN(text, n)))
                        return false;
                    n = 0;
                }
            }
        }
    return true;
}

static bool learn(void *ctx, struct span text)
{
    return ngram_learn(ctx, text);
}

static enum status ngram(char **argv, struct err *e)
{
    (void)argv;
    struct ngram *g = ngram_open();
    if (g == NULL || !each_training_text(&family_recipe, learn, g))
        return err_set(e, ST_NO_MEMORY, NULL, "an n-gram model");
    struct dice d = {.state = 0x74657874u}; /* the held-out text suite's documents */
    double bits = 0, bytes = 0;
    for (int i = 0; i < 480; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        world_document(&text, &d, SIDE_HELD);
        bits += ngram_bits(g, buf_span(&text));
        bytes += (double)text.n;
    }
    printf("%d-gram %.4f bits per byte over %.0f bytes\n", NGRAM_ORDER, bits / bytes, bytes);
    ngram_close(g);
    return ST_OK;
}

/* Every case's held-out sentence, to be looked for in the training text. */
struct needles {
    struct buf text[SUITE_COUNT * 480];
    size_t count;
    uint64_t searched;
    struct span found;
};

static bool search(void *ctx, struct span text)
{
    struct needles *n = ctx;
    n->searched += text.n;
    for (size_t i = 0; i < n->count; i++)
        if (n->text[i].n <= text.n && memmem(text.p, text.n, n->text[i].p, n->text[i].n) != NULL) {
            n->found = buf_span(&n->text[i]);
            return false;
        }
    return true;
}

static enum status collect(const char *folder, struct needles *n, struct err *e)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        SCOPED(buf_release) struct buf file = BUF_EMPTY;
        char path[4096];
        enum status st = suite_path(path, sizeof path, folder, i);
        if (st == ST_OK)
            st = file_read(AT_FDCWD, path, 64u << 20, &file, e);
        if (st != ST_OK)
            return st;
        st =
            suite_texts(buf_span(&file), n->text, &n->count, sizeof n->text / sizeof n->text[0], e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status check(char **argv, struct err *e)
{
    struct needles *n = heap_zero(1, sizeof *n);
    if (n == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "the cases");
    enum status st = collect(argv[0], n, e);
    if (st == ST_OK && !each_training_text(&family_recipe, search, n))
        st = err_set(e, ST_REFUSED, "case-in-training", "the training text holds \"%.*s\"",
                     (int)n->found.n, (const char *)n->found.p);
    if (st == ST_OK)
        printf("%zu cases, none in %llu bytes of training text\n", n->count,
               (unsigned long long)n->searched);
    for (size_t i = 0; i < n->count; i++)
        buf_release(&n->text[i]);
    heap_free(n);
    return st;
}

static const struct {
    const char *name;
    int arguments;
    enum status (*run)(char **argv, struct err *e);
    const char *help;
} verbs[] = {
    {"suites", 1, make_suites, "suites FOLDER               write the evaluation suites"},
    {"check", 1, check,
     "check FOLDER                no case of the suites is in the training text"},
    {"gradient", 0, gradient,
     "gradient                    compare gradients with finite differences"},
    {"family", 3, family, "family FOLDER WORK CODE     train the family (WORK keeps checkpoints)"},
    {"variants", 5, variants,
     "variants MODEL FOLDER SEED COUNT KIND   more of them; KIND is tuned, changed or all"},
    {"score", 2, score, "score MODEL FOLDER          the suites over one model"},
    {"compare", 3, compare, "compare MODEL MODEL FOLDER  the suites over two, case by case"},
    {"ngram", 0, ngram, "ngram                       the n-gram baseline's bits per byte"},
};

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].arguments) {
            enum status st = verbs[i].run(argv + 2, &e);
            if (st != ST_OK)
                fprintf(stderr, "models: %s: %s %s\n", err_code(&e), e.subject, e.detail);
            return status_exit(st);
        }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        fprintf(stderr, "models %s\n", verbs[i].help);
    return 2;
}
