/* SIGKILL before and after every call that changes something; in the middle of a write; and again
 * while the program recovers from it. */
#include "tests/faults/campaign.h"
#include "tests/faults/steady.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t calls_of(struct run *r, const struct tree *from, const char *line)
{
    tree_put(from, r->stage->live);
    struct trace_job job = stage_job(r->stage, line);
    job.set = TRACE_MUTATING;
    return stage_run(r->stage, &job).calls;
}

/* One run with a kill; false when it did not happen. */
static bool strike(struct run *r, const struct tree *from, const char *line, enum trace_fault fault,
                   uint64_t at, size_t bytes, struct trace_end *end)
{
    tree_put(from, r->stage->live);
    struct trace_job job = stage_job(r->stage, line);
    job.set = TRACE_MUTATING;
    job.fault = fault;
    job.at = at;
    job.bytes = bytes;
    *end = stage_run(r->stage, &job);
    return end->injected && end->signal == 9 && !end->hung;
}

static enum verdict judged(bool ok)
{
    return ok ? VERDICT_GOOD : VERDICT_BAD;
}

/* -- before and after ----------------------------------------------------------------------------
 */

static uint64_t kill_count(struct run *r, struct unit *u)
{
    return 2 * calls_of(r, &u->state->tree, u->try->line);
}

static enum verdict kill_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    enum trace_fault fault = i % 2 == 0 ? FAULT_KILL_BEFORE : FAULT_KILL_AFTER;
    struct trace_end end;
    if (!strike(r, &u->state->tree, u->try->line, fault, i / 2 + 1, 0, &end))
        return VERDICT_UNPROVEN;
    return judged(judge_all(r->stage, u, promise_of(r->stage, u), &end, why));
}

const struct campaign campaign_kill = {.name = "kill",
                                       .what = "kill points, before and after each call",
                                       .also = {"trees"},
                                       .trees = true,
                                       .count = kill_count,
                                       .point = kill_point};

/* -- within a write ------------------------------------------------------------------------------
 */

static const size_t torn_at[] = {1, 7, 64, 511, 512, 4095};
enum { TORN = sizeof torn_at / sizeof torn_at[0] };

static uint64_t torn_count(struct run *r, struct unit *u)
{
    return TORN * calls_of(r, &u->state->tree, u->try->line);
}

static enum verdict torn_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    struct trace_end end;
    if (!strike(r, &u->state->tree, u->try->line, FAULT_TORN, i / TORN + 1, torn_at[i % TORN],
                &end))
        return VERDICT_NONE; /* no write, or one that is shorter */
    return judged(judge_all(r->stage, u, promise_of(r->stage, u), &end, why));
}

const struct campaign campaign_torn = {.name = "torn",
                                       .what = "writes cut short, then a kill",
                                       .also = {"trees"},
                                       .trees = true,
                                       .count = torn_count,
                                       .point = torn_point};

/* -- while recovering ----------------------------------------------------------------------------
 */

/* Of each unit three first kills, others in each unit, so that all of them together stand
 * everywhere. */
enum { FIRSTS = 3, TURNS = 8, SECONDS = 1024 };

static struct {
    uint64_t calls, first, turn;
    bool ready;
    struct tree tree; /* after the first kill */
    uint64_t seconds;
    struct chk *later; /* after the undisturbed recovery from it; NULL: no store */
    int again;         /* the exit of the same line after that */
} compound;

static uint64_t compound_count(struct run *r, struct unit *u)
{
    compound.calls = calls_of(r, &u->state->tree, u->try->line);
    compound.turn = chk_xxh64(u->try->name, strlen(u->try->name),
                              chk_xxh64(u->state->name, strlen(u->state->name), r->seed)) %
                    TURNS;
    return (uint64_t)FIRSTS * SECONDS;
}

/* Every third recovery is only an opening, the others the same command again. */
static const char *recovery(const struct unit *u, uint64_t first)
{
    return first % 3 == 2 ? "ls" : u->try->line;
}

static bool first_kill(struct run *r, struct unit *u, uint64_t first)
{
    uint64_t points = 2 * compound.calls;
    uint64_t at = (first * TURNS + compound.turn) * points / (FIRSTS * TURNS);
    if (compound.ready && compound.first == first)
        return compound.seconds > 0;
    tree_free(&compound.tree);
    chk_free(compound.later);
    compound.later = NULL;
    compound.first = first;
    compound.ready = true;
    compound.seconds = 0;
    steady_begin(u->try->name, first);
    if (points < FIRSTS && first >= points)
        return false;
    if (points < FIRSTS)
        at = first;
    struct trace_end end;
    if (!strike(r, &u->state->tree, u->try->line,
                at % 2 == 0 ? FAULT_KILL_BEFORE : FAULT_KILL_AFTER, at / 2 + 1, 0, &end))
        return false;
    compound.tree = tree_load(r->stage->live);
    compound.seconds = 2 * calls_of(r, &compound.tree, recovery(u, first + compound.turn));
    compound.later = chk_read(r->stage->store);
    if (!compound.later->there) {
        chk_free(compound.later);
        compound.later = NULL;
    }
    compound.again = stage_cli(r->stage, u->try->line).exit;
    return true;
}

static enum verdict compound_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    uint64_t first = i / SECONDS, second = i % SECONDS;
    struct unit later = *u;
    struct trace_end end;
    if (!first_kill(r, u, first) || second >= compound.seconds)
        return VERDICT_NONE;
    steady_begin(u->try->name, first + 1000);
    if (!strike(r, &compound.tree, recovery(u, first + compound.turn),
                second % 2 == 0 ? FAULT_KILL_BEFORE : FAULT_KILL_AFTER, second / 2 + 1, 0, &end))
        return VERDICT_UNPROVEN;
    why[0] = '\0';
    if (judge_knows(r->stage, u, (struct promise){0}, first + 1, &end))
        return VERDICT_GOOD;
    later.after = compound.later;
    bool ok = judge_raw(r->stage, &later, (struct promise){0}, why);
    later.after = u->after;
    later.again = compound.again;
    ok = ok && judge_open(r->stage, &later, why) && judge_again(r->stage, &later, why);
    if (ok)
        judge_learn();
    return judged(ok);
}

static void compound_end(struct run *r, struct unit *u)
{
    (void)r;
    (void)u;
    tree_free(&compound.tree);
    chk_free(compound.later);
    memset(&compound, 0, sizeof compound);
}

const struct campaign campaign_compound = {.name = "compound",
                                           .what = "kills during the recovery from a kill",
                                           .also = {"trees"},
                                           .trees = true,
                                           .count = compound_count,
                                           .point = compound_point,
                                           .end = compound_end};
