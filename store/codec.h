/* How a record's bytes are encoded: raw, zstd, or split into byte planes and then zstd.
 *
 *     raw       the bytes
 *     zstd      one frame, its content size stated
 *     planes w  w × u32 (bytes of the plane; top bit: stored raw) · plane 0 … plane w−1 · the
 * length % w bytes left over, raw.  Each compressed plane is a frame of its own.
 *
 * What is encoded is decoded and compared before it is handed out, so a defect of the compressor
 * costs space, never bytes. A codec is for one thread at a time. */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include "base/bytes.h"
#include "base/err.h"

#define CODEC_LENGTH_MAX (64u << 20) /* of decoded bytes */

enum encoding {
    ENCODING_RAW = 0,
    ENCODING_ZSTD = 1,
    ENCODING_PLANES2 = 2,
    ENCODING_PLANES4 = 3,
};

struct codec;
enum status codec_open(struct codec **out, struct err *e) MUST_CHECK;
void codec_close(struct codec *c);
SCOPE_OF(codec, struct codec, codec_close)

/* Writes the shorter of the encodings that suit `in` to out (room for in.n bytes; *stored ≤ in.n).
 * Raw, and a compressor that failed us, is a copy. in.n ≤ CODEC_LENGTH_MAX. */
enum encoding codec_encode(struct codec *c, struct span in, uint8_t *out, size_t *stored);

/* Exactly `length` bytes to out, or ST_CORRUPT (code "encoding-…"). Whatever `stored` holds,
 * nothing is read or written out of bounds; the caller still has to hash what comes out. */
enum status codec_decode(struct codec *c, enum encoding how, struct span stored, uint8_t *out,
                         size_t length, struct err *e) MUST_CHECK;

#endif
