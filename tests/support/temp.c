#include "tests/support/temp.h"
#include "base/files.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(enum status st, const char *what, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "test support: %s: %s: %s\n", what, status_slug(st), e->detail);
    abort();
}

struct temp temp_make(void)
{
    struct temp t = {.dir = -1};
    struct err e = ERR_NONE;
    const char *base = getenv("TMPDIR");
    snprintf(t.path, sizeof t.path, "%s/assay-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(t.path) == NULL)
        must(ST_IO, "mkdtemp", &e);
    must(io_open(AT_FDCWD, t.path, O_RDONLY | O_DIRECTORY, 0, &t.dir, &e), t.path, &e);
    return t;
}

void temp_remove(struct temp *t)
{
    struct err e = ERR_NONE;
    fd_release(&t->dir);
    must(folder_remove(AT_FDCWD, t->path, &e), t->path, &e);
}

struct signer *temp_key(const struct temp *t, const char *name)
{
    struct err e = ERR_NONE;
    struct public_key k;
    struct signer *s = NULL;
    char file[64];
    snprintf(file, sizeof file, "%s.key", name);
    must(key_generate(t->dir, name, NULL, &k, &e), name, &e);
    must(signer_open_file(t->dir, file, NULL, NULL, &s, &e), file, &e);
    return s;
}

int temp_run(const struct temp *t, const char *fmt, ...)
{
    char command[4096], whole[4500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof whole, "cd '%s' && { %s ; } >run.log 2>&1", t->path, command);
    int rc = system(whole);
    return WIFEXITED(rc) ? WEXITSTATUS(rc) : 128;
}

void temp_write(const struct temp *t, const char *name, struct span bytes)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    must(io_open(t->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, &e), name, &e);
    must(io_write(fd, bytes, &e), name, &e);
}

void temp_read(const struct temp *t, const char *name, struct buf *out)
{
    struct err e = ERR_NONE;
    must(file_read(t->dir, name, 1u << 20, out, &e), name, &e);
}
