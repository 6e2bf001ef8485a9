#include "cli/pack_gguf.h"
#include "base/heap.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/pack_make.h"
#include "runtime/quant.h"
#include "runtime/slm1_write.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

#define SPECIALS  256u
#define RECORDS   260u /* the first id with a record */
#define NO_ROW    UINT32_MAX
#define SPLIT_MAX 256u /* bytes of a token that is looked at for merges */

/* The new vocabulary on its way. */
struct vocabulary {
    const struct tokenizer *from;
    uint32_t *row;     /* [vocab] the old token behind each new id, NO_ROW: none */
    struct span *text; /* [vocab] what it is spelled, but for bytes and specials */
    uint32_t *place;   /* [from->vocab] the new id of each old one */
    uint32_t vocab;
    struct spellings words; /* new ids by their bytes */
    struct buf section;
};

static void vocabulary_release(struct vocabulary *v)
{
    heap_free(v->row);
    heap_free(v->text);
    heap_free(v->place);
    heap_free(v->words.at);
    buf_release(&v->section);
}

static enum status no_memory(struct err *e)
{
    return err_set(e, ST_NO_MEMORY, NULL, "no memory for the vocabulary");
}

static enum status unsupported(struct err *e, const char *what)
{
    return err_set(e, ST_UNSUPPORTED, "slm1-cannot", "SLM1 cannot hold %s", what);
}

static struct span piece_of(const struct vocabulary *v, uint32_t old)
{
    const struct tokenizer *t = v->from;
    if (t->types[old] == TOKEN_BYTE)
        for (size_t b = 0; b < 256; b++)
            if (t->byte_id[b] == old)
                return SPAN(&t->bytes[b], 1);
    return SPAN(t->piece_bytes + t->piece_at[old], t->piece_at[old + 1] - t->piece_at[old]);
}

static void put(struct vocabulary *v, uint32_t new, uint32_t old)
{
    v->row[new] = old;
    if (old != NO_ROW)
        v->place[old] = new;
}

static uint32_t special(int32_t id)
{
    return id < 0 ? NO_ROW : (uint32_t)id;
}

/* A byte is what a text of that byte became: its own piece, or the byte token. */
static enum status place_all(struct vocabulary *v, struct err *e)
{
    const struct tokenizer *t = v->from;
    for (uint32_t b = 0; b < 256; b++) {
        uint8_t byte = (uint8_t)b;
        struct span text = byte == ' ' ? span_text("\xe2\x96\x81") : SPAN(&byte, 1);
        uint32_t id = b < 0x80 ? spellings_find(&t->words, text) : NO_TOKEN;
        id = id != NO_TOKEN ? id : t->byte_id[b];
        if (id == NO_TOKEN)
            return unsupported(e, "a vocabulary that has no token for some byte");
        put(v, b, id);
    }
    const uint32_t specials[] = {special(t->bos), special(t->eos), special(t->pad),
                                 special(t->unk)};
    for (uint32_t i = 0; i < 4; i++)
        put(v, SPECIALS + i,
            specials[i] != NO_ROW && v->place[specials[i]] == NO_ROW ? specials[i] : NO_ROW);
    v->vocab = RECORDS;
    for (uint32_t id = 0; id < t->vocab; id++)
        if (v->place[id] == NO_ROW && piece_of(v, id).n > 0) {
            v->text[v->vocab] = piece_of(v, id);
            put(v, v->vocab++, id);
        }
    return ST_OK;
}

static bool is_merged(const struct vocabulary *v, uint32_t id)
{
    return v->row[id] == NO_ROW || v->from->types[v->row[id]] == TOKEN_NORMAL;
}

/* Is the token one character? */
static bool is_character(struct span text)
{
    return utf8_sequence(text) == text.n;
}

/* BPE1 merges bytes: on the way to a character of three or four stand its first two, and three. */
static void place_beginnings(struct vocabulary *v)
{
    for (uint32_t id = RECORDS, end = v->vocab; id < end; id++) {
        struct span text = v->text[id];
        for (size_t n = 2; is_merged(v, id) && is_character(text) && n < text.n; n++) {
            bool known = false;
            for (uint32_t k = end; k < v->vocab && !known; k++)
                known = span_equal(v->text[k], SPAN(text.p, n));
            if (known)
                continue;
            v->text[v->vocab] = SPAN(text.p, n);
            put(v, v->vocab++, NO_ROW);
        }
    }
}

static void put_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4];
    put_le32(bytes, value);
    buf_append(out, SPAN(bytes, 4));
}

/* Scores as ranks: the greatest is 1; 0 is for characters, which are whole before any merge. */
static uint32_t rank_of(const struct vocabulary *v, uint32_t old)
{
    uint32_t bits;
    float score = get_f32(v->from->scores.p + 4 * (size_t)old) + 0.0f;
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? bits : ~(bits | 0x80000000u); /* descending, as numbers */
    return bits / 2 + 1;
}

