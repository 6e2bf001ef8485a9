/* How byte-level BPE cuts text into words before it merges, by the name that GGUF gives it in
 * tokenizer.ggml.pre. Each is a published regular expression, here written out as code:
 *
 *     gpt-2                's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+
 *                          |\s+(?!\S)|\s+
 *     smollm               every \p{N} by itself, then gpt-2 on what lies between
 *     llama-bpe, llama3    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
 *                          | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *     qwen2                the same with \p{N} alone
 *
 * Every byte of the text lies in exactly one word, and each word in time linear in its length. */
#ifndef RUNTIME_PRETOKENIZER_H
#define RUNTIME_PRETOKENIZER_H

#include "base/bytes.h"

enum pretokenizer { PRE_GPT2, PRE_SMOLLM, PRE_LLAMA3, PRE_QWEN2 };

/* false: none of that name is known. */
bool pretokenizer_find(struct span name, enum pretokenizer *out);

struct pretoken {
    enum pretokenizer how;
    struct span text; /* valid UTF-8 */
    size_t at;        /* the next word begins here */
    size_t limit;     /* smollm: up to here the text has no number */
};
struct pretoken pretoken_start(enum pretokenizer how, struct span text);
/* The next word; empty at the end of the text. */
struct span pretoken_next(struct pretoken *p);

#endif
