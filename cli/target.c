#include "cli/target.h"
#include "base/pending.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The store's files are written by the store alone: who replaces its ledger has lost it. */
static enum status keep_out(struct cli *c, int dir, const char *path, struct err *e)
{
    struct err unknown = ERR_NONE; /* no home, no store: nothing to keep out of */
    struct stat store;
    bool within = false;
    if (cli_home(c, &unknown) != ST_OK || stat(c->home.store, &store) != 0)
        return ST_OK;
    enum status st = folder_within(dir, &store, &within, e);
    if (st != ST_OK || !within)
        return st;
    return err_set(e, ST_USAGE, "output-in-store",
                   "%s lies in the store, which only the store itself writes; give another path",
                   path);
}

static enum status no_dash(const char *path, struct err *e)
{
    return strcmp(path, "-") != 0
               ? ST_OK
               : err_set(e, ST_USAGE, "output",
                         "only get writes to standard output; give a path (./- is a file named -)");
}

/* The deepest folder on the way to path that is there, or −1, and what of path comes behind it. */
static const char *open_above(const char *path, int *dir)
{
    char part[4096];
    struct err ignored = ERR_NONE;
    size_t n = text_fmt(part, sizeof part, "%s", path);
    while (n < sizeof part) {
        const char *at = n > 0 ? part : path[0] == '/' ? "/" : ".";
        enum status st = io_open(AT_FDCWD, at, O_PATH | O_DIRECTORY, 0, dir, &ignored);
        if (st == ST_OK || n == 0)
            break;
        while (n > 0 && part[n - 1] != '/')
            n--;
        while (n > 0 && part[n - 1] == '/')
            n--;
        part[n] = '\0';
    }
    return path + (n < sizeof part ? n : 0);
}

enum status target_outside(struct cli *c, const char *path, struct err *e)
{
    SCOPED(fd_release) int above = -1;
    enum status st = no_dash(path, e);
    if (st != ST_OK)
        return st;
    const char *rest = open_above(path, &above);
    if (strstr(rest, "/../") != NULL) /* where it would lead is not known before it is made */
        return err_set(e, ST_USAGE, "output", "%s leads back out of a folder that is not there",
                       path);
    return above >= 0 ? keep_out(c, above, path, e) : ST_OK;
}

enum status target_folder(struct cli *c, const char *path, int *dir, struct err *e)
{
    enum status st = target_outside(c, path, e);
    if (st != ST_OK)
        return st;
    st = folder_make(path, e);
    if (st == ST_OK)
        st = io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, dir, e);
    if (st == ST_OK)
        st = pending_sweep(*dir, e);
    if (st != ST_OK && (e->sys == ENOTDIR || e->sys == EEXIST)) {
        *e = ERR_NONE;
        st = err_set(e, ST_USAGE, "output", "%s is no folder; give another", path);
    }
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}

enum status target_open(struct cli *c, const char *path, bool replace, struct target *out,
                        struct err *e)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char parent[4096];
    size_t n = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (no_dash(path, e) != ST_OK)
        return e->status;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(e, ST_USAGE, "output",
                       "%s names no file: give the path of the file to write", path);
    if (n >= sizeof parent || strlen(name) >= sizeof out->name)
        return err_set(e, ST_USAGE, "output", "the path %.64s… is too long", path);
    text_fmt(parent, sizeof parent, "%.*s", (int)n, slash != NULL ? path : ".");
    text_fmt(out->name, sizeof out->name, "%s", name);
    enum status st = io_open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0, &out->dir, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "no-folder", "there is no folder %s to write %s into",
                       parent, name);
    }
    if (st != ST_OK && e->sys == ENOTDIR) {
        *e = ERR_NONE;
        return err_set(e, ST_USAGE, "output", "%s is no folder; give another path", parent);
    }
    if (st == ST_OK)
        st = keep_out(c, out->dir, path, e);
    if (st != ST_OK)
        return st;
    struct stat facts;
    st = file_look(out->dir, name, &facts, e);
    if (st != ST_OK)
        text_fmt(e->subject, sizeof e->subject, "%s", path);
    if (st != ST_OK || facts.st_mode == 0)
        return st;
    if (S_ISDIR(facts.st_mode))
        return err_set(e, ST_EXISTS, "output", "%s is a folder; give another path", path);
    if (!S_ISREG(facts.st_mode) && !S_ISLNK(facts.st_mode)) /* /dev/null, by root */
        return err_set(e, ST_EXISTS, "output", "%s is a pipe, socket or device; give another path",
                       path);
    if (!replace)
        return err_set(e, ST_EXISTS, "output", "%s is there already; give another path or --force",
                       path);
    return ST_OK;
}

void target_release(struct target *t)
{
    fd_release(&t->dir);
}

enum status target_failed(struct err *e, const char *path)
{
    if (e->sys == ENOSPC || e->sys == EDQUOT || e->sys == EFBIG)
        text_fmt(e->subject, sizeof e->subject, "%s", path);
    return e->status;
}

enum status target_put(struct cli *c, const char *path, struct span bytes, struct err *e)
{
    SCOPED(target_release) struct target t = TARGET_NONE;
    const bool force = opt_given(&c->args, OPT_FORCE);
    enum status st = target_open(c, path, force, &t, e);
    if (st == ST_OK)
        st = pending_file(t.dir, t.name, 0666 & ~c->umask, bytes, force, e);
    if (st != ST_OK && text_equal(e->subject, t.name))
        e->subject[0] = '\0'; /* its name in the folder: the whole path says more */
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}
