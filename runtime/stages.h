/* Where a load or a generation failed: six stages of the one, seven of the other, by the names that
 * incident files, the page and people use (docs/incident.md). */
#ifndef RUNTIME_STAGES_H
#define RUNTIME_STAGES_H

#include "base/err.h"
#include <stdbool.h>

enum run_stage {
    STAGE_NONE,
    /* of a load */
    STAGE_FETCH,      /* the bytes are not there */
    STAGE_TRANSFER,   /* they did not come over whole */
    STAGE_PROVENANCE, /* they are not the ones that were promoted */
    STAGE_ADMISSION,  /* container, header, tokenizer */
    STAGE_TENSORS,    /* directory, shapes, values */
    STAGE_SCRATCH_KV, /* memory to compute in */
    /* of a generation */
    STAGE_UTF8_TRANSFER, /* the text itself */
    STAGE_SAMPLING,      /* the settings of the draws */
    STAGE_TOKENIZATION,  /* from text to ids */
    STAGE_CONTEXT,       /* room for them */
    STAGE_FORWARD,       /* the pass through the layers */
    STAGE_SAMPLING_STEP, /* one draw */
    STAGE_DECODE,        /* from ids to text */
    STAGE_COUNT
};

const char *stage_name(enum run_stage s);     /* "scratch-kv"; "none" */
enum run_stage stage_parse(const char *name); /* STAGE_NONE for NULL and any other text */
bool stage_is_load(enum run_stage s);         /* else of a generation, or none */

/* The stage at which these failed; *e is set. */
enum run_stage stage_of_bytes(const struct err *e);      /* getting a model's bytes */
enum run_stage stage_of_open(const struct err *e);       /* model_open, session_open */
enum run_stage stage_of_generation(const struct err *e); /* settings, generate, continue */

#endif
