/* GGUF's `llama` vocabulary: text starts as UTF-8 characters, spaces written as U+2581; always the
 * neighbours whose joined spelling is the token of the highest score become that token, leftmost
 * first; a character that is no token falls back to its bytes (<0xHH>), or to UNK.
 *
 * Text never becomes a control token, a byte
 * token or UNK by being spelled like one. */
#include "base/heap.h"
#include "base/text.h"
#include "runtime/merge.h"
#include "runtime/quant.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

#define SPACE "\xe2\x96\x81"

static enum status refuse(struct err *e, const char *code, uint64_t at, const char *what,
                          uint32_t id)
{
    return err_at(e, ST_MODEL_HEADER, "tokenizer", code, at, "token %u: %s", id, what);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "<0xHH>" means; −1: not of that form. Two digits only, never a sign. */
static int byte_of(struct span text)
{
    if (text.n != 6 || memcmp(text.p, "<0x", 3) != 0 || text.p[5] != '>')
        return -1;
    int high = hex_digit(text.p[3]), low = hex_digit(text.p[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_id(int32_t special, uint32_t id)
{
    return special >= 0 && (uint32_t)special == id;
}

/* Without an array of types the spelling and the special ids tell. */
static uint8_t type_by_spelling(const struct tokenizer *t, uint32_t id)
{
    if (is_id(t->unk, id))
        return TOKEN_UNKNOWN;
    if (is_id(t->bos, id) || is_id(t->eos, id) || is_id(t->pad, id))
        return TOKEN_CONTROL;
    return byte_of(t->text[id]) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL;
}

static enum status read_type(struct tokenizer *t, const struct spm_source *from, uint32_t id,
                             struct err *e)
{
    if (from->types.n == 0) {
        t->types[id] = type_by_spelling(t, id);
        return ST_OK;
    }
    uint32_t type = get_le32(from->types.p + 4 * (size_t)id);
    if (type < TOKEN_NORMAL || type > TOKEN_BYTE)
        return refuse(e, "gguf-token-type", from->types_at + 4 * (uint64_t)id,
                      "there is no such token type", id);
    t->types[id] = (uint8_t)type;
    return ST_OK;
}

static enum status read_tokens(struct tokenizer *t, const struct spm_source *from, struct err *e)
{
    size_t at = 0;
    for (uint32_t id = 0; id < t->vocab; id++) {
        uint64_t record = from->tokens_at + at;
        size_t n = (size_t)get_le64(from->tokens.p + at); /* checked when the array was read */
        t->text[id] = SPAN(from->tokens.p + at + 8, n);
        at += 8 + n;
        uint32_t bits = get_le32(from->scores.p + 4 * (size_t)id);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return refuse(e, "gguf-score", from->scores_at + 4 * (uint64_t)id,
                          "its score is not finite", id);
        enum status st = read_type(t, from, id, e);
        if (st != ST_OK)
            return st;
        if (t->types[id] != TOKEN_BYTE)
            continue;
        int byte = byte_of(t->text[id]);
        if (byte < 0)
            return refuse(e, "gguf-byte-token", record, "a byte token must be spelled <0xHH>", id);
        if (t->byte_id[byte] != NO_TOKEN)
            return refuse(e, "gguf-byte-token", record, "a second token for the same byte", id);
        t->byte_id[byte] = id;
    }
    return ST_OK;
}

static enum status sort_spellings(struct tokenizer *t, const struct spm_source *from, struct err *e)
{
    for (uint32_t id = 0; id < t->vocab; id++) {
        struct span text = t->text[id];
        bool user = t->types[id] == TOKEN_USER;
        if (text.n == 0 || (t->types[id] != TOKEN_NORMAL && !user))
            continue;
        if (user && text.n > TOKENIZER_USER_MAX)
            return refuse(e, "gguf-user-token", from->types_at + 4 * (uint64_t)id,
                          "a user-defined token is over 256 bytes", id);
        spellings_add(&t->words, text, id);
        if (user)
            spellings_add(&t->users, text, id);
    }
    spellings_sort(&t->words);
    spellings_sort(&t->users);
    return ST_OK;
}

static bool is_space(struct span s, size_t at)
{
    return s.p[at] == (uint8_t)SPACE[0] && s.n - at >= 3 && memcmp(s.p + at, SPACE, 3) == 0;
}

/* The tokens as they stand in running text: U+2581 is a space there. */
static void make_pieces(struct tokenizer *t)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < t->vocab; id++) {
        struct span s = t->text[id];
        t->piece_at[id] = n;
        for (size_t i = 0; i < s.n;) {
            bool space = is_space(s, i);
            t->piece_bytes[n++] = space ? ' ' : s.p[i];
            i += space ? 3 : 1;
        }
    }
    t->piece_at[t->vocab] = n;
}

enum status spm_open(struct tokenizer *t, const struct spm_source *from, struct err *e)
{
    t->kind = TOKENIZER_LLAMA;
    t->scores = from->scores;
    for (size_t i = 0; i < 256; i++)
        t->byte_id[i] = NO_TOKEN;
    t->text = tokenizer_room(t, t->vocab, sizeof *t->text);
    t->types = tokenizer_room(t, t->vocab, 1);
    t->words.at = tokenizer_room(t, t->vocab, sizeof *t->words.at);
    t->users.at = tokenizer_room(t, t->vocab, sizeof *t->users.at);
    t->piece_at = tokenizer_room(t, (size_t)t->vocab + 1, sizeof *t->piece_at);
    t->piece_bytes = tokenizer_room(t, from->tokens.n + 1, 1);
    if (t->text == NULL || t->types == NULL || t->words.at == NULL || t->users.at == NULL ||
        t->piece_at == NULL || t->piece_bytes == NULL || from->tokens.n > UINT32_MAX)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a vocabulary of %u", t->vocab);
    enum status st = read_tokens(t, from, e);
    if (st != ST_OK)
        return st;
    make_pieces(t);
    return sort_spellings(t, from, e);
}

/* Floats as numbers of the same order, turned round: the highest score comes first. */
static uint32_t order_of_score(float score)
{
    uint32_t bits;
    score += 0.0f; /* −0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    uint32_t ascending = bits >> 31 ? ~bits : bits | 0x80000000u;
    return ~ascending;
}

struct spm_text {
    const struct tokenizer *t;
    const uint8_t *p;
};

static bool spm_pair(const void *ctx, const struct symbol *left, const struct symbol *right,
                     uint32_t *order, uint32_t *id)
{
    const struct spm_text *x = ctx;
    *id = spellings_find(&x->t->words, SPAN(x->p + left->at, left->n + right->n));
    if (*id == NO_TOKEN)
        return false;
    *order = order_of_score(get_f32(x->t->scores.p + 4 * (size_t)*id));
    return true;
}

/* Spaces as U+2581, one in front if the vocabulary wants it. */
static enum status escape_spaces(const struct tokenizer *t, struct span text, struct buf *out)
{
    if (t->space_prefix)
        buf_text(out, SPACE);
    for (size_t i = 0; i < text.n;) {
        size_t run = i;
        while (run < text.n && text.p[run] != ' ')
            run++;
        buf_append(out, SPAN(text.p + i, run - i));
        if (run < text.n)
            buf_text(out, SPACE);
        i = run < text.n ? run + 1 : run;
    }
    return buf_status(out);
}

static void append_symbol(const struct spm_text *x, const struct symbol *s, struct buf *out)
{
    const struct tokenizer *t = x->t;
    if (s->id != NO_TOKEN) {
        ids_append(out, s->id);
        return;
    }
    bool all = true;
    for (uint32_t i = 0; i < s->n; i++)
        all = all && t->byte_id[x->p[s->at + i]] != NO_TOKEN;
    if (!all) {
        if (t->unk >= 0)
            ids_append(out, (uint32_t)t->unk);
        return;
    }
    for (uint32_t i = 0; i < s->n; i++)
        ids_append(out, t->byte_id[x->p[s->at + i]]);
}

enum status spm_encode(const struct tokenizer *t, struct span text, struct buf *out, struct err *e)
{
    if (text.n == 0)
        return ST_OK;
    SCOPED(buf_release) struct buf escaped = BUF_EMPTY;
    if (escape_spaces(t, text, &escaped) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to encode %zu bytes", text.n);
    SCOPED(heap_scope) struct symbol *s = heap_zero(escaped.n, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to encode %zu bytes", text.n);
    size_t count = 0;
    for (size_t at = 0; at < escaped.n; count++) {
        struct span rest = SPAN(escaped.p + at, escaped.n - at);
        size_t n = utf8_sequence(rest); /* valid: the caller checked */
        s[count] = (struct symbol){
            .id = spellings_find(&t->words, SPAN(rest.p, n)), .at = (uint32_t)at, .n = (uint32_t)n};
        at += n;
    }
    struct spm_text x = {.t = t, .p = escaped.p};
    struct merge_rule rule = {.pair = spm_pair, .ctx = &x};
    enum status st = merge_all(s, count, &rule, e);
    for (uint32_t i = 0; st == ST_OK && i != MERGE_NONE; i = s[i].next)
        append_symbol(&x, &s[i], out);
    return st;
}

struct span spm_piece(const struct tokenizer *t, uint32_t id, bool first)
{
    if (t->types[id] == TOKEN_CONTROL)
        return SPAN(NULL, 0);
    if (t->types[id] == TOKEN_UNKNOWN)
        return span_text("?");
    if (t->types[id] == TOKEN_BYTE)
        return SPAN(&t->bytes[byte_of(t->text[id])], 1);
    struct span s = SPAN(t->piece_bytes + t->piece_at[id], t->piece_at[id + 1] - t->piece_at[id]);
    bool drop = first && t->space_prefix && s.n > 0 && s.p[0] == ' ';
    return drop ? SPAN(s.p + 1, s.n - 1) : s;
}

enum status spm_canonical(const struct tokenizer *t, struct sink to, struct err *e)
{
    enum status st = canonical_head(t, "SPM1", 0, to, e);
    for (uint32_t id = 0; id < t->vocab && st == ST_OK; id++) {
        uint8_t record[12];
        memcpy(record, t->scores.p + 4 * (size_t)id, 4);
        put_le32(record + 4, t->types[id]);
        put_le32(record + 8, (uint32_t)t->text[id].n);
        st = to.write(to.ctx, SPAN(record, sizeof record), e);
        if (st == ST_OK)
            st = to.write(to.ctx, t->text[id], e);
    }
    return st;
}
