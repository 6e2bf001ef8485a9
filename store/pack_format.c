#include "store/pack_format.h"

#include "base/hash64.h"
#include "base/text.h"
#include <assert.h>
#include <string.h>

/* Numbers of the format. */
#define MAGIC_RECORD  UINT32_C(0x31434552) /* "REC1" */
#define MAGIC_TRAILER UINT32_C(0x444E4550) /* "PEND" */
#define VERSION       1u
static const uint8_t magic_head[8] = {'A', 'S', 'S', 'A', 'Y', 'P', 'K', '1'};

/* Offsets of the head. */
enum { HEAD_MAGIC = 0, HEAD_VERSION = 8, HEAD_ZERO = 12 };
/* Offsets of a record's header. */
enum {
    RECORD_MAGIC = 0,
    RECORD_KIND = 4,
    RECORD_ENCODING = 5,
    RECORD_ZERO = 6,
    RECORD_STORED = 8,
    RECORD_LENGTH = 12,
    RECORD_DIGEST = 16,
    RECORD_CHECK = 48,
    RECORD_SELF = 56,
};
/* Offsets of the trailer. */
enum {
    TRAILER_MAGIC = 0,
    TRAILER_RECORDS = 4,
    TRAILER_BYTES = 8,
    TRAILER_CHAIN = 16,
    TRAILER_SELF = 24
};

void pack_head_encode(uint8_t out[PACK_HEAD])
{
    memcpy(out + HEAD_MAGIC, magic_head, sizeof magic_head);
    put_le32(out + HEAD_VERSION, VERSION);
    put_le32(out + HEAD_ZERO, 0);
}

enum status pack_head_decode(const uint8_t in[PACK_HEAD], struct err *e)
{
    if (memcmp(in + HEAD_MAGIC, magic_head, sizeof magic_head) != 0)
        return err_at(e, ST_CORRUPT, "head", "pack-magic", HEAD_MAGIC,
                      "the file does not begin like a pack");
    uint32_t version = get_le32(in + HEAD_VERSION);
    if (version != VERSION)
        return err_at(e, ST_UNSUPPORTED, "head", "pack-version", HEAD_VERSION,
                      "pack version %u, this program knows version %u", version, VERSION);
    if (get_le32(in + HEAD_ZERO) != 0)
        return err_at(e, ST_CORRUPT, "head", "pack-head-zero", HEAD_ZERO,
                      "reserved bytes of the head are not zero");
    return ST_OK;
}

void pack_record_encode(const struct pack_record *r, uint8_t out[PACK_RECORD])
{
    assert(r->stored <= r->length && r->length <= CODEC_LENGTH_MAX);
    put_le32(out + RECORD_MAGIC, MAGIC_RECORD);
    out[RECORD_KIND] = (uint8_t)r->kind;
    out[RECORD_ENCODING] = (uint8_t)r->encoding;
    put_le16(out + RECORD_ZERO, 0);
    put_le32(out + RECORD_STORED, r->stored);
    put_le32(out + RECORD_LENGTH, r->length);
    memcpy(out + RECORD_DIGEST, r->digest.b, DIGEST_BYTES);
    put_le64(out + RECORD_CHECK, r->check);
    put_le64(out + RECORD_SELF, hash64(SPAN(out, RECORD_SELF), 0));
}

/* The header's values, once its own check is right: only a defective or hostile writer gets here.
 */
static enum status record_values(const struct pack_record *r, struct err *e)
{
    if (r->kind < PACK_CHUNK || r->kind > PACK_DOCUMENT)
        return err_at(e, ST_CORRUPT, "record", "pack-record-kind", RECORD_KIND,
                      "record kind %d is not known", (int)r->kind);
    if (r->encoding > ENCODING_PLANES4)
        return err_at(e, ST_CORRUPT, "record", "pack-record-encoding", RECORD_ENCODING,
                      "encoding %d is not known", (int)r->encoding);
    bool fits = r->encoding == ENCODING_RAW ? r->stored == r->length : r->stored < r->length;
    if (!fits || r->length > CODEC_LENGTH_MAX)
        return err_at(e, ST_CORRUPT, "record", "pack-record-length", RECORD_STORED,
                      "%u bytes stored for %u bytes", r->stored, r->length);
    return ST_OK;
}

