/* battery CAMPAIGN [options]: faults by the thousand, each judged.
 *
 *   --repo DIR      where testdata/ and tests/ lie (.)
 *   --results DIR   counts are kept there a unit, and units that are there are not run again
 *   --job I/N       only every N-th unit, from the I-th on (0 …)
 *   --only UNIT     STATE.TRY
 *   --at NUMBER     only that point, told in full
 *   --stride N      a slice: every N-th point
 *   --limit N       pending operations of which all subsets are built (power)
 *   --strict        strict POSIX: fsync of a file does not keep its name (power)
 *   --truth         not the index, which is folded again (flips)
 *   --seed N
 *   --sum           adds up the results, runs nothing
 *   --list          the units, and which of them this program cannot run */
#include "tests/faults/campaign.h"
#include "tests/faults/steady.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct campaign *const campaigns[] = {
    &campaign_kill,   &campaign_torn,  &campaign_compound,    &campaign_errors,
    &campaign_memory, &campaign_power, &campaign_power_again, &campaign_drops,
    &campaign_flips,  &campaign_full,  &campaign_seam};
enum { CAMPAIGNS = sizeof campaigns / sizeof campaigns[0] };

struct options {
    const struct campaign *campaign;
    const char *repo, *results, *only;
    unsigned job, jobs;
    bool sum, list;
};

void campaign_tell(struct run *r, const struct campaign *c, const struct unit *u, uint64_t at,
                   const char *why)
{
    (void)printf(
        "VIOLATION %s.%s point %llu: %s\n  again: %s %s --only %s.%s --at %llu --seed %llu%s\n",
        u->state->name, u->try->name, (unsigned long long)at, why, r->program, c->name,
        u->state->name, u->try->name, (unsigned long long)at, (unsigned long long)r->seed,
        r->rules_strict ? " --strict" : "");
    (void)fflush(stdout);
}

void campaign_said(struct run *r, const struct trace_end *end)
{
    if (r->single)
        (void)printf("exit %d, signal %d, hit %s\n%s%s", end->exit, end->signal,
                     end->hit < 0 ? "no call" : trace_name(end->hit), stage_said(r->stage, false),
                     stage_said(r->stage, true));
}

/* -- one unit ------------------------------------------------------------------------------------
 */

static bool is_known(const struct run *r, const struct campaign *c, const struct unit *u,
                     const char *why)
{
    for (size_t i = 0; i < r->stage->knowns; i++) {
        const struct known *k = &r->stage->known[i];
        if (strcmp(k->campaign, c->name) == 0 && strstr(why, k->says) != NULL &&
            (k->begins[0] == '*' || strncmp(u->try->name, k->begins, strlen(k->begins)) == 0))
            return true;
    }
    return false;
}

static void one_point(struct run *r, const struct campaign *c, struct unit *u, uint64_t i,
                      bool single)
{
    char why[WHY] = "";
    steady_begin(u->try->name, 1); /* of all points the same, so that equal trees are met again */
    enum verdict v = c->point(r, u, i, why);
    if (v == VERDICT_NONE) {
        if (single)
            (void)printf("there is no such point\n");
        return;
    }
    if (v == VERDICT_BAD && is_known(r, c, u, why)) {
        r->tally.known++;
        v = VERDICT_GOOD;
    }
    r->tally.points++;
    r->tally.unproven += v == VERDICT_UNPROVEN;
    r->tally.bad += v == VERDICT_BAD;
    if (v == VERDICT_BAD || (single && v == VERDICT_UNPROVEN))
        campaign_tell(r, c, u, i, v == VERDICT_BAD ? why : "the fault was not injected");
    else if (single)
        (void)printf("%s.%s point %llu: good\n", u->state->name, u->try->name,
                     (unsigned long long)i);
}

