/* The loopback web host: a function from paths to answers, over HTTP/1.1 (libmicrohttpd).
 *
 * It reads only: GET and HEAD, no bodies, no cookies, no cross-origin headers; a Host that is not
 * this host's own name and port is 421. Every answer carries the headers that isolate a page (COOP,
 * COEP, CORP, a CSP that allows its own scripts and nothing else, nosniff, no-referrer). Bodies are
 * bytes in memory or a sealed file, with byte ranges and ETags.
 *
 * One thread of its own serves everybody without waiting for anybody; `find` runs on it and nowhere
 * else. A client has WEB_HEAD_MS for its request's head and a time that grows with the size for
 * taking the answer, however it spreads its bytes; when more than WEB_CLIENTS are connected, the
 * one that has been asking for longest goes. Start it after any fork. */
#ifndef VERIFY_WEB_HOST_H
#define VERIFY_WEB_HOST_H

#include "base/bytes.h"
#include "base/err.h"
#include "store/digest.h"

#define WEB_CLIENTS   256
#define WEB_HEAD_MS   10000
#define WEB_HEAD_MAX  12288  /* bytes of a request's head and of the answer's */
#define WEB_LINES_MAX 64     /* header lines */
#define WEB_SLOWEST   65536u /* bytes a second that a reader has to take in the mean */

/* What is found at a path. Bytes are copied unless `lasting`; a file is the host's to close. */
struct web_answer {
    const char *type; /* MIME; a literal */
    struct span bytes;
    bool lasting; /* bytes outlive the host */
    int fd;       /* −1: bytes; else a sealed file of `size` bytes */
    uint64_t size;
    struct digest digest; /* the ETag; all zero: none, and then no-store */
    bool immutable;       /* may be kept for ever: its address holds its digest */
};

struct web_site {
    /* Fills *out (given with fd −1 and the rest zero). ST_NOT_FOUND is 404, ST_UNPROVEN and other
     * refusals 403, what is our own trouble 500; the error's code and text are answered as JSON.
     * The path begins with '/', is not decoded, and has no query. */
    enum status (*find)(void *ctx, const char *path, struct web_answer *out, struct err *e);
    void *ctx;
};

struct web_host;
/* Listens on 127.0.0.1 only; port 0: any free one. ST_BUSY when it is taken. */
enum status web_host_start(const struct web_site *site, uint16_t port, struct web_host **out,
                           struct err *e) MUST_CHECK;
uint16_t web_host_port(const struct web_host *h);
uint64_t web_host_requests(const struct web_host *h); /* answered so far */
void web_host_stop(struct web_host *h);
SCOPE_OF(web_host, struct web_host, web_host_stop)

#endif
