/* Power cuts: every legal state of a recorded command, judged by the checker as it lies, opened by
 * the program, checked again; and of a command that was killed and given once more (what the page
 * cache held then was never on the disk). */
#include "tests/faults/campaign.h"
#include "tests/faults/states.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGAIN_EACH = 97, ENOUGH = 20 }; /* of so many states one takes the command again */

/* Shared with the process that judges, so that one that crashes is known by its number. */
struct shared {
    uint64_t number, judged, bad, again, choices, states, cuts, exhaustive;
    char why[WHY], lost[160];
    bool told;
};

struct power {
    struct run *run;
    const struct campaign *campaign;
    struct unit *unit;
    struct record *record;
    struct chk *last; /* the store at the end of the record */
    struct tree tree; /* and everything, when something beside the store changed */
    struct shared *shared;
    uint64_t skip; /* judged by earlier processes */
    uint64_t only; /* NEVER: all */
    uint64_t point;
    bool first_only;
    bool refused;  /* the last command ended otherwise than undisturbed: it promised no files */
    size_t before; /* answers of the command that was killed: given again, it says them again */
};

/* What the answers given so far promise. */
static size_t promised(const struct power *p, size_t acks)
{
    const struct unit *u = p->unit;
    if (acks >= p->record->acks && acks > 0)
        return p->last == NULL
                   ? 0
                   : p->last->entries - (u->state->chk == NULL ? 0 : u->state->chk->entries);
    size_t again = acks > p->before ? acks - p->before : 0;
    size_t said = acks < p->before ? acks : again > p->before ? again : p->before;
    if (u->answers == u->added && said <= u->added)
        return said;
    return said >= u->answers && u->answers > 0 ? u->added : 0;
}

/* What is there of the last ledger is there byte for byte: one run, one ledger. */
static bool same_ledger(struct chk *c, const struct power *p)
{
    size_t end = c->entries == 0 ? 0 : c->entry[c->entries - 1].end;
    if (c->bad || end == 0)
        return !c->bad;
    if (p->last == NULL || end > p->last->ledger.n ||
        memcmp(c->ledger.p, p->last->ledger.p, end) != 0)
        return chk_fail(c, "I1: the ledger is not the beginning of what was written");
    return true;
}

static bool raw(struct power *p, const struct a_state *state, size_t *entries, bool *there,
                char why[WHY])
{
    struct stage *s = p->run->stage;
    size_t least = promised(p, state->acks);
    struct chk *c = chk_read(s->store);
    *there = c->there;
    bool ok = true;
    if (c->there || least > 0 || p->unit->state->chk != NULL)
        ok = chk_follows(c, p->unit->state->chk, NULL, least, false) && same_ledger(c, p);
    if (!ok)
        (void)snprintf(why, WHY, "as it lies: %s", c->why);
    *entries = c->entries;
    chk_free(c);
    if (ok && p->record->outside && !p->refused && state->acks >= p->record->acks &&
        state->acks > 0) {
        struct tree now = tree_load(s->live);
        const char *lost = tree_lost(&p->tree, &now, "store");
        if (lost != NULL)
            (void)snprintf(why, WHY, "I1: acknowledged, but %.300s is not what it was", lost);
        ok = lost == NULL;
        tree_free(&now);
    }
    return ok;
}

static bool opened(struct power *p, size_t entries, char why[WHY])
{
    struct stage *s = p->run->stage;
    if (probe_store(s->store, why) != 0)
        return false;
    struct chk *c = chk_read(s->store);
    bool ok = chk_index(c) && same_ledger(c, p) &&
              (c->entries == entries ||
               chk_fail(c, "I7: %zu entries, after opening %zu", entries, c->entries));
    if (!ok)
        (void)snprintf(why, WHY, "after opening: %s", c->why);
    chk_free(c);
    return ok;
}

