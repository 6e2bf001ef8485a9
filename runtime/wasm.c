/* The WASM module: runtime/runtime.h over one process-wide runtime, by the names that hosts know.
 *
 * Instantiated with empty imports. Addresses are offsets into the exported memory. Beside the
 * reference's calls stand those that streaming and cancellation need: begin_generation,
 * start_generation, prefill, prefill_left, cancel_generation, last_token, last_token_count,
 * last_stop, logits_ptr and logits_len; those that hash a model on its way in: hash_begin,
 * hash_add, hash_end and hash_free; and abi_version, by which a host knows that it speaks of the
 * same calls: runtime/web/engine.js refuses a module of another version. It grows with every change
 * that a host could notice. */
#include "base/heap.h"
#include "base/sha256.h"
#include "runtime/diagnostics.h"
#include "runtime/runtime.h"

#define ABI_VERSION  3

#define EXPORT(name) __attribute__((export_name(#name), visibility("default")))

static struct runtime *only;
static struct span diagnostics;
static size_t left; /* tokens of the prompt that are to be taken */

/* NULL only when there is no memory for it. */
static struct runtime *it(void)
{
    if (only == NULL)
        only = runtime_create();
    return only;
}

EXPORT(abi_version) unsigned wasm_abi_version(void);
EXPORT(alloc) void *wasm_alloc(size_t n);
EXPORT(dealloc) void wasm_dealloc(void *p, size_t n);
EXPORT(init_runtime) unsigned wasm_init_runtime(void);
EXPORT(load_model) unsigned wasm_load_model(const void *p, size_t n);
EXPORT(set_sampling_config)
unsigned wasm_set_sampling_config(float temperature, uint32_t top_k, float top_p, uint64_t seed);
EXPORT(generate) unsigned wasm_generate(const void *p, size_t n, uint32_t max_new_tokens);
EXPORT(begin_generation) unsigned wasm_begin(const void *p, size_t n);
EXPORT(start_generation) unsigned wasm_start(const void *p, size_t n);
EXPORT(prefill) unsigned wasm_prefill(void);
EXPORT(prefill_left) size_t wasm_prefill_left(void);
EXPORT(generate_next_token) unsigned wasm_generate_next_token(void);
EXPORT(cancel_generation) unsigned wasm_cancel(void);
EXPORT(reset_context) unsigned wasm_reset_context(void);
EXPORT(free_model) unsigned wasm_free_model(void);
EXPORT(last_result_ptr) const uint8_t *wasm_last_result_ptr(void);
EXPORT(last_result_len) size_t wasm_last_result_len(void);
EXPORT(last_token) uint32_t wasm_last_token(void);
EXPORT(last_token_count) size_t wasm_last_token_count(void);
EXPORT(last_stop) unsigned wasm_last_stop(void);
EXPORT(logits_ptr) const float *wasm_logits_ptr(void);
EXPORT(logits_len) size_t wasm_logits_len(void);
EXPORT(get_diagnostics_ptr) const uint8_t *wasm_get_diagnostics_ptr(void);
EXPORT(get_diagnostics_len) size_t wasm_get_diagnostics_len(void);
EXPORT(hash_begin) struct sha256 *wasm_hash_begin(void);
EXPORT(hash_add) void wasm_hash_add(struct sha256 *hash, const uint8_t *p, size_t n);
EXPORT(hash_end) uint8_t *wasm_hash_end(struct sha256 *hash);
EXPORT(hash_free) void wasm_hash_free(struct sha256 *hash);

unsigned wasm_abi_version(void)
{
    return ABI_VERSION;
}

void *wasm_alloc(size_t n)
{
    return it() != NULL ? runtime_alloc(only, n) : NULL;
}

void wasm_dealloc(void *p, size_t n)
{
    if (it() != NULL)
        runtime_dealloc(only, p, n);
}

unsigned wasm_init_runtime(void)
{
    return it() != NULL ? runtime_init(only) : ABI_GENERATION_FAILED;
}

unsigned wasm_load_model(const void *p, size_t n)
{
    return it() != NULL ? runtime_load_model(only, p, n) : ABI_GENERATION_FAILED;
}

