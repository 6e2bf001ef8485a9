/* What the two halves of eviction share. */
#ifndef STORE_EVICT_INSIDE_H
#define STORE_EVICT_INSIDE_H

#include "store/evict.h"
#include "store/lease.h"

#define EVICT_ABSENT "its bytes are not here"

/* The artifact's facts as admission left them. */
struct evict_facts {
    char content[DIGEST_TEXT], manifest[DIGEST_TEXT];
};
enum status evict_facts(struct store *s, struct evict_candidate *c, struct evict_facts *out,
                        struct err *e) MUST_CHECK;
/* Pin, lease, law: fills c->kept. */
enum status evict_kept(struct store *s, const struct leases *held, const struct evict_options *o,
                       struct evict_candidate *c, struct err *e) MUST_CHECK;
/* Commits the eviction, or with `remove` the removal. What keeps it since it was chosen (a lease, a
 * pin, the law), or that another evicted it, fills c->kept. */
enum status evict_commit(struct store *s, const struct evict_options *o, struct evict_candidate *c,
                         bool remove, struct err *e) MUST_CHECK;

#endif
