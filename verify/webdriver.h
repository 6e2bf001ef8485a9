/* W3C WebDriver, as much of it as a gate needs: one session of Chromium behind a chromedriver that
 * already listens on 127.0.0.1, over plain HTTP (libcurl).
 *
 * What comes back was made by a browser that looked at hostile bytes: bounded, parsed strictly,
 * handed out as text. Every call has a deadline; a driver or browser that does not answer, is gone
 * or answers nonsense is ST_HARNESS with what it said. Start before nothing in particular: libcurl
 * is used by one thread. */
#ifndef VERIFY_WEBDRIVER_H
#define VERIFY_WEBDRIVER_H

#include "base/bytes.h"
#include "base/err.h"

#define WEBDRIVER_ANSWER (64u << 20) /* bytes of one answer */

struct webdriver;
struct webdriver_how {
    uint16_t port;           /* chromedriver's */
    const char *binary;      /* the browser */
    const char *const *args; /* its arguments, ends with NULL */
    unsigned start_ms;       /* to start it */
    unsigned call_ms;        /* for each later call */
};
enum status webdriver_open(const struct webdriver_how *how, struct webdriver **out,
                           struct err *e) MUST_CHECK;
void webdriver_close(struct webdriver *w); /* asks the browser to end; no more than a second */
SCOPE_OF(webdriver, struct webdriver, webdriver_close)

const char *webdriver_version(const struct webdriver *w); /* "156.0.8078.79" */

enum status webdriver_go(struct webdriver *w, const char *url, struct err *e) MUST_CHECK;
/* Runs the body of an async function(plan): its returned text is appended to out. */
enum status webdriver_run(struct webdriver *w, struct span body, struct span plan_json,
                          unsigned within_ms, struct buf *out, struct err *e) MUST_CHECK;
/* How many warnings and errors the console has; the first one's text is appended to first. */
enum status webdriver_console(struct webdriver *w, size_t *count, struct buf *first,
                              struct err *e) MUST_CHECK;
/* A screenshot: PNG in base64. */
enum status webdriver_shot(struct webdriver *w, struct buf *base64, struct err *e) MUST_CHECK;

#endif
