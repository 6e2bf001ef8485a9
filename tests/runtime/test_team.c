#include "runtime/team.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#define CHUNKS 1000

struct tally {
    _Atomic unsigned done[CHUNKS];
    _Atomic unsigned strangers; /* chunks done by who is not of the team */
    unsigned size;
};

static void count(void *ctx, size_t chunk, unsigned who)
{
    struct tally *t = ctx;
    t->done[chunk]++;
    if (who >= t->size)
        t->strangers++;
}

static void check(struct team *team, size_t chunks)
{
    static struct tally t;
    for (size_t i = 0; i < CHUNKS; i++)
        t.done[i] = 0;
    t.strangers = 0;
    t.size = team_size(team);
    team_run(team, count, &t, chunks);
    for (size_t i = 0; i < CHUNKS; i++)
        cr_assert_eq(t.done[i], i < chunks ? 1u : 0u, "chunk %zu of %zu", i, chunks);
    cr_assert_eq(t.strangers, 0u);
}

Test(team, does_every_chunk_once)
{
    for (unsigned threads = 1; threads <= 4; threads++) {
        SCOPED(team_scope) struct team *team = NULL;
        struct err e = ERR_NONE;
        cr_assert_eq(team_open(threads, &team, &e), ST_OK, "%s", e.detail);
        cr_assert_eq(team_size(team), threads);
        for (size_t round = 0; round < 300; round++)
            check(team, round % 7 == 0 ? CHUNKS : round);
    }
}

Test(team, of_nobody_else_is_the_caller)
{
    cr_assert_eq(team_size(NULL), 1);
    check(NULL, 10);
    check(NULL, 0);
}

Test(team, has_a_limit)
{
    SCOPED(team_scope) struct team *team = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(team_open(0, &team, &e), ST_INVALID_LENGTH);
    cr_assert_eq(team_open(TEAM_MAX + 1, &team, &e), ST_INVALID_LENGTH);
    cr_assert_null(team);
}
