/* The reserve: room on the disk that only sweeping may use.
 *
 * The file `reserve` holds blocks for the largest pack there was and 1 MiB, behind an end at byte
 * 0: so on a full disk gc can still write a pack before it removes one, and evict, rm and retire
 * can append to the ledger. Whoever needs it removes the file, and makes it again when done. Its
 * blocks count against the quota; while others have taken its room there, it waits. */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include "store/store_inside.h"

#define RESERVE_MORE  (1u << 20)
#define RESERVE_ENTRY (RESERVE_MORE / 2) /* free bytes that a ledger entry and its fold want */

/* Bytes it has now; 0 when it is not there. */
uint64_t reserve_size(const struct store *s);
/* What it has to have for a pack of `pack` bytes: whole blocks. */
uint64_t reserve_for(const struct store *s, uint64_t pack);
/* Makes it so large, if the quota lets it. ST_NO_SPACE. */
enum status reserve_keep(struct store *s, uint64_t pack, struct err *e) MUST_CHECK;

/* For the scope: gives the reserve's room to the disk if less than `bytes` are free there, and
 * takes it back at the end. */
struct reserve_use {
    struct store *s;
    uint64_t size; /* to be made again; 0: untouched */
};
enum status reserve_use(struct store *s, uint64_t bytes, struct reserve_use *out,
                        struct err *e) MUST_CHECK;
/* The same for packs, which the quota has to have room for, too. */
enum status reserve_use_packs(struct store *s, uint64_t bytes, struct reserve_use *out,
                              struct err *e) MUST_CHECK;
void reserve_use_release(struct reserve_use *u);
/* Bytes free on the store's disk for us. */
uint64_t reserve_free(const struct store *s);

#endif
