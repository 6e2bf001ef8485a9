#include "runtime/stages.h"
#include "base/text.h"

static const char *const names[STAGE_COUNT] = {
    [STAGE_NONE] = "none",
    [STAGE_FETCH] = "fetch",
    [STAGE_TRANSFER] = "transfer",
    [STAGE_PROVENANCE] = "provenance",
    [STAGE_ADMISSION] = "admission",
    [STAGE_TENSORS] = "tensors",
    [STAGE_SCRATCH_KV] = "scratch-kv",
    [STAGE_UTF8_TRANSFER] = "utf8-transfer",
    [STAGE_SAMPLING] = "sampling",
    [STAGE_TOKENIZATION] = "tokenization",
    [STAGE_CONTEXT] = "context",
    [STAGE_FORWARD] = "forward",
    [STAGE_SAMPLING_STEP] = "sampling-step",
    [STAGE_DECODE] = "decode",
};

const char *stage_name(enum run_stage s)
{
    return names[s];
}

enum run_stage stage_parse(const char *name)
{
    for (int s = STAGE_FETCH; name != NULL && s < STAGE_COUNT; s++)
        if (text_equal(name, names[s]))
            return (enum run_stage)s;
    return STAGE_NONE;
}

bool stage_is_load(enum run_stage s)
{
    return s >= STAGE_FETCH && s <= STAGE_SCRATCH_KV;
}

static bool said(const char *text, const char *wanted)
{
    return text != NULL && text_equal(text, wanted);
}

enum run_stage stage_of_bytes(const struct err *e)
{
    const enum status st = e->status;
    if (st == ST_NOT_FOUND)
        return STAGE_FETCH;
    return st == ST_CORRUPT || st == ST_MISMATCH || st == ST_FORMAT ? STAGE_PROVENANCE
                                                                    : STAGE_TRANSFER;
}

enum run_stage stage_of_open(const struct err *e)
{
    const enum status st = e->status;
    if (st == ST_NO_MEMORY || st == ST_INVALID_LENGTH)
        return STAGE_SCRATCH_KV;
    bool tensors = st == ST_MODEL_DIRECTORY || st == ST_MODEL_MISSING_TENSOR ||
                   st == ST_MODEL_SHAPE || st == ST_MODEL_DTYPE || said(e->stage, "directory") ||
                   said(e->stage, "tensors") || said(e->stage, "values");
    return tensors ? STAGE_TENSORS : STAGE_ADMISSION;
}

enum run_stage stage_of_generation(const struct err *e)
{
    const enum status st = e->status;
    if (st == ST_OUTPUT_EXCEEDED || said(e->stage, "decode"))
        return STAGE_DECODE;
    if (st == ST_INVALID_UTF8 || st == ST_NULL_POINTER)
        return STAGE_UTF8_TRANSFER;
    if (st == ST_INVALID_LENGTH)
        return said(e->code, "sampling") ? STAGE_SAMPLING : STAGE_TOKENIZATION;
    if (st == ST_CONTEXT_EXCEEDED)
        return STAGE_CONTEXT;
    if (st == ST_NO_MEMORY)
        return STAGE_TOKENIZATION; /* what a generation allocates are the ids of its text */
    return said(e->stage, "sampling-step") ? STAGE_SAMPLING_STEP : STAGE_FORWARD;
}
