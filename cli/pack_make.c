#include "cli/pack_make.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "runtime/slm1_write.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE_MAX 4096

/* "10000", "0.00001": digits, at most one point, at most 32 bytes. */
static bool read_float(const struct json *v, float *out)
{
    const char *s = json_as_string(v);
    size_t digits = 0, points = 0;
    for (size_t i = 0; s != NULL && s[i] != '\0'; i++) {
        points += s[i] == '.';
        digits += s[i] >= '0' && s[i] <= '9';
        if ((s[i] != '.' && (s[i] < '0' || s[i] > '9')) || i > 32)
            return false;
    }
    if (digits == 0 || points > 1)
        return false;
    *out = strtof(s, NULL); /* the program never leaves the "C" locale */
    return true;
}

static enum status bad_shape(const char *key, struct err *e)
{
    return err_set(e, ST_CONFIG, "shape",
                   "the shape's member %s is unknown or not as it should be; see assay help pack",
                   key);
}

static enum status read_shape(struct span text, struct model_shape *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(text, SHAPE_MAX, &root, e);
    if (st != ST_OK)
        return st;
    struct {
        const char *key;
        uint32_t *to;
    } counts[] = {{"vocab_size", &out->vocab},       {"hidden_size", &out->hidden},
                  {"layer_count", &out->layers},     {"head_count", &out->heads},
                  {"kv_head_count", &out->kv_heads}, {"head_dim", &out->head_dim},
                  {"ffn_size", &out->ffn},           {"max_context", &out->context}};
    const size_t count = sizeof counts / sizeof *counts;
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t v = 0;
        if (!json_as_u64(json_get(root, counts[i].key), &v) || v > UINT32_MAX)
            return bad_shape(counts[i].key, e);
        *counts[i].to = (uint32_t)v;
        known++;
    }
    if (!read_float(json_get(root, "rope_theta"), &out->rope_theta))
        return bad_shape("rope_theta", e);
    if (!read_float(json_get(root, "rms_norm_epsilon"), &out->rms_epsilon))
        return bad_shape("rms_norm_epsilon", e);
    known += 2;
    if (json_get(root, "tied") != NULL && !json_as_bool(json_get(root, "tied"), &out->tied))
        return bad_shape("tied", e);
    known += json_get(root, "tied") != NULL;
    return known == json_count(root) ? ST_OK : bad_shape("(one too many)", e);
}

/* The tensor file that is open. */
struct tensors {
    int folder, fd;
    char name[64];
    struct buf row; /* bytes of one row */
};

static void tensors_release(struct tensors *t)
{
    fd_release(&t->fd);
    buf_release(&t->row);
}

static enum status open_tensor(struct tensors *t, const char *name, struct err *e)
{
    char file[80];
    fd_release(&t->fd);
    text_fmt(t->name, sizeof t->name, "%s", name);
    text_fmt(file, sizeof file, "%s.f32", name);
    struct stat facts;
    enum status st = io_open(t->folder, file, O_RDONLY | O_NONBLOCK, 0, &t->fd, e);
    if (st == ST_OK && (fstat(t->fd, &facts) != 0 || !S_ISREG(facts.st_mode)))
        st = err_set(e, ST_USAGE, "tensor-file", "it is no regular file");
    return st != ST_OK ? err_subject(e, "%s", file) : ST_OK;
}

/* The file must hold rows of that width and at least this one; that it holds no more is checked
 * with its last row, which nobody announces: so its size must be a whole number of rows. */
static enum status read_row(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                            struct err *e)
{
    struct tensors *t = ctx;
    uint64_t size = 0, width = 4 * (uint64_t)cols;
    if (process_interrupted())
        return err_set(e, ST_INTERRUPTED, NULL, "stopped by a signal");
    enum status st = t->fd < 0 || strcmp(t->name, name) != 0 ? open_tensor(t, name, e) : ST_OK;
    if (st == ST_OK && row == 0) {
        st = io_size(t->fd, &size, e);
        if (st == ST_OK && (size == 0 || size % width != 0))
            st = err_set(e, ST_INVALID_LENGTH, "tensor-file",
                         "%s.f32 has %llu bytes: no whole number of rows of %u "
                         "floats",
                         name, (unsigned long long)size, cols);
    }
    t->row.n = 0;
    uint8_t *bytes = st == ST_OK ? buf_space(&t->row, (size_t)width) : NULL;
    if (st == ST_OK && bytes == NULL)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a row");
    if (st == ST_OK)
        st = io_read_at(t->fd, bytes, (size_t)width, row * width, e);
    if (st != ST_OK)
        return err_subject(e, "%s.f32", name);
    for (uint32_t i = 0; i < cols; i++) {
        uint32_t bits = get_le32(bytes + 4 * (size_t)i);
        memcpy(out + i, &bits, sizeof bits);
    }
    return ST_OK;
}

enum status pack_dtype(const char *name, enum slm1_dtype *out, struct err *e)
{
    static const struct {
        const char *name;
        enum slm1_dtype type;
    } types[] = {{"f32", SLM1_F32}, {"q8_0", SLM1_Q8_0}, {"q4_0", SLM1_Q4_0}};
    *out = SLM1_F32;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (name == NULL || text_equal(name, types[i].name)) {
            *out = types[i].type;
            return ST_OK;
        }
    return err_set(e, ST_USAGE, "option-value", "--dtype %s: f32, q8_0 or q4_0 is wanted", name);
}

enum status pack_make(const struct pack_request *request, struct sink to, uint64_t *bytes,
                      struct err *e)
{
    SCOPED(tensors_release) struct tensors tensors = {.folder = request->folder, .fd = -1};
    struct slm1_spec spec = {.tokenizer = request->tokenizer, .dtype = SLM1_F32, .whole = true};
    const struct slm1_values values = {read_row, &tensors};
    if (spec.tokenizer.n == 0)
        spec.tokenizer = slm1_btok();
    enum status st = pack_dtype(request->dtype, &spec.dtype, e);
    if (st == ST_OK)
        st = read_shape(request->shape, &spec.shape, e);
    if (st == ST_OK)
        st = slm1_size(&spec, bytes, e);
    return st == ST_OK ? slm1_write(&spec, &values, to, e) : st;
}