static void points(struct run *r, const struct options *o, struct unit *u)
{
    const struct campaign *c = o->campaign;
    uint64_t n = c->count(r, u);
    if (r->single && !c->itself)
        one_point(r, c, u, r->at, true);
    if (!r->single && !c->itself) {
        uint64_t i = r->next;
        for (; i < n; i += r->stride)
            one_point(r, c, u, i, false);
        r->next = i - n;
    }
    if (c->trees)
        r->tally.seen[0] += judge_trees();
    if (c->end != NULL)
        c->end(r, u);
}

static void print_tally(const struct campaign *c, const char *name, const struct tally *t)
{
    (void)printf("%-28s %8llu points  %llu bad  %llu known  %llu unproven", name,
                 (unsigned long long)t->points, (unsigned long long)t->bad,
                 (unsigned long long)t->known, (unsigned long long)t->unproven);
    for (unsigned i = 0; i < 4 && c->also[i] != NULL; i++)
        (void)printf("  %llu %s", (unsigned long long)t->seen[i], c->also[i]);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void keep(const char *path, const struct tally *t)
{
    char fresh[1300];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *f = fopen(fresh, "we");
    if (f == NULL)
        die("%s", fresh);
    const uint64_t v[8] = {t->points,  t->bad,     t->unproven, t->known,
                           t->seen[0], t->seen[1], t->seen[2],  t->seen[3]};
    for (unsigned i = 0; i < 8; i++)
        (void)fprintf(f, "%llu%c", (unsigned long long)v[i], i < 7 ? ' ' : '\n');
    if (fclose(f) != 0 || rename(fresh, path) != 0)
        die("%s", path);
}

static bool kept(const char *path, struct tally *t)
{
    unsigned long long v[8];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    int n = fscanf(f, "%llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4],
                   &v[5], &v[6], &v[7]);
    (void)fclose(f);
    if (n == 8)
        *t = (struct tally){.points = v[0],
                            .bad = v[1],
                            .unproven = v[2],
                            .known = v[3],
                            .seen = {v[4], v[5], v[6], v[7]}};
    return n == 8;
}

static void result_path(const struct options *o, const struct run *r, const char *name,
                        char out[1200])
{
    (void)snprintf(out, 1200, "%s/%s%s.%s.txt", o->results, o->campaign->name,
                   r->rules_strict ? "-strict"
                   : r->truth      ? "-truth"
                                   : "",
                   name);
}

static void unit(struct run *r, const struct options *o, struct state *state, const struct try *try)
{
    char name[80], path[1200];
    struct unit u;
    (void)snprintf(name, sizeof name, "%s.%s", state->name, try->name);
    result_path(o, r, name, path);
    if (o->results != NULL && !r->single && kept(path, &r->tally))
        return;
    r->tally = (struct tally){0};
    if (stage_unit(r->stage, state, try, &u)) {
        points(r, o, &u);
        if (!r->single && r->tally.points > 0)
            print_tally(o->campaign, name, &r->tally);
    } else if (o->list || o->only != NULL) {
        (void)printf("%-28s %s\n", name, u.absent ? "absent" : "idle");
    }
    unit_free(&u);
    if (o->results != NULL && !r->single)
        keep(path, &r->tally);
}

/* -- all of them ---------------------------------------------------------------------------------
 */

static void add(struct tally *to, const struct tally *t)
{
    to->points += t->points;
    to->bad += t->bad;
    to->unproven += t->unproven;
    to->known += t->known;
    for (unsigned i = 0; i < 4; i++)
        to->seen[i] += t->seen[i];
}

static struct tally all(struct run *r, const struct options *o)
{
    struct tally total = {0};
    unsigned n = 0;
    for (size_t t = 0; t < r->stage->tries; t++) {
        for (size_t s = 0; s < r->stage->states; s++) {
            char name[80];
            struct state *state = &r->stage->state[s];
            const struct try *try = &r->stage->try[t];
            (void)snprintf(name, sizeof name, "%s.%s", state->name, try->name);
            if (!stage_fits(try, state) || (o->only != NULL && strcmp(o->only, name) != 0) ||
                n++ % o->jobs != o->job)
                continue;
            unit(r, o, state, try);
            add(&total, &r->tally);
        }
    }
    return total;
}

static struct tally sum(const struct run *r, const struct options *o, unsigned *lines,
                        unsigned *units)
{
    struct tally total = {0}, t;
    for (size_t i = 0; i < r->stage->tries; i++) {
        bool used = false;
        for (size_t s = 0; s < r->stage->states; s++) {
            char name[80], path[1200];
            (void)snprintf(name, sizeof name, "%s.%s", r->stage->state[s].name,
                           r->stage->try[i].name);
            result_path(o, r, name, path);
            if (!kept(path, &t) || t.points == 0)
                continue;
            used = true;
            (*units)++;
            add(&total, &t);
        }
        *lines += used;
    }
    return total;
}

/* -- the command line ----------------------------------------------------------------------------
 */

static const char *value(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc)
        die("%s wants a value", argv[*i]);
    return argv[++*i];
}

