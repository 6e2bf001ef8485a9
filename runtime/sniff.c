/* What bytes claim to be, from their first ones. A name ending decides before a magic does: what is
 * called .gguf must be GGUF, or it is refused as what it is not. Archives are not models. */
#include "runtime/model.h"
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    if (n < m)
        return false;
    for (size_t i = 0; i < m; i++) {
        char c = name[n - m + i];
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != end[i])
            return false;
    }
    return true;
}

static bool has(struct span s, size_t at, const void *bytes, size_t n)
{
    return s.n >= at + n && memcmp(s.p + at, bytes, n) == 0;
}

/* llama2.c's first checkpoint format: seven i32 (dim, hidden, layers, heads, kv heads, vocabulary,
 * negative when the output is a matrix of its own, context), then floats whose number follows. */
static bool is_llama2c(struct span s, uint64_t file_bytes)
{
    uint64_t v[7];
    if (s.n < 28)
        return false;
    for (size_t i = 0; i < 7; i++) {
        int32_t x = (int32_t)get_le32(s.p + 4 * i);
        if (x == 0 || (x < 0 && i != 5) || x > 1 << 24 || x < -(1 << 24))
            return false;
        v[i] = x < 0 ? (uint64_t)-x : (uint64_t)x;
    }
    uint64_t dim = v[0], hidden = v[1], layers = v[2], heads = v[3], kv = v[4], vocab = v[5];
    if (dim > 1 << 16 || hidden > 1 << 20 || layers > 1 << 10 || dim % heads != 0 || kv > heads)
        return false;
    uint64_t head_dim = dim / heads;
    /* At most 2^10 × 2^37, far from 64 bits. */
    uint64_t layer = 2 * dim + 2 * dim * dim + 2 * dim * kv * head_dim + 3 * dim * hidden;
    uint64_t floats = vocab * dim + layers * layer + dim + v[6] * (head_dim / 2) * 2;
    uint64_t own_output = get_le32(s.p + 20) >> 31 ? vocab * dim : 0;
    return file_bytes == 28 + 4 * (floats + own_output);
}

/* llama2.c's tokenizer: i32 longest piece, then f32 score, i32 length, bytes for each; the first
 * three are always these. */
static bool is_llama2c_tokenizer(struct span s)
{
    return s.n >= 4 && get_le32(s.p) <= 4096 && has(s, 8, "\5\0\0\0<unk>", 9) &&
           has(s, 21, "\5\0\0\0\n<s>\n", 9);
}

static bool is_safetensors(struct span s, uint64_t file_bytes)
{
    if (s.n < 10 || s.p[8] != '{' || file_bytes < 8)
        return false;
    uint64_t json = get_le64(s.p);
    return json >= 2 && json <= file_bytes - 8 && (s.p[9] == '"' || s.p[9] == '}' || s.p[9] == ' ');
}

/* A pickle opens with its protocol, then a frame (4 and 5) or one of the opcodes that dumps begin
 * with. */
static bool is_pickle(struct span s)
{
    if (s.n < 3 || s.p[0] != 0x80 || s.p[1] < 2 || s.p[1] > 5)
        return false;
    return s.p[2] == 0x95 || (s.p[2] < 0x80 && strchr("}](cXKJMG)N", s.p[2]) != NULL) ||
           s.p[2] == 0x8a;
}

/* torch.save: a zip whose first entry is NAME/data.pkl; scripted ones have it, too. */
static bool is_torch_zip(struct span s)
{
    if (!has(s, 0, "PK\3\4", 4) || s.n < 30)
        return false;
    size_t n = get_le16(s.p + 26);
    return n >= 9 && s.n >= 30 + n && memcmp(s.p + 30 + n - 9, "/data.pkl", 9) == 0;
}

/* ONNX has no magic: a protobuf whose first field is a small ir_version, the second a text. */
static bool is_onnx(struct span s, const char *name)
{
    if (s.n < 4 || s.p[0] != 0x08 || s.p[1] == 0 || s.p[1] > 32)
        return false;
    bool producer = s.p[2] == 0x12 && s.p[3] > 0 && s.p[3] < 64 && s.n >= 4 + (size_t)s.p[3];
    for (size_t i = 0; producer && i < s.p[3]; i++)
        producer = s.p[4 + i] >= ' ' && s.p[4 + i] < 0x7f;
    return producer || (name != NULL && ends_with(name, ".onnx"));
}

static const char *by_magic(struct span s)
{
    static const struct {
        uint8_t at, n;
        const char *bytes, *name;
    } magics[] = {
        {0, 4, "lmgg", "ggml"},   {0, 4, "fmgg", "ggml"},     {0, 4, "tjgg", "ggml"},
        {0, 4, "algg", "ggml"},   {0, 4, "24ka", "llama2.c"}, {0, 8, "\x89HDF\r\n\x1a\n", "hdf5"},
        {4, 4, "TFL3", "tflite"}, {0, 4, "ONNX", "onnx"},     {0, 6, "\x93NUMPY", "numpy"},
    };
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (has(s, magics[i].at, magics[i].bytes, magics[i].n))
            return magics[i].name;
    return NULL;
}

static const char *foreign_name(struct span s, const char *name, uint64_t file_bytes)
{
    const char *found = by_magic(s);
    if (found != NULL)
        return found;
    if (is_torch_zip(s))
        return "pytorch";
    if (is_pickle(s))
        return "pickle";
    if (is_safetensors(s, file_bytes))
        return "safetensors";
    if (is_llama2c(s, file_bytes))
        return "llama2.c";
    if (is_llama2c_tokenizer(s))
        return "llama2.c tokenizer";
    return is_onnx(s, name) ? "onnx" : NULL;
}

enum model_claim model_sniff(struct span head, const char *name, uint64_t file_bytes,
                             const char **foreign)
{
    *foreign = NULL;
    if (name != NULL && ends_with(name, ".slm"))
        return CLAIM_SLM1;
    if (name != NULL && ends_with(name, ".gguf"))
        return CLAIM_GGUF;
    if (has(head, 0, "SLM1", 4))
        return CLAIM_SLM1;
    if (has(head, 0, "GGUF", 4))
        return CLAIM_GGUF;
    *foreign = foreign_name(head, name, file_bytes);
    return *foreign != NULL ? CLAIM_FOREIGN : CLAIM_NONE;
}