static bool judge(void *ctx, const struct a_state *state)
{
    struct power *p = ctx;
    struct shared *sh = p->shared;
    char why[WHY] = "";
    size_t entries = 0;
    bool there = false;
    if (state->number < p->skip || (p->only != NEVER && state->number != p->only))
        return true;
    sh->number = state->number;
    sh->judged++;
    (void)snprintf(sh->lost, sizeof sh->lost, "%s", state->lost);
    states_build(state, p->run->stage->live);
    bool ok = raw(p, state, &entries, &there, why) && (!there || opened(p, entries, why));
    if (ok && state->number % AGAIN_EACH == p->run->seed % AGAIN_EACH) {
        sh->again++;
        ok = judge_again(p->run->stage, p->unit, why);
    }
    if (ok)
        return true;
    sh->bad++;
    (void)snprintf(sh->why, WHY, "%.400s (%.160s)", why, state->lost);
    if (!p->first_only)
        campaign_tell(p->run, p->campaign, p->unit, p->point + state->number, sh->why);
    return !p->first_only && sh->bad < ENOUGH;
}

static void walk(struct power *p, const uint8_t *drop)
{
    struct space s = {.r = p->record,
                      .strict = p->run->rules_strict,
                      .limit = p->run->limit,
                      .random = 64,
                      .seed = p->run->seed + 1,
                      .drop = drop,
                      .each = judge,
                      .ctx = p};
    states_walk(&s);
    p->shared->choices = s.choices;
    p->shared->states = s.states;
    p->shared->cuts = s.cuts;
    p->shared->exhaustive = s.exhaustive;
    states_free(&s);
}

/* In a process of its own, and again behind a state that ended it. */
static void guarded(struct power *p, const uint8_t *drop)
{
    for (unsigned deaths = 0; deaths < ENOUGH; deaths++) {
        int status = 0;
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0) {
            walk(p, drop);
            (void)fflush(NULL);
            _exit(0);
        }
        (void)waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        p->shared->bad++;
        (void)snprintf(p->shared->why, WHY, "opening crashes: status %x (%.160s)", status,
                       p->shared->lost);
        campaign_tell(p->run, p->campaign, p->unit, p->point + p->shared->number, p->shared->why);
        if (p->first_only)
            return;
        p->skip = p->shared->number + 1;
    }
}

/* -- recording -----------------------------------------------------------------------------------
 */

static struct trace_end run_line(struct power *p, enum trace_fault fault, uint64_t at)
{
    struct trace_job job = stage_job(p->run->stage, p->unit->try->line);
    job.fault = fault;
    job.at = at;
    return record_run(p->record, p->run->stage, &job);
}

static void begin(struct power *p, struct run *r, struct unit *u, const struct campaign *c)
{
    *p = (struct power){.run = r, .unit = u, .campaign = c, .only = NEVER};
    p->shared =
        mmap(NULL, sizeof *p->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->shared == MAP_FAILED)
        die("shared memory");
    tree_put(&u->state->tree, r->stage->live);
    p->record = record_begin(r->stage);
}

static void settle(struct power *p)
{
    struct chk *c = chk_read(p->run->stage->store);
    p->last = c->there ? c : NULL;
    if (!c->there)
        chk_free(c);
    p->tree = tree_load(p->run->stage->live);
}

static void end(struct power *p)
{
    record_free(p->record);
    chk_free(p->last);
    tree_free(&p->tree);
    (void)munmap(p->shared, sizeof *p->shared);
}

static void sum(struct power *p)
{
    struct tally *t = &p->run->tally;
    t->points += p->shared->judged;
    t->bad += p->shared->bad;
    t->seen[0] += p->shared->choices;
    t->seen[1] += p->shared->cuts;
    t->seen[2] += p->shared->exhaustive;
    t->seen[3] += p->shared->again;
    if (p->record->problem[0] == '\0')
        return;
    t->unproven++;
    (void)printf("not modelled in %s.%s: %s\n", p->unit->state->name, p->unit->try->name,
                 p->record->problem);
}

/* -- the campaigns -------------------------------------------------------------------------------
 */

static uint64_t power_count(struct run *r, struct unit *u)
{
    struct power p;
    begin(&p, r, u, &campaign_power);
    (void)run_line(&p, FAULT_NONE, 0);
    settle(&p);
    p.only = r->single ? r->at : NEVER;
    guarded(&p, NULL);
    sum(&p);
    end(&p);
    return 0;
}

