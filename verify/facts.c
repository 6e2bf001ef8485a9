#include "verify/facts.h"
#include "base/text.h"
#include "runtime/packed.h"
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX ((1ull << 53) - 1) /* the greatest integer JSON carries exactly */

const char *format_name(enum model_format f)
{
    switch (f) {
    case MODEL_FORMAT_SLM1: return "slm1";
    case MODEL_FORMAT_GGUF: return "gguf";
    case MODEL_FORMAT_NONE: break;
    }
    return "none";
}

enum model_format format_parse(const char *name)
{
    if (name != NULL && text_equal(name, "slm1"))
        return MODEL_FORMAT_SLM1;
    if (name != NULL && text_equal(name, "gguf"))
        return MODEL_FORMAT_GGUF;
    return MODEL_FORMAT_NONE;
}

/* ---- facts -------------------------------------------------------------------------------- */

static void hex64(uint64_t v, char out[17])
{
    text_fmt(out, 17, "%016llx", (unsigned long long)v);
}

/* A broken file may claim any number: one that JSON cannot carry exactly goes as hexadecimal text,
 * which facts_read then refuses. */
static void number(struct json_out *j, const char *key, uint64_t v)
{
    char text[17];
    json_key(j, key);
    hex64(v, text);
    if (v > EXACT_MAX)
        json_string(j, text);
    else
        json_u64(j, v);
}

static void decimal(struct json_out *j, const char *key, float v)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_fixed(&text, (double)v, 9);
    json_key(j, key);
    json_text(j, buf_span(&text));
}

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void id(struct json_out *j, const char *key, int32_t v)
{
    json_key(j, key);
    json_i64(j, v);
}

void facts_write(const struct model_facts *f, struct json_out *j)
{
    char sum[17] = "";
    if (f->internal_checksum != 0)
        hex64(f->internal_checksum, sum);
    json_object(j);
    member(j, "format", format_name(f->format));
    number(j, "format_version", f->format_version);
    member(j, "family", f->family);
    member(j, "quantization", f->quantization);
    member(j, "tokenizer", f->tokenizer);
    member(j, "license", f->license);
    number(j, "vocab", f->shape.vocab);
    number(j, "hidden", f->shape.hidden);
    number(j, "layers", f->shape.layers);
    number(j, "heads", f->shape.heads);
    number(j, "kv_heads", f->shape.kv_heads);
    number(j, "head_dim", f->shape.head_dim);
    number(j, "ffn", f->shape.ffn);
    number(j, "context", f->shape.context);
    json_key(j, "tied");
    json_bool(j, f->shape.tied);
    decimal(j, "rope_theta", f->shape.rope_theta);
    decimal(j, "rms_epsilon", f->shape.rms_epsilon);
    number(j, "parameters", f->parameters);
    member(j, "internal_checksum", sum);
    number(j, "tensors", f->tensors);
    number(j, "file_bytes", f->file_bytes);
    number(j, "weight_bytes", f->weight_bytes);
    number(j, "vocabulary_bytes", f->vocabulary_bytes);
    number(j, "packed_bytes", f->packed_bytes);
    id(j, "bos", f->bos);
    id(j, "eos", f->eos);
    id(j, "pad", f->pad);
    id(j, "unk", f->unk);
    json_close(j);
}

static enum status bad(struct err *e, const char *key)
{
    return err_at(e, ST_FORMAT, "parse", "facts", ERR_NO_OFFSET,
                  "the parser's facts have no usable \"%s\"", key);
}

