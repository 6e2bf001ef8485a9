#include "cli/walk.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/steady.h"
#include "base/text.h"
#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_HERE 512 /* a manifest's path and its NUL */
#define FOLDERS_MAX   4096

struct item {
    struct walk *walk;
    char path[PATH_MAX_HERE];
    unsigned depth;
    uint64_t bytes;
    struct steady was; /* when it was found */
    int fd;            /* while it is read */
};

struct walk {
    int dir;
    struct item *folders; /* [FOLDERS_MAX]: a queue that is never taken from */
    size_t folder_count, at;
    struct item *files; /* [MANIFEST_FILES] */
    size_t file_count;
    struct admit_file *admit; /* [file_count] */
};

void walk_free(struct walk *w)
{
    for (size_t i = 0; w->files != NULL && i < w->file_count; i++)
        fd_release(&w->files[i].fd);
    heap_free(w->folders);
    heap_free(w->files);
    heap_free(w->admit);
    heap_free(w);
}

static enum status remember(struct walk *w, struct item *list, size_t *count, size_t most,
                            const struct item *it, struct err *e)
{
    if (*count == most)
        return err_set(e, ST_USAGE, "folder-size", "more than %zu entries in one folder artifact",
                       most);
    list[*count] = *it;
    list[*count].walk = w;
    list[(*count)++].fd = -1;
    return ST_OK;
}

enum status walk_name(const char *name, struct err *e)
{
    bool plain = utf8_valid(span_text(name)) && strchr(name, '\\') == NULL;
    for (const char *s = name; *s != '\0'; s++)
        plain = plain && (unsigned char)*s >= 0x20 && *s != 0x7f;
    if (plain)
        return ST_OK;
    return err_set(e, ST_USAGE, "file-name",
                   "the name %s has characters that no manifest takes; rename it", name);
}

static enum status each(void *ctx, const char *name, struct err *e)
{
    struct walk *w = ctx;
    const struct item *in = &w->folders[w->at];
    struct item it = {.depth = in->depth + 1, .fd = -1};
    struct stat facts;
    size_t n =
        text_fmt(it.path, sizeof it.path, "%s%s%s", in->path, in->path[0] != '\0' ? "/" : "", name);
    if (n >= sizeof it.path)
        return err_set(e, ST_USAGE, "folder-entry", "%s…: a path may have %zu bytes, this has %zu",
                       it.path, sizeof it.path - 1, n);
    if (it.depth > WALK_DEPTH)
        return err_set(e, ST_USAGE, "folder-entry", "%s lies more than %d folders deep", it.path,
                       WALK_DEPTH - 1);
    enum status st = walk_name(name, e);
    if (st != ST_OK)
        return st;
    if (fstatat(w->dir, it.path, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(e, errno, "look at", it.path);
    if (S_ISDIR(facts.st_mode))
        return remember(w, w->folders, &w->folder_count, FOLDERS_MAX, &it, e);
    if (!S_ISREG(facts.st_mode))
        return err_set(e, ST_USAGE, "folder-entry",
                       "%s is neither a file nor a folder; take it out", it.path);
    it.bytes = (uint64_t)facts.st_size;
    it.was = steady_of(&facts);
    return remember(w, w->files, &w->file_count, MANIFEST_FILES, &it, e);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->path, ((const struct item *)b)->path);
}

/* Opens its file at the first read and closes it at the end. */
static enum status read_file(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct item *it = ctx;
    enum status st = cli_alive(e);
    if (st == ST_OK && it->fd < 0)
        st = io_open(it->walk->dir, it->path, O_RDONLY | O_NOFOLLOW, 0, &it->fd, e);
    if (st == ST_OK)
        st = io_read(it->fd, p, cap, got, e);
    if (st == ST_OK && *got == 0) {
        st = steady_check(&it->was, it->fd, e);
        fd_release(&it->fd);
    }
    return st;
}

static enum status fill(struct walk *w, struct err *e)
{
    struct item root = {.fd = -1};
    enum status st = remember(w, w->folders, &w->folder_count, FOLDERS_MAX, &root, e);
    for (w->at = 0; st == ST_OK && w->at < w->folder_count; w->at++) {
        const char *path = w->folders[w->at].path;
        st = folder_each(w->dir, path[0] != '\0' ? path : ".", each, w, e);
    }
    if (st != ST_OK)
        return st;
    if (w->file_count == 0)
        return err_set(e, ST_USAGE, "folder-empty", "the folder holds no file");
    qsort(w->files, w->file_count, sizeof *w->files, by_path);
    w->admit = heap_zero(w->file_count, sizeof *w->admit);
    if (w->admit == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %zu files", w->file_count);
    for (size_t i = 0; i < w->file_count; i++)
        w->admit[i] = (struct admit_file){.path = w->files[i].path,
                                          .from = {read_file, &w->files[i]},
                                          .bytes = w->files[i].bytes};
    return ST_OK;
}

enum status walk_folder(int dir, struct walk **out, struct err *e)
{
    SCOPED(walk_scope) struct walk *w = heap_zero(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to walk a folder");
    w->dir = dir;
    w->folders = heap_zero(FOLDERS_MAX, sizeof *w->folders);
    w->files = heap_zero(MANIFEST_FILES, sizeof *w->files);
    if (w->folders == NULL || w->files == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to walk a folder");
    enum status st = fill(w, e);
    if (st == ST_OK)
        *out = walk_take(&w);
    return st;
}

struct admit_file *walk_files(struct walk *w, size_t *count, uint64_t *bytes)
{
    *count = w->file_count;
    *bytes = 0;
    for (size_t i = 0; i < w->file_count; i++)
        *bytes += w->files[i].bytes;
    return w->admit;
}
