/* The bytes that are allocated and not freed, as they were asked for. */
#ifndef TESTS_SUPPORT_HEAP_COUNT_H
#define TESTS_SUPPORT_HEAP_COUNT_H

#include <stdint.h>

/* From now on; what was there before does not count. */
void heap_count_start(void);
uint64_t heap_count_live(void);
void heap_count_stop(void);

#endif
