#include "verify/browser.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/browser_walls.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVER_MS   10000 /* for chromedriver to listen */
#define DRIVER_SAYS "successfully on port "

/* ---- which programs ----------------------------------------------------------------------- */

const char *browser_binary(void)
{
    const char *named = getenv("ASSAY_BROWSER");
    return named != NULL && named[0] != '\0' ? named : "/usr/bin/chromium";
}

static const char *driver_binary(void)
{
    const char *named = getenv("ASSAY_CHROMEDRIVER");
    return named != NULL && named[0] != '\0' ? named : "/usr/bin/chromedriver";
}

enum status browser_present(struct err *e)
{
    const char *const wanted[] = {driver_binary(), browser_binary()};
    for (size_t i = 0; i < 2; i++)
        if (access(wanted[i], X_OK) != 0)
            return err_set(e, ST_NOT_FOUND, "no-browser",
                           "there is no %.200s (Debian: chromium and chromium-driver)", wanted[i]);
    return ST_OK;
}

/* ---- chromedriver, in the host ------------------------------------------------------------ */

struct hosting {
    int (*body)(void *ctx, const struct browser_room *room, int out);
    void *ctx;
    struct browser_room room;
    int out; /* the answer's write end */
};

_Noreturn static void exec_driver(const struct browser_room *room, int out)
{
    char home[300], temp[300], path[] = "PATH=/usr/local/bin:/usr/bin:/bin",
                               any_port[] = "--port=0";
    char name[] = "chromedriver", lang[] = "LANG=C.UTF-8";
    text_fmt(home, sizeof home, "HOME=%s", room->folder);
    text_fmt(temp, sizeof temp, "TMPDIR=%s", room->folder);
    char *argv[] = {name, any_port, NULL}, *envp[] = {home, temp, path, lang, NULL};
    struct err e = ERR_NONE;
    int nothing = -1;
    enum status st = io_open(AT_FDCWD, "/dev/null", O_RDWR, 0, &nothing, &e);
    /* The signal that ties it to the host outlives execve. */
    if (st == ST_OK && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(nothing, 0) == 0 &&
        dup2(out, 1) == 1 && dup2(nothing, 2) == 2)
        (void)execve(driver_binary(), argv, envp);
    _exit(126);
}

/* Reads what it says until the line with its port. */
static enum status read_port(int fd, uint16_t *port, struct err *e)
{
    SCOPED(buf_release) struct buf said = BUF_EMPTY;
    const uint64_t until = clock_ticks() + DRIVER_MS * UINT64_C(1000000);
    while (clock_ticks() < until && said.n < 65536) {
        uint8_t part[1024];
        size_t got = 0;
        struct pollfd in = {.fd = fd, .events = POLLIN};
        if (poll(&in, 1, 200) <= 0)
            continue;
        enum status st = io_read(fd, part, sizeof part, &got, e);
        if (st != ST_OK)
            return st;
        if (got == 0)
            return err_set(e, ST_HARNESS, "driver-gone", "chromedriver ended before it listened");
        buf_append(&said, SPAN(part, got));
        const uint8_t *at = memmem(said.p, said.n, DRIVER_SAYS, strlen(DRIVER_SAYS));
        if (at == NULL || memchr(at, '\n', said.n - (size_t)(at - said.p)) == NULL)
            continue;
        const char *digits = (const char *)at + strlen(DRIVER_SAYS);
        uint64_t v = 0;
        if (!text_u64(SPAN(digits, strspn(digits, "0123456789")), &v) || v == 0 || v > UINT16_MAX)
            break;
        *port = (uint16_t)v;
        return ST_OK;
    }
    return err_set(e, ST_HARNESS, "driver-hung",
                   "chromedriver did not say on which port it listens");
}

static enum status start_driver(struct browser_room *room, int *said, struct err *e)
{
    int both[2];
    if (pipe2(both, O_CLOEXEC) != 0)
        return err_sys(e, errno, "pipe", "chromedriver");
    room->driver = fork();
    if (room->driver == 0)
        exec_driver(room, both[1]);
    (void)close(both[1]);
    *said = both[0]; /* stays open: it goes on talking */
    return room->driver < 0 ? err_sys(e, errno, "fork", "chromedriver")
                            : read_port(both[0], &room->port, e);
}

/* The host's life. What it cannot say as an answer it says as an error line: "!" and the text. */
static int host(void *ctx)
{
    struct hosting *h = ctx;
    SCOPED(fd_release) int said = -1;
    struct err e = ERR_NONE, lost = ERR_NONE;
    browser_walls_mounts(h->room.folder, h->room.level, sizeof h->room.level);
    enum status st = start_driver(&h->room, &said, &e);
    if (st == ST_OK)
        return h->body(h->ctx, &h->room, h->out);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_fmt(&text, "!%s", e.detail);
    return io_write(h->out, buf_span(&text), &lost) == ST_OK ? 0 : 1;
}

