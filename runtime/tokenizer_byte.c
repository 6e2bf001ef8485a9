/* BTOK: 28 bytes = 7 u32: magic, version 1, vocab 260, BOS 256, EOS 257, PAD 258, UNK 259. */
#include "runtime/tokenizer_kinds.h"

#define BTOK_BYTES 28u

enum status byte_open(struct tokenizer *t, struct span section, uint64_t at, struct err *e)
{
    static const struct {
        uint32_t want;
        const char *code, *name;
    } fields[] = {{1, "tokenizer-version", "version"}, {260, "tokenizer-vocab", "vocabulary size"},
                  {256, "tokenizer-special", "BOS"},   {257, "tokenizer-special", "EOS"},
                  {258, "tokenizer-special", "PAD"},   {259, "tokenizer-special", "UNK"}};
    if (section.n != BTOK_BYTES)
        return err_at(e, ST_MODEL_HEADER, "tokenizer",
                      section.n < BTOK_BYTES ? "tokenizer-truncated" : "tokenizer-trailing-bytes",
                      at, "a BTOK section has 28 bytes, this one %zu", section.n);
    for (size_t i = 0; i < 6; i++) {
        uint32_t v = get_le32(section.p + 4 + 4 * i);
        if (v != fields[i].want)
            return err_at(e, ST_MODEL_HEADER, "tokenizer", fields[i].code, at + 4 + 4 * i,
                          "BTOK's %s is %u, it must be %u", fields[i].name, v, fields[i].want);
    }
    if (t->vocab != 260)
        return err_at(e, ST_MODEL_HEADER, "tokenizer", "tokenizer-vocab", at + 8,
                      "BTOK has 260 tokens, the model's header says %u", t->vocab);
    t->kind = TOKENIZER_BYTE;
    t->bos = 256;
    t->eos = 257;
    t->pad = 258;
    t->unk = 259;
    return ST_OK;
}

enum status byte_encode(const struct tokenizer *t, struct span text, struct buf *out)
{
    (void)t;
    for (size_t i = 0; i < text.n; i++)
        ids_append(out, text.p[i]);
    return ST_OK;
}
