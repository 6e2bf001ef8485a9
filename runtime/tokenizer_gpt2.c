/* GGUF's `gpt2` vocabulary: text is cut into words (runtime/pretokenizer.h), each word's bytes are
 * merged by rank. In the file every byte is written as a printable character: ! … ~, ¡ … ¬ and
 * ® … ÿ as themselves, the other 68 bytes in order as U+0100 … U+0143.
 *
 * Text never becomes a control token by being spelled like one; user-defined tokens, which the file
 * spells as they are, are taken out of it before. */
#include "base/heap.h"
#include "base/utf8.h"
#include "runtime/merge.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

static enum status refuse(struct err *e, const char *code, uint64_t at, const char *what,
                          uint32_t number)
{
    return err_at(e, ST_MODEL_HEADER, "tokenizer", code, at, "%u: %s", number, what);
}

static bool stands_for_itself(uint32_t code)
{
    return (code >= '!' && code <= '~') || (code >= 0xa1 && code <= 0xff && code != 0xad);
}

/* The byte that a character of the file means; −1: none. */
static int byte_of(uint32_t code)
{
    if (stands_for_itself(code))
        return (int)code;
    if (code < 0x100 || code > 0x143)
        return -1;
    uint32_t left = code - 0x100;
    int byte = 0;
    for (; stands_for_itself((uint32_t)byte) || left > 0; byte++)
        left -= stands_for_itself((uint32_t)byte) ? 0 : 1;
    return byte;
}

/* How the file writes text: bytes to p (no more than text has), their number or −1. */
static int64_t unwrite(struct span text, uint8_t *p)
{
    int64_t n = 0;
    while (text.n > 0) {
        size_t length;
        int byte = byte_of(utf8_decode(text, &length));
        if (byte < 0)
            return -1;
        p[n++] = (uint8_t)byte;
        text = SPAN(text.p + length, text.n - length);
    }
    return n;
}

static struct span piece(const struct tokenizer *t, uint32_t id)
{
    return SPAN(t->piece_bytes + t->piece_at[id], t->piece_at[id + 1] - t->piece_at[id]);
}

/* User-defined and control tokens are spelled as they are. A normal one that is no writing of bytes
 * is so too, and text never becomes it. */
static enum status read_tokens(struct tokenizer *t, const struct gpt2_source *from, struct err *e)
{
    size_t at = 0;
    uint32_t to = 0;
    for (uint32_t id = 0; id < t->vocab; id++) {
        size_t n = (size_t)get_le64(from->tokens.p + at); /* checked when the array was read */
        struct span text = SPAN(from->tokens.p + at + 8, n);
        uint32_t type = from->types.n > 0 ? get_le32(from->types.p + 4 * (size_t)id) : TOKEN_NORMAL;
        if (type < TOKEN_NORMAL || type > TOKEN_BYTE)
            return refuse(e, "gguf-token-type", from->types_at + 4 * (uint64_t)id,
                          "the token of this number has a type that there is not", id);
        if (from->types.n == 0 && ((int64_t)id == t->bos || (int64_t)id == t->eos ||
                                   (int64_t)id == t->pad || (int64_t)id == t->unk))
            type = TOKEN_CONTROL;
        if (type == TOKEN_USER && n > TOKENIZER_USER_MAX)
            return refuse(e, "gguf-user-token", from->tokens_at + at,
                          "the user-defined token of this number is over 256 bytes", id);
        t->text[id] = text;
        t->types[id] = (uint8_t)type;
        t->piece_at[id] = to;
        int64_t bytes = type == TOKEN_NORMAL ? unwrite(text, t->piece_bytes + to) : -1;
        if (bytes < 0 && n > 0)
            memcpy(t->piece_bytes + to, text.p, n);
        to += (uint32_t)(bytes < 0 ? (int64_t)n : bytes);
        if (bytes > 0 || (type == TOKEN_USER && n > 0))
            spellings_add(&t->words, SPAN(t->piece_bytes + t->piece_at[id], to - t->piece_at[id]),
                          id);
        if (type == TOKEN_USER && n > 0)
            spellings_add(&t->users, text, id);
        at += 8 + n;
    }
    t->piece_at[t->vocab] = to;
    spellings_sort(&t->words);
    spellings_sort(&t->users);
    for (size_t b = 0; b < 256; b++)
        t->byte_id[b] = spellings_find(&t->words, SPAN(&t->bytes[b], 1));
    return ST_OK;
}

