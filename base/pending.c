#include "base/pending.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A pending file is locked as long as its owner has it open, so the sweep knows the living from the
 * dead without trusting process numbers, which come again and differ between containers. */

#define PREFIX ".pending."
enum { TRIES = 100 };

static _Atomic unsigned serial;

/* Creates one candidate. It may lose a race: a name left over by a dead process with our number, or
 * a sweep that locked or removed the file before we locked it. Then *won is false. */
static enum status create(int dir, unsigned mode, struct pending *p, bool *won, struct err *e)
{
    struct err why = ERR_NONE;
    struct stat st;
    *won = false;
    text_fmt(p->name, sizeof p->name, PREFIX "%ld.%u", (long)getpid(),
             atomic_fetch_add(&serial, 1));
    enum status got = io_open(dir, p->name, O_RDWR | O_CREAT | O_EXCL, mode, &p->fd, &why);
    if (got == ST_EXISTS)
        return ST_OK;
    if (got != ST_OK) {
        why.subject[0] = '\0'; /* whoever asked knows the name that is meant */
        if (e != NULL)
            *e = why;
        return got;
    }
    got = io_lock(p->fd, 0, &why);
    const bool lost = got == ST_BUSY;
    if (got == ST_OK && fstat(p->fd, &st) != 0)
        got = err_sys(&why, errno, "fstat", NULL);
    *won = got == ST_OK && st.st_nlink > 0;
    if (lost || got == ST_OK)
        return ST_OK;
    struct err second = ERR_NONE; /* the sweep gets what cannot be removed now */
    enum status removed = io_unlink(dir, p->name, false, &second);
    (void)removed;
    if (e != NULL)
        *e = why;
    return got;
}

enum status pending_open(int dir, unsigned mode, struct pending *out, struct err *e)
{
    *out = PENDING_NONE;
    struct pending p = {.dir = dir, .fd = -1};
    for (int i = 0; i < TRIES; i++) {
        bool won;
        enum status st = create(dir, mode, &p, &won, e);
        if (st == ST_OK && won) {
            *out = p;
            return ST_OK;
        }
        fd_release(&p.fd);
        if (st != ST_OK)
            return st;
    }
    return err_set(e, ST_BUSY, "pending-names", "no free name for a pending file after %d tries",
                   TRIES);
}

/* On ST_EXISTS the file stays pending. It is closed only behind the rename: until the new name is
 * there, the lock that keeps a sweep away must hold. */
static enum status publish(struct pending *p, int to, const char *name, bool replace, struct err *e)
{
    enum status st = io_sync(p->fd, e);
    if (st == ST_OK)
        st = io_rename(p->dir, p->name, to, name, replace, e);
    if (st == ST_EXISTS && !replace)
        return st;
    if (st != ST_OK) {
        (void)err_subject(e, "%s", name);
        pending_release(p);
        return st;
    }
    int fd = fd_take(&p->fd);
    *p = PENDING_NONE;
    st = io_close(fd, e);
    if (st == ST_OK)
        st = io_sync(to, e);
    if (st != ST_OK)
        (void)err_subject(e, "%s", name);
    return st;
}

enum status pending_publish(struct pending *p, const char *name, bool replace, struct err *e)
{
    enum status st = publish(p, p->dir, name, replace, e);
    if (st == ST_EXISTS) {
        (void)err_subject(e, "%s", name);
        pending_release(p);
    }
    return st;
}

enum status pending_publish_to(struct pending *p, int to, const char *name, struct err *e)
{
    return publish(p, to, name, false, e);
}

void pending_release(struct pending *p)
{
    if (p->dir != -1 && p->name[0] != 0) {
        struct err ignored = ERR_NONE; /* a sweep gets what is left */
        enum status st = io_unlink(p->dir, p->name, false, &ignored);
        (void)st;
    }
    fd_release(&p->fd);
    *p = PENDING_NONE;
}

enum status pending_file(int dir, const char *name, unsigned mode, struct span bytes, bool replace,
                         struct err *e)
{
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    enum status st = pending_open(dir, mode, &p, e);
    if (st == ST_OK)
        st = io_write(p.fd, bytes, e);
    if (st != ST_OK) {
        (void)err_subject(e, "%s", name);
        return st;
    }
    return pending_publish(&p, name, replace, e);
}

static enum status sweep_one(void *ctx, const char *name, struct err *e)
{
    const int *dir = ctx;
    struct err why = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return ST_OK;
    enum status st = io_open(*dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &why);
    if (st == ST_OK)
        st = io_lock(fd, 0, &why);
    if (st == ST_BUSY || st == ST_NOT_FOUND) /* alive, or published meanwhile */
        return ST_OK;
    if (st == ST_OK)
        st = io_unlink(*dir, name, false, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        if (e != NULL)
            *e = why;
        return st;
    }
    return ST_OK;
}

enum status pending_sweep(int dir, struct err *e)
{
    return folder_each(dir, ".", sweep_one, &dir, e);
}