static void read_option(int argc, char **argv, int *i, struct options *o, struct run *r)
{
    const char *a = argv[*i];
    if (strcmp(a, "--repo") == 0)
        o->repo = value(argc, argv, i);
    else if (strcmp(a, "--results") == 0)
        o->results = value(argc, argv, i);
    else if (strcmp(a, "--only") == 0)
        o->only = value(argc, argv, i);
    else if (strcmp(a, "--at") == 0)
        r->single = (r->at = strtoull(value(argc, argv, i), NULL, 10), true);
    else if (strcmp(a, "--stride") == 0)
        r->stride = (unsigned)strtoul(value(argc, argv, i), NULL, 10);
    else if (strcmp(a, "--limit") == 0)
        r->limit = (unsigned)strtoul(value(argc, argv, i), NULL, 10);
    else if (strcmp(a, "--seed") == 0)
        r->seed = strtoull(value(argc, argv, i), NULL, 10);
    else if (strcmp(a, "--job") == 0)
        (void)sscanf(value(argc, argv, i), "%u/%u", &o->job, &o->jobs);
    else if (strcmp(a, "--strict") == 0)
        r->rules_strict = true;
    else if (strcmp(a, "--truth") == 0)
        r->truth = true;
    else if (strcmp(a, "--sum") == 0)
        o->sum = true;
    else if (strcmp(a, "--list") == 0)
        o->list = true;
    else
        die("unknown option %s", a);
}

static const struct campaign *campaign_named(const char *name)
{
    for (size_t i = 0; i < CAMPAIGNS; i++) {
        if (name != NULL && strcmp(campaigns[i]->name, name) == 0)
            return campaigns[i];
    }
    for (size_t i = 0; i < CAMPAIGNS; i++)
        (void)printf("  %-14s %s\n", campaigns[i]->name, campaigns[i]->what);
    return NULL;
}

int main(int argc, char **argv)
{
    struct options o = {.repo = ".", .jobs = 1};
    struct run r = {.stride = 1, .limit = 10, .program = argv[0]};
    o.campaign = campaign_named(argc > 1 ? argv[1] : NULL);
    if (o.campaign == NULL)
        return 2;
    for (int i = 2; i < argc; i++)
        read_option(argc, argv, &i, &o, &r);
    if (r.stride == 0 || o.jobs == 0)
        die("a stride and a number of jobs are at least 1");
    if (o.results != NULL && mkdir(o.results, 0755) != 0 && errno != EEXIST)
        die("%s", o.results);
    steady_install(r.seed);
    r.stage = stage_open(o.repo);
    r.next = r.seed % r.stride;
    unsigned lines = 0, units = 0;
    struct tally total = o.sum ? sum(&r, &o, &lines, &units) : all(&r, &o);
    if (o.sum)
        (void)printf("%u command lines, %u units\n", lines, units);
    if (!r.single)
        print_tally(o.campaign, r.rules_strict ? "total, strict" : "total", &total);
    stage_close(r.stage);
    return total.bad > 0 || total.unproven > 0 || (!o.list && total.points == 0);
}
