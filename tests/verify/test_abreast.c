/* Gates side by side: the same results, within the machine, and nothing left behind. */
#include "base/process.h"
#include "base/text.h"
#include "tests/support/verify_room.h"
#include "verify/abreast.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 3 };

struct watched {
    struct abreast_job jobs[MOST];
    size_t n, running, most_running, settled;
    size_t order[MOST];
    enum verdict verdict[MOST];
    size_t checks[MOST];
    enum status status[MOST];
    const char *code[MOST];
    void (*at_start)(size_t i);
};

struct place {
    struct verify_room v;
    struct artifact a;
    struct store_facts facts;
    struct watched w;
    struct abreast all;
};

static enum status settle(void *ctx, size_t i, enum status st, struct gate_result *r,
                          const struct err *why, struct err *e)
{
    struct watched *w = ctx;
    (void)e;
    w->order[w->settled++] = i;
    w->status[i] = st;
    w->code[i] = err_code(why);
    w->verdict[i] = r->verdict;
    w->checks[i] = r->check_count;
    return ST_OK;
}

static void tell(void *ctx, size_t i, const struct abreast_news *news)
{
    struct watched *w = ctx;
    w->running += news->step == ABREAST_STARTED;
    w->running -= news->step == ABREAST_ENDED;
    w->most_running = w->running > w->most_running ? w->running : w->most_running;
    if (news->step == ABREAST_STARTED && w->at_start != NULL)
        w->at_start(i);
}

static void make(struct place *p)
{
    static const enum gate gates[MOST] = {GATE_SMOKE, GATE_STRUCTURAL, GATE_SMOKE};
    struct err e = ERR_NONE;
    memset(p, 0, sizeof *p);
    p->v = verify_room_make();
    p->a = verify_room_model(&p->v);
    cr_assert_eq(store_facts(p->v.r.s, &p->facts, &e), ST_OK);
    for (size_t i = 0; i < MOST; i++) {
        p->w.jobs[i].job = (struct gate_job){.gate = gates[i],
                                             .store = p->facts.path,
                                             .artifact = &p->a,
                                             .section = span_text("{}"),
                                             .clock = p->v.r.clock,
                                             .cores = 1};
        cr_assert_eq(gate_cost(gates[i], &p->a, NULL, 1, &p->w.jobs[i].cost, &e), ST_OK);
    }
    p->all = (struct abreast){.jobs = p->w.jobs,
                              .n = MOST,
                              .machine = {.cores = 8, .memory = UINT64_C(8) << 30},
                              .settle = settle,
                              .tell = tell,
                              .ctx = &p->w};
}

static void unmake(struct place *p)
{
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a child is left");
    artifact_release(&p->a);
    verify_room_remove(&p->v);
}

Test(abreast, gates_side_by_side_measure_what_one_alone_measures)
{
    struct place p;
    struct err e = ERR_NONE;
    SCOPED(gate_result_release) struct gate_result alone = {0};
    make(&p);
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(p.w.most_running, (size_t)MOST, "%zu ran at once", p.w.most_running);
    cr_assert_eq(gate_run(GATE_STRUCTURAL, p.v.r.s, &p.a, NULL, span_text("{}"), p.v.r.clock, NULL,
                          &alone, &e),
                 ST_OK);
    cr_expect_eq(p.w.checks[1], alone.check_count);
    for (size_t i = 0; i < MOST; i++) {
        cr_expect_eq(p.w.order[i], i, "settled out of order");
        cr_expect_eq(p.w.status[i], ST_OK);
        cr_expect_eq(p.w.verdict[i], VERDICT_PASS);
    }
    unmake(&p);
}

Test(abreast, what_does_not_fit_waits_and_what_never_fits_runs_alone)
{
    struct place p;
    struct err e = ERR_NONE;
    make(&p);
    p.all.machine.cores = 1;
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK);
    cr_expect_eq(p.w.most_running, 1u);
    unmake(&p);
    make(&p);
    p.all.machine.memory = p.w.jobs[0].cost.memory + p.w.jobs[2].cost.memory;
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK);
    cr_expect_leq(p.w.most_running, 2u);
    unmake(&p);
    make(&p);
    p.all.machine.memory = 1;
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK);
    cr_expect_eq(p.w.settled, (size_t)MOST);
    cr_expect_eq(p.w.most_running, 1u);
    unmake(&p);
}

static void interrupt(size_t i)
{
    if (i == 1)
        (void)raise(SIGTERM);
}

Test(abreast, an_interruption_stops_them_all_and_leaves_no_child)
{
    struct place p;
    struct err e = ERR_NONE;
    make(&p);
    process_catch();
    p.all.machine.cores = 1; /* the first is measured when the second begins */
    p.w.at_start = interrupt;
    cr_expect_eq(abreast_run(&p.all, &e), ST_INTERRUPTED);
    cr_assert_eq(p.w.settled, 1u, "%zu were settled", p.w.settled);
    cr_expect_eq(p.w.verdict[0], VERDICT_PASS);
    unmake(&p);
}

/* The newest child of this process. */
static pid_t newest_child(void)
{
    char path[64];
    int pid = 0, last = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    while (fscanf(f, "%d", &pid) == 1)
        last = pid;
    (void)fclose(f);
    return last;
}

static void kill_second(size_t i)
{
    if (i == 1)
        cr_assert_eq(kill(newest_child(), SIGKILL), 0);
}

Test(abreast, a_worker_that_is_killed_is_one_gates_trouble)
{
    struct place p;
    struct err e = ERR_NONE;
    make(&p);
    p.w.at_start = kill_second;
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK);
    cr_expect_eq(p.w.status[1], ST_HARNESS);
    cr_expect_str_eq(p.w.code[1], "gate-worker");
    cr_expect_eq(p.w.status[0], ST_OK);
    cr_expect_eq(p.w.status[2], ST_OK);
    unmake(&p);
}

Test(abreast, a_gate_s_own_error_comes_back_whole)
{
    struct place p;
    struct err e = ERR_NONE;
    make(&p);
    p.w.jobs[0].job.section = span_text("{\"tokens\":\"many\"}");
    cr_assert_eq(abreast_run(&p.all, &e), ST_OK);
    cr_expect_eq(p.w.status[0], ST_CONFIG);
    cr_expect_str_eq(p.w.code[0], "policy-section");
    cr_expect_eq(p.w.verdict[1], VERDICT_PASS);
    unmake(&p);
}
