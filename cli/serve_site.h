/* What `serve` answers: the page, the list of promoted models, and their bytes by digest.
 *
 *     /                     the page
 *     /web/DIGEST/NAME      its parts
 *     /models.json          who holds a channel now, proven or why not
 *     /artifact/SHA256      the model's bytes, when a channel hands them out
 *
 * Every list and every request for bytes asks the store anew and proves the holder as `run` does:
 * what was rolled back a moment ago is not given out any more. Bytes come from a verified, sealed
 * memory file; the last few are kept. Used by one thread at a time, the web host's. */
#ifndef CLI_SERVE_SITE_H
#define CLI_SERVE_SITE_H

#include "cli/cli.h"
#include "verify/web_asset.h"

#define SERVE_KEPT 4 /* memory files */

struct serve_site {
    struct cli *c; /* its store is open */
    struct web_bundle bundle;
    struct buf text; /* the last list; answers copy it */
    struct {
        struct digest content;
        int fd; /* −1: free place */
        uint64_t bytes, used;
    } kept[SERVE_KEPT];
    uint64_t uses;
};

enum status serve_site_open(struct serve_site *s, struct cli *c, struct err *e) MUST_CHECK;
void serve_site_release(struct serve_site *s);
/* A web_site's find, over a struct serve_site. */
enum status serve_site_find(void *site, const char *path, struct web_answer *out,
                            struct err *e) MUST_CHECK;

#endif