static bool read_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    if (text == NULL || strlen(text) >= cap)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool read_u32(const struct json *v, const char *key, uint32_t *out)
{
    uint64_t n;
    if (!json_as_u64(json_get(v, key), &n) || n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool read_id(const struct json *v, const char *key, int32_t *out)
{
    int64_t n;
    if (!json_as_i64(json_get(v, key), &n) || n < -1 || n > INT32_MAX)
        return false;
    *out = (int32_t)n;
    return true;
}

static bool read_sum(const struct json *v, uint64_t *out)
{
    const char *text = json_as_string(json_get(v, "internal_checksum"));
    uint8_t raw[8];
    *out = 0;
    if (text == NULL || text[0] == 0)
        return text != NULL;
    if (!hex_decode(raw, sizeof raw, span_text(text)))
        return false;
    for (size_t i = 0; i < sizeof raw; i++)
        *out = *out << 8 | raw[i];
    return true;
}

static enum status read_numbers(const struct json *v, struct model_facts *f, struct err *e)
{
    struct {
        const char *key;
        uint32_t *to;
    } const small[] = {
        {"format_version", &f->format_version},
        {"vocab", &f->shape.vocab},
        {"hidden", &f->shape.hidden},
        {"layers", &f->shape.layers},
        {"heads", &f->shape.heads},
        {"kv_heads", &f->shape.kv_heads},
        {"head_dim", &f->shape.head_dim},
        {"ffn", &f->shape.ffn},
        {"context", &f->shape.context},
        {"tensors", &f->tensors},
    };
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        if (!read_u32(v, small[i].key, small[i].to))
            return bad(e, small[i].key);
    struct {
        const char *key;
        uint64_t *to;
    } const large[] = {{"parameters", &f->parameters},
                       {"file_bytes", &f->file_bytes},
                       {"weight_bytes", &f->weight_bytes},
                       {"vocabulary_bytes", &f->vocabulary_bytes},
                       {"packed_bytes", &f->packed_bytes}};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        if (!json_as_u64(json_get(v, large[i].key), large[i].to))
            return bad(e, large[i].key);
    struct {
        const char *key;
        int32_t *to;
    } const ids[] = {{"bos", &f->bos}, {"eos", &f->eos}, {"pad", &f->pad}, {"unk", &f->unk}};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (!read_id(v, ids[i].key, ids[i].to))
            return bad(e, ids[i].key);
    return ST_OK;
}

/* As `decimal` writes it. What a broken file claimed ("nan", "-1.0…") is no fact: it reads as 0. */
static bool read_decimal(const struct json *v, const char *key, float *out)
{
    const char *text = json_as_string(json_get(v, key));
    if (text == NULL || strlen(text) > 64)
        return false;
    *out = text[strspn(text, "0123456789.")] == '\0' ? strtof(text, NULL) : 0;
    return true;
}

enum status facts_read(const struct json *v, struct model_facts *out, struct err *e)
{
    *out = (struct model_facts){0};
    out->format = format_parse(json_as_string(json_get(v, "format")));
    if (!read_text(v, "family", out->family, sizeof out->family))
        return bad(e, "family");
    if (!read_text(v, "quantization", out->quantization, sizeof out->quantization))
        return bad(e, "quantization");
    if (!read_text(v, "tokenizer", out->tokenizer, sizeof out->tokenizer))
        return bad(e, "tokenizer");
    if (!read_text(v, "license", out->license, sizeof out->license))
        return bad(e, "license");
    if (!json_as_bool(json_get(v, "tied"), &out->shape.tied))
        return bad(e, "tied");
    if (!read_sum(v, &out->internal_checksum))
        return bad(e, "internal_checksum");
    if (!read_decimal(v, "rope_theta", &out->shape.rope_theta))
        return bad(e, "rope_theta");
    if (!read_decimal(v, "rms_epsilon", &out->shape.rms_epsilon))
        return bad(e, "rms_epsilon");
    return read_numbers(v, out, e);
}

_Static_assert(sizeof((struct model_facts *)0)->family <=
                       sizeof((struct manifest_model *)0)->family &&
                   sizeof((struct model_facts *)0)->quantization <=
                       sizeof((struct manifest_model *)0)->quantization &&
                   sizeof((struct model_facts *)0)->tokenizer <=
                       sizeof((struct manifest_model *)0)->tokenizer_kind,
               "a manifest has room for every text of a model");

void facts_manifest(const struct model_facts *f, const struct digest *tokenizer,
                    struct manifest_model *out)
{
    *out = (struct manifest_model){
        .present = true,
        .format_version = f->format_version,
        .parameters = f->parameters,
        .tokenizer_sha256 = *tokenizer,
        .vocab = f->shape.vocab,
        .hidden = f->shape.hidden,
        .layers = f->shape.layers,
        .heads = f->shape.heads,
        .kv_heads = f->shape.kv_heads,
        .head_dim = f->shape.head_dim,
        .ffn = f->shape.ffn,
        .context = f->shape.context,
    };
    if (f->internal_checksum != 0)
        hex64(f->internal_checksum, out->internal_checksum);
    text_fmt(out->format, sizeof out->format, "%s", format_name(f->format));
    text_fmt(out->family, sizeof out->family, "%s", f->family);
    text_fmt(out->quantization, sizeof out->quantization, "%s", f->quantization);
    text_fmt(out->tokenizer_kind, sizeof out->tokenizer_kind, "%s", f->tokenizer);
}

/* ---- refusals ----------------------------------------------------------------------------- */

#define WORDS_MAX 512
#define WORD_MAX  48

/* An err's code and stage outlive it, as literals do: words from a child are kept for good. */
static const char *keep_word(const char *text)
{
    static char words[WORDS_MAX][WORD_MAX];
    size_t n = text == NULL ? 0 : strlen(text);
    if (n == 0 || n >= WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!(text[i] == '-' || (text[i] >= '0' && text[i] <= '9') ||
              (text[i] >= 'a' && text[i] <= 'z')))
            return NULL;
    for (size_t i = 0; i < WORDS_MAX; i++) {
        if (words[i][0] == 0)
            memcpy(words[i], text, n + 1);
        if (text_equal(words[i], text))
            return words[i];
    }
    return NULL;
}

static bool status_parse(const char *slug, enum status *out)
{
    static const enum status all[] = {
#define X(name, exit, slug, phrase) name,
        STATUS_LIST(X)
#undef X
    };
    for (size_t i = 0; slug != NULL && i < sizeof all / sizeof all[0]; i++)
        if (text_equal(slug, status_slug(all[i]))) {
            *out = all[i];
            return true;
        }
    return false;
}

void refusal_write(const struct err *why, struct json_out *j)
{
    json_object(j);
    member(j, "status", status_slug(why->status));
    member(j, "code", err_code(why));
    member(j, "stage", why->stage);
    json_key(j, "offset");
    if (why->offset > EXACT_MAX)
        json_null(j);
    else
        json_u64(j, why->offset);
    member(j, "subject", why->subject);
    member(j, "detail", why->detail);
    json_close(j);
}

enum status refusal_read(const struct json *v, struct err *out, struct err *e)
{
    *out = ERR_NONE;
    out->code = keep_word(json_as_string(json_get(v, "code")));
    if (!status_parse(json_as_string(json_get(v, "status")), &out->status) ||
        out->status == ST_OK || out->code == NULL)
        return bad(e, "refusal");
    out->stage = keep_word(json_as_string(json_get(v, "stage")));
    if (!json_as_u64(json_get(v, "offset"), &out->offset))
        out->offset = ERR_NO_OFFSET;
    const char *subject = json_as_string(json_get(v, "subject"));
    const char *detail = json_as_string(json_get(v, "detail"));
    text_fmt(out->subject, sizeof out->subject, "%s", subject != NULL ? subject : "");
    text_fmt(out->detail, sizeof out->detail, "%s", detail != NULL ? detail : "");
    return ST_OK;
}

struct model_facts facts_of_manifest(const struct manifest_model *m, uint64_t file_bytes)
{
    struct model_facts f = {.format = format_parse(m->format),
                            .file_bytes = file_bytes,
                            .weight_bytes = file_bytes,
                            .packed_bytes = packed_estimate(m->quantization, m->parameters),
                            .parameters = m->parameters,
                            .shape = {.vocab = m->vocab,
                                      .hidden = m->hidden,
                                      .layers = m->layers,
                                      .heads = m->heads,
                                      .kv_heads = m->kv_heads,
                                      .head_dim = m->head_dim,
                                      .ffn = m->ffn,
                                      .context = m->context}};
    text_fmt(f.tokenizer, sizeof f.tokenizer, "%s", m->tokenizer_kind);
    return f;
}