unsigned wasm_set_sampling_config(float temperature, uint32_t top_k, float top_p, uint64_t seed)
{
    return it() != NULL ? runtime_set_sampling_config(only, temperature, top_k, top_p, seed)
                        : ABI_GENERATION_FAILED;
}

unsigned wasm_generate(const void *p, size_t n, uint32_t max_new_tokens)
{
    return it() != NULL ? runtime_generate(only, p, n, max_new_tokens) : ABI_GENERATION_FAILED;
}

unsigned wasm_begin(const void *p, size_t n)
{
    return it() != NULL ? runtime_begin(only, p, n) : ABI_GENERATION_FAILED;
}

/* begin_generation in pieces, so that a host can stop within a long prompt: start, then prefill
 * until prefill_left is 0. */
unsigned wasm_start(const void *p, size_t n)
{
    return it() != NULL ? runtime_start(only, p, n, &left) : ABI_GENERATION_FAILED;
}

unsigned wasm_prefill(void)
{
    return it() != NULL ? runtime_prefill(only, &left) : ABI_GENERATION_FAILED;
}

size_t wasm_prefill_left(void)
{
    return left;
}

unsigned wasm_generate_next_token(void)
{
    return it() != NULL ? runtime_generate_next_token(only) : ABI_GENERATION_FAILED;
}

unsigned wasm_cancel(void)
{
    return it() != NULL ? runtime_cancel(only) : ABI_GENERATION_FAILED;
}

unsigned wasm_reset_context(void)
{
    return it() != NULL ? runtime_reset_context(only) : ABI_GENERATION_FAILED;
}

unsigned wasm_free_model(void)
{
    return it() != NULL ? runtime_free_model(only) : ABI_GENERATION_FAILED;
}

const uint8_t *wasm_last_result_ptr(void)
{
    return it() != NULL ? runtime_last_result(only)->text.p : NULL;
}

size_t wasm_last_result_len(void)
{
    return it() != NULL ? runtime_last_result(only)->text.n : 0;
}

/* The last id that the last call made, UINT32_MAX when it made none. */
uint32_t wasm_last_token(void)
{
    const size_t n = wasm_last_token_count();
    return n > 0 ? runtime_last_result(only)->token_ids[n - 1] : UINT32_MAX;
}

size_t wasm_last_token_count(void)
{
    return it() != NULL ? runtime_last_result(only)->token_count : 0;
}

/* 0 none, 1 EOS, 2 limit, 3 capacity, 4 cancelled. */
unsigned wasm_last_stop(void)
{
    return it() != NULL ? (unsigned)runtime_last_result(only)->stop : 0;
}

/* What the last pass gave, NULL before the first; logits_len is their number. */
const float *wasm_logits_ptr(void)
{
    return it() != NULL && runtime_session(only) != NULL ? session_logits(runtime_session(only))
                                                         : NULL;
}

size_t wasm_logits_len(void)
{
    if (wasm_logits_ptr() == NULL)
        return 0;
    return (size_t)(session_held(runtime_session(only))->logits / sizeof(float));
}

/* Either may be asked first: nothing changes between the two, so both make the same text. */
const uint8_t *wasm_get_diagnostics_ptr(void)
{
    diagnostics = it() != NULL ? runtime_get_diagnostics(only) : SPAN(NULL, 0);
    return diagnostics.p;
}

size_t wasm_get_diagnostics_len(void)
{
    (void)wasm_get_diagnostics_ptr();
    return diagnostics.n;
}

/* One SHA-256 a transfer, which may be several at a time. NULL when there is no memory. */
struct sha256 *wasm_hash_begin(void)
{
    struct sha256 *hash = heap_alloc(sizeof *hash);
    if (hash != NULL)
        sha256_begin(hash);
    return hash;
}

void wasm_hash_add(struct sha256 *hash, const uint8_t *p, size_t n)
{
    sha256_add(hash, SPAN(p, n));
}

/* The 32 bytes, until it is freed; nothing may be added any more. */
uint8_t *wasm_hash_end(struct sha256 *hash)
{
    sha256_end(hash, hash->held);
    return hash->held;
}

void wasm_hash_free(struct sha256 *hash)
{
    heap_free(hash);
}
