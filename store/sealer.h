/* The last stage of an ingest: full packs are sealed and handed over on a thread of their own, one
 * at a time and in order, while the next pack is being filled.
 *
 *     put → seal (trailer, sync) → sealed: publish, index → collect hands the writer back
 *
 * One pack is in work and none waits, so a change has at most two packs on their way. After a
 * failure no later pack is begun and every call tells that failure. put and wait are for one
 * thread, collect for another. */
#ifndef STORE_SEALER_H
#define STORE_SEALER_H

#include "store/pack_writer.h"

/* Publishes a sealed pack and indexes its entries. */
typedef enum status (*sealer_sealed)(void *ctx, struct pack_writer *pack, struct err *e);

struct sealer;
enum status sealer_open(sealer_sealed sealed, void *ctx, struct sealer **out,
                        struct err *e) MUST_CHECK;
/* Waits for the pack in work; one that was not begun is removed. */
void sealer_close(struct sealer *p);
SCOPE_OF(sealer, struct sealer, sealer_close)

/* Takes the pack in any case; waits while another is in work. Not more than SEALER_DONE may wait
 * to be collected. */
#define SEALER_DONE 8
enum status sealer_put(struct sealer *p, struct pack_writer *pack, struct err *e) MUST_CHECK;
/* Until no pack is in work. */
enum status sealer_wait(struct sealer *p, struct err *e) MUST_CHECK;
/* The oldest pack that was handed over, the caller's to close; NULL: none. */
struct pack_writer *sealer_collect(struct sealer *p);

#endif
