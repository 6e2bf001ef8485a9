/* Packs: head 16 · records (64 + stored) · trailer 32; every byte accounted for, every record
 * decoded and hashed. */
#include "tests/independent/chk.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { HEAD = 16, RECORD = 64, TRAILER = 32 };

/* -- decoding -----------------------------------------------------------------------------------
 */

static bool frame(const uint8_t *in, size_t n, uint8_t *out, size_t length)
{
    static ZSTD_DCtx *ctx; /* a fresh one a frame costs more than the frame */
    if (ctx == NULL)
        ctx = ZSTD_createDCtx();
    size_t got = ctx == NULL ? 0 : ZSTD_decompressDCtx(ctx, out, length, in, n);
    return !ZSTD_isError(got) && got == length;
}

static bool planes(const uint8_t *in, size_t n, unsigned w, uint8_t *out, size_t length)
{
    size_t plane = length / w, rest = length % w, at = (size_t)4 * w;
    uint8_t *apart = chk_alloc(plane + 1);
    bool ok = n >= at;
    for (unsigned k = 0; k < w && ok; k++) {
        uint32_t word = chk_le32(in + (size_t)4 * k), size = word & 0x7fffffffu;
        ok = size <= n - at;
        if (ok && (word & 0x80000000u) != 0)
            ok = size == plane && memcpy(apart, in + at, plane) != NULL;
        else if (ok)
            ok = frame(in + at, size, apart, plane);
        for (size_t i = 0; ok && i < plane; i++)
            out[i * w + k] = apart[i];
        at += size;
    }
    free(apart);
    if (ok && n - at == rest && rest > 0)
        memcpy(out + plane * w, in + at, rest);
    return ok && n - at == rest;
}

static bool decode(uint8_t how, const uint8_t *in, size_t n, uint8_t *out, size_t length)
{
    switch (how) {
    case 0: return n == length && (n == 0 || memcpy(out, in, n) != NULL);
    case 1: return frame(in, n, out, length);
    case 2: return planes(in, n, 2, out, length);
    case 3: return planes(in, n, 4, out, length);
    default: return false;
    }
}

/* -- reading ------------------------------------------------------------------------------------
 */

static void learn_root(struct chk *c, const uint8_t digest[32], const uint8_t *root, size_t n)
{
    uint8_t record[40];
    if (n < 56 || memcmp(root, "RRT1", 4) != 0)
        return;
    memcpy(record, digest, 32);
    memcpy(record + 32, root + 40, 8);
    chk_map_put(&c->recipes, root + 8, 32, record, sizeof record);
}

static bool record(struct chk *c, uint64_t pack, const uint8_t *p, size_t at, size_t room)
{
    const uint8_t *h = p + at;
    uint32_t stored = chk_le32(h + 8), length = chk_le32(h + 12);
    uint8_t hash[32], place[25], key[33];
    if (memcmp(h, "REC1", 4) != 0 || chk_le64(h + 56) != chk_xxh64(h, 56, 0) || h[6] != 0 ||
        h[7] != 0 || h[4] < 1 || h[4] > 4 || stored > room || length > 64u << 20)
        return chk_fail(c, "I3: pack %llu: no record at byte %zu", (unsigned long long)pack, at);
    uint8_t *out = chk_alloc(length);
    bool ok = chk_le64(h + 48) == chk_xxh64(h + RECORD, stored, 0) &&
              decode(h[5], h + RECORD, stored, out, length);
    chk_sha256(out, ok ? length : 0, hash);
    ok = ok && memcmp(hash, h + 16, 32) == 0;
    if (ok) {
        key[0] = h[4];
        memcpy(key + 1, hash, 32);
        chk_put64(place, pack);
        chk_put64(place + 8, at);
        chk_put32(place + 16, stored);
        chk_put32(place + 20, length);
        place[24] = h[5];
        chk_map_put(&c->records, key, sizeof key, place, sizeof place);
        if (h[4] == 3)
            learn_root(c, hash, out, length);
    }
    free(out);
    return ok || chk_fail(c, "I3: pack %llu: the record at byte %zu is damaged",
                          (unsigned long long)pack, at);
}

static bool frame_of_pack(struct chk *c, uint64_t id, const struct chk_bytes *b)
{
    if (b->n < HEAD + TRAILER || memcmp(b->p, "ASSAYPK1\1\0\0\0\0\0\0\0", HEAD) != 0)
        return chk_fail(c, "I3: pack %llu: no pack", (unsigned long long)id);
    const uint8_t *t = b->p + b->n - TRAILER;
    if (memcmp(t, "PEND", 4) != 0 || chk_le64(t + 24) != chk_xxh64(t, 24, 0) ||
        chk_le64(t + 8) != b->n - TRAILER)
        return chk_fail(c, "I3: pack %llu: its trailer is damaged", (unsigned long long)id);
    return true;
}

