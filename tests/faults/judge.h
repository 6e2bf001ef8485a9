/* After a fault: what must hold, asked of the independent checker and of the program itself. */
#ifndef TESTS_FAULTS_JUDGE_H
#define TESTS_FAULTS_JUDGE_H

#include "tests/faults/stage.h"

#define WHY 600

/* What a command that was hit had promised by then. */
struct promise {
    size_t entries; /* of its ledger entries */
    bool files;     /* what it makes beside the store is there */
};
struct promise promise_of(struct stage *s, const struct unit *u);

/* The live folder as it lies. True: all is well. */
bool judge_raw(struct stage *s, const struct unit *u, struct promise promise, char why[WHY]);
/* The program opens it, finds nothing wrong, twice with one result; its index is the fold. */
bool judge_open(struct stage *s, const struct unit *u, char why[WHY]);
/* The same command line once more succeeds, quickly, and whoever writes next leaves nothing over.
 */
bool judge_again(struct stage *s, const struct unit *u, char why[WHY]);
/* All three. */
bool judge_all(struct stage *s, const struct unit *u, struct promise promise, char why[WHY]);
/* Opens store in this process and checks all of it; 0, or 1 with a reason. */
int probe_store(const char *store, char why[WHY]);

#endif
