/* From records to bytes, quickly: the caller's thread makes the plan and takes what comes, in
 * order.
 *
 *     plan  →  read (neighbours with one call), decode  →  re-hash, record and whole  →  write
 *     caller   two threads                                 a third                       a fourth
 *
 * Where two hashes side by side take longer than one, and when all is only checked, the records are
 * hashed by those who decode them.
 *
 * Memory does not grow with the plan: batches of a fixed size go round. No byte is handed out
 * before its record was decoded and its SHA-256 found right. Small plans need no threads. */
#ifndef STORE_FETCH_H
#define STORE_FETCH_H

#include "base/progress.h"
#include "base/stream.h"
#include "store/pack.h"

struct fetch_item {
    struct pack_entry entry;
    uint64_t position; /* where its bytes go in the content */
};

/* Fills up to cap items in order; *got = 0 ends the plan. Called on the caller's thread only. */
struct fetch_plan {
    enum status (*next)(void *ctx, struct fetch_item *items, size_t cap, size_t *got,
                        struct err *e);
    void *ctx;
    /* A record's pack is gone: a sweep moved the record meanwhile? May be NULL; any thread. */
    enum status (*relocate)(void *ctx, struct pack_entry *entry, bool *moved, struct err *e);
};

/* Every item's bytes to the sink, in the plan's order. Ends at the first bad record: all that the
 * sink got before was right. whole: NULL, or gets the SHA-256 of all the bytes in order. */
enum status fetch_stream(int packs, struct fetch_plan plan, struct sink to,
                         struct progress *progress, struct digest *whole, struct err *e) MUST_CHECK;
/* Where fetch_file writes. */
struct fetch_target {
    int fd;
    int direct; /* io_open_direct(fd): spares the page cache what nobody may read soon; −1 without
                 */
};
/* Every item's bytes to the target at its position, in any order; nothing is synced. After a
 * failure the file has holes but no wrong byte. */
enum status fetch_file(int packs, struct fetch_plan plan, struct fetch_target to,
                       struct progress *progress, struct digest *whole, struct err *e) MUST_CHECK;
/* Every item checked like pack_read and nothing handed out. each is called in the plan's order on
 * the caller's thread; verdict is NULL for a sound record, else what is wrong with it (ST_CORRUPT,
 * ST_NOT_FOUND, ST_IO …). Checking goes on after a bad one. */
enum status fetch_check(int packs, struct fetch_plan plan,
                        enum status (*each)(void *ctx, const struct fetch_item *item,
                                            const struct err *verdict, struct err *e),
                        void *ctx, struct progress *progress, struct err *e) MUST_CHECK;

#endif
