#include "store/seat.h"
#include "base/text.h"
#include "store/pack_format.h"
#include "store/quarantine_facts.h"
#include "store/store_inside.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ASIDE_MAX 100u /* things moved aside under one name */
#define PATH_ROOM 320u /* FOLDER/NAME */

/* The store's names. */
struct place {
    const char *name;
    mode_t kind;                      /* S_IFREG or S_IFDIR */
    bool spare;                       /* made again when it is gone */
    bool (*inside)(const char *name); /* which names in the folder are its files; NULL: none */
    bool whole;                       /* what lies wrong in the folder takes it along */
};

static bool is_pack(const char *name)
{
    uint64_t id = 0;
    return pack_name_parse(name, &id);
}

static bool is_lease(const char *name)
{
    return text_equal(name, "gate") ||
           (name[0] >= '0' && name[0] <= '9' && strchr(name, '.') != NULL &&
            strspn(name, "0123456789.") == strlen(name));
}

static bool is_index(const char *name)
{
    return text_equal(name, "data.mdb") || text_equal(name, "lock.mdb");
}

static const struct place places[] = {
    {CHARTER_FILE, S_IFREG, false, NULL, false},
    {STORE_LOCK, S_IFREG, true, NULL, false},
    {STORE_LEDGER, S_IFREG, false, NULL, false},
    {STORE_HEAD, S_IFREG, true, NULL, false},
    {STORE_RESERVE, S_IFREG, true, NULL, false},
    {STORE_PACKS, S_IFDIR, false, is_pack, false},
    {STORE_STAGING, S_IFDIR, true, NULL, false},
    {STORE_QUARANTINE, S_IFDIR, true, quarantine_id_valid, false},
    {STORE_LEASES, S_IFDIR, true, is_lease, false},
    {STORE_INDEX, S_IFDIR, true, is_index, true},
};
#define PLACES (sizeof places / sizeof *places)

bool seat_ours(const char *name)
{
    for (size_t i = 0; i < PLACES; i++)
        if (text_equal(name, places[i].name))
            return true;
    return false;
}

static const char *kind_words(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "a file";
    case S_IFDIR: return "a folder";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a pipe";
    case S_IFSOCK: return "a socket";
    default: return "a device";
    }
}

static enum status misplaced(struct err *e, const char *name, mode_t is, mode_t wanted, bool aside)
{
    (void)err_set(e, ST_CORRUPT, "store-place", "%s lies where %s belongs, and is not followed; %s",
                  kind_words(is), kind_words(wanted),
                  aside ? "`assay fsck --repair` moves it aside" : "put back what belongs there");
    return err_subject(e, "%s", name);
}

/* Only the owner may write: anybody else could put anything in place of anything. */
static enum status judge(const struct stat *st, const char *path, mode_t wanted, bool aside,
                         struct err *e)
{
    if ((st->st_mode & S_IFMT) != wanted)
        return misplaced(e, path, st->st_mode, wanted, aside);
    if (st->st_uid != geteuid())
        (void)err_set(e, ST_UNTRUSTED, "store-owner",
                      "it belongs to user %lu; in the store's folder: chown %lu %s",
                      (unsigned long)st->st_uid, (unsigned long)geteuid(), path);
    else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        (void)err_set(e, ST_UNTRUSTED, "store-owner",
                      "others may write to it; in the store's folder: chmod go-w %s", path);
    else
        return ST_OK;
    return err_subject(e, "%s", path);
}

/* ST_OK where nothing lies: what misses it says so. */
static enum status look(int dir, const char *name, const char *path, mode_t wanted, bool aside,
                        struct err *e)
{
    struct stat about;
    enum status st = file_look(dir, name, &about, e);
    if (st != ST_OK)
        text_fmt(e->subject, sizeof e->subject, "%s", path);
    return st != ST_OK || about.st_mode == 0 ? st : judge(&about, path, wanted, aside, e);
}

