/* The arena that the bulk driver runs each input in (tests/fuzz/bulk_heap.c). */
#ifndef TESTS_FUZZ_BULK_H
#define TESTS_FUZZ_BULK_H

/* What is held from now on stays: a target's made vocabulary. */
void bulk_heap_keep(void);
/* Takes back all that came since; what was not freed stops the program. */
void bulk_heap_reset(void);

#endif
