/* The independent checker: does a store folder keep its promises?
 *
 * Written from the documented formats (ARCHITECTURE.md and the pictures in store/ headers) with a
 * parser, hashes and signature checks of its own: nothing of the product is included or linked, so
 * a mistake made there is not made here again.
 *
 *     chk_read    format, ledger, packs, quarantine as they lie on disk, and everything that the
 *                 state refers to, re-hashed                                    I3 I4 I5 I6
 *     chk_follows what was acknowledged is there, the rest is all or nothing     I1 I2 I5
 *     chk_index   LMDB's tables are the fold of packs and ledger                 I11
 *     chk_clean   nothing is left over                                           I9
 *     chk_room    what lies there is within the quota
 *
 * The first violation found is kept in `why`. One thread. */
#ifndef TESTS_INDEPENDENT_CHK_H
#define TESTS_INDEPENDENT_CHK_H

#include "tests/independent/chk_map.h"

#define CHK_WHY 400

struct chk_entry {
    uint8_t hash[32];
    uint64_t shape; /* of what it does: type and keys, not values or times */
    size_t at, end; /* its line in the ledger */
};

struct chk {
    bool bad, there; /* there: a format file was found */
    char why[CHK_WHY];
    char path[512];
    struct chk_bytes format, ledger;
    uint8_t log_key[32];
    struct chk_entry *entry; /* [entries] */
    size_t entries, entry_room;
    bool torn;            /* bytes behind the last whole entry */
    struct chk_map state; /* key → u64 seq · u8 1 value, 0 gone · value */
    struct chk_map
        records; /* kind · digest → u64 pack · u64 offset · u32 stored · u32 length · u8 how */
    struct chk_map packs;   /* u64 id, big-endian → u64 bytes · u64 records · file */
    struct chk_map recipes; /* content → root · u64 bytes */
    uint64_t next_pack, stored_bytes, content_bytes;
    size_t unknown; /* keys of the state that this checker does not know */
};

/* Never NULL; look at bad. chk_free afterwards. */
struct chk *chk_read(const char *store);
void chk_free(struct chk *c);
/* Marks it bad, unless it is already. Returns false. */
bool chk_fail(struct chk *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `now` must hold the ledger of `before`, byte for byte, and behind it entries that do what those
 * of `after` behind `before` do: at least `least` of them, and any number from the first on; of
 * entries that stand each for itself (apart), any may lack. NULL: an empty store. */
bool chk_follows(struct chk *now, const struct chk *before, const struct chk *after, size_t least,
                 bool apart);
bool chk_index(struct chk *c);
bool chk_clean(struct chk *c);
/* Every file of packs, staging and quarantine by its length, the reserve by its blocks. */
bool chk_room(struct chk *c);

/* -- the rooms behind it ------------------------------------------------------------------------
 */

bool chk_read_ledger(struct chk *c);
bool chk_read_packs(struct chk *c);
bool chk_read_state(struct chk *c);
/* Decoded bytes of a record, hashed and equal to its digest; malloc'ed, or NULL and c is bad. */
uint8_t *chk_record(struct chk *c, char kind, const uint8_t digest[32], size_t *n);
/* Hashes a whole content; false and bad when it is not there or not whole. */
bool chk_content(struct chk *c, const uint8_t content[32], uint64_t *bytes);

#endif
