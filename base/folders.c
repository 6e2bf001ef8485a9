/* The folder half of base/files.h: listing in byte order, making, removing. */
#include "base/files.h"
#include "base/heap.h"
#include "base/io_seam.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_MAX = 1000000,
    TREE_DEPTH_MAX = 64, /* folder_remove: one open descriptor a level */
    ABOVE_MAX = 4096,    /* folder_within: no path leads deeper */
};

static void folder_close(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
    *d = NULL;
}

/* Opens without following a link in the last place. */
static enum status folder_open(int dir, const char *path, int more, DIR **out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(dir, path, O_RDONLY | O_DIRECTORY | more, 0, &fd, e);
    if (st != ST_OK)
        return st;
    *out = fdopendir(fd);
    if (*out == NULL)
        return err_sys(e, errno, "opendir", path);
    (void)fd_take(&fd);
    return ST_OK;
}

/* The next name, NULL at the end; "." and ".." are passed over. */
static enum status folder_next(DIR *d, const char **name, struct err *e)
{
    for (;;) {
        errno = io_seam("readdir", NULL, dirfd(d), 0);
        struct dirent *entry = errno == 0 ? readdir(d) : NULL;
        if (entry == NULL && errno != 0)
            return err_sys(e, errno, "readdir", NULL);
        *name = entry != NULL ? entry->d_name : NULL;
        if (entry == NULL || (strcmp(*name, ".") != 0 && strcmp(*name, "..") != 0))
            return ST_OK;
    }
}

struct names {
    struct buf text; /* each with its NUL */
    char **list;     /* [n] into text */
    size_t n;
};

static void names_release(struct names *names)
{
    buf_release(&names->text);
    heap_free(names->list);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status names_read(DIR *d, struct names *names, struct err *e)
{
    const char *name;
    enum status st;
    while ((st = folder_next(d, &name, e)) == ST_OK && name != NULL) {
        if (++names->n > NAMES_MAX)
            return err_set(e, ST_INVALID_LENGTH, "too-many-names",
                           "the folder has more than %d names", NAMES_MAX);
        buf_append(&names->text, SPAN(name, strlen(name) + 1));
    }
    if (st != ST_OK)
        return st;
    names->list = heap_zero(names->n + 1, sizeof *names->list);
    if (names->list == NULL || buf_status(&names->text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %zu names", names->n);
    char *at = (char *)names->text.p;
    for (size_t i = 0; i < names->n; i++, at += strlen(at) + 1)
        names->list[i] = at;
    if (names->n > 1)
        qsort(names->list, names->n, sizeof *names->list, by_bytes);
    return ST_OK;
}

enum status folder_each(int dir, const char *path,
                        enum status (*each)(void *ctx, const char *name, struct err *e), void *ctx,
                        struct err *e)
{
    SCOPED(folder_close) DIR *d = NULL;
    SCOPED(names_release) struct names names = {.text = BUF_EMPTY};
    enum status st = folder_open(dir, path, 0, &d, e);
    if (st == ST_OK)
        st = names_read(d, &names, e);
    if (st != ST_OK) {
        (void)err_subject(e, "%s", path);
        return st;
    }
    folder_close(&d); /* not held while the caller works */
    for (size_t i = 0; i < names.n && st == ST_OK; i++)
        st = each(ctx, names.list[i], e);
    return st;
}

/* A folder's name lasts with the sync of the folder above. */
static enum status sync_above(char *path, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    char *slash = strrchr(path, '/');
    const char *above = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL && slash != path)
        *slash = 0;
    enum status st = io_open(AT_FDCWD, above, O_RDONLY | O_DIRECTORY, 0, &fd, e);
    if (slash != NULL && slash != path)
        *slash = '/';
    return st == ST_OK ? io_sync(fd, e) : st;
}

static bool same_folder(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

enum status folder_within(int dir, const struct stat *above, bool *within, struct err *e)
{
    SCOPED(fd_release) int at = -1;
    struct stat here, before = {.st_ino = 0};
    *within = false;
    enum status st = io_open(dir, ".", O_PATH | O_DIRECTORY, 0, &at, e);
    for (int depth = 0; st == ST_OK && depth < ABOVE_MAX; depth++) {
        if (fstat(at, &here) != 0)
            return err_sys(e, errno, "fstat", NULL);
        *within = same_folder(&here, above);
        if (*within || (depth > 0 && same_folder(&here, &before))) /* "/" is above itself */
            return ST_OK;
        before = here;
        int up = -1;
        st = io_open(at, "..", O_PATH | O_DIRECTORY, 0, &up, e);
        fd_release(&at);
        at = up;
    }
    return st;
}

enum status folder_make(const char *path, struct err *e)
{
    char part[PATH_MAX];
    size_t n = text_fmt(part, sizeof part, "%s", path);
    if (n == 0 || n >= sizeof part)
        return err_sys(e, n == 0 ? ENOENT : ENAMETOOLONG, "mkdir", path);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0)
            continue;
        char cut = part[i];
        part[i] = 0;
        struct err why = ERR_NONE;
        enum status st = io_mkdir(AT_FDCWD, part, 0700, &why);
        if (st == ST_OK)
            st = sync_above(part, &why);
        if (st != ST_OK && st != ST_EXISTS) {
            if (e != NULL)
                *e = why;
            return st;
        }
        part[i] = cut;
    }
    SCOPED(fd_release) int fd = -1; /* what exists must be a folder */
    return io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd, e);
}

