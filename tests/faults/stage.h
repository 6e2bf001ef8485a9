/* Where the battery plays: a scratch folder with inputs, the stores to start from, and the command
 * lines to try on them (commands.txt says which). */
#ifndef TESTS_FAULTS_STAGE_H
#define TESTS_FAULTS_STAGE_H

#include "tests/faults/trace.h"
#include "tests/faults/tree.h"
#include "tests/independent/chk.h"

enum { STATES = 24, TRIES = 96, KNOWN = 16, LINES = 12, LINE = 400, OUTPUT = 1 << 16 };

/* A store (and its keys) to start from. */
struct state {
    char name[32];
    struct state *from;
    char line[LINES][LINE];
    size_t lines;
    bool made, absent; /* absent: a command of it does not exist in this program */
    struct tree tree;
    struct chk *chk; /* NULL: no store */
};

struct
try {
    char name[40];
    char line[LINE];  /* without the expected exit */
    int expect;       /* 0 unless the line ends with "= N" */
    char states[208]; /* names, or "*" */
};

/* A violation that is known and has a reason: told and counted apart. */
struct known {
    char campaign[16], begins[40]; /* of the try's name */
    char says[120];                /* within the violation's text */
};

/* A command line on a state, and what it does there undisturbed. */
struct unit {
    const struct state *state;
    const struct try *try;
    struct chk *after;     /* NULL: still no store */
    struct tree tree;      /* afterwards */
    int exit, again;       /* of the first run, and of the same line once more */
    size_t added, answers; /* ledger entries of the first run, and lines it said */
    bool absent, idle;     /* no such command; not for this state */
};

struct stage {
    char root[64], live[80], in[80], store[100];
    int out, err; /* memory files: what the command said */
    struct state state[STATES];
    struct try try[TRIES];
    struct known known[KNOWN];
    size_t states, tries, knowns;
};

/* repository: where testdata/ and tests/faults/commands.txt lie. */
struct stage *stage_open(const char *repository);
void stage_close(struct stage *s);
bool stage_make(struct stage *s, struct state *state); /* false: absent */
bool stage_unit(struct stage *s, struct state *state, const struct try *try, struct unit *out);
void unit_free(struct unit *u);
bool stage_fits(const struct try *try, const struct state *state);

/* A job for one command line: set, fault, at … are the caller's to add. Holds until the next. */
struct trace_job stage_job(struct stage *s, const char *line);
struct trace_end stage_run(struct stage *s, const struct trace_job *job); /* empties the outputs */
struct trace_end stage_cli(struct stage *s, const char *line);
/* What it said: a NUL-terminated text that holds until the next call. */
const char *stage_said(struct stage *s, bool error);
size_t stage_answers(struct stage *s); /* whole lines of answer, errors aside */
/* How many of the unit's entries the answers given so far promise. */
size_t stage_promised(struct stage *s, const struct unit *u);

#endif
