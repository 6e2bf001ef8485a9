/* A few threads that share the rows of one product at a time.
 *
 *     ticket  | generation : 32 | chunks not yet taken : 32 |
 *
 * Whoever is free takes the next chunk, the caller too, so nobody waits for a thread that the
 * machine gives no time to: at worst for the one chunk it is at. What a chunk computes must not
 * depend on who computes it. Idle threads look for work for a moment, then sleep. In WASM there is
 * only the caller. One caller at a time. */
#ifndef RUNTIME_TEAM_H
#define RUNTIME_TEAM_H

#include "base/err.h"
#include "base/scope.h"
#include <stdbool.h>
#include <stddef.h>

#define TEAM_MAX 64u

struct team;
/* `threads` ≥ 1 in all, the caller among them. ST_INVALID_LENGTH past TEAM_MAX, ST_NO_MEMORY. */
enum status team_open(unsigned threads, struct team **out, struct err *e) MUST_CHECK;
void team_close(struct team *t);
SCOPE_OF(team, struct team, team_close)

/* How many there are; NULL is the caller alone. */
unsigned team_size(const struct team *t);
/* Calls work(ctx, chunk, who) once for every chunk < chunks, who < team_size(t) being the thread,
 * and returns when all are done. */
void team_run(struct team *t, void (*work)(void *ctx, size_t chunk, unsigned who), void *ctx,
              size_t chunks);

#endif
