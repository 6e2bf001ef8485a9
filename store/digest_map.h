/* A table from digest to a number, in memory. Digests are evenly spread already, so eight of their
 * bytes are the hash. Not for threads to share. */
#ifndef STORE_DIGEST_MAP_H
#define STORE_DIGEST_MAP_H

#include "store/digest.h"

struct digest_map {
    struct digest_slot *slots; /* [cap]; NULL while empty */
    size_t cap, count;         /* cap is a power of two, at most three quarters used */
};

#define DIGEST_MAP_EMPTY ((struct digest_map){0})

/* Sets the number of d; false when memory cannot be had (nothing is changed). */
bool digest_map_put(struct digest_map *m, const struct digest *d, uint32_t value) MUST_CHECK;
/* value may be NULL. */
bool digest_map_get(const struct digest_map *m, const struct digest *d, uint32_t *value);
void digest_map_remove(struct digest_map *m, const struct digest *d); /* absent is fine */
void digest_map_release(struct digest_map *m);                        /* and empties it */

#endif
