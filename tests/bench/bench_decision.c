/* How long a decision takes with five pieces of evidence and three approvals, and a thousand past
 * promotions under another policy.
 *
 * usage: bench_decision [PROMOTIONS]
 * Medians of 21 runs in milliseconds: by the clock, and of the processor, which other work on the
 * machine does not stretch. The store lies in $TMPDIR. */
#include "base/text.h"
#include "promote/replay.h"
#include "tests/support/people_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 21
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static const char law[] =
    "schema: assay.policy/1\nname: five\n"
    "gates:\n"
    "  structural: {budgets: {transfer_bytes: 1 GiB, scratch_bytes: 1 GiB, kv_bytes: 1 GiB}}\n"
    "  smoke: {limits: {load_ms: 100 s, first_token_ms: 100 s, peak_bytes: 1 GiB}}\n"
    "  task: {suites: {a: {sha256: " ZERO
    ", min_cases: 10, accuracy: 0.9, drop: 0.02, drop_p: 0.01},\n"
    "                  b: {sha256: " ZERO ", min_cases: 10, bits_per_byte: 0.9}}}\n"
    "  safety: {batteries: {c: {sha256: " ZERO ", rate: 0.01}}, static: {urls: 50}}\n"
    "  browser: {limits: {load_ms: 100 s, console_errors: 50}}\n"
    "channels:\n"
    "  preview: {from: candidate, gates: [structural, smoke, task, safety, browser],\n"
    "            allow_self_signed: true, approvals: {role: release, threshold: 3}}\n";

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *ms, size_t n)
{
    qsort(ms, n, sizeof *ms, by_value);
    return ms[n / 2];
}

static void must(enum status st, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", err_code(e), e->detail);
    exit(1);
}

static void all_gates(struct people_room *p)
{
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++)
        law_evidence(&p->l, &p->l.a, g, &(struct law_case){.browser = "chromium 120.0"});
}

static double cpu(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
        return 0;
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double since(uint64_t begin)
{
    return (double)(clock_ticks() - begin) / 1e6;
}

static void decisions(struct people_room *p)
{
    static double dry[RUNS], busy[RUNS], whole[RUNS];
    struct decision d;
    struct err e = ERR_NONE;
    const struct ask ask = {.kind = ASK_PROMOTE, .channel = "preview"};
    for (int i = 0; i < RUNS; i++) {
        people_wait(p, 60);
        all_gates(p);
        struct approval a = people_asked(p, &ask);
        for (enum person who = ANN; who <= CAT; who++)
            must(people_vote(p, who, &a, &e), &e);
        struct promotion what = {.artifact = &p->l.a, .channel = "preview", .dry_run = true};
        uint64_t begin = clock_ticks();
        double work = cpu();
        must(people_promote(p, &what, &d), &e);
        dry[i] = since(begin);
        busy[i] = cpu() - work;
        what.dry_run = false;
        begin = clock_ticks();
        must(people_promote(p, &what, &d), &e);
        whole[i] = since(begin);
        if (!d.allowed) {
            fprintf(stderr, "bench: %s\n", law_unmet(&d, ""));
            exit(1);
        }
    }
    printf(
        "decision, 5 evidence, 3 approvals: %.2f ms (%.2f of the processor); committed: %.2f ms\n",
        median(dry, RUNS), median(busy, RUNS), median(whole, RUNS));
    fflush(stdout);
}

static enum status count(void *ctx, const struct past *p, struct err *e)
{
    size_t *flips = ctx;
    (void)e;
    flips[0]++;
    flips[1] += p->trouble[0] == '\0' && p->decision.allowed != p->was_allowed;
    flips[2] += p->trouble[0] != '\0';
    return ST_OK;
}

static void history(struct people_room *p, unsigned promotions)
{
    struct decision d;
    struct err e = ERR_NONE;
    size_t n[3] = {0, 0, 0};
    SCOPED(policy_release) struct policy other = {0};
    law_set(&p->l, policy_builtin("preview-basic"));
    for (unsigned i = 0; i < promotions; i++) {
        people_wait(p, 60);
        law_pass(&p->l, &p->l.a);
        if (!law_promote(&p->l, &p->l.a, &d)) {
            fprintf(stderr, "bench: %s\n", law_unmet(&d, ""));
            exit(1);
        }
    }
    must(policy_parse_yaml(span_text(policy_builtin("strict")), "strict", &other, &e), &e);
    uint64_t begin = clock_ticks();
    double work = cpu();
    must(replay_history(&p->l.by, &other, count, n, &e), &e);
    printf("%zu past decisions under another policy: %.0f ms (%.0f of the processor); %zu would "
           "flip, %zu undecided\n",
           n[0], since(begin), cpu() - work, n[1], n[2]);
}

int main(int argc, char **argv)
{
    static struct people_room p;
    uint64_t promotions = 1000;
    if (argc > 1 && !text_u64(span_text(argv[1]), &promotions))
        return 2;
    people_make(&p);
    law_set(&p.l, law);
    decisions(&p);
    history(&p, (unsigned)promotions);
    people_remove(&p);
    return 0;
}