/* The token written as text, NO_TOKEN; room has as many bytes as any line of the file. */
static uint32_t find_written(const struct tokenizer *t, struct span text, uint8_t *room)
{
    int64_t n = unwrite(text, room);
    return n > 0 ? spellings_find(&t->words, SPAN(room, (size_t)n)) : NO_TOKEN;
}

/* "left right", both tokens, and both together one too. */
static enum status read_merge(const struct tokenizer *t, struct span line, uint64_t at,
                              uint8_t *room, struct merge *m, struct err *e)
{
    size_t space = 1;
    while (space < line.n && line.p[space] != ' ')
        space++;
    if (space + 1 >= line.n)
        return refuse(e, "gguf-merge", at,
                      "the merge of this rank is not written as left and right", m->rank);
    m->left = find_written(t, SPAN(line.p, space), room);
    m->right = find_written(t, SPAN(line.p + space + 1, line.n - space - 1), room);
    if (m->left == NO_TOKEN || m->right == NO_TOKEN)
        return refuse(e, "gguf-merge", at, "the merge of this rank joins what are no tokens",
                      m->rank);
    struct span left = piece(t, m->left), right = piece(t, m->right);
    memcpy(room, left.p, left.n);
    memcpy(room + left.n, right.p, right.n);
    m->output = spellings_find(&t->words, SPAN(room, left.n + right.n));
    return m->output != NO_TOKEN ? ST_OK
                                 : refuse(e, "gguf-merge", at,
                                          "what the merge of this rank makes is no token", m->rank);
}

