/* The kinds of tokenizer behind runtime/tokenizer.h: one struct, one room a kind.
 *
 *     byte   SLM1's BTOK section: ids 0…255 are the bytes
 *     bpe    SLM1's BPE1 section: bytes merged by rank
 *     llama  GGUF's `llama` vocabulary: characters merged by score, bytes as a fallback
 *
 * A tokenizer keeps views into the file's front, which must stay; it is immutable once open.
 * Canonical form (tokenizer_canonical), what a tokenizer's digest is taken of:
 *
 *     byte, bpe   the section as it stands in the file
 *     llama       "SPM1", u32 version 1, u32 vocab, u32 BOS EOS PAD UNK (0xffffffff: none), u32
 * flags (1 add BOS, 2 add EOS, 4 add space prefix), then for each token in order f32 score, u32
 * type, u32 byte length, the bytes */
#ifndef RUNTIME_TOKENIZER_KINDS_H
#define RUNTIME_TOKENIZER_KINDS_H

#include "base/stream.h"
#include "runtime/spellings.h"
#include "runtime/tokenizer.h"

#define TOKENIZER_TEXT_MAX (16u << 20) /* bytes that one call encodes */
#define TOKENIZER_USER_MAX                                                \
    256u /* bytes of a user-defined token: they are looked for everywhere \
          */

enum tokenizer_kind { TOKENIZER_BYTE, TOKENIZER_BPE, TOKENIZER_LLAMA };

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
    uint32_t at; /* of its record in the section */
};

struct tokenizer {
    enum tokenizer_kind kind;
    uint32_t vocab;
    int32_t bos, eos, pad, unk; /* −1: none */
    bool add_bos, add_eos, space_prefix;
    uint8_t bytes[256];   /* bytes[b] = b, for pieces of one byte */
    struct span section;  /* byte, bpe: as in the file */
    struct span *text;    /* bpe, llama: [vocab] the tokens as the file spells them */
    struct merge *merges; /* bpe: [merge_count] by pair */
    uint32_t merge_count;
    struct spellings words; /* llama: what text may become by merging */
    struct spellings users; /* llama: user-defined tokens, taken out of the text before */
    struct span scores;     /* llama: f32 [vocab] */
    uint8_t *types;         /* llama: [vocab] of enum token_type */
    uint8_t *piece_bytes;   /* llama: the tokens in running text, one after the other */
    uint32_t *piece_at;     /* llama: [vocab + 1] into piece_bytes */
    uint32_t byte_id[256];  /* llama: the token of each byte, UINT32_MAX none */
};

/* SLM1's tokenizer section, at file offset `at`, for a model of `vocab` tokens. */
enum status tokenizer_open_section(struct span section, uint64_t at, uint32_t vocab,
                                   struct tokenizer **out, struct err *e) MUST_CHECK;
void tokenizer_close(struct tokenizer *t);
SCOPE_OF(tokenizer, struct tokenizer, tokenizer_close)
/* Kind and special ids, for the facts. */
void tokenizer_describe(const struct tokenizer *t, struct model_facts *facts);
enum status tokenizer_canonical(const struct tokenizer *t, struct sink to,
                                struct err *e) MUST_CHECK;

/* The rooms' parts: open fills *t (zeroed), encode appends ids of plain text without specials,
 * piece is asked for ids < vocab that are not special. */
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

void ids_append(struct buf *out, uint32_t id);

#endif
