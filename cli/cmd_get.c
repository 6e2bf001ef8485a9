/* get: out of the store, re-hashed on the way, whole or not at all. */
#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/target.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static uint64_t bytes_of(const struct manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->file_count; i++)
        sum += m->files[i].bytes;
    return sum;
}

/* A signal between two pieces ends it; the pending file goes with the scope. */
static enum status write_alive(void *ctx, struct span bytes, struct err *e)
{
    const int *fd = ctx;
    enum status st = cli_alive(e);
    if (st != ST_OK)
        return st;
    return io_write(*fd, bytes, e) == ST_OK ? ST_OK : err_subject(e, "standard output");
}

static enum status get_file(struct cli *c, const struct manifest_file *file, int dir,
                            const char *name, bool replace, struct progress *progress,
                            struct err *e)
{
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    enum status st = pending_open(dir, 0666 & ~c->umask, &p, e);
    if (st == ST_OK)
        st = store_content_write(c->store, &file->sha256, p.fd, progress, e);
    if (st == ST_OK)
        st = cli_alive(e);
    return st == ST_OK ? pending_publish(&p, name, replace, e) : st;
}

static enum status get_stream(struct cli *c, const struct artifact *a, struct err *e)
{
    int fd = STDOUT_FILENO;
    if (a->manifest.file_count != 1)
        return err_set(e, ST_USAGE, "folder", "%s is a folder of files: give -o a path",
                       a->manifest.name);
    if (c->json)
        return err_set(e, ST_USAGE, "option-value", "-o - and --json both want standard output");
    c->answered = true; /* what follows on standard output is the file's bytes and nothing else */
    enum status st = store_content_read(c->store, &a->manifest.files[0].sha256,
                                        (struct sink){write_alive, &fd}, NULL, e);
    if (st != ST_OK)
        cli_fail(c, e);
    return st;
}

/* The folders that a file's path runs through, made below dir. */
static enum status make_parents(int dir, const char *path, struct err *e)
{
    char part[512];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        text_fmt(part, sizeof part, "%.*s", (int)(slash - path), path);
        enum status st = io_mkdir(dir, part, 0777, e);
        if (st == ST_EXISTS)
            *e = ERR_NONE;
        else if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status fill_folder(struct cli *c, const struct artifact *a, int dir,
                               struct progress *progress, struct err *e)
{
    for (size_t i = 0; i < a->manifest.file_count; i++) {
        const struct manifest_file *file = &a->manifest.files[i];
        const char *slash = strrchr(file->path, '/');
        char parent[512];
        text_fmt(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - file->path) : 1,
                 slash != NULL ? file->path : ".");
        SCOPED(fd_release) int in = -1;
        enum status st = make_parents(dir, file->path, e);
        if (st == ST_OK)
            st = io_open(dir, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &in, e);
        if (st == ST_OK)
            st = get_file(c, file, in, slash != NULL ? slash + 1 : file->path, false, progress, e);
        if (st == ST_OK)
            st = io_sync(in, e);
        if (st != ST_OK)
            return err_subject(e, "%s", file->path);
    }
    return ST_OK;
}

/* A folder beside the wanted one, renamed when it is complete. */
struct aside {
    int dir; /* borrowed */
    char name[64];
};

static void aside_release(struct aside *s)
{
    struct err ignored = ERR_NONE;
    if (s->name[0] != '\0' && folder_remove(s->dir, s->name, &ignored) != ST_OK)
        return; /* what stays is named .pending.… and nobody's result */
}

static enum status get_folder(struct cli *c, const struct artifact *a, const struct target *t,
                              struct progress *progress, struct err *e)
{
    SCOPED(aside_release) struct aside aside = {.dir = t->dir};
    SCOPED(fd_release) int dir = -1;
    char name[64];
    text_fmt(name, sizeof name, ".pending.%d.get", (int)getpid());
    enum status st = io_mkdir(t->dir, name, 0777, e);
    if (st != ST_OK)
        return st;
    memcpy(aside.name, name, sizeof name);
    st = io_open(t->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &dir, e);
    if (st == ST_OK)
        st = fill_folder(c, a, dir, progress, e);
    if (st == ST_OK)
        st = io_sync(dir, e);
    if (st == ST_OK)
        st = io_rename(t->dir, name, t->dir, t->name, false, e);
    if (st != ST_OK)
        return st;
    aside.name[0] = '\0';
    return io_sync(t->dir, e);
}

enum status cmd_get(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(target_release) struct target t = TARGET_NONE;
    const char *path = c->args.value[OPT_OUTPUT];
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-output",
                       "where to? say -o PATH (or -o - for standard output)");
    enum status st = cli_artifact(c, c->word[0], true, &a, e);
    if (st != ST_OK)
        return st;
    if (strcmp(path, "-") == 0)
        return get_stream(c, &a, e);
    bool folder = a.manifest.file_count != 1 || strchr(a.manifest.files[0].path, '/') != NULL;
    st = target_open(c, path, opt_given(&c->args, OPT_FORCE) && !folder, &t, e);
    if (st == ST_EXISTS && folder && opt_given(&c->args, OPT_FORCE)) {
        *e = ERR_NONE;
        return err_set(e, ST_EXISTS, "output",
                       "%s is there already, and --force replaces files alone: this artifact "
                       "becomes a folder; remove what is there, or give another path",
                       path);
    }
    if (st != ST_OK)
        return st;
    SCOPED(progress_scope)
    struct progress *progress =
        progress_start(a.manifest.name, "B", bytes_of(&a.manifest), c->quiet);
    umask(c->umask); /* the files are the user's, not the store's */
    st = folder ? get_folder(c, &a, &t, progress, e)
                : get_file(c, &a.manifest.files[0], t.dir, t.name, opt_given(&c->args, OPT_FORCE),
                           progress, e);
    if (st != ST_OK) {
        (void)target_failed(e, path);
        return err_subject(e, "%s", path);
    }
    if (c->json) {
        struct json_out j = answer_open(c, "assay.get/1");
        member_text(&j, "name", a.manifest.name);
        member_text(&j, "version", a.manifest.version);
        member_digest(&j, "artifact", &a.digest);
        member_digest(&j, "sha256", &a.content);
        member_u64(&j, "bytes", bytes_of(&a.manifest));
        member_text(&j, "path", path);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s@%s → ", a.manifest.name, a.manifest.version);
    put_foreign(&c->out, path);
    buf_text(&c->out, "  sha256 ");
    put_full(&c->out, &a.content);
    buf_byte(&c->out, '\n');
    return ST_OK;
}
