/* Sweeping: room of records that nothing needs goes back to the disk.
 *
 *     packs that nothing needs                          → dropped
 *     packs of which a quarter or more is free, small
 *     ones when they are many, ones whose head or
 *     trailer is damaged                                → needed records copied into new packs,
 *                                                         those published, the old ones dropped
 *
 * Nothing is ever changed in place and readers never wait: who still has an old place looks the
 * record up again. A copy is verified before it is written; a pack with a damaged needed record is
 * left to a repair. Leased packs stay. What a run is going to free is exact, unless others change
 * the store meanwhile or a full disk makes it write more and smaller packs (48 bytes each); it
 * costs a look at each pack's facts plus the records of packs that go. Killed at any moment, the
 * next run goes on. */
#ifndef STORE_GC_H
#define STORE_GC_H

#include "store/store.h"

struct gc_options {
    bool dry_run;
    struct clock clock;
    const struct signer *log; /* NULL for a dry run */
};

struct gc_report {
    uint64_t freed;   /* bytes of packs that went, less those of new ones; dry: would */
    uint64_t dropped; /* packs that went */
    uint64_t written; /* packs that were made, and the bytes of them */
    uint64_t written_bytes;
    uint64_t leased;  /* packs left because somebody needs them just now */
    uint64_t damaged; /* packs left because a needed record is damaged */
    uint64_t left;    /* packs left for want of room; wanted: bytes that were missing at least */
    uint64_t wanted;
};

/* ST_CORRUPT, code "gc-uncounted": recipes that cannot be read, so it is not known what is needed.
 * ST_UNSUPPORTED, code "gc-unlisted": artifacts of an earlier version. */
enum status gc_run(struct store *s, const struct gc_options *o, struct progress *progress,
                   struct gc_report *out, struct err *e) MUST_CHECK;

#endif
