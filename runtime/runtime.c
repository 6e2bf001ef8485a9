#include "runtime/runtime.h"

#include "base/heap.h"
#include "runtime/diagnostics.h"
#include "runtime/sampler.h"

/* A transfer that the host asked for. */
struct block {
    uint8_t *p; /* NULL: free slot */
    size_t n;
    bool in_use; /* the model's bytes lie here */
    bool done;   /* the host gave it back meanwhile */
};

struct runtime {
    enum runtime_state state;
    struct model *model;
    struct session *session;
    struct sampling sampling;
    struct generation result;
    struct buf diagnostics;
    struct block blocks[RUNTIME_BLOCKS_MAX];
    unsigned last;
    struct err e;
};

struct runtime *runtime_create(void)
{
    struct runtime *r = heap_zero(1, sizeof *r);
    if (r != NULL) {
        r->sampling = SAMPLING_DEFAULT;
        r->e = ERR_NONE;
    }
    return r;
}

static void block_free(struct block *b)
{
    heap_free(b->p);
    *b = (struct block){0};
}

static void drop_model(struct runtime *r)
{
    session_scope(&r->session);
    model_scope(&r->model);
    r->session = NULL;
    r->model = NULL;
    r->result = (struct generation){0};
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX; i++) {
        r->blocks[i].in_use = false;
        if (r->blocks[i].done)
            block_free(&r->blocks[i]);
    }
}

void runtime_destroy(struct runtime *r)
{
    if (r == NULL)
        return;
    drop_model(r);
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX; i++)
        block_free(&r->blocks[i]);
    buf_release(&r->diagnostics);
    heap_free(r);
}

void *runtime_alloc(struct runtime *r, size_t n)
{
    if (n == 0 || n > RUNTIME_ALLOC_MAX)
        return NULL;
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX; i++)
        if (r->blocks[i].p == NULL) {
            r->blocks[i] = (struct block){.p = heap_aligned(64, n), .n = n};
            return r->blocks[i].p;
        }
    return NULL;
}

void runtime_dealloc(struct runtime *r, void *p, size_t n)
{
    (void)n; /* the length is known; the host's is not needed */
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX && p != NULL; i++) {
        struct block *b = &r->blocks[i];
        if (b->p != p)
            continue;
        b->done = true;
        if (!b->in_use)
            block_free(b);
        return;
    }
}

/* The block that the n bytes at p lie in, NULL when they are the caller's own. */
static struct block *block_of(struct runtime *r, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX; i++) {
        struct block *b = &r->blocks[i];
        if (b->p != NULL && p >= b->p && p < b->p + b->n && n <= b->n - (size_t)(p - b->p))
            return b;
    }
    return NULL;
}

/* Every call ends here: its number becomes the last error. */
static unsigned end(struct runtime *r, enum status st)
{
    r->last = abi_error(st);
    return r->last;
}

/* Forgets the last error; false when the call needs a model and there is none. */
static bool enter(struct runtime *r, bool needs_model)
{
    r->e = ERR_NONE;
    bool refused = needs_model ? r->session == NULL : r->state == RUNTIME_UNINITIALIZED;
    if (refused)
        (void)err_set(&r->e, ST_MODEL_NOT_LOADED, NULL,
                      needs_model ? "no model is loaded" : "the runtime is not initialized");
    return !refused;
}

unsigned runtime_init(struct runtime *r)
{
    r->e = ERR_NONE;
    if (r->state == RUNTIME_UNINITIALIZED)
        r->state = RUNTIME_INITIALIZED;
    return end(r, ST_OK);
}

/* Builds model and session beside the present ones. */
static enum status build(struct runtime *r, struct span file, struct model **model,
                         struct session **session)
{
    struct model_limits limits = model_limits_default;
#if defined(__wasm__)
    limits.file_bytes = RUNTIME_ALLOC_MAX;
#endif
    if (file.p == NULL)
        return err_set(&r->e, ST_NULL_POINTER, NULL, "the model is a null pointer");
    enum status st = model_open(file, &limits, true, model, &r->e);
    if (st == ST_OK)
        st = session_open(*model, session, &r->e);
    if (st == ST_OK)
        st = session_configure(*session, &r->sampling, &r->e);
    return st;
}

