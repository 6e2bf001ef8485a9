#include "cli/target.h"
#include "base/pending.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum status target_open(const char *path, bool replace, struct target *out, struct err *e)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char parent[4096];
    size_t n = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
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
    if (st != ST_OK)
        return st;
    struct stat facts;
    if (fstatat(out->dir, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ST_OK : err_sys(e, errno, "look at", path);
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

enum status target_put(const char *path, bool replace, unsigned mode, struct span bytes,
                       struct err *e)
{
    SCOPED(target_release) struct target t = TARGET_NONE;
    enum status st = target_open(path, replace, &t, e);
    if (st == ST_OK)
        st = pending_file(t.dir, t.name, mode, bytes, replace, e);
    if (st != ST_OK && text_equal(e->subject, t.name))
        e->subject[0] = '\0'; /* its name in the folder: the whole path says more */
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}
