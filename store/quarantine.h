/* Quarantine: rejected bytes, kept apart, never repaired, with what is known about them.
 *
 * What was handed in is kept whole, whatever its shape: a file, an archive or a bundle byte for
 * byte, a folder as a plain tar of its files. The kind says which, so that release can hand it in
 * again. The bytes lie in quarantine/ID (ID: the ledger sequence number and the first 12 hex digits
 * of their SHA-256); the facts are in the ledger. */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include "store/change.h"

#define QUARANTINE_VIEW 128 /* bytes that are looked at around a defect, half of them before it */

enum quarantine_kind {
    QUARANTINE_UNTOLD, /* kept before kinds were noted: nobody knows whether the bytes are whole */
    QUARANTINE_FILE,
    QUARANTINE_FOLDER,
    QUARANTINE_ARCHIVE, /* what add takes apart */
    QUARANTINE_BUNDLE   /* what import takes apart */
};
const char *quarantine_kind_name(enum quarantine_kind kind); /* "file" … */

/* Some bytes from `from` on. */
struct quarantine_view {
    uint64_t from;
    size_t n;
    uint8_t p[QUARANTINE_VIEW];
};

/* The file at fault, when it is one of several; the offset is in it, and the view of it too. */
struct quarantine_inside {
    char path[512]; /* "": there is none */
    struct digest sha256;
    uint64_t bytes;
    struct quarantine_view view;
};

struct quarantine_facts {
    char id[64];
    enum quarantine_kind kind;
    struct digest sha256;
    uint64_t bytes;
    char name[256];  /* what it was called on the way in (of a long path the end); foreign text */
    char stage[32];  /* where it failed: size, digest, signature, parse … */
    char code[64];   /* the exact defect */
    char status[32]; /* slug of the status */
    uint64_t offset; /* ERR_NO_OFFSET: none */
    struct quarantine_inside inside;
    char message[ERR_DETAIL_MAX];
    char time[TIME_TEXT_MAX];
    struct buf parsed;  /* JSON: what was parsed until then; may be empty */
    struct buf claimed; /* JSON: what it was said to be: name, source, digests; may be empty */
};
void quarantine_facts_release(struct quarantine_facts *f);

/* A file that is staged in the change. */
struct quarantine_file {
    const char *path;
    struct digest content;
    uint64_t bytes;
};

/* What is rejected, and why. The spans are JSON objects, or empty. */
struct quarantine_reject {
    const char *name;
    enum quarantine_kind kind;
    const struct quarantine_file *inside; /* the one at fault, or NULL */
    const struct err *why;
    struct span parsed, claimed;
};

/* Moves staged content of the change into quarantine, and commits that (the change is used up). On
 * ST_OK out is filled. */
enum status quarantine_put(struct change *c, const struct digest *content,
                           const struct quarantine_reject *what, const struct change_entry *how,
                           struct quarantine_facts *out, struct err *e) MUST_CHECK;
/* The same for a folder's staged files, as a plain tar: one that packs would look like a bomb when
 * it is taken apart again. */
enum status quarantine_put_folder(struct change *c, const struct quarantine_file *files,
                                  size_t count, const struct quarantine_reject *what,
                                  const struct change_entry *how, struct quarantine_facts *out,
                                  struct err *e) MUST_CHECK;
/* The same for bytes that were never staged: `from` is read to its end, and has at most `bytes`
 * (ST_CONFLICT). */
enum status quarantine_take(struct change *c, struct source from, uint64_t bytes,
                            const struct quarantine_reject *what, const struct change_entry *how,
                            struct quarantine_facts *out, struct err *e) MUST_CHECK;
/* Forgets an entry and removes its bytes, which is committed as `how` (its set is made here; an
 * empty body says what went). */
enum status quarantine_drop(struct change *c, const struct quarantine_facts *f,
                            const struct change_entry *how, struct err *e) MUST_CHECK;
/* By id or an unambiguous beginning of the id or of the SHA-256 (at least eight digits). */
enum status quarantine_get(struct store *s, const char *id, struct quarantine_facts *out,
                           struct err *e) MUST_CHECK;
enum status quarantine_each(struct store *s,
                            enum status (*each)(void *ctx, const struct quarantine_facts *f,
                                                struct err *e),
                            void *ctx, struct err *e) MUST_CHECK;
/* A descriptor of the bytes after they were hashed and found equal, for reading; the caller's. */
enum status quarantine_open(struct store *s, const struct quarantine_facts *f, int *fd,
                            struct err *e) MUST_CHECK;
/* Up to n bytes at offset, after the whole file was hashed and found equal; *got may be less. */
enum status quarantine_bytes(struct store *s, const struct quarantine_facts *f, uint64_t offset,
                             uint8_t *p, size_t n, size_t *got, struct err *e) MUST_CHECK;
/* The bytes around the offset, from a line's beginning (the first ones when it has none), after the
 * whole file was hashed and found equal. Of a file inside: as they were when it was refused. */
enum status quarantine_look(struct store *s, const struct quarantine_facts *f,
                            struct quarantine_view *out, struct err *e) MUST_CHECK;

#endif