/* The merges that make a token; how many. */
static uint32_t put_merges(struct vocabulary *v, uint32_t id)
{
    struct span text = v->text[id];
    uint32_t made = 0;
    if (!is_merged(v, id) || text.n < 2 || text.n > SPLIT_MAX)
        return 0;
    const bool character = v->row[id] == NO_ROW || is_character(text);
    for (size_t n = 1; n < text.n; n++) {
        uint32_t left = spellings_find(&v->words, SPAN(text.p, n)),
                 right = spellings_find(&v->words, SPAN(text.p + n, text.n - n));
        if (left == NO_TOKEN || right == NO_TOKEN)
            continue;
        put_u32(&v->section, left);
        put_u32(&v->section, right);
        put_u32(&v->section, id);
        put_u32(&v->section, character ? 0 : rank_of(v, v->row[id]));
        made++;
    }
    return made;
}

static enum status write_section(struct vocabulary *v, struct pack_gguf *p, struct err *e)
{
    const uint32_t head[] = {1, v->vocab, 256, 257, 258, 259, v->vocab - RECORDS, 0};
    buf_text(&v->section, "BPE1");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        put_u32(&v->section, head[i]);
    for (uint32_t id = 0; id < v->vocab; id++) {
        if (id >= SPECIALS && id < RECORDS)
            continue;
        struct span text = id < 256 ? SPAN(&v->from->bytes[id], 1) : v->text[id];
        if (id < 256 || is_merged(v, id))
            spellings_add(&v->words, text, id);
        if (id < RECORDS)
            continue;
        put_u32(&v->section, id);
        put_u32(&v->section, (uint32_t)text.n);
        buf_append(&v->section, text);
    }
    spellings_sort(&v->words);
    uint32_t merges = 0;
    for (uint32_t id = RECORDS; id < v->vocab; id++) {
        const uint32_t made = put_merges(v, id);
        p->unreached += made == 0 && is_merged(v, id);
        merges += made;
    }
    if (buf_status(&v->section) != ST_OK)
        return no_memory(e);
    put_le32(v->section.p + 32, merges);
    return ST_OK;
}

static enum status convert(struct vocabulary *v, struct pack_gguf *p, struct err *e)
{
    v->from = model_tokenizer(p->model);
    if (v->from->kind != TOKENIZER_LLAMA)
        return unsupported(e, "a gpt2 vocabulary: it cuts no words");
    const size_t most = 3 * (size_t)v->from->vocab + RECORDS; /* at most two beginnings each */
    v->row = heap_zero(most, sizeof *v->row);
    v->place = heap_zero(v->from->vocab, sizeof *v->place);
    v->words.at = heap_zero(most, sizeof *v->words.at);
    v->text = heap_zero(most, sizeof *v->text);
    if (v->row == NULL || v->place == NULL || v->words.at == NULL || v->text == NULL)
        return no_memory(e);
    memset(v->place, 0xff, v->from->vocab * sizeof *v->place);
    enum status st = place_all(v, e);
    if (st != ST_OK)
        return st;
    place_beginnings(v);
    return write_section(v, p, e);
}

/* ---- weights ---- */

struct weights_of {
    const struct pack_gguf *pack;
    const struct vocabulary *vocabulary;
};

static size_t index_of(const struct layout *l, const char *name)
{
    char known[SLM1_NAME_MAX];
    for (size_t i = 0; i < l->placed_count; i++) {
        if (!l->placed[i].present)
            continue;
        slm1_name(i, known);
        if (strcmp(known, name) == 0)
            return i;
    }
    return l->placed_count;
}

static enum status read_row(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                            struct err *e)
{
    const struct weights_of *w = ctx;
    const struct layout *l = model_layout(w->pack->model);
    const size_t i = index_of(l, name);
    if (process_interrupted())
        return err_set(e, ST_INTERRUPTED, NULL, "stopped by a signal");
    if (i == l->placed_count)
        return err_set(e, ST_MODEL_MISSING_TENSOR, NULL, "the model has no %s", name);
    const struct tensor t = layout_tensor(l, i, w->pack->file);
    const enum tensor_role role = plan_role(i);
    const uint32_t old =
        role == ROLE_EMBEDDING || role == ROLE_OUTPUT ? w->vocabulary->row[row] : row;
    if (old == NO_ROW)
        memset(out, 0, cols * sizeof *out);
    else
        tensor_row(&t, old, out);
    return ST_OK;
}

static enum status check_plain(const struct pack_gguf *p, struct err *e)
{
    const struct layout *l = model_layout(p->model);
    if (l->rope_factor < 1 || l->rope_factor > 1 || l->placed[ROLE_ROPE_FREQS].present)
        return unsupported(e, "scaled rotations");
    for (size_t i = 0; i < l->placed_count; i++)
        if (l->placed[i].present && plan_role(i) >= ROLE_BQ)
            return unsupported(e, "biases");
    return ST_OK;
}

enum status pack_gguf(struct pack_gguf *p, struct sink to, uint64_t *bytes, struct err *e)
{
    SCOPED(vocabulary_release) struct vocabulary v = {0};
    struct weights_of weights = {p, &v};
    const struct slm1_values values = {read_row, &weights};
    struct slm1_spec spec = {.shape = model_facts(p->model)->shape};
    enum status st = check_plain(p, e);
    if (st == ST_OK)
        st = pack_dtype(p->dtype, &spec.dtype, e);
    if (st == ST_OK)
        st = convert(&v, p, e);
    if (st != ST_OK)
        return st;
    spec.tokenizer = buf_span(&v.section);
    spec.shape.vocab = v.vocab;
    st = slm1_size(&spec, bytes, e);
    return st == ST_OK ? slm1_write(&spec, &values, to, e) : st;
}