unsigned runtime_load_model(struct runtime *r, const void *p, size_t n)
{
    if (!enter(r, false))
        return end(r, ST_MODEL_NOT_LOADED);
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    uint64_t began = diagnostics_ticks();
    enum status st = build(r, SPAN(p, n), &model, &session);
    if (st != ST_OK)
        return end(r, st);
    struct block *b = block_of(r, p, n);
    const bool done = b != NULL && b->done; /* the present model may live in the same block */
    if (b != NULL)
        b->done = false;
    drop_model(r);
    if (b != NULL) {
        b->done = done;
        b->in_use = true;
    }
    session_identify(session, NULL, diagnostics_ticks() - began);
    r->model = model_take(&model);
    r->session = session_take(&session);
    r->state = RUNTIME_READY;
    return end(r, ST_OK);
}

unsigned runtime_set_sampling_config(struct runtime *r, float temperature, uint32_t top_k,
                                     float top_p, uint64_t seed)
{
    const struct sampling how = {
        .temperature = temperature, .top_k = top_k, .top_p = top_p, .seed = seed};
    if (!enter(r, false))
        return end(r, ST_MODEL_NOT_LOADED);
    enum status st = r->session != NULL ? session_configure(r->session, &how, &r->e)
                                        : sampling_check(&how, &r->e);
    if (st == ST_OK)
        r->sampling = how;
    return end(r, st);
}

/* How a generation ended decides the state. */
static unsigned generated(struct runtime *r, enum status st)
{
    r->state = st == ST_OK ? RUNTIME_CONTINUATION_READY : RUNTIME_RECOVERABLE_ERROR;
    if (st != ST_OK)
        r->result = (struct generation){.stop = r->result.stop};
    return end(r, st);
}

unsigned runtime_generate(struct runtime *r, const void *p, size_t n, uint32_t max_new_tokens)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    return generated(
        r, session_generate(r->session, SPAN(p, n), max_new_tokens, NULL, &r->result, &r->e));
}

unsigned runtime_begin(struct runtime *r, const void *p, size_t n)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    return generated(r, session_begin(r->session, SPAN(p, n), &r->result, &r->e));
}

/* A part of a prompt was taken: the state changes with the last one, or with an error. */
static unsigned taken(struct runtime *r, enum status st, size_t left)
{
    if (st == ST_OK && left > 0) {
        r->state = RUNTIME_READY;
        r->result = (struct generation){0};
        return end(r, st);
    }
    return generated(r, st);
}

unsigned runtime_start(struct runtime *r, const void *p, size_t n, size_t *left)
{
    *left = 0;
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    enum status st = session_start(r->session, SPAN(p, n), left, &r->e);
    return taken(r, st, *left);
}

unsigned runtime_prefill(struct runtime *r, size_t *left)
{
    *left = 0;
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    enum status st = session_prefill(r->session, left, &r->e);
    return taken(r, st, *left);
}

unsigned runtime_generate_next_token(struct runtime *r)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    if (r->state != RUNTIME_CONTINUATION_READY)
        return end(r, err_set(&r->e, ST_GENERATION_FAILED, "nothing-to-continue",
                              "there is no generation to go on from"));
    return generated(r, session_step(r->session, &r->result, &r->e));
}

unsigned runtime_cancel(struct runtime *r)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    session_reset(r->session);
    r->result = (struct generation){.stop = STOP_CANCELLED};
    r->state = RUNTIME_READY;
    return end(r, err_set(&r->e, ST_CANCELLED, NULL, "the generation was cancelled"));
}

unsigned runtime_reset_context(struct runtime *r)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    session_reset(r->session);
    r->result = (struct generation){0};
    r->state = RUNTIME_READY;
    return end(r, ST_OK);
}

unsigned runtime_free_model(struct runtime *r)
{
    if (!enter(r, true))
        return end(r, ST_MODEL_NOT_LOADED);
    drop_model(r);
    r->state = RUNTIME_FREED;
    return end(r, ST_OK);
}

const struct generation *runtime_last_result(const struct runtime *r)
{
    return &r->result;
}

struct span runtime_get_diagnostics(struct runtime *r)
{
    static const char *const names[] = {"uninitialized",      "initialized",       "ready",
                                        "continuation-ready", "recoverable-error", "freed"};
    const struct diagnostics d = {
        .state = names[r->state], .last_error = r->last, .session = r->session};
    buf_release(&r->diagnostics);
    return diagnostics_write(&d, &r->diagnostics) == ST_OK ? buf_span(&r->diagnostics)
                                                           : SPAN(NULL, 0);
}

unsigned runtime_last_error(const struct runtime *r, const struct err **detail)
{
    if (detail != NULL)
        *detail = &r->e;
    return r->last;
}

enum runtime_state runtime_state(const struct runtime *r)
{
    return r->state;
}

const struct session *runtime_session(const struct runtime *r)
{
    return r->session;
}
