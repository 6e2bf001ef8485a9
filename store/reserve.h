/* The reserve: room on the disk that only sweeping may use.
 *
 * The file `reserve` has blocks for the largest pack that was added and 1 MiB, without content: so
 * on a full disk gc can still write a pack before it removes one, and evict, rm and retire can
 * append to the ledger. Who needs it is lent the room that is missing, a hole at the end of the
 * file, and gives back whatever was not used. Until then its length says what it had: whoever
 * writes next and has room fills the rest; what only takes room waits for that. Its blocks count
 * against the quota. */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include "store/store_inside.h"

#define RESERVE_MORE  (1u << 20)
#define RESERVE_ENTRY (RESERVE_MORE / 2) /* free bytes that a ledger entry and its fold want */

/* Bytes it has now; 0 when it is not there. */
uint64_t reserve_size(const struct store *s);
/* What it has to have for the packs there are and one of `pack` bytes: whole blocks. */
enum status reserve_for(struct store *s, uint64_t pack, uint64_t *out, struct err *e) MUST_CHECK;
/* Makes it so large, as far as the quota lets it. ST_NO_SPACE. */
enum status reserve_keep(struct store *s, uint64_t pack, struct err *e) MUST_CHECK;
/* Makes it larger, as far as quota and disk let it: without the gate. What fails is left to the
 * next. */
void reserve_refill(struct store *s);
/* The same file for a store that is being made in `dir`: as large as this store's quota lets it. */
enum status reserve_copy(struct store *s, int dir, struct err *e) MUST_CHECK;

/* For the scope: if less than `bytes` are free on the disk, it lends what is missing; at the end it
 * is filled again. Neither begins nor ends with the gate held. */
struct reserve_use {
    struct store *s;
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
