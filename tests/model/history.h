/* What the two halves of tests/model/history.c share: the board in shared memory, and the worker.
 */
#ifndef TESTS_MODEL_HISTORY_H
#define TESTS_MODEL_HISTORY_H

#include "base/err.h"
#include "tests/support/store_room.h"
#include <stdatomic.h>

#define WORKERS     16
#define SLOTS       12
#define CONTENTS    48u
#define QUOTA       (24u << 20)
#define QUOTA_TIGHT (1400u << 10)

enum state { ABSENT, INSTALLED, EVICTED };

struct facts {
    uint8_t state, pinned;
    uint32_t content, label;
};

/* What the store must say of one artifact, and what it may say while `pending`. */
struct slot {
    struct facts now, next;
    bool pending;
};

enum op { ADD, GET, GET_OTHER, EVICT, RM, PIN, LABEL, GC, FSCK, REOPEN, OPS };
extern const char *const op_names[OPS];

struct board {
    _Atomic uint64_t done[WORKERS];
    _Atomic uint64_t count[OPS];
    _Atomic uint64_t refused, freed;
    _Atomic int violated;
    char violation[1200];
    struct slot slots[WORKERS][SLOTS];
};

extern struct board *board;
extern struct store_room room;
extern bool big, alone; /* alone: the workers are done */

/* Numbers below n, the same for the same seed. */
void roll_seed(uint64_t seed);
uint64_t roll(uint64_t n);
/* Notes the first violation and ends the process. */
__attribute__((noreturn)) void violation(const char *what, unsigned worker, unsigned slot,
                                         const struct err *e);
void contents_make(void);
void reopen(void);
/* Does the store say these facts of the artifact? */
bool says(unsigned worker, unsigned slot, const struct facts *f);
void must_read(unsigned worker, unsigned slot, uint32_t content);
/* What was under way when its worker was killed happened, or did not. */
void reconcile(unsigned worker);
void sweep(void);
void check(void);
/* The worker's process: never comes back. */
__attribute__((noreturn)) void work(unsigned worker, uint64_t operations, uint64_t seed);

#endif
