#include "tests/independent/chk_map.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void *chk_alloc(size_t n)
{
    void *p = malloc(n > 0 ? n : 1);
    if (p == NULL)
        abort();
    return p;
}

/* -- the map ------------------------------------------------------------------------------------
 */

static size_t place(const struct chk_map *m, const void *key, size_t n, uint64_t hash)
{
    size_t at = (size_t)hash & (m->slots - 1);
    while (m->slot[at] != 0) {
        const struct chk_pair *p = &m->pair[m->slot[at] - 1];
        if (p->hash == hash && p->key_n == n && memcmp(p->key, key, n) == 0)
            break;
        at = (at + 1) & (m->slots - 1);
    }
    return at;
}

static void grow(struct chk_map *m)
{
    m->room = m->room == 0 ? 32 : m->room * 2;
    m->slots = m->room * 2;
    m->pair = realloc(m->pair, m->room * sizeof *m->pair);
    free(m->slot);
    m->slot = calloc(m->slots, sizeof *m->slot);
    if (m->pair == NULL || m->slot == NULL)
        abort();
    for (size_t i = 0; i < m->n; i++) {
        const struct chk_pair *p = &m->pair[i];
        m->slot[place(m, p->key, p->key_n, p->hash)] = (uint32_t)i + 1;
    }
}

void chk_map_put(struct chk_map *m, const void *key, size_t key_n, const void *value,
                 size_t value_n)
{
    if (m->n == m->room)
        grow(m);
    uint64_t hash = chk_xxh64(key, key_n, 0);
    size_t at = place(m, key, key_n, hash);
    uint8_t *block = chk_alloc(key_n + value_n);
    memcpy(block, key, key_n);
    if (value_n > 0)
        memcpy(block + key_n, value, value_n);
    if (m->slot[at] == 0)
        m->slot[at] = (uint32_t)++m->n;
    else
        free(m->pair[m->slot[at] - 1].key);
    m->pair[m->slot[at] - 1] = (struct chk_pair){.key = block,
                                                 .value = block + key_n,
                                                 .key_n = (uint32_t)key_n,
                                                 .value_n = (uint32_t)value_n,
                                                 .hash = hash};
}

const struct chk_pair *chk_map_get(const struct chk_map *m, const void *key, size_t key_n)
{
    if (m->n == 0)
        return NULL;
    uint32_t i = m->slot[place(m, key, key_n, chk_xxh64(key, key_n, 0))];
    return i == 0 ? NULL : &m->pair[i - 1];
}

void chk_map_free(struct chk_map *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->pair[i].key);
    free(m->pair);
    free(m->slot);
    *m = (struct chk_map){0};
}

/* -- numbers ------------------------------------------------------------------------------------
 */

uint32_t chk_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t chk_le64(const uint8_t *p)
{
    return (uint64_t)chk_le32(p) | (uint64_t)chk_le32(p + 4) << 32;
}

void chk_put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void chk_put64(uint8_t *p, uint64_t v)
{
    chk_put32(p, (uint32_t)v);
    chk_put32(p + 4, (uint32_t)(v >> 32));
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool chk_hex(const uint8_t *text, size_t n, uint8_t *out)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        int hi = digit(text[i]), lo = digit(text[i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return n % 2 == 0;
}

void chk_hex_text(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

uint8_t *chk_base64(const uint8_t *text, size_t n, size_t *out_n)
{
    size_t pad = 0;
    if (n % 4 != 0 || n > 1u << 30)
        return NULL;
    for (; pad < 2 && pad < n && text[n - 1 - pad] == '='; pad++)
        continue;
    uint8_t *out = chk_alloc(n / 4 * 3 + 3);
    int got = n == 0 ? 0 : EVP_DecodeBlock(out, text, (int)n);
    if (got < 0) {
        free(out);
        return NULL;
    }
    *out_n = (size_t)got - (n == 0 ? 0 : pad);
    return out;
}

bool chk_base64_64(const uint8_t *text, size_t n, uint8_t out[64])
{
    size_t got = 0;
    uint8_t *p = n == 88 ? chk_base64(text, n, &got) : NULL;
    if (p != NULL && got == 64)
        memcpy(out, p, 64);
    free(p);
    return p != NULL && got == 64;
}

/* -- hashes and signatures ----------------------------------------------------------------------
 */

static uint64_t rot(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static const uint64_t prime[5] = {11400714785074694791u, 14029467366897019727u,
                                  1609587929392839161u, 9650029242287828579u, 2870177450012600261u};

uint64_t chk_xxh64(const void *data, size_t n, uint64_t seed)
{
    const uint8_t *p = data, *end = p + n;
    uint64_t h = seed + prime[4];
    if (n >= 32) {
        uint64_t v[4] = {seed + prime[0] + prime[1], seed + prime[1], seed, seed - prime[0]};
        for (; end - p >= 32; p += 32)
            for (unsigned i = 0; i < 4; i++)
                v[i] = rot(v[i] + chk_le64(p + 8 * i) * prime[1], 31) * prime[0];
        h = rot(v[0], 1) + rot(v[1], 7) + rot(v[2], 12) + rot(v[3], 18);
        for (unsigned i = 0; i < 4; i++)
            h = (h ^ rot(v[i] * prime[1], 31) * prime[0]) * prime[0] + prime[3];
    }
    h += n;
    for (; end - p >= 8; p += 8)
        h = rot(h ^ rot(chk_le64(p) * prime[1], 31) * prime[0], 27) * prime[0] + prime[3];
    if (end - p >= 4) {
        h = rot(h ^ chk_le32(p) * prime[0], 23) * prime[1] + prime[2];
        p += 4;
    }
    for (; p < end; p++)
        h = rot(h ^ *p * prime[4], 11) * prime[0];
    h = (h ^ h >> 33) * prime[1];
    h = (h ^ h >> 29) * prime[2];
    return h ^ h >> 32;
}

void chk_sha256(const void *p, size_t n, uint8_t out[32])
{
    unsigned got = 0;
    static EVP_MD_CTX *ctx; /* a fresh context a call costs more than most hashes here */
    if (ctx == NULL)
        ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(ctx, p, n) != 1 || EVP_DigestFinal_ex(ctx, out, &got) != 1)
        abort();
}

static bool verify(const uint8_t key[32], const void *p, size_t n, const uint8_t sig[64])
{
    EVP_PKEY *pk = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = pk != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pk) == 1 &&
              EVP_DigestVerify(ctx, sig, 64, p, n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pk);
    return ok;
}

bool chk_ed25519(const uint8_t key[32], const void *p, size_t n, const uint8_t sig[64])
{
    static struct chk_map known;
    uint8_t id[32 + 32 + 64];
    memcpy(id, key, 32);
    chk_sha256(p, n, id + 32);
    memcpy(id + 64, sig, 64);
    if (chk_map_get(&known, id, sizeof id) != NULL)
        return true;
    if (!verify(key, p, n, sig))
        return false;
    if (known.n > 1u << 16)
        chk_map_free(&known);
    chk_map_put(&known, id, sizeof id, "", 0);
    return true;
}

/* -- files --------------------------------------------------------------------------------------
 */

bool chk_file(const char *path, struct chk_bytes *out)
{
    struct stat st;
    *out = (struct chk_bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return false;
    }
    size_t size = (size_t)st.st_size;
    out->p = chk_alloc(size + 1);
    while (out->n < size) {
        ssize_t got = read(fd, out->p + out->n, size - out->n);
        if (got <= 0)
            break;
        out->n += (size_t)got;
    }
    close(fd);
    return out->n == size;
}
