#include "runtime/diagnostics.h"

#include "base/json_write.h"
#include "base/text.h"
#include "runtime/session_state.h"
#if !defined(__wasm__)
#include "base/clock.h"
#endif

#define TOP_CANDIDATES 5

struct abi {
    enum status status;
    const char *name, *message;
};

static const struct abi abi_table[ABI_COUNT] = {
    {ST_OK, "Ok", "done"},
    {ST_NULL_POINTER, "NullPointer", "a required pointer was null"},
    {ST_INVALID_LENGTH, "InvalidLength", "a length or a setting is out of range"},
    {ST_INVALID_UTF8, "InvalidUtf8", "the text is not valid UTF-8"},
    {ST_MODEL_MAGIC, "InvalidModelMagic", "the bytes are no model of a known kind"},
    {ST_MODEL_VERSION, "UnsupportedModelVersion", "the model's version is not supported"},
    {ST_MODEL_HEADER, "InvalidHeader", "the model's header is not valid"},
    {ST_MODEL_DIRECTORY, "InvalidTensorDirectory", "the model's tensor directory is not valid"},
    {ST_MODEL_MISSING_TENSOR, "MissingTensor", "the model lacks a tensor"},
    {ST_MODEL_SHAPE, "ShapeMismatch", "a tensor's shape does not fit the model"},
    {ST_MODEL_DTYPE, "UnsupportedDType", "a tensor's type is not supported"},
    {ST_CONTEXT_EXCEEDED, "ContextExceeded", "the context has no room for the text"},
    {ST_MODEL_NOT_LOADED, "ModelNotLoaded", "no model is loaded"},
    {ST_GENERATION_FAILED, "GenerationFailed", "the generation failed"},
    {ST_OUTPUT_EXCEEDED, "OutputBufferExceeded", "the output is larger than its buffer"},
    {ST_CANCELLED, "Cancelled", "the generation was cancelled"},
};

unsigned abi_error(enum status st)
{
    for (unsigned i = 0; i < ABI_COUNT; i++)
        if (abi_table[i].status == st)
            return i;
    /* Damaged bytes that follow no rule of a part of their own: the checksum in the header says so.
     */
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_MISMATCH ? 6 : ABI_GENERATION_FAILED;
}

const char *abi_name(unsigned number)
{
    return abi_table[number].name;
}

const char *abi_message(unsigned number)
{
    return abi_table[number].message;
}

uint64_t diagnostics_ticks(void)
{
#if defined(__wasm__)
    return 0;
#else
    return clock_ticks();
#endif
}

static void number(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_u64(j, v);
}

static void text(struct json_out *j, const char *key, const char *s)
{
    json_key(j, key);
    json_string(j, s);
}

static void decimal(struct json_out *j, const char *key, double v, unsigned places)
{
    json_key(j, key);
    json_fixed(j, v, places);
}

/* A 64-bit value as hex text: JSON numbers end at 53 bits. */
static void wide(struct json_out *j, const char *key, uint64_t v)
{
    char hex[17];
    (void)text_fmt(hex, sizeof hex, "%016llx", (unsigned long long)v);
    text(j, key, hex);
}

/* A token id, or null. */
static void token(struct json_out *j, const char *key, int64_t id)
{
    json_key(j, key);
    if (id < 0)
        json_null(j);
    else
        json_u64(j, (uint64_t)id);
}

static void error_member(struct json_out *j, unsigned last)
{
    json_key(j, "last_error");
    json_object(j);
    number(j, "code", last);
    text(j, "name", abi_name(last));
    text(j, "message", abi_message(last));
    json_close(j);
}

static void counters(struct json_out *j, const struct session *s)
{
    decimal(j, "load_ms", (double)s->load_ns / 1e6, 3);
    number(j, "prompt_tokens", session_prompt_count(s));
    number(j, "generated_tokens", s->generated_count);
    decimal(j, "tokens_per_second",
            s->decode_ns > 0 ? (double)s->generated_count * 1e9 / (double)s->decode_ns : 0.0, 3);
    number(j, "peak_scratch_bytes", s->held.scratch);
    number(j, "kv_bytes", s->held.kv);
    number(j, "kv_length", s->kv.length);
    number(j, "logits_bytes", s->held.logits);
    number(j, "transfer_bytes", s->facts->file_bytes);
}

static void model_members(struct json_out *j, const struct session *s)
{
    text(j, "quantization", s->facts->quantization);
    json_key(j, "tokenizer");
    json_object(j);
    text(j, "kind", s->facts->tokenizer);
    token(j, "bos", s->facts->bos);
    token(j, "eos", s->facts->eos);
    token(j, "pad", s->facts->pad);
    token(j, "unk", s->facts->unk);
    json_close(j);
}

static void sampling_members(struct json_out *j, const struct session *s)
{
    json_key(j, "sampling");
    json_object(j);
    decimal(j, "temperature", (double)s->sampler.how.temperature, 6);
    number(j, "top_k", s->sampler.how.top_k);
    decimal(j, "top_p", (double)s->sampler.how.top_p, 6);
    wide(j, "seed", s->sampler.how.seed);
    json_close(j);
    token(j, "selected_token", s->selected == SAMPLER_NONE ? -1 : (int64_t)s->selected);
}

static void candidates(struct json_out *j, const struct session *s)
{
    uint32_t id[TOP_CANDIDATES], count = 0;
    float logit[TOP_CANDIDATES];
    if (s->has_logits)
        count = sampler_greatest(s->logits, s->facts->shape.vocab, TOP_CANDIDATES, id, logit);
    json_key(j, "top_candidates");
    json_array(j);
    for (uint32_t i = 0; i < count; i++) {
        json_object(j);
        number(j, "token", id[i]);
        decimal(j, "logit", (double)logit[i], 6);
        json_close(j);
    }
    json_close(j);
}

static void identity(struct json_out *j, const struct session *s)
{
    json_key(j, "identity");
    json_object(j);
    text(j, "format", s->facts->format == MODEL_FORMAT_SLM1 ? "slm1" : "gguf");
    if (s->facts->internal_checksum != 0)
        wide(j, "internal_checksum", s->facts->internal_checksum);
    else
        text(j, "internal_checksum", NULL);
    text(j, "sha256", s->sha256[0] != '\0' ? s->sha256 : NULL);
    json_close(j);
}

/* Without a model the members stay, so that readers need not ask which there are. */
static void nothing(struct json_out *j)
{
    static const char *const members[] = {
        "load_ms",   "prompt_tokens", "generated_tokens", "tokens_per_second", "peak_scratch_bytes",
        "kv_bytes",  "kv_length",     "logits_bytes",     "transfer_bytes",    "quantization",
        "tokenizer", "sampling",      "selected_token",   "top_candidates",    "identity",
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        text(j, members[i], NULL);
}

enum status diagnostics_write(const struct diagnostics *d, struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    text(&j, "schema", "assay-runtime-diagnostics/1");
    text(&j, "state", d->state);
    json_key(&j, "model_loaded");
    json_bool(&j, d->session != NULL);
    error_member(&j, d->last_error);
    if (d->session != NULL) {
        counters(&j, d->session);
        model_members(&j, d->session);
        sampling_members(&j, d->session);
        candidates(&j, d->session);
        identity(&j, d->session);
    } else {
        nothing(&j);
    }
    json_close(&j);
    return buf_status(out);
}
