/* BPE1: 9 u32 (magic, version 1, vocab, BOS 256, EOS 257, PAD 258, UNK 259, token_count,
 * merge_count), token_count records (u32 id, u32 byte length, the bytes), merge_count records of 4
 * u32 (left, right, output, rank). Ids 0…255 are the bytes, 256…259 the specials, neither has a
 * record; there is one for every other id, in order. A merge's output is spelled left's bytes then
 * right's. Of merges of one rank the leftmost in the text comes first. */
#include "base/cursor.h"
#include "base/heap.h"
#include "runtime/merge.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

#define BPE_FIRST     260u /* the first id with a record */
#define BPE_SPECIALS  256u
#define BPE_TOKEN_MAX (64u << 10)

static enum status refuse(struct err *e, const char *code, uint64_t at, const char *what)
{
    return err_at(e, ST_MODEL_HEADER, "tokenizer", code, at, "BPE1: %s", what);
}

static enum status check_header(struct tokenizer *t, struct cursor *c, uint64_t at, struct err *e)
{
    static const char *const names[] = {"BOS must be 256", "EOS must be 257", "PAD must be 258",
                                        "UNK must be 259"};
    (void)cursor_u32(c);
    if (cursor_u32(c) != 1 && !c->failed)
        return refuse(e, "tokenizer-version", at + 4, "the version must be 1");
    if (cursor_u32(c) != t->vocab && !c->failed)
        return refuse(e, "tokenizer-vocab", at + 8,
                      "the vocabulary's size is not the model header's");
    for (uint32_t i = 0; i < 4; i++)
        if (cursor_u32(c) != BPE_SPECIALS + i && !c->failed)
            return refuse(e, "tokenizer-special", at + 12 + 4 * i, names[i]);
    uint32_t tokens = cursor_u32(c);
    t->merge_count = cursor_u32(c);
    if (c->failed)
        return refuse(e, "tokenizer-truncated", at + c->at, "the header is cut off");
    if (t->vocab < BPE_FIRST || tokens != t->vocab - BPE_FIRST)
        return refuse(e, "tokenizer-token-count", at + 28,
                      "every id from 260 on must have a record, and no other");
    if (t->merge_count > cursor_left(c) / 16)
        return refuse(e, "tokenizer-merge-count", at + 32, "there is no room for so many merges");
    if (tokens > cursor_left(c) / 9)
        return refuse(e, "tokenizer-token-count", at + 28, "there is no room for so many tokens");
    return ST_OK;
}

static enum status read_tokens(struct tokenizer *t, struct cursor *c, uint64_t at, struct err *e)
{
    for (uint32_t b = 0; b < 256; b++)
        t->text[b] = SPAN(&t->bytes[b], 1);
    for (uint32_t id = BPE_FIRST; id < t->vocab; id++) {
        uint64_t record = at + c->at;
        uint32_t named = cursor_u32(c), n = cursor_u32(c);
        struct span text = cursor_bytes(c, n);
        if (c->failed)
            return refuse(e, "tokenizer-truncated", record, "a token record is cut off");
        if (named != id)
            return refuse(e, named < id ? "tokenizer-duplicate-id" : "tokenizer-id-order", record,
                          "the records must name each id once, in order");
        if (n == 0)
            return refuse(e, "tokenizer-empty-token", record + 4, "a token has no bytes");
        if (n > BPE_TOKEN_MAX)
            return refuse(e, "tokenizer-token-length", record + 4, "a token is over 64 KiB");
        t->text[id] = text;
    }
    return ST_OK;
}

static bool is_token(const struct tokenizer *t, uint32_t id)
{
    return id < t->vocab && (id < BPE_SPECIALS || id >= BPE_FIRST);
}

static enum status check_merge(const struct tokenizer *t, const struct merge *m, uint64_t at,
                               struct err *e)
{
    if (!is_token(t, m->left))
        return refuse(e, "tokenizer-merge-range", at, "a merge's left is no token");
    if (!is_token(t, m->right))
        return refuse(e, "tokenizer-merge-range", at + 4, "a merge's right is no token");
    if (!is_token(t, m->output) || m->output < BPE_FIRST)
        return refuse(e, "tokenizer-merge-output", at + 8, "a merge's output is no token");
    struct span l = t->text[m->left], r = t->text[m->right], o = t->text[m->output];
    if (o.n != l.n + r.n || memcmp(o.p, l.p, l.n) != 0 || memcmp(o.p + l.n, r.p, r.n) != 0)
        return refuse(e, "tokenizer-merge-bytes", at + 8,
                      "a merge's output is not spelled like left and right");
    return ST_OK;
}

/* Kept sorted by pair: lookups then cost the same whatever a hostile file chose. */
static enum status read_merges(struct tokenizer *t, struct cursor *c, uint64_t at, struct err *e)
{
    for (uint32_t i = 0; i < t->merge_count; i++) {
        struct merge *m = &t->merges[i];
        m->at = (uint32_t)c->at;
        m->left = cursor_u32(c);
        m->right = cursor_u32(c);
        m->output = cursor_u32(c);
        m->rank = cursor_u32(c);
        if (c->failed)
            return refuse(e, "tokenizer-truncated", at + m->at, "a merge record is cut off");
        enum status st = check_merge(t, m, at + m->at, e);
        if (st != ST_OK)
            return st;
    }
    if (!cursor_done(c))
        return refuse(e, "tokenizer-trailing-bytes", at + c->at, "bytes follow the last merge");
    const struct merge *twice = merges_sort(t);
    return twice == NULL ? ST_OK
                         : refuse(e, "tokenizer-duplicate-merge", at + twice->at,
                                  "two merges of the same pair");
}

enum status bpe_open(struct tokenizer *t, struct span section, uint64_t at, struct err *e)
{
    t->kind = TOKENIZER_BPE;
    t->bos = 256;
    t->eos = 257;
    t->pad = 258;
    t->unk = 259;
    struct cursor c = cursor_over(section);
    enum status st = check_header(t, &c, at, e);
    if (st != ST_OK)
        return st;
    t->text = tokenizer_room(t, t->vocab, sizeof *t->text);
    t->merges = tokenizer_room(t, (size_t)t->merge_count + 1, sizeof *t->merges);
    if (t->text == NULL || t->merges == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a vocabulary of %u", t->vocab);
    st = read_tokens(t, &c, at, e);
    return st == ST_OK ? read_merges(t, &c, at, e) : st;
}

static bool bpe_pair(const void *ctx, const struct symbol *left, const struct symbol *right,
                     uint32_t *order, uint32_t *id)
{
    const struct tokenizer *t = ctx;
    const struct merge *m = merges_find(t, left->id, right->id);
    if (m == NULL)
        return false;
    *order = m->rank;
    *id = m->output;
    return true;
}

enum status bpe_encode(const struct tokenizer *t, struct span text, struct buf *out, struct err *e)
{
    if (text.n == 0)
        return ST_OK;
    SCOPED(heap_scope) struct symbol *s = heap_zero(text.n, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to encode %zu bytes", text.n);
    for (size_t i = 0; i < text.n; i++)
        s[i] = (struct symbol){.id = text.p[i], .at = (uint32_t)i, .n = 1};
    struct merge_rule rule = {.pair = bpe_pair, .ctx = t};
    enum status st = merge_all(s, text.n, &rule, e);
    for (uint32_t i = 0; st == ST_OK && i != MERGE_NONE; i = s[i].next)
        ids_append(out, s[i].id);
    return st;
}

struct span bpe_piece(const struct tokenizer *t, uint32_t id)
{
    return t->text[id];
}