/* The keeper only waits for the host; its own end is the host's. */
static int keeper(void *ctx)
{
    struct hosting *h = ctx;
    int how = 0;
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    browser_walls_spaces(h->room.level, sizeof h->room.level);
    pid_t child = fork(); /* the first one in a new process namespace */
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(host(h));
    }
    if (child < 0)
        return 1;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

/* ---- the parent --------------------------------------------------------------------------- */

#define FOLDER "assay-browser."
/* What fits before "/assay-browser.PID.N/.org.chromium.Chromium.XXXXXX/SingletonSocket" in 107. */
#define TEMP_MAX 36

/* The folder of a run that was killed before it could remove it: its process is no more. */
static enum status sweep_one(void *ctx, const char *name, struct err *e)
{
    const char *temp = ctx, *pid = name + strlen(FOLDER);
    char path[600];
    struct stat facts;
    uint64_t owner = 0;
    struct err quiet = ERR_NONE;
    (void)e;
    if (strncmp(name, FOLDER, strlen(FOLDER)) != 0 ||
        !text_u64(SPAN(pid, strspn(pid, "0123456789")), &owner) || owner == 0 || owner > INT32_MAX)
        return ST_OK;
    text_fmt(path, sizeof path, "%.200s/%.300s", temp, name);
    if (lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid() &&
        kill((pid_t)owner, 0) != 0 && errno == ESRCH) {
        enum status st = folder_remove(AT_FDCWD, path, &quiet);
        (void)st; /* the next run tries again */
    }
    return ST_OK;
}

/* A folder of its own in $TMPDIR, or in /tmp when that is too long: Chromium's sockets lie in it,
 * and it ends at once when their names do not fit. */
static enum status make_folder(char out[256], struct err *e)
{
    const char *named = getenv("TMPDIR");
    char temp[201];
    struct err quiet = ERR_NONE;
    bool fits = named != NULL && named[0] == '/' && strlen(named) <= TEMP_MAX;
    text_fmt(temp, sizeof temp, "%s", fits ? named : "/tmp");
    enum status swept = folder_each(AT_FDCWD, temp, sweep_one, temp, &quiet);
    (void)swept;
    for (unsigned i = 0; i < 100; i++) {
        text_fmt(out, 256, "%s/" FOLDER "%d.%u", temp, (int)getpid(), i);
        enum status st = io_mkdir(AT_FDCWD, out, 0700, e);
        if (st != ST_EXISTS)
            return st;
        *e = ERR_NONE;
    }
    return err_set(e, ST_EXISTS, "temp", "no name is free for a browser's folder");
}

static enum status collect(struct hosting *h, int from, size_t limit, unsigned wall_ms,
                           struct buf *answer, struct process_end *end, struct err *e)
{
    pid_t pid = 0;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    enum status st = process_fork(keeper, h, &pid, e);
    fd_release(&h->out);
    h->out = -1;
    if (st == ST_OK)
        st = process_collect(pid, from, limit, wall_ms, answer, end, e);
    browser_walls_sweep();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
    return st;
}

/* An answer, or why there is none. */
static enum status judge(const struct buf *answer, const struct process_end *end, unsigned wall_ms,
                         struct err *e)
{
    if (end->deadline)
        return err_set(e, ST_HARNESS, "browser-hung", "the browser was not done after %u seconds",
                       wall_ms / 1000);
    if (answer->n > 0 && answer->p[0] == '!')
        return err_set(e, ST_HARNESS, "browser-start", "%.*s", (int)(answer->n - 1),
                       (const char *)answer->p + 1);
    if (end->exit_code != 0 || answer->n == 0)
        return err_set(e, ST_HARNESS, "browser-host", "the browser's host ended without an answer");
    return ST_OK;
}

enum status browser_host(int (*body)(void *ctx, const struct browser_room *room, int out),
                         void *ctx, size_t limit, unsigned wall_ms, struct buf *answer,
                         struct process_end *end, struct err *e)
{
    struct hosting h = {.body = body, .ctx = ctx, .out = -1};
    int both[2];
    struct err left = ERR_NONE;
    enum status st = make_folder(h.room.folder, e);
    if (st != ST_OK)
        return st;
    if (pipe2(both, O_CLOEXEC) != 0) {
        st = err_sys(e, errno, "pipe", "browser");
    } else {
        h.out = both[1];
        st = collect(&h, both[0], limit, wall_ms, answer, end, e);
        (void)close(both[0]);
    }
    enum status removed = folder_remove(AT_FDCWD, h.room.folder, &left);
    if (st == ST_OK)
        st = judge(answer, end, wall_ms, e);
    if (st == ST_OK && removed != ST_OK) {
        *e = left;
        st = removed;
    }
    return st;
}
