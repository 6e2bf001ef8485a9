#include "tests/fuzz/reach.h"
#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *target;
    const char *depths[REACH_DEPTHS];
    uint64_t runs, reached[REACH_DEPTHS];
    int last;
} reach;

static void tell(void)
{
    (void)fprintf(stderr, "%s: %llu executions", reach.target, (unsigned long long)reach.runs);
    for (int i = 0; i < REACH_DEPTHS && reach.depths[i] != NULL; i++)
        (void)fprintf(stderr, ", %.1f %% %s", 100.0 * (double)reach.reached[i] / (double)reach.runs,
                      reach.depths[i]);
    (void)fprintf(stderr, "\n");
}

void reach_run(const char *target, const char *const depths[REACH_DEPTHS])
{
    reach.last = 0;
    if (reach.runs++ > 0)
        return;
    reach.target = target;
    for (int i = 0; i < REACH_DEPTHS; i++)
        reach.depths[i] = depths[i];
    (void)atexit(tell);
}

void reach_depth(int count)
{
    reach.last = count;
    for (int i = 0; i < count; i++)
        reach.reached[i]++;
}

int reach_last(void)
{
    return reach.last;
}