static bool records(struct chk *c, uint64_t id, const struct chk_bytes *b, uint64_t *count)
{
    const uint8_t *t = b->p + b->n - TRAILER;
    size_t at = HEAD, end = b->n - TRAILER;
    uint64_t chain = 0;
    for (*count = 0; at < end; (*count)++) {
        if (end - at < RECORD || !record(c, id, b->p, at, end - at - RECORD))
            return chk_fail(c, "I3: pack %llu: torn at byte %zu", (unsigned long long)id, at);
        chain = chk_xxh64(b->p + at, RECORD, chain);
        at += RECORD + chk_le32(b->p + at + 8);
    }
    if (*count != chk_le32(t + 4) || chain != chk_le64(t + 16))
        return chk_fail(c, "I3: pack %llu: its trailer counts other records",
                        (unsigned long long)id);
    return true;
}

static bool read_pack(struct chk *c, uint64_t id)
{
    char path[600];
    struct chk_bytes b;
    uint64_t count = 0;
    uint8_t key[8], facts[16];
    (void)snprintf(path, sizeof path, "%s/packs/%016llx.pack", c->path, (unsigned long long)id);
    if (!chk_file(path, &b))
        return chk_fail(c, "I4: pack %llu cannot be read", (unsigned long long)id);
    if (frame_of_pack(c, id, &b) && records(c, id, &b, &count)) {
        for (unsigned i = 0; i < 8; i++)
            key[i] = (uint8_t)(id >> (56 - 8 * i));
        chk_put64(facts, b.n);
        chk_put64(facts + 8, count);
        /* the bytes stay, for whoever reads a record */
        uint8_t *value = chk_alloc(16 + b.n);
        memcpy(value, facts, 16);
        memcpy(value + 16, b.p, b.n);
        chk_map_put(&c->packs, key, 8, value, 16 + b.n);
        free(value);
        c->stored_bytes += b.n;
        c->next_pack = id + 1;
    }
    free(b.p);
    return !c->bad;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool pack_id(const char *name, uint64_t *id)
{
    char *end = NULL;
    *id = strtoull(name, &end, 16);
    return strlen(name) == 21 && end == name + 16 && strcmp(end, ".pack") == 0;
}

bool chk_read_packs(struct chk *c)
{
    char path[600];
    uint64_t *ids = NULL;
    size_t n = 0, room = 0;
    (void)snprintf(path, sizeof path, "%s/packs", c->path);
    DIR *d = opendir(path);
    if (d == NULL)
        return chk_fail(c, "I4: there is no folder of packs");
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        uint64_t id = 0;
        if (!pack_id(e->d_name, &id))
            continue;
        if (n == room) {
            room = room == 0 ? 16 : room * 2;
            ids = realloc(ids, room * sizeof *ids);
            if (ids == NULL)
                abort();
        }
        ids[n++] = id;
    }
    closedir(d);
    if (n > 0)
        qsort(ids, n, sizeof *ids, by_number);
    c->next_pack = 1;
    for (size_t i = 0; i < n && !c->bad; i++)
        (void)read_pack(c, ids[i]);
    free(ids);
    return !c->bad;
}

uint8_t *chk_record(struct chk *c, char kind, const uint8_t digest[32], size_t *n)
{
    uint8_t key[33], id[8];
    char hex[65];
    key[0] = (uint8_t)kind;
    memcpy(key + 1, digest, 32);
    const struct chk_pair *at = chk_map_get(&c->records, key, sizeof key);
    chk_hex_text(digest, 32, hex);
    if (at == NULL) {
        (void)chk_fail(c, "I4: record %s of kind %d is not in any pack", hex, kind);
        return NULL;
    }
    uint64_t pack = chk_le64(at->value), offset = chk_le64(at->value + 8);
    for (unsigned i = 0; i < 8; i++)
        id[i] = (uint8_t)(pack >> (56 - 8 * i));
    const struct chk_pair *p = chk_map_get(&c->packs, id, 8);
    *n = chk_le32(at->value + 20);
    uint8_t *out = chk_alloc(*n + 1);
    if (p != NULL &&
        decode(at->value[24], p->value + 16 + offset + RECORD, chk_le32(at->value + 16), out, *n))
        return out;
    free(out);
    (void)chk_fail(c, "I4: record %s cannot be read", hex);
    return NULL;
}