enum status pack_record_decode(const uint8_t in[PACK_RECORD], struct pack_record *out,
                               struct err *e)
{
    if (get_le32(in + RECORD_MAGIC) != MAGIC_RECORD)
        return err_at(e, ST_CORRUPT, "record", "pack-record-magic", RECORD_MAGIC,
                      "no record begins here");
    if (get_le64(in + RECORD_SELF) != hash64(SPAN(in, RECORD_SELF), 0))
        return err_at(e, ST_CORRUPT, "record", "pack-record-check", RECORD_SELF,
                      "the record's header does not match its check");
    if (get_le16(in + RECORD_ZERO) != 0)
        return err_at(e, ST_CORRUPT, "record", "pack-record-zero", RECORD_ZERO,
                      "reserved bytes are not zero");
    out->kind = (enum pack_kind)in[RECORD_KIND];
    out->encoding = (enum encoding)in[RECORD_ENCODING];
    out->stored = get_le32(in + RECORD_STORED);
    out->length = get_le32(in + RECORD_LENGTH);
    memcpy(out->digest.b, in + RECORD_DIGEST, DIGEST_BYTES);
    out->check = get_le64(in + RECORD_CHECK);
    return record_values(out, e);
}

void pack_trailer_encode(const struct pack_trailer *t, uint8_t out[PACK_TRAILER])
{
    put_le32(out + TRAILER_MAGIC, MAGIC_TRAILER);
    put_le32(out + TRAILER_RECORDS, t->records);
    put_le64(out + TRAILER_BYTES, t->bytes);
    put_le64(out + TRAILER_CHAIN, t->chain);
    put_le64(out + TRAILER_SELF, hash64(SPAN(out, TRAILER_SELF), 0));
}

enum status pack_trailer_decode(const uint8_t in[PACK_TRAILER], struct pack_trailer *out,
                                struct err *e)
{
    if (get_le32(in + TRAILER_MAGIC) != MAGIC_TRAILER)
        return err_at(e, ST_CORRUPT, "trailer", "pack-trailer-magic", TRAILER_MAGIC,
                      "the pack does not end with a trailer: it was cut or lengthened");
    if (get_le64(in + TRAILER_SELF) != hash64(SPAN(in, TRAILER_SELF), 0))
        return err_at(e, ST_CORRUPT, "trailer", "pack-trailer-check", TRAILER_SELF,
                      "the pack's trailer does not match its check");
    out->records = get_le32(in + TRAILER_RECORDS);
    out->bytes = get_le64(in + TRAILER_BYTES);
    out->chain = get_le64(in + TRAILER_CHAIN);
    return ST_OK;
}

uint64_t pack_chain(uint64_t chain, const uint8_t header[PACK_RECORD])
{
    return hash64(SPAN(header, PACK_RECORD), chain);
}

size_t pack_record_search(struct span in)
{
    for (size_t at = 0; in.n - at >= PACK_RECORD; at++) {
        struct pack_record r;
        struct err ignored = ERR_NONE;
        if (in.p[at] == (uint8_t)MAGIC_RECORD &&
            pack_record_decode(in.p + at, &r, &ignored) == ST_OK)
            return at;
    }
    return in.n;
}

void pack_name(uint64_t id, char out[PACK_NAME])
{
    uint8_t big[8];
    for (unsigned i = 0; i < 8; i++)
        big[i] = (uint8_t)(id >> (56 - 8 * i));
    hex_encode(out, SPAN(big, sizeof big));
    memcpy(out + 16, ".pack", sizeof ".pack");
}

bool pack_name_parse(const char *name, uint64_t *id)
{
    uint8_t big[8];
    struct span text = span_text(name);
    if (text.n != PACK_NAME - 1 || memcmp(name + 16, ".pack", 5) != 0 ||
        !hex_decode(big, sizeof big, SPAN(name, 16)))
        return false;
    *id = 0;
    for (unsigned i = 0; i < 8; i++)
        *id = *id << 8 | big[i];
    return true;
}
