/* A store in a temporary folder, and short ways to put things into it. A failed call of room_* ends
 * the test program, as in tests/support/temp.h. */
#ifndef TESTS_SUPPORT_STORE_ROOM_H
#define TESTS_SUPPORT_STORE_ROOM_H

#include "store/change.h"
#include "tests/support/temp.h"

struct store_room {
    struct temp t;
    struct signer *log;
    char path[192]; /* of the store */
    struct clock clock;
    struct digest trust; /* the store's first */
    struct store *s;     /* open, or NULL */
};

/* A published lab store, open. */
struct store_room room_make(void);
/* The folder and the key, no store yet. */
struct store_room room_bare(void);
void room_remove(struct store_room *r);
void room_reopen(struct store_room *r);

/* A store in place of the one that is there, open, whose first trust has that digest. */
void room_found(struct store_room *r, const struct digest *trust);

/* Makes and publishes the store; the first status that is not ST_OK. */
enum status room_create(struct store_room *r, struct err *e);
/* Commits `key` = value (NULL: forgotten) with an optional precondition. */
enum status room_set(struct store_room *r, const char *key, const char *value,
                     const struct expect *expect, struct err *e);
/* Commits one content under "content" in the state. */
enum status room_add(struct store_room *r, struct span bytes, struct content *out, struct err *e);
enum status room_document(struct store_room *r, struct span bytes, struct digest *out,
                          struct err *e);

/* Installs contents (each n bytes of seed, seed + 1, …) as one artifact, whose digest is that of
 * the text `artifact`; forgets it again. */
enum status room_install(struct store_room *r, const char *artifact, size_t contents, size_t n,
                         uint64_t seed, struct err *e);
enum status room_forget(struct store_room *r, const char *artifact, struct err *e);

/* n bytes that are the same for the same seed and compress badly. Freed with buf_release. */
struct buf room_bytes(size_t n, uint64_t seed);
/* Does the content read back as these bytes? */
enum status room_reads(struct store_room *r, const struct digest *content, struct span bytes,
                       struct err *e);

/* A source over a span. */
struct span_source {
    struct span left;
};
struct source source_over(struct span_source *s);

/* Path of the pack that was written last, as temp_read takes it. */
void room_newest_pack(struct store_room *r, char path[256]);
/* Changes a byte of the first record in a pack, so that it cannot be read any more. */
void room_spoil(struct store_room *r, const char *path);

#endif
