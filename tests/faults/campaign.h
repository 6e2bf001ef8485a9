/* A campaign: numbered faults of one kind on a unit, each with proof that it happened.
 *
 * Point numbers are stable for one program, so a red one is found again by its number
 * (battery NAME --only UNIT --at NUMBER), and a stopped run goes on where it was. */
#ifndef TESTS_FAULTS_CAMPAIGN_H
#define TESTS_FAULTS_CAMPAIGN_H

#include "tests/faults/judge.h"

enum verdict {
    VERDICT_NONE, /* there is no such point: not counted */
    VERDICT_GOOD,
    VERDICT_BAD,
    VERDICT_UNPROVEN /* the fault did not happen */
};

struct tally {
    uint64_t points, bad, unproven, known;
    uint64_t seen[4]; /* the campaign's own counts, named in its `also` */
};

struct run {
    struct stage *stage;
    struct tally tally; /* of the unit at hand */
    uint64_t seed;
    const char *program;       /* as it was called */
    bool rules_strict, single; /* single: only the point `at` */
    bool truth;                /* flips: not the index, which is folded again */
    uint64_t at;
    unsigned limit;  /* pending operations of which all subsets are built */
    unsigned stride; /* of the slice: every how many-th point */
    uint64_t next;   /* the slice's next point, counted from the present unit's first */
};

struct campaign {
    const char *name, *what, *also[4];
    /* Called once a unit, the live folder being free to use. */
    uint64_t (*count)(struct run *r, struct unit *u);
    enum verdict (*point)(struct run *r, struct unit *u, uint64_t i, char why[WHY]);
    void (*end)(struct run *r, struct unit *u); /* NULL: nothing to put away */
    bool trees;  /* seen[0] counts the different trees that were judged */
    bool itself; /* walks its points itself: count does all the work and fills the tally */
};

extern const struct campaign campaign_kill, campaign_torn, campaign_compound, campaign_errors,
    campaign_memory, campaign_power, campaign_power_again, campaign_flips, campaign_drops,
    campaign_full, campaign_seam;

/* What the command said that was hit, if only that point was asked for. */
void campaign_said(struct run *r, const struct trace_end *end);
/* Tells a violation, with the line that makes it again. */
void campaign_tell(struct run *r, const struct campaign *c, const struct unit *u, uint64_t at,
                   const char *why);

#endif
