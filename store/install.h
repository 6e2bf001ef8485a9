/* Installed artifacts: which contents the store has to keep, and for whom.
 *
 *     installed/ARTIFACT   {"bytes":N,"contents":"BASE64","name":NAME}
 *
 * `contents` are the SHA-256 of the artifact's files, one behind the other. As long as the key has
 * a value, every chunk of those contents is kept; forgetting the key (evict, rm) gives them free,
 * and gc takes their room back. This is the only thing that keeps content: documents (manifests,
 * evidence, decisions) are always kept. */
#ifndef STORE_INSTALL_H
#define STORE_INSTALL_H

#include "store/store.h"

#define INSTALL_PREFIX  "installed/"
#define INSTALL_EVICTED "evicted/"
#define INSTALL_PINNED  "pin/"
#define INSTALL_REMOVED "removed/"
#define INSTALL_NAME    129 /* bytes of a name and a NUL */

struct install {
    char name[INSTALL_NAME];
    uint64_t bytes;      /* of its files */
    struct buf contents; /* struct digest each */
};
void install_release(struct install *i);
size_t install_count(const struct install *i);
struct digest install_content(const struct install *i, size_t n);

void install_encode(const struct install *i, struct buf *out);
/* ST_CORRUPT, code "installed". out is released by the caller, whatever comes back. */
enum status install_decode(struct span value, struct install *out, struct err *e) MUST_CHECK;

/* PREFIX and an artifact's digest. */
void install_key(const char *prefix, const struct digest *artifact, char out[STORE_KEY_MAX]);
/* Was it evicted, and not brought back since? */
enum status install_evicted(struct store *s, const struct digest *artifact, bool *gone,
                            struct err *e) MUST_CHECK;
/* Are the artifact's bytes here? */
enum status install_there(struct store *s, const struct digest *artifact, bool *there,
                          struct err *e) MUST_CHECK;

#endif
