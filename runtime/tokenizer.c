#include "runtime/tokenizer.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/tokenizer_kinds.h"
#include <assert.h>
#include <string.h>

void ids_append(struct buf *out, uint32_t id)
{
    buf_append(out, SPAN(&id, sizeof id));
}

enum status tokenizer_open_section(struct span section, uint64_t at, uint32_t vocab,
                                   struct tokenizer **out, struct err *e)
{
    if (section.n < 4)
        return err_at(e, ST_MODEL_HEADER, "tokenizer", "tokenizer-truncated", at,
                      "a tokenizer section of %zu bytes has no magic", section.n);
    bool byte = memcmp(section.p, "BTOK", 4) == 0;
    if (!byte && memcmp(section.p, "BPE1", 4) != 0)
        return err_at(e, ST_MODEL_HEADER, "tokenizer", "tokenizer-magic", at,
                      "the section begins %02x %02x %02x %02x, neither BTOK nor BPE1", section.p[0],
                      section.p[1], section.p[2], section.p[3]);
    SCOPED(tokenizer_scope) struct tokenizer *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a tokenizer");
    for (unsigned b = 0; b < 256; b++)
        t->bytes[b] = (uint8_t)b;
    t->vocab = vocab;
    t->section = section;
    t->add_bos = t->add_eos = true;
    enum status st = byte ? byte_open(t, section, at, e) : bpe_open(t, section, at, e);
    if (st == ST_OK)
        *out = tokenizer_take(&t);
    return st;
}

void *tokenizer_room(struct tokenizer *t, size_t count, size_t size)
{
    void *p = heap_zero(count, size);
    t->held += p != NULL ? (uint64_t)count * size : 0;
    return p;
}

void tokenizer_close(struct tokenizer *t)
{
    heap_free(t->text);
    heap_free(t->words.at);
    heap_free(t->users.at);
    heap_free(t->merges);
    heap_free(t->types);
    heap_free(t->piece_bytes);
    heap_free(t->piece_at);
    heap_free(t);
}

void tokenizer_describe(const struct tokenizer *t, struct model_facts *facts)
{
    static const char *const names[] = {[TOKENIZER_BYTE] = "byte",
                                        [TOKENIZER_BPE] = "bpe",
                                        [TOKENIZER_LLAMA] = "llama",
                                        [TOKENIZER_GPT2] = "gpt2"};
    text_fmt(facts->tokenizer, sizeof facts->tokenizer, "%s", names[t->kind]);
    facts->vocabulary_bytes = t->held;
    facts->bos = t->bos;
    facts->eos = t->eos;
    facts->pad = t->pad;
    facts->unk = t->unk;
}

enum status tokenizer_canonical(const struct tokenizer *t, struct sink to, struct err *e)
{
    switch (t->kind) {
    case TOKENIZER_BYTE:
    case TOKENIZER_BPE: break;
    case TOKENIZER_LLAMA: return spm_canonical(t, to, e);
    case TOKENIZER_GPT2: return gpt2_canonical(t, to, e);
    }
    return to.write(to.ctx, t->section, e);
}

static uint32_t id_word(int32_t id)
{
    return id < 0 ? UINT32_MAX : (uint32_t)id;
}

enum status canonical_head(const struct tokenizer *t, const char magic[5], uint32_t split,
                           struct sink to, struct err *e)
{
    uint8_t head[32];
    memcpy(head, magic, 4);
    put_le32(head + 4, 1);
    put_le32(head + 8, t->vocab);
    put_le32(head + 12, id_word(t->bos));
    put_le32(head + 16, id_word(t->eos));
    put_le32(head + 20, id_word(t->pad));
    put_le32(head + 24, id_word(t->unk));
    put_le32(head + 28, (t->add_bos ? 1u : 0) | (t->add_eos ? 2u : 0) | (t->space_prefix ? 4u : 0) |
                            split << 8);
    return to.write(to.ctx, SPAN(head, sizeof head), e);
}

static enum status encode_plain(const struct tokenizer *t, struct span text, struct buf *out,
                                struct err *e)
{
    switch (t->kind) {
    case TOKENIZER_BYTE: return byte_encode(t, text, out);
    case TOKENIZER_BPE: return bpe_encode(t, text, out, e);
    case TOKENIZER_LLAMA: return spm_encode(t, text, out, e);
    case TOKENIZER_GPT2: break;
    }
    return gpt2_encode(t, text, out, e);
}

/* User-defined tokens are found first, leftmost and longest; what lies between is encoded by
 * itself.
 */
static enum status encode_text(const struct tokenizer *t, struct span text, struct buf *out,
                               struct err *e)
{
    size_t plain = 0, at = 0;
    while (t->users.count > 0 && at < text.n) {
        size_t n = 0;
        uint32_t id = spellings_longest(&t->users, SPAN(text.p + at, text.n - at), &n);
        if (id == NO_TOKEN) {
            at++;
            continue;
        }
        enum status st = encode_plain(t, SPAN(text.p + plain, at - plain), out, e);
        if (st != ST_OK)
            return st;
        ids_append(out, id);
        plain = at += n;
    }
    return encode_plain(t, SPAN(text.p + plain, text.n - plain), out, e);
}

enum status tokenizer_encode(const struct tokenizer *t, struct span text, bool specials,
                             struct buf *out, struct err *e)
{
    if (text.n > TOKENIZER_TEXT_MAX)
        return err_set(e, ST_INVALID_LENGTH, "text-too-long",
                       "a text of %zu bytes, at most %u are encoded", text.n, TOKENIZER_TEXT_MAX);
    if (!utf8_valid(text))
        return err_set(e, ST_INVALID_UTF8, NULL, "the text to encode is not valid UTF-8");
    if (specials && t->add_bos && t->bos >= 0)
        ids_append(out, (uint32_t)t->bos);
    enum status st = encode_text(t, text, out, e);
    if (st != ST_OK)
        return st;
    if (specials && t->add_eos && t->eos >= 0)
        ids_append(out, (uint32_t)t->eos);
    st = buf_status(out);
    return st == ST_OK ? ST_OK : err_set(e, st, NULL, "no room for the token ids");
}

struct span tokenizer_piece(const struct tokenizer *t, uint32_t id, bool first)
{
    if (id >= t->vocab)
        return SPAN(NULL, 0);
    if (t->unk >= 0 && id == (uint32_t)t->unk)
        return span_text("?");
    if ((t->bos >= 0 && id == (uint32_t)t->bos) || (t->eos >= 0 && id == (uint32_t)t->eos) ||
        (t->pad >= 0 && id == (uint32_t)t->pad))
        return SPAN(NULL, 0);
    switch (t->kind) {
    case TOKENIZER_BYTE: break;
    case TOKENIZER_BPE: return bpe_piece(t, id);
    case TOKENIZER_LLAMA: return spm_piece(t, id, first);
    case TOKENIZER_GPT2: return gpt2_piece(t, id);
    }
    assert(id < 256);
    return SPAN(&t->bytes[id], 1);
}
