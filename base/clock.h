/* Time is an argument. A clock is passed to whatever needs the time; the real one asks the system,
 * a fixed one is for tests and for stores made with `init --lab`. Seconds since 1970, UTC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/bytes.h"

struct clock {
    int64_t fixed; /* the time if injected */
    bool injected; /* false: ask the system */
};

#define CLOCK_REAL    ((struct clock){0})
#define TIME_TEXT_MAX 21 /* "2026-01-02T03:04:05Z" and a NUL */

int64_t clock_now(const struct clock *c);
/* Nanoseconds of a clock that never goes back, for durations only. */
uint64_t clock_ticks(void);
/* RFC 3339 in UTC with whole seconds; years 1970…9999. */
void time_format(int64_t t, char out[TIME_TEXT_MAX]);
bool time_parse(const char *s, int64_t *t);

#endif
