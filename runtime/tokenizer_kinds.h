/* The kinds of tokenizer behind runtime/tokenizer.h: one struct, one room a kind.
 *
 *     byte   SLM1's BTOK section: ids 0…255 are the bytes
 *     bpe    SLM1's BPE1 section: bytes merged by rank
 *     llama  GGUF's `llama` vocabulary: characters merged by score, bytes as a fallback
 *     gpt2   GGUF's `gpt2` vocabulary: words cut by a named rule, their bytes merged by rank
 *
 * A tokenizer keeps views into the file's front, which must stay; it is immutable once open.
 * Canonical form (tokenizer_canonical), what a tokenizer's digest is taken of:
 *
 *     byte, bpe   the section as it stands in the file
 *     llama       "SPM1", u32 version 1, u32 vocab, u32 BOS EOS PAD UNK (0xffffffff: none), u32
 * flags (1 add BOS, 2 add EOS, 4 add space prefix, the pre-tokenizer's number << 8), then for each
 * token in order f32 score, u32 type, u32 byte length, the bytes
 *     gpt2        the same head with "GPT2", for each token u32 type, u32 byte length, the bytes as
 * the file has them, then u32 merges and those as the file has them: u64 byte length, the bytes */
#ifndef RUNTIME_TOKENIZER_KINDS_H
#define RUNTIME_TOKENIZER_KINDS_H

#include "base/stream.h"
#include "runtime/pretokenizer.h"
#include "runtime/spellings.h"
#include "runtime/tokenizer.h"

#define TOKENIZER_TEXT_MAX (16u << 20) /* bytes that one call encodes */
#define TOKENIZER_USER_MAX                                                \
    256u /* bytes of a user-defined token: they are looked for everywhere \
          */

enum tokenizer_kind { TOKENIZER_BYTE, TOKENIZER_BPE, TOKENIZER_LLAMA, TOKENIZER_GPT2 };

/* GGUF's token types. */
enum token_type {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3,
    TOKEN_USER = 4,
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6
};

/* BPE: what two neighbours become. */
struct merge {
    uint32_t left, right, output, rank;
    uint32_t at; /* of its record in the section or array */
};

struct tokenizer {
    enum tokenizer_kind kind;
    uint32_t vocab;
    int32_t bos, eos, pad, unk; /* −1: none */
    bool add_bos, add_eos, space_prefix;
    uint64_t held;        /* bytes that tokenizer_room gave, beside the struct itself */
    uint8_t bytes[256];   /* bytes[b] = b, for pieces of one byte */
    struct span section;  /* byte, bpe: as in the file */
    struct span *text;    /* all but byte: [vocab] the tokens as the file spells them */
    struct merge *merges; /* bpe, gpt2: [merge_count] by pair */
    uint32_t merge_count;
    /* llama, gpt2: */
    struct spellings words;  /* what text may become by merging */
    struct spellings users;  /* user-defined tokens, taken out of the text before */
    uint8_t *types;          /* [vocab] of enum token_type */
    uint8_t *piece_bytes;    /* the tokens in running text, one after the other */
    uint32_t *piece_at;      /* [vocab + 1] into piece_bytes */
    uint32_t byte_id[256];   /* the token of each byte, UINT32_MAX none */
    struct span scores;      /* llama: f32 [vocab] */
    struct span merges_text; /* gpt2: as the file has them */
    enum pretokenizer split; /* gpt2 */
    bool whole_words;        /* gpt2: a word that is a token is that token, whatever merges say */
};

/* SLM1's tokenizer section, at file offset `at`, for a model of `vocab` tokens. */
enum status tokenizer_open_section(struct span section, uint64_t at, uint32_t vocab,
                                   struct tokenizer **out, struct err *e) MUST_CHECK;
/* Zeroed memory that the tokenizer keeps, counted; NULL without. */
void *tokenizer_room(struct tokenizer *t, size_t count, size_t size);
void tokenizer_close(struct tokenizer *t);
SCOPE_OF(tokenizer, struct tokenizer, tokenizer_close)
/* Kind and special ids, for the facts. */
void tokenizer_describe(const struct tokenizer *t, struct model_facts *facts);
enum status tokenizer_canonical(const struct tokenizer *t, struct sink to,
                                struct err *e) MUST_CHECK;

/* The rooms' parts: open fills *t (zeroed), encode appends ids of plain text without specials and
 * user-defined tokens, piece is asked for ids < vocab that are not special. */
enum status byte_open(struct tokenizer *t, struct span section, uint64_t at,
                      struct err *e) MUST_CHECK;
enum status byte_encode(const struct tokenizer *t, struct span text, struct buf *out) MUST_CHECK;
enum status bpe_open(struct tokenizer *t, struct span section, uint64_t at,
                     struct err *e) MUST_CHECK;
enum status bpe_encode(const struct tokenizer *t, struct span text, struct buf *out,
                       struct err *e) MUST_CHECK;
struct span bpe_piece(const struct tokenizer *t, uint32_t id);
/* What a `llama` vocabulary is made from; tokens as they lie in a GGUF string array. */
struct spm_source {
    struct span tokens, scores, types;       /* types may be empty: then the spellings tell */
    uint64_t tokens_at, scores_at, types_at; /* in the file, for refusals */
};
/* t->vocab, the special ids and the flags are filled already. */
enum status spm_open(struct tokenizer *t, const struct spm_source *from, struct err *e) MUST_CHECK;
enum status spm_encode(const struct tokenizer *t, struct span text, struct buf *out,
                       struct err *e) MUST_CHECK;
struct span spm_piece(const struct tokenizer *t, uint32_t id, bool first);
enum status spm_canonical(const struct tokenizer *t, struct sink to, struct err *e) MUST_CHECK;

/* What a `gpt2` vocabulary is made from; tokens and merges as they lie in a GGUF string array. */
struct gpt2_source {
    struct span tokens, types, merges; /* types may be empty: all normal, but for the specials */
    uint32_t merge_count;
    uint64_t tokens_at, types_at, merges_at; /* in the file, for refusals */
};
/* t->vocab, the special ids, the flags, split and whole_words are filled already. */
enum status gpt2_open(struct tokenizer *t, const struct gpt2_source *from,
                      struct err *e) MUST_CHECK;
enum status gpt2_encode(const struct tokenizer *t, struct span text, struct buf *out,
                        struct err *e) MUST_CHECK;
struct span gpt2_piece(const struct tokenizer *t, uint32_t id);
enum status gpt2_canonical(const struct tokenizer *t, struct sink to, struct err *e) MUST_CHECK;

/* Sorts t->merges by pair; the later of two of one pair, or NULL. */
const struct merge *merges_sort(struct tokenizer *t);
/* The merge of a pair, NULL: none. */
const struct merge *merges_find(const struct tokenizer *t, uint32_t left, uint32_t right);
/* The 32 bytes that canonical forms of GGUF's kinds begin with. */
enum status canonical_head(const struct tokenizer *t, const char magic[5], uint32_t split,
                           struct sink to, struct err *e) MUST_CHECK;
void ids_append(struct buf *out, uint32_t id);

#endif