const struct campaign campaign_power = {
    .name = "power",
    .what = "states after a power cut",
    .also = {"choices", "cuts", "exhaustive", "with the command again"},
    .count = power_count,
    .itself = true};

enum { KILLS = 12, BLOCK = 1000000 };

/* Point numbers: a million for each kill. */
static uint64_t again_count(struct run *r, struct unit *u)
{
    struct power p;
    begin(&p, r, u, &campaign_power_again);
    uint64_t calls = run_line(&p, FAULT_NONE, 0).calls;
    end(&p);
    for (uint64_t k = 0; k < KILLS && k < calls; k++) {
        uint64_t at = calls < KILLS ? k + 1 : k * calls / KILLS + 1 + r->seed % (calls / KILLS);
        if (r->single && r->at / BLOCK != k)
            continue;
        begin(&p, r, u, &campaign_power_again);
        struct trace_end killed = run_line(&p, FAULT_KILL_BEFORE, at);
        r->tally.unproven += !killed.injected || killed.signal != 9;
        p.before = p.record->acks;
        p.refused = run_line(&p, FAULT_NONE, 0).exit != u->exit;
        settle(&p);
        p.point = k * BLOCK;
        p.only = r->single ? r->at % BLOCK : NEVER;
        guarded(&p, NULL);
        sum(&p);
        end(&p);
    }
    return 0;
}

const struct campaign campaign_power_again = {
    .name = "power-again",
    .what = "states after a kill, the same command again, a power cut",
    .also = {"choices", "cuts", "exhaustive", "with the command again"},
    .count = again_count,
    .itself = true};

/* -- necessity -----------------------------------------------------------------------------------
 */

static bool same_target(const struct record *r, size_t a, size_t b)
{
    const struct sync_op *x = &r->sync[a], *y = &r->sync[b];
    if (x->op >= 0 || y->op >= 0)
        return x->op >= 0 && y->op >= 0;
    return x->ino == y->ino;
}

/* True: the battery notices that these are left out. */
static bool noticed(struct power *p, const uint8_t *drop)
{
    memset(p->shared, 0, sizeof *p->shared);
    p->skip = 0;
    guarded(p, drop);
    return p->shared->bad > 0;
}

/* One sync left out; where another of the same file or folder covers it, all of them. */
static void one_drop(struct power *p, size_t k, uint8_t *drop)
{
    const struct record *r = p->record;
    struct tally *t = &p->run->tally;
    const char *how = "NEEDED";
    size_t twins = 0;
    memset(drop, 0, r->syncs);
    drop[k] = 1;
    bool red = noticed(p, drop);
    for (size_t i = 0; i < r->syncs && !red; i++) {
        twins += i != k && same_target(r, i, k);
        drop[i] = same_target(r, i, k);
    }
    t->seen[0] += red;
    if (!red && twins > 0 && noticed(p, drop)) {
        how = "COVERED";
        t->seen[1]++;
    } else if (!red) {
        how = "REDUNDANT";
        t->seen[2]++;
    }
    t->points++;
    (void)printf("%-9s %s.%s sync %zu %s (%zu more of it): %.300s\n", how, p->unit->state->name,
                 p->unit->try->name, k + 1, r->sync[k].label, twins, p->shared->why);
}

static uint64_t drops_count(struct run *r, struct unit *u)
{
    struct power p;
    begin(&p, r, u, &campaign_drops);
    (void)run_line(&p, FAULT_NONE, 0);
    settle(&p);
    p.first_only = true;
    uint8_t *drop = must_alloc(p.record->syncs);
    for (size_t k = 0; k < p.record->syncs; k++)
        one_drop(&p, k, drop);
    free(drop);
    end(&p);
    return 0;
}

const struct campaign campaign_drops = {.name = "drops",
                                        .what = "syncs left out, one at a time",
                                        .also = {"needed", "covered by twins", "redundant"},
                                        .count = drops_count,
                                        .itself = true};
