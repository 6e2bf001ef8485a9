/* What a browser gets from this program: the files of runtime/web and the WASM modules, carried in
 * the program itself (cmake/web.cmake), so that page, Worker and module always fit each other.
 *
 * The bundle's digest is the SHA-256 of its `sha256sum` listing, sorted by name: one identity for
 * everything. It stands in every address (/web/DIGEST/NAME), so a page of one program can never
 * load a part of another's; the page itself (/) names the digest of each part it loads. */
#ifndef VERIFY_WEB_ASSET_H
#define VERIFY_WEB_ASSET_H

#include "verify/web_host.h"

#define WEB_FILES_MAX 32

struct web_file {
    const char *name; /* "worker.js" */
    const unsigned char *bytes;
    size_t n;
};
extern const struct web_file web_files[]; /* sorted by name; ends with a NULL name */

struct web_bundle {
    struct digest digest;
    size_t count;
    struct digest file[WEB_FILES_MAX]; /* of web_files[i] */
    struct buf page;                   /* index.html with the digests in their places */
    struct digest page_digest;
};
/* To be released either way. ST_NO_MEMORY. */
enum status web_bundle_make(struct web_bundle *out, struct err *e) MUST_CHECK;
void web_bundle_release(struct web_bundle *b);
/* The index of a file, or b->count when there is none of that name. */
size_t web_bundle_find(const struct web_bundle *b, const char *name);
/* Its MIME type, by its ending. */
const char *web_type(const char *name);
/* The answers for / and /web/DIGEST/NAME. ST_NOT_FOUND for everything else; code "stale-page" for
 * the parts of another program's page. */
enum status web_bundle_answer(const struct web_bundle *b, const char *path, struct web_answer *out,
                              struct err *e) MUST_CHECK;

#endif
