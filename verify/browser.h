/* A place for a real browser: what it can reach is what is served to it, and nothing of it stays.
 *
 *     parent ── fork ──▶ keeper ── fork, where permitted in namespaces of its own ──▶ host
 *                          no new privileges; network (loopback only), processes,      │ runs body
 *                          mounts (own /proc, the folder in memory)                    ├─
 * chromedriver └─ browser …
 *
 * The end of the host ends everything in its process namespace, and the parent's end or deadline
 * ends the host. Where namespaces are not permitted, whatever was started is found through the
 * parent (it adopts orphans for that long) and killed. The folder is removed in every case.
 *
 * $ASSAY_BROWSER and $ASSAY_CHROMEDRIVER name other programs than /usr/bin/chromium and
 * /usr/bin/chromedriver. */
#ifndef VERIFY_BROWSER_H
#define VERIFY_BROWSER_H

#include "base/process.h"

const char *browser_binary(void);
/* ST_NOT_FOUND, code "no-browser", naming what is missing. */
enum status browser_present(struct err *e) MUST_CHECK;

/* What the body is given, in the host process. */
struct browser_room {
    char folder[256]; /* for the profile and everything else that is written */
    char level[64];   /* "netns+pidns+mntns+nonewprivs" */
    pid_t driver;
    uint16_t port; /* chromedriver's */
};

/* Runs body in the host with a chromedriver that listens, its answer written to `out`. At most
 * `limit` bytes of answer and wall_ms of time. ST_HARNESS with the reason when there was no answer;
 * `end` says how it ended. */
enum status browser_host(int (*body)(void *ctx, const struct browser_room *room, int out),
                         void *ctx, size_t limit, unsigned wall_ms, struct buf *answer,
                         struct process_end *end, struct err *e) MUST_CHECK;

/* In the host: bytes of memory that browser, driver and host hold together now, each page counted
 * once; 0 where its processes are not apart. */
uint64_t browser_memory(void);

#endif
