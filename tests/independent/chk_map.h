/* Bytes, hashes and a map from bytes to bytes, for the independent checker. */
#ifndef TESTS_INDEPENDENT_CHK_MAP_H
#define TESTS_INDEPENDENT_CHK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chk_bytes {
    uint8_t *p;
    size_t n;
};

struct chk_pair {
    uint8_t *key, *value; /* in one block, key first */
    uint32_t key_n, value_n;
    uint64_t hash;
};

struct chk_map {
    struct chk_pair *pair; /* [n] in the order of their coming */
    uint32_t *slot;        /* [slots] index + 1 into pair */
    size_t n, room, slots;
};

void chk_map_put(struct chk_map *m, const void *key, size_t key_n, const void *value,
                 size_t value_n);
const struct chk_pair *chk_map_get(const struct chk_map *m, const void *key, size_t key_n);
void chk_map_free(struct chk_map *m);

uint64_t chk_xxh64(const void *p, size_t n, uint64_t seed);
void chk_sha256(const void *p, size_t n, uint8_t out[32]);
/* Ed25519; what was right once is remembered. */
bool chk_ed25519(const uint8_t key[32], const void *p, size_t n, const uint8_t sig[64]);

uint32_t chk_le32(const uint8_t *p);
uint64_t chk_le64(const uint8_t *p);
void chk_put64(uint8_t *p, uint64_t v);
void chk_put32(uint8_t *p, uint32_t v);
bool chk_hex(const uint8_t *text, size_t n, uint8_t *out); /* n digits to n / 2 bytes */
void chk_hex_text(const uint8_t *p, size_t n, char *out);  /* 2 n digits and a NUL */
/* 64 bytes of standard base64 from 88 digits. */
bool chk_base64_64(const uint8_t *text, size_t n, uint8_t out[64]);
/* Standard base64; malloc'ed, NULL when it is none. */
uint8_t *chk_base64(const uint8_t *text, size_t n, size_t *out_n);
/* A whole file; false when it is not there. An empty one has p != NULL. */
bool chk_file(const char *path, struct chk_bytes *out);
void *chk_alloc(size_t n); /* ends the program when there is no memory */

#endif