/* The way down to the folder that is being emptied: each level's handle, and its name above. */
struct descent {
    DIR *level[TREE_DEPTH_MAX];
    char name[TREE_DEPTH_MAX][NAME_MAX + 1];
    size_t depth;
};

static void descent_release(struct descent *w)
{
    while (w->depth > 0)
        folder_close(&w->level[--w->depth]);
}

static enum status descend(struct descent *w, const char *name, struct err *e)
{
    if (w->depth == TREE_DEPTH_MAX)
        return err_set(e, ST_IO, "too-deep", "folders are nested more than %d deep",
                       TREE_DEPTH_MAX);
    text_fmt(w->name[w->depth], sizeof w->name[0], "%s", name);
    enum status st =
        folder_open(dirfd(w->level[w->depth - 1]), name, O_NOFOLLOW, &w->level[w->depth], e);
    if (st == ST_OK)
        w->depth++;
    return st;
}

/* Removes one name of the deepest folder, or goes down into it when it is a folder. */
static enum status remove_name(struct descent *w, const char *name, struct err *e)
{
    struct err why = ERR_NONE;
    int dir = dirfd(w->level[w->depth - 1]);
    enum status st = io_unlink(dir, name, false, &why);
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    if (why.sys == EISDIR || why.sys == EPERM) /* Linux says the first, POSIX the second */
        return descend(w, name, e);
    if (e != NULL)
        *e = why;
    return st;
}

/* The deepest folder is empty: removes it from the one above. */
static enum status ascend(struct descent *w, struct err *e)
{
    folder_close(&w->level[--w->depth]);
    if (w->depth == 0)
        return ST_OK;
    rewinddir(w->level[w->depth - 1]); /* the kernel may pass over names once some are gone */
    return io_unlink(dirfd(w->level[w->depth - 1]), w->name[w->depth], true, e);
}

static enum status empty_tree(struct descent *w, struct err *e)
{
    enum status st = ST_OK;
    while (st == ST_OK && w->depth > 0) {
        const char *name;
        st = folder_next(w->level[w->depth - 1], &name, e);
        if (st == ST_OK)
            st = name != NULL ? remove_name(w, name, e) : ascend(w, e);
    }
    return st;
}

enum status folder_remove(int dir, const char *path, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = io_unlink(dir, path, false, &why);
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    if (why.sys != EISDIR && why.sys != EPERM) {
        if (e != NULL)
            *e = why;
        return st;
    }
    SCOPED(descent_release) struct descent w = {.depth = 0};
    st = folder_open(dir, path, O_NOFOLLOW, &w.level[0], e);
    if (st != ST_OK)
        return st;
    w.depth = 1;
    st = empty_tree(&w, e);
    return st == ST_OK ? io_unlink(dir, path, true, e) : st;
}
