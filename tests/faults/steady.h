/* Chance that repeats: keys, salts and whatever else asks libsodium for random bytes get them from
 * a number that the battery sets, so a point's store has the same bytes whenever it is made. Each
 * run of a command draws from a stream of its own, as if it came later. */
#ifndef TESTS_FAULTS_STEADY_H
#define TESTS_FAULTS_STEADY_H

#include <stdint.h>

void steady_install(uint64_t seed); /* before anything else uses libsodium */
/* From here on everything follows from seed, name and number. */
void steady_begin(const char *name, uint64_t number);
void steady_next(void); /* the next run's stream */

#endif