static enum status read_merges(struct tokenizer *t, const struct gpt2_source *from, struct err *e)
{
    size_t at = 0, longest = 1;
    for (uint32_t i = 0; i < t->merge_count; i++) {
        size_t n = (size_t)get_le64(from->merges.p + at);
        longest = n > longest ? n : longest;
        at += 8 + n;
    }
    SCOPED(heap_scope) uint8_t *room = heap_alloc(longest);
    if (room == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %u merges", t->merge_count);
    at = 0;
    for (uint32_t i = 0; i < t->merge_count; i++) {
        size_t n = (size_t)get_le64(from->merges.p + at);
        t->merges[i] = (struct merge){.rank = i, .at = (uint32_t)at};
        enum status st = read_merge(t, SPAN(from->merges.p + at + 8, n), from->merges_at + at, room,
                                    &t->merges[i], e);
        if (st != ST_OK)
            return st;
        at += 8 + n;
    }
    const struct merge *twice = merges_sort(t);
    return twice == NULL ? ST_OK
                         : refuse(e, "gguf-merge", from->merges_at + twice->at,
                                  "the merge of this rank is there before", twice->rank);
}

enum status gpt2_open(struct tokenizer *t, const struct gpt2_source *from, struct err *e)
{
    t->kind = TOKENIZER_GPT2;
    t->merges_text = from->merges;
    t->merge_count = from->merge_count;
    t->text = tokenizer_room(t, t->vocab, sizeof *t->text);
    t->types = tokenizer_room(t, t->vocab, 1);
    t->words.at = tokenizer_room(t, t->vocab, sizeof *t->words.at);
    t->users.at = tokenizer_room(t, t->vocab, sizeof *t->users.at);
    t->piece_at = tokenizer_room(t, (size_t)t->vocab + 1, sizeof *t->piece_at);
    t->piece_bytes = tokenizer_room(t, from->tokens.n + 1, 1);
    t->merges = tokenizer_room(t, (size_t)t->merge_count + 1, sizeof *t->merges);
    if (t->text == NULL || t->types == NULL || t->words.at == NULL || t->users.at == NULL ||
        t->piece_at == NULL || t->piece_bytes == NULL || t->merges == NULL ||
        from->tokens.n > UINT32_MAX || from->merges.n > UINT32_MAX)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a vocabulary of %u", t->vocab);
    enum status st = read_tokens(t, from, e);
    return st == ST_OK ? read_merges(t, from, e) : st;
}

/* Words are merged many at a time, up to about so many bytes, a longer one by itself. */
#define STRETCH 4096u

struct stretch {
    const struct tokenizer *t;
    struct symbol *symbols; /* [room] */
    size_t count, room;
    struct buf *out;
};

/* Symbols of different words do not touch, and what does not touch never merges. */
static bool gpt2_pair(const void *ctx, const struct symbol *left, const struct symbol *right,
                      uint32_t *order, uint32_t *id)
{
    const struct stretch *x = ctx;
    if (left->at + left->n != right->at || left->id == NO_TOKEN || right->id == NO_TOKEN)
        return false;
    const struct merge *m = merges_find(x->t, left->id, right->id);
    if (m == NULL)
        return false;
    *order = m->rank;
    *id = m->output;
    return true;
}

static enum status merge_stretch(struct stretch *x, struct err *e)
{
    if (x->count == 0)
        return ST_OK;
    struct merge_rule rule = {.pair = gpt2_pair, .ctx = x};
    enum status st = merge_all(x->symbols, x->count, &rule, e);
    for (uint32_t i = 0; st == ST_OK && i != MERGE_NONE; i = x->symbols[i].next) {
        uint32_t id = x->symbols[i].id;
        if (id == NO_TOKEN && x->t->unk >= 0)
            id = (uint32_t)x->t->unk;
        if (id != NO_TOKEN)
            ids_append(x->out, id);
    }
    x->count = 0;
    return st;
}

static enum status make_room(struct stretch *x, size_t need, struct err *e)
{
    if (need <= x->room)
        return ST_OK;
    size_t room = need > STRETCH ? need : STRETCH;
    struct symbol *wider = heap_grow(x->symbols, room * sizeof *wider); /* the text is bounded */
    if (wider == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to merge a word of %zu bytes", need);
    x->symbols = wider;
    x->room = room;
    return ST_OK;
}

/* One byte stays free between two words' places, so that they are no neighbours. */
static void add_word(struct stretch *x, struct span word)
{
    const struct symbol *last = x->count > 0 ? &x->symbols[x->count - 1] : NULL;
    uint32_t at = last != NULL ? last->at + last->n + 1 : 0;
    uint32_t whole = x->t->whole_words ? spellings_find(&x->t->words, word) : NO_TOKEN;
    if (whole != NO_TOKEN) {
        x->symbols[x->count++] = (struct symbol){.id = whole, .at = at, .n = (uint32_t)word.n};
        return;
    }
    for (size_t i = 0; i < word.n; i++)
        x->symbols[x->count++] =
            (struct symbol){.id = x->t->byte_id[word.p[i]], .at = at + (uint32_t)i, .n = 1};
}

static void stretch_release(struct stretch *x)
{
    heap_free(x->symbols);
}

enum status gpt2_encode(const struct tokenizer *t, struct span text, struct buf *out, struct err *e)
{
    SCOPED(stretch_release) struct stretch x = {.t = t, .out = out};
    struct pretoken words = pretoken_start(t->split, text);
    enum status st = ST_OK;
    for (struct span word; st == ST_OK && (word = pretoken_next(&words)).n > 0;) {
        if (x.count > 0 && x.count + word.n > x.room)
            st = merge_stretch(&x, e);
        if (st == ST_OK)
            st = make_room(&x, word.n, e);
        if (st == ST_OK)
            add_word(&x, word);
    }
    return st == ST_OK ? merge_stretch(&x, e) : st;
}

struct span gpt2_piece(const struct tokenizer *t, uint32_t id)
{
    if (t->types[id] == TOKEN_CONTROL)
        return SPAN(NULL, 0);
    return t->types[id] == TOKEN_UNKNOWN ? span_text("?") : piece(t, id);
}

enum status gpt2_canonical(const struct tokenizer *t, struct sink to, struct err *e)
{
    uint8_t number[8];
    enum status st = canonical_head(t, "GPT2", (uint32_t)t->split, to, e);
    for (uint32_t id = 0; id < t->vocab && st == ST_OK; id++) {
        put_le32(number, t->types[id]);
        put_le32(number + 4, (uint32_t)t->text[id].n);
        st = to.write(to.ctx, SPAN(number, 8), e);
        if (st == ST_OK)
            st = to.write(to.ctx, t->text[id], e);
    }
    put_le32(number, t->merge_count);
    if (st == ST_OK)
        st = to.write(to.ctx, SPAN(number, 4), e);
    return st == ST_OK ? to.write(to.ctx, t->merges_text, e) : st;
}
