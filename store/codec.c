#define ZSTD_STATIC_LINKING_ONLY /* for the literals mode; the frames are ordinary ones */
#include "store/codec.h"

#include "base/cursor.h"
#include "base/heap.h"
#include "store/chunker.h"
#include "store/planes.h"
#include <assert.h>
#include <string.h>
#include <zstd.h>

/* Level 1 compresses tensors as well as level 3, at nearly twice the speed. Planes of exponents
 * have no matches worth a search: entropy coding alone is twice as fast again and as small. */
#define WHOLE_LEVEL 1
#define PLANE_LEVEL (-100)

#define PLANE_RAW   UINT32_C(0x80000000)
#define PLANE_LIMIT CHUNK_MAX /* no longer input is split */
#define LEAST       64u       /* shorter input is not worth a frame */

struct codec {
    ZSTD_CCtx *whole, *plane;
    ZSTD_DCtx *decoder;
    uint8_t *split; /* [PLANE_LIMIT] planes before compression, and after decompression */
    uint8_t *proof; /* [PLANE_LIMIT] what was encoded, decoded again */
};

void codec_close(struct codec *c)
{
    ZSTD_freeCCtx(c->whole);
    ZSTD_freeCCtx(c->plane);
    ZSTD_freeDCtx(c->decoder);
    heap_free(c->split);
    heap_free(c->proof);
    heap_free(c);
}

