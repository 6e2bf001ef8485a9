/* The bytes of a pack file. Only pack_format.c knows the offsets; numbers are little-endian.
 *
 *     ┌────────┬──────────────────┬──────────────────┬───┬─────────┐
 *     │ head   │ record           │ record           │ … │ trailer │   and nothing behind it
 *     │ 16     │ 64 + stored      │ 64 + stored      │   │ 32      │
 *     └────────┴──────────────────┴──────────────────┴───┴─────────┘
 *
 *     head      "ASSAYPK1" · u32 version = 1 · u32 zero
 *     record    u32 magic "REC1" · u8 kind · u8 encoding · u16 zero · u32 stored · u32 length ·
 *               32 bytes SHA-256 of the decoded bytes · u64 hash64 of the stored bytes ·
 *               u64 hash64 of bytes 0…55 of this header;  then the stored bytes, no padding
 *     trailer   u32 magic "PEND" · u32 records · u64 bytes before the trailer · u64 chained hash64
 * of all record headers · u64 hash64 of bytes 0…23 of the trailer
 *
 * A record says by itself what it is, so packs can be folded into an index again. hash64 finds
 * accidents; what is handed out is believed for its SHA-256 alone. */
#ifndef STORE_PACK_FORMAT_H
#define STORE_PACK_FORMAT_H

#include "store/codec.h"
#include "store/digest.h"

#define PACK_HEAD    16
#define PACK_RECORD  64 /* of a record's header */
#define PACK_TRAILER 32
#define PACK_BYTES_MAX                                                        \
    (UINT64_C(1) << 40) /* of a pack file: anything longer is not one of ours \
                         */

enum pack_kind {
    PACK_CHUNK = 1,
    PACK_RECIPE_PAGE = 2,
    PACK_RECIPE_ROOT = 3,
    PACK_DOCUMENT = 4,
};

struct pack_record {
    enum pack_kind kind;
    enum encoding encoding;
    uint32_t stored, length; /* bytes in the pack; bytes decoded */
    struct digest digest;    /* of the decoded bytes */
    uint64_t check;          /* hash64 of the stored bytes */
};

struct pack_trailer {
    uint32_t records;
    uint64_t bytes; /* before the trailer */
    uint64_t chain; /* pack_chain over every record header, from 0 */
};

void pack_head_encode(uint8_t out[PACK_HEAD]);
void pack_record_encode(const struct pack_record *r, uint8_t out[PACK_RECORD]);
void pack_trailer_encode(const struct pack_trailer *t, uint8_t out[PACK_TRAILER]);

/* Each takes exactly its bytes. ST_CORRUPT with the code of the first defect ("pack-magic",
 * "pack-record-check", …) and its offset within these bytes; ST_UNSUPPORTED for another version. */
enum status pack_head_decode(const uint8_t in[PACK_HEAD], struct err *e) MUST_CHECK;
enum status pack_record_decode(const uint8_t in[PACK_RECORD], struct pack_record *out,
                               struct err *e) MUST_CHECK;
enum status pack_trailer_decode(const uint8_t in[PACK_TRAILER], struct pack_trailer *out,
                                struct err *e) MUST_CHECK;

uint64_t pack_chain(uint64_t chain, const uint8_t header[PACK_RECORD]);
/* Offset of the first sound record header in `in`, or in.n. */
size_t pack_record_search(struct span in);

/* "0123456789abcdef.pack" and back; false when it is no such name. */
#define PACK_NAME 22
void pack_name(uint64_t id, char out[PACK_NAME]);
bool pack_name_parse(const char *name, uint64_t *id);

#endif
