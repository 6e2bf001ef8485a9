#include "cli/home.h"
#include "base/files.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0' ? v : NULL;
}

static enum status put(char out[HOME_PATH_MAX], const char *folder, const char *rest, struct err *e)
{
    if (text_fmt(out, HOME_PATH_MAX, "%s%s", folder, rest) >= HOME_PATH_MAX)
        return err_set(e, ST_CONFIG, "path-too-long", "a path of over %d bytes: %.64s…",
                       HOME_PATH_MAX, folder);
    return ST_OK;
}

/* $xdg/tail if that is an absolute path, else $HOME/fallback/tail. */
static enum status xdg(char out[HOME_PATH_MAX], const char *xdg_name, const char *fallback,
                       const char *tail, const char *instead, struct err *e)
{
    const char *folder = variable(xdg_name), *home = variable("HOME");
    if (folder != NULL && folder[0] == '/')
        return put(out, folder, tail, e);
    if (home == NULL)
        return err_set(e, ST_CONFIG, "no-home", "$HOME is not set: say where with %s", instead);
    char base[HOME_PATH_MAX];
    enum status st = put(base, home, fallback, e);
    return st != ST_OK ? st : put(out, base, tail, e);
}

enum status home_find(const char *store, struct home *out, struct err *e)
{
    if (store != NULL && store[0] == '\0')
        return err_set(e, ST_USAGE, "option-value", "--store is empty");
    if (store == NULL)
        store = variable("ASSAY_STORE");
    enum status st = store != NULL ? put(out->store, store, "", e)
                                   : xdg(out->store, "XDG_DATA_HOME", "/.local/share",
                                         "/assay/store", "--store or $ASSAY_STORE", e);
    if (st != ST_OK)
        return st;
    const char *keys = variable("ASSAY_KEYS");
    return keys != NULL
               ? put(out->keys, keys, "", e)
               : xdg(out->keys, "XDG_CONFIG_HOME", "/.config", "/assay/keys", "$ASSAY_KEYS", e);
}

enum status home_keys(const struct home *h, bool make, int *fd, struct err *e)
{
    enum status st = make ? folder_make(h->keys, e) : ST_OK;
    if (st != ST_OK)
        return st;
    SCOPED(fd_release) int dir = -1;
    st = io_open(AT_FDCWD, h->keys, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    if (st == ST_NOT_FOUND)
        return err_set(e, ST_NOT_FOUND, "no-keys",
                       "there is no key folder at %s; assay init makes one", h->keys);
    if (st != ST_OK)
        return st;
    struct stat facts;
    if (fstat(dir, &facts) != 0)
        return err_sys(e, errno, "stat", h->keys);
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(e, ST_CONFIG, "key-folder-mode",
                       "others may write into the key folder %s; chmod 700 it", h->keys);
    if (facts.st_uid != geteuid() && geteuid() != 0)
        return err_set(e, ST_CONFIG, "key-folder-owner",
                       "the key folder %s belongs to another user", h->keys);
    *fd = fd_take(&dir);
    return ST_OK;
}

enum status home_incidents(char out[HOME_PATH_MAX], struct err *e)
{
    const char *folder = variable("ASSAY_INCIDENTS");
    out[0] = '\0';
    if (folder == NULL)
        return xdg(out, "XDG_STATE_HOME", "/.local/state", "/assay/incidents", "$ASSAY_INCIDENTS",
                   e);
    return strcmp(folder, "none") == 0 ? ST_OK : put(out, folder, "", e);
}
