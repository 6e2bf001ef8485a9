/* u32 length of a tokenizer (a BTOK or BPE1 section, or a GGUF file for its vocabulary), the
 * tokenizer, and a text. What opens encodes any UTF-8; the ids are in range; bytes and merges
 * decode to the text again. */
#include "base/text.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/reach.h"
#include <assert.h>
#include <string.h>

/* Does every text have tokens that say it again? */
static bool is_complete(const struct tokenizer *t)
{
    bool every_byte = t->kind == TOKENIZER_GPT2;
    for (size_t b = 0; b < 256 && every_byte; b++)
        every_byte = t->byte_id[b] != NO_TOKEN;
    return every_byte || t->kind == TOKENIZER_BYTE || t->kind == TOKENIZER_BPE;
}

static bool is_special(const struct tokenizer *t, uint32_t id)
{
    return (int64_t)id == t->bos || (int64_t)id == t->eos || (int64_t)id == t->pad ||
           (int64_t)id == t->unk;
}

static void round_trip(const struct tokenizer *t, struct span text)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(buf_release) struct buf back = BUF_EMPTY;
    struct err e = ERR_NONE;
    enum status st = tokenizer_encode(t, text, false, &ids, &e);
    assert(st == (utf8_valid(text) ? ST_OK : ST_INVALID_UTF8));
    bool complete = is_complete(t);
    for (size_t i = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id;
        memcpy(&id, ids.p + i, 4);
        assert(id < t->vocab);
        complete = complete && !is_special(t, id); /* a hostile file may name any token so */
        buf_append(&back, tokenizer_piece(t, id, i == 0));
    }
    if (st == ST_OK && complete)
        assert(span_equal(buf_span(&back), text));
}

static enum status nowhere(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    *(uint64_t *)ctx += bytes.n;
    return ST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const depths[REACH_DEPTHS] = {"opened and used"};
    reach_run("tokenizer", depths);
    if (size < 4)
        return 0;
    size_t n = get_le32(data);
    n = n < size - 4 ? n : size - 4;
    struct span section = SPAN(data + 4, n), text = SPAN(data + 4 + n, size - 4 - n);
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    bool gguf = n >= 4 && memcmp(section.p, "GGUF", 4) == 0;
    uint32_t vocab = n >= 12 ? get_le32(section.p + 8) % (MODEL_VOCAB_MAX + 1) : 0;
    enum status st =
        gguf ? gguf_vocabulary(section, &t, &e) : tokenizer_open_section(section, 0, vocab, &t, &e);
    if (st != ST_OK)
        return 0;
    reach_depth(1);
    uint64_t bytes = 0;
    st = tokenizer_canonical(t, (struct sink){nowhere, &bytes}, &e);
    assert(st == ST_OK && bytes > 0);
    round_trip(t, text);
    return 0;
}