enum status seat_open(int dir, const char *name, int flags, unsigned mode, int *fd, struct err *e)
{
    SCOPED(fd_release) int got = -1;
    struct stat st;
    struct err why = ERR_NONE;
    enum status opened =
        io_open(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode, &got, &why);
    *fd = -1;
    if (opened == ST_OK && fstat(got, &st) == 0 && S_ISREG(st.st_mode)) {
        *fd = fd_take(&got);
        return ST_OK;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return misplaced(e, name, st.st_mode, S_IFREG, true);
    if (opened == ST_OK)
        return err_set(e, ST_IO, NULL, "%s cannot be looked at", name);
    *e = why;
    return opened;
}

enum status seat_check(int dir, struct err *e)
{
    static const char *const inside[] = {STORE_INDEX "/data.mdb", STORE_INDEX "/lock.mdb"};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < PLACES; i++)
        st = look(dir, places[i].name, places[i].name, places[i].kind, places[i].spare, e);
    for (size_t i = 0; st == ST_OK && i < 2; i++)
        st = look(dir, inside[i], inside[i], S_IFREG, true, e);
    return st;
}

/* -- every name ----------------------------------------------------------------------------------
 */

struct walk {
    int dir;
    const struct place *place; /* whose folder */
    int folder;
    seat_told told;
    void *ctx;
    bool aside; /* move it, instead of telling */
};

static void walk_release(struct walk *w)
{
    fd_release(&w->folder);
}

static enum status move_aside(int dir, const char *name, const char *path, struct walk *w,
                              struct err *e)
{
    char to[PATH_ROOM];
    struct err why = ERR_NONE;
    enum status st = ST_EXISTS;
    for (unsigned i = 1; st == ST_EXISTS && i <= ASIDE_MAX; i++) {
        why = ERR_NONE;
        text_fmt(to, sizeof to, i == 1 ? "%s.aside" : "%s.aside.%u", name, i);
        st = io_rename(dir, name, dir, to, false, &why);
    }
    if (st == ST_NOT_FOUND)
        return ST_OK; /* somebody else did it */
    if (st == ST_OK)
        st = io_sync(dir, &why);
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    (void)err_set(&why, ST_CORRUPT, "store-place", "it was moved aside");
    (void)err_subject(&why, "%.*s%s", (int)(strlen(path) - strlen(name)), path, to);
    w->told(w->ctx, path, &why);
    return ST_OK;
}

static enum status at_name(struct walk *w, int dir, const char *name, const char *path, mode_t kind,
                           bool aside, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = look(dir, name, path, kind, aside, &why);
    if (st == ST_OK)
        return ST_OK;
    if (st != ST_CORRUPT && st != ST_UNTRUSTED) {
        *e = why;
        return st;
    }
    if (!w->aside)
        w->told(w->ctx, path, &why);
    else if (aside && st == ST_CORRUPT && w->place != NULL && w->place->whole)
        return move_aside(w->dir, w->place->name, w->place->name, w, e);
    else if (aside && st == ST_CORRUPT)
        return move_aside(dir, name, path, w, e);
    return ST_OK;
}

static enum status at_inner(void *ctx, const char *name, struct err *e)
{
    struct walk *w = ctx;
    char path[PATH_ROOM];
    if (!w->place->inside(name))
        return ST_OK;
    text_fmt(path, sizeof path, "%s/%s", w->place->name, name);
    return at_name(w, w->folder, name, path, S_IFREG, true, e);
}

static enum status at_place(struct walk *w, const struct place *p, struct err *e)
{
    SCOPED(walk_release) struct walk inner = *w;
    struct err why = ERR_NONE;
    inner.folder = -1;
    inner.place = p;
    enum status st = at_name(w, w->dir, p->name, p->name, p->kind, p->spare, e);
    if (st != ST_OK || p->inside == NULL)
        return st;
    if (io_open(w->dir, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &inner.folder, &why) !=
        ST_OK)
        return ST_OK; /* none, or none to go into */
    return folder_each(inner.folder, ".", at_inner, &inner, e);
}

static enum status walk_all(struct walk *w, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < PLACES; i++)
        st = at_place(w, &places[i], e);
    return st;
}

enum status seat_each(int dir, seat_told told, void *ctx, struct err *e)
{
    struct walk w = {.dir = dir, .folder = -1, .told = told, .ctx = ctx};
    return walk_all(&w, e);
}

enum status seat_aside(int dir, seat_told told, void *ctx, struct err *e)
{
    struct walk w = {.dir = dir, .folder = -1, .told = told, .ctx = ctx, .aside = true};
    return walk_all(&w, e);
}
