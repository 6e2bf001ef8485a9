/* How long the program asks to sleep. Its nanosleep stands before libc's: naps are added up, over
 * all its threads and children, so that waiting can be judged whatever else the machine does; and
 * they can be made shorter, the monotonic clock running ahead by what was left out. */
#ifndef TESTS_FAULTS_NAPS_H
#define TESTS_FAULTS_NAPS_H

#include <stdint.h>

/* Counts from zero; a nap lasts one `hurry`-th of its time. */
void naps_begin(unsigned hurry);
uint64_t naps_ms(void);

#endif