static bool set_up(struct codec *c)
{
    size_t level = ZSTD_CCtx_setParameter(c->whole, ZSTD_c_compressionLevel, WHOLE_LEVEL);
    if (ZSTD_isError(level))
        return false;
    /* A library without the literals mode falls back to level 1: larger, never wrong. */
    size_t fast = ZSTD_CCtx_setParameter(c->plane, ZSTD_c_compressionLevel, PLANE_LEVEL);
    size_t mode = ZSTD_CCtx_setParameter(c->plane, ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
    if (!ZSTD_isError(fast) && !ZSTD_isError(mode))
        return true;
    return !ZSTD_isError(ZSTD_CCtx_setParameter(c->plane, ZSTD_c_compressionLevel, WHOLE_LEVEL));
}

enum status codec_open(struct codec **out, struct err *e)
{
    SCOPED(codec_scope) struct codec *c = heap_zero(1, sizeof *c);
    if (c == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a codec");
    c->whole = ZSTD_createCCtx();
    c->plane = ZSTD_createCCtx();
    c->decoder = ZSTD_createDCtx();
    c->split = heap_alloc(PLANE_LIMIT);
    c->proof = heap_alloc(PLANE_LIMIT);
    if (c->whole == NULL || c->plane == NULL || c->decoder == NULL || c->split == NULL ||
        c->proof == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a codec");
    if (!set_up(c))
        return err_set(e, ST_UNSUPPORTED, "zstd-level", "zstd refuses its compression level");
    *out = codec_take(&c);
    return ST_OK;
}

/* Bytes of the frame, 0 when it would not be shorter than the input. */
static size_t compress(ZSTD_CCtx *z, struct span in, uint8_t *out, size_t room)
{
    if (in.n < LEAST)
        return 0;
    size_t n = ZSTD_compress2(z, out, room < in.n ? room : in.n, in.p, in.n);
    return ZSTD_isError(n) || n >= in.n ? 0 : n;
}

/* Splits to where the planes are wanted: flat ones at the front lie in `out` already as they will
 * stay, the others wait in c->split. Returns how many those at the front are. */
static unsigned split(struct codec *c, struct span in, const struct planes_look *look, uint8_t *out)
{
    uint8_t *to[PLANES_MAX] = {0};
    const size_t plane = in.n / look->width;
    unsigned front = 0;
    while (front < look->width && look->flat[front])
        front++;
    if (front == look->width)
        return front;
    for (unsigned k = 0; k < look->width; k++)
        to[k] = k < front ? out + (size_t)4 * look->width + k * plane : c->split + k * plane;
    planes_split(to, in, look->width);
    return front;
}

/* Bytes of the encoding, 0 when it would not be shorter than the input. */
static size_t encode_planes(struct codec *c, struct span in, const struct planes_look *look,
                            uint8_t *out)
{
    const size_t plane = in.n / look->width, rest = in.n % look->width;
    const unsigned front = split(c, in, look, out);
    size_t at = (size_t)4 * look->width;
    if (front == look->width)
        return 0;
    for (unsigned k = 0; k < look->width; k++) {
        struct span p = SPAN(c->split + k * plane, plane);
        size_t n = look->flat[k] ? 0 : compress(c->plane, p, out + at, in.n - at);
        put_le32(out + (size_t)4 * k, n == 0 ? PLANE_RAW | (uint32_t)plane : (uint32_t)n);
        if (n == 0) {
            if (plane > in.n - at)
                return 0;
            if (k >= front)
                memcpy(out + at, p.p, plane);
            n = plane;
        }
        at += n;
    }
    if (at + rest >= in.n)
        return 0;
    memcpy(out + at, in.p + in.n - rest, rest);
    return at + rest;
}

/* Does the encoding decode to what went in? */
static bool proven(struct codec *c, struct span in, enum encoding how, struct span stored)
{
    uint8_t *own = in.n > PLANE_LIMIT ? heap_alloc(in.n) : NULL;
    uint8_t *back = in.n > PLANE_LIMIT ? own : c->proof;
    struct err ignored = ERR_NONE;
    bool same = back != NULL && codec_decode(c, how, stored, back, in.n, &ignored) == ST_OK &&
                memcmp(back, in.p, in.n) == 0;
    heap_free(own);
    return same;
}

enum encoding codec_encode(struct codec *c, struct span in, uint8_t *out, size_t *stored)
{
    assert(in.n <= CODEC_LENGTH_MAX);
    struct planes_look look = {.width = 1};
    if (in.n <= PLANE_LIMIT)
        look = planes_look(in);
    enum encoding how = look.width == 1   ? ENCODING_ZSTD
                        : look.width == 2 ? ENCODING_PLANES2
                                          : ENCODING_PLANES4;
    /* An evenly spread sample gets one quick look: it may repeat itself, and when it does not, that
     * is known at twice the speed. */
    ZSTD_CCtx *z = look.flat[0] ? c->plane : c->whole;
    size_t n = look.width == 1 ? compress(z, in, out, in.n) : encode_planes(c, in, &look, out);
    if (n > 0 && proven(c, in, how, SPAN(out, n))) {
        *stored = n;
        return how;
    }
    if (in.n > 0)
        memcpy(out, in.p, in.n);
    *stored = in.n;
    return ENCODING_RAW;
}

static enum status decompress(struct codec *c, struct span frame, uint8_t *out, size_t length,
                              struct err *e)
{
    size_t n = ZSTD_decompressDCtx(c->decoder, out, length, frame.p, frame.n);
    if (ZSTD_isError(n))
        return err_set(e, ST_CORRUPT, "encoding-frame",
                       "a zstd frame of %zu bytes does not decode: %s", frame.n,
                       ZSTD_getErrorName(n));
    if (n != length)
        return err_set(e, ST_CORRUPT, "encoding-length",
                       "a zstd frame holds %zu bytes, expected %zu", n, length);
    return ST_OK;
}

/* *from: where the plane lies, which is `in` itself when it was stored raw. */
static enum status decode_plane(struct codec *c, uint32_t entry, struct cursor *in, uint8_t *room,
                                size_t plane, const uint8_t **from, struct err *e)
{
    bool raw = (entry & PLANE_RAW) != 0;
    uint32_t n = entry & ~PLANE_RAW;
    if (raw && n != plane)
        return err_set(e, ST_CORRUPT, "encoding-plane",
                       "a raw byte plane has %u bytes, expected %zu", n, plane);
    struct span bytes = cursor_bytes(in, n);
    if (in->failed)
        return err_set(e, ST_CORRUPT, "encoding-plane",
                       "a byte plane of %u bytes reaches past the record", n);
    *from = raw ? bytes.p : room;
    return raw ? ST_OK : decompress(c, bytes, room, plane, e);
}

static enum status decode_planes(struct codec *c, unsigned width, struct span stored, uint8_t *out,
                                 size_t length, struct err *e)
{
    if (length > PLANE_LIMIT)
        return err_set(e, ST_CORRUPT, "encoding-length",
                       "byte planes of %zu bytes, at most %u are made", length, PLANE_LIMIT);
    size_t plane = length / width, rest = length % width;
    struct cursor in = cursor_over(stored);
    uint32_t entry[PLANES_MAX] = {0};
    const uint8_t *from[PLANES_MAX] = {0};
    for (unsigned k = 0; k < width; k++)
        entry[k] = cursor_u32(&in);
    for (unsigned k = 0; k < width && !in.failed; k++) {
        enum status st = decode_plane(c, entry[k], &in, c->split + k * plane, plane, &from[k], e);
        if (st != ST_OK)
            return st;
    }
    struct span left = cursor_bytes(&in, rest);
    if (!cursor_done(&in))
        return err_set(e, ST_CORRUPT, "encoding-length",
                       "byte planes do not fill their %zu bytes exactly", stored.n);
    planes_join(out, from, plane, width);
    if (rest > 0)
        memcpy(out + width * plane, left.p, rest);
    return ST_OK;
}

enum status codec_decode(struct codec *c, enum encoding how, struct span stored, uint8_t *out,
                         size_t length, struct err *e)
{
    switch (how) {
    case ENCODING_RAW:
        if (stored.n != length)
            return err_set(e, ST_CORRUPT, "encoding-length", "%zu raw bytes, expected %zu",
                           stored.n, length);
        if (length > 0)
            memcpy(out, stored.p, length);
        return ST_OK;
    case ENCODING_ZSTD: return decompress(c, stored, out, length, e);
    case ENCODING_PLANES2: return decode_planes(c, 2, stored, out, length, e);
    case ENCODING_PLANES4: return decode_planes(c, 4, stored, out, length, e);
    }
    return err_set(e, ST_CORRUPT, "encoding-unknown", "encoding %d is not known", (int)how);
}
