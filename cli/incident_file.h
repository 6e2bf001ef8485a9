/* Where a failed run or gate leaves its incident: a file in $ASSAY_INCIDENTS, else
 * $XDG_STATE_HOME/assay/incidents, else ~/.local/state/assay/incidents; `none` keeps none. Of ours
 * there the newest 256 stay. Saving never changes how a command ends. */
#ifndef CLI_INCIDENT_FILE_H
#define CLI_INCIDENT_FILE_H

#include "cli/cli.h"
#include "verify/incident.h"

/* Begins one: command, time, and which artifact. */
struct incident incident_begin(const struct cli *c, const char *command, const struct artifact *a);
/* --prompt-policy, else length. ST_USAGE. */
enum status incident_policy(const struct cli *c, enum prompt_policy *out, struct err *e) MUST_CHECK;
/* Adds this program's digest and writes it; c->incident says where, "" when it could not be. */
void incident_save(struct cli *c, struct incident *i);

/* A gate's result. */
struct gate_told {
    enum gate gate;
    enum verdict verdict;
    struct digest evidence;
    const struct gate_check *checks; /* [count] */
    size_t count;
};
/* Saves one when the gate said no or could not measure, and hints where it lies. */
void incident_of_gate(struct cli *c, const struct artifact *a, const struct gate_told *gate,
                      uint64_t elapsed_ms);

#endif
