/* Bundles: an artifact with what speaks for it, in one file that travels.
 *
 *     bundle.json              what is in it; canonical JSON
 *     manifest.dsse.json       the manifest with its publishers' signatures
 *     evidence/GATE.dsse.json  the newest evidence of each gate, and the records it names:
 *     evidence/GATE.records.jsonl
 *     decisions/CHANNEL.dsse.json   of each channel that the artifact holds
 *     trust.dsse.json          the trust that was in force
 *     files/PATH               the artifact's files
 *
 * in this order, as a reproducible tar.zst (store/export.h): the same store state gives the same
 * bytes. bundle.json lists every document with length and SHA-256, names artifact, runtime and the
 * ledger's head, and is signed by nobody: what is inside is believed for its own signatures alone,
 * by the trust of the store that takes it in. So import admits a bundle like `add --manifest`,
 * takes its evidence like `evidence add`, and only looks at decisions and trust: they are about
 * another store. */
#ifndef PROMOTE_BUNDLE_H
#define PROMOTE_BUNDLE_H

#include "promote/channel.h"
#include "store/log_head.h"
#include "verify/admit.h"
#include "verify/unpack.h"

#define BUNDLE_DOCUMENTS 24       /* at most, beside bundle.json */
#define BUNDLE_FILES     "files/" /* ahead of the path of each of the artifact's files */

struct bundle_document {
    char path[64];
    struct digest sha256;
    struct buf bytes;
};

struct bundle {
    struct digest artifact, content, runtime;
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX];
    struct bundle_document documents[BUNDLE_DOCUMENTS];
    size_t count;
};
void bundle_release(struct bundle *b);
/* NULL when there is none. */
const struct bundle_document *bundle_find(const struct bundle *b, const char *path);

/* Gathers the documents of an artifact and writes everything to fd. */
struct bundle_export {
    struct store *store;
    const struct trust *trust;
    const struct artifact *artifact;
};
enum status bundle_write(const struct bundle_export *from, int fd, struct progress *progress,
                         struct bundle *out, struct err *e) MUST_CHECK;

/* bundle.json, as text and back. ST_FORMAT, code "bundle". */
enum status bundle_encode(const struct bundle *b, const struct log_head *head, struct buf *out,
                          struct err *e) MUST_CHECK;
enum status bundle_decode(struct span json, struct bundle *out, struct err *e) MUST_CHECK;

/* Reads an unpacked bundle's documents, which come first, and hands on its files: for
 * admit_request.stream. Every document has to be listed, and every listed one to be there, with the
 * bytes that are listed. *refused: the bundle is at fault. */
struct bundle_reader {
    struct admit_stream from;
    struct bundle bundle;
    struct admit_file first; /* the first of files/ */
    bool more, refused;
};
enum status bundle_read(struct bundle_reader *r, struct admit_stream from,
                        struct err *e) MUST_CHECK;
struct admit_stream bundle_files(struct bundle_reader *r);

#endif
