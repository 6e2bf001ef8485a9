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
/* All three; at once when the same tree, left with the same promise, was found good before: what
 * is judged is the tree, and many points of a unit leave the same one. `end`: of the run that left
 * it. */
bool judge_all(struct stage *s, const struct unit *u, struct promise promise,
               const struct trace_end *end, char why[WHY]);
/* For a judge of one's own: was it found good before? Else judge_learn when it is. `of`: what the
 * unit, the tree and the promise do not say. */
bool judge_knows(struct stage *s, const struct unit *u, struct promise promise, uint64_t of,
                 const struct trace_end *end);
void judge_learn(void);
/* Trees judged since it was asked last. */
uint64_t judge_trees(void);
/* Opens store in this process and checks all of it; 0, or 1 with a reason. */
int probe_store(const char *store, char why[WHY]);

#endif
