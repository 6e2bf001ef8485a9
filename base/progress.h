/* Progress of long work, shown on stderr when it is a terminal, silent otherwise.
 *
 * One line that redraws itself at most ten times a second: label, bar, amount, rate, time left.
 * Work calls progress_add from any thread; it costs an atomic addition. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/bytes.h"

struct progress; /* NULL everywhere means: show nothing */

/* total = 0: not known. unit: "B" prints bytes in binary units, anything else is printed as it is.
 */
struct progress *progress_start(const char *label, const char *unit, uint64_t total, bool quiet);
/* Nothing is drawn: whoever shows it elsewhere is told what came, the total (0 for none) first. */
struct progress *progress_relay(void (*told)(void *ctx, uint64_t done, uint64_t total), void *ctx);
void progress_total(struct progress *p, uint64_t total); /* known only later; it may grow */
void progress_add(struct progress *p, uint64_t n);
void progress_finish(struct progress *p); /* clears the line; NULL is fine */
SCOPE_OF(progress, struct progress, progress_finish)

#endif
