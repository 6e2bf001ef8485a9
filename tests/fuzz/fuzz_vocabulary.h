/* Shared by the text targets: a whole made vocabulary, opened once; any bytes are encoded and come
 * back. */
#ifndef TESTS_FUZZ_FUZZ_VOCABULARY_H
#define TESTS_FUZZ_FUZZ_VOCABULARY_H

#include "base/utf8.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"
#include "tests/fuzz/reach.h"
#include "tests/support/gguf_make.h"
#include <assert.h>
#include <string.h>

/* With every byte and some pieces; `users` of them user-defined. Lives as long as the program. */
static const struct tokenizer *fuzz_vocabulary(const struct make *m, const char *pre,
                                               uint32_t users)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(m);
    struct err e = ERR_NONE;
    struct tokenizer *t = NULL;
    if (pre != NULL)
        memcpy(draft_pair(&d, "tokenizer.ggml.pre") + 12, pre, 6); /* as long as "smollm" */
    uint8_t *types = draft_pair(&d, "tokenizer.ggml.token_type") + 16;
    uint32_t count = get_le32(draft_pair(&d, "tokenizer.ggml.token_type") + 8);
    for (uint32_t i = 0; i < users; i++)
        put_le32(types + 4 * (count - 1 - i), TOKEN_USER);
    struct buf file = gguf_assemble(&d); /* the tokenizer looks into it */
    enum status st = gguf_vocabulary(buf_span(&file), &t, &e);
    assert(st == ST_OK);
    (void)st;
    return t;
}

static const char *const fuzz_text_depths[REACH_DEPTHS] = {"UTF-8 as it came"};

/* U+2581 is how a `llama` vocabulary writes a space, so that is what it comes back as. */
static void fuzz_spaces(struct span text, bool llama, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        bool space = llama && text.n - i >= 3 && memcmp(text.p + i, "\xe2\x96\x81", 3) == 0;
        buf_byte(out, space ? ' ' : text.p[i]);
        i += space ? 2 : 0;
    }
}

static void fuzz_valid(const struct tokenizer *t, struct span text)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(buf_release) struct buf back = BUF_EMPTY;
    SCOPED(buf_release) struct buf want = BUF_EMPTY;
    struct err e = ERR_NONE;
    enum status st = tokenizer_encode(t, text, false, &ids, &e);
    assert(st == ST_OK);
    for (size_t i = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id;
        memcpy(&id, ids.p + i, 4);
        assert(id < t->vocab);
        buf_append(&back, tokenizer_piece(t, id, i == 0));
    }
    fuzz_spaces(text, t->kind == TOKENIZER_LLAMA, &want);
    assert(span_equal(buf_span(&back), buf_span(&want)));
}

/* Bytes that are no UTF-8 are refused. Made into question marks, they leave a text that is taken.
 */
static void fuzz_text(const struct tokenizer *t, struct span text)
{
    SCOPED(buf_release) struct buf mended = BUF_EMPTY;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    if (utf8_valid(text)) {
        reach_depth(1);
        fuzz_valid(t, text);
        return;
    }
    enum status st = tokenizer_encode(t, text, false, &ids, &e);
    assert(st == ST_INVALID_UTF8);
    for (size_t i = 0, n; i<text.n; i += n> 0 ? n : 1) {
        n = utf8_sequence(SPAN(text.p + i, text.n - i));
        buf_append(&mended, n > 0 ? SPAN(text.p + i, n) : span_text("?"));
    }
    fuzz_valid(t, buf_span(&mended));
}

#endif
