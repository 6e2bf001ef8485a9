/* The browser gate's part that runs beside the browser (verify/browser.h): serves page and model,
 * drives the page, and says what it saw.
 *
 *     {"checks":[ … ],"level":TEXT,"lines":TEXT,"screenshot":BASE64,"version":TEXT}
 *
 * Checks that could not be made because the browser did not come, went or hung stand as one check
 * "browser" with the verdict error. The parent takes the answer as hostile (browser_read). */
#ifndef VERIFY_BROWSER_RUN_H
#define VERIFY_BROWSER_RUN_H

#include "verify/browser.h"
#include "verify/gate_checks.h"
#include "verify/native_trace.h"
#include "verify/web_asset.h"

#define BROWSER_ANSWER (16u << 20) /* bytes */

struct browser_job {
    const struct web_bundle *bundle;
    struct span listing;  /* models.json */
    struct span expected; /* the native runtime's lines (verify/native_trace.h) */
    struct digest sha256; /* of the model */
    uint64_t bytes;
    int model;          /* the model as a sealed memory file */
    uint64_t memory;    /* bytes that the module's memory may grow to */
    uint32_t tokens;    /* of one generation */
    unsigned script_ms; /* for all that the page is asked to do */
};

/* The body for browser_host; ctx is a struct browser_job. */
int browser_run(void *ctx, const struct browser_room *room, int out);

/* What came back over: checks into the list; into the result the browser, the walls around it, and
 * cases as JSON lines (one a generation, one with the picture). An answer that makes no sense
 * becomes a check "answer". */
void browser_read(struct span answer, struct gate_checks *checks, struct gate_result *result);

#endif
