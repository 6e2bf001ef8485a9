/* What a gate will take of the machine, known before it runs: from the model's budget and from what
 * its gate starts. So gates can be run side by side without one starving another. */
#ifndef VERIFY_GATE_COST_H
#define VERIFY_GATE_COST_H

#include "verify/gate.h"

struct gate_cost {
    unsigned cores;  /* that compute at once */
    uint64_t memory; /* bytes resident, its children's together */
};

/* The machine's: processors that this process may use, and what memory is to be had now (of the
 * machine and of the control group it lives in). */
struct gate_cost gate_machine(void);
/* `cores`: how many a gate that can use several may use. against: NULL for none. ST_INVALID_LENGTH
 * for a model whose budget cannot be said. */
enum status gate_cost(enum gate g, const struct artifact *a, const struct gate_against *against,
                      unsigned cores, struct gate_cost *out, struct err *e) MUST_CHECK;
/* Can this gate use more than one? */
bool gate_wide(enum gate g);

#endif
