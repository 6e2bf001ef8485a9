#include "tests/faults/tree.h"
#include "tests/independent/chk_map.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
    va_list ap;
    int sys = errno;
    va_start(ap, fmt);
    (void)fprintf(stderr, "battery: ");
    (void)vfprintf(stderr, fmt, ap);
    (void)fprintf(stderr, " (%s)\n", strerror(sys));
    va_end(ap);
    _exit(3);
}

void *must_alloc(size_t n)
{
    void *p = calloc(1, n > 0 ? n : 1);
    if (p == NULL)
        die("no memory");
    return p;
}

void write_file(const char *path, const void *p, size_t n, unsigned mode)
{
    const uint8_t *at = p;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        die("%s", path);
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put < 0)
            die("%s", path);
        at += put;
        n -= (size_t)put;
    }
    (void)fchmod(fd, (mode_t)mode);
    (void)close(fd);
}

static struct tree_node *add(struct tree *t, const char *path)
{
    if (t->n == t->room) {
        t->room = t->room == 0 ? 64 : t->room * 2;
        t->node = realloc(t->node, t->room * sizeof *t->node);
        if (t->node == NULL)
            die("no memory");
    }
    struct tree_node *node = &t->node[t->n++];
    *node = (struct tree_node){.path = strdup(path)};
    return node;
}

static void load_file(struct tree_node *node, const char *path, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    node->p = must_alloc(size);
    while (fd >= 0 && node->n < size) {
        ssize_t got = read(fd, node->p + node->n, size - node->n);
        if (got <= 0)
            break;
        node->n += (size_t)got;
    }
    if (fd < 0 || node->n != size)
        die("%s", path);
    (void)close(fd);
}

static void load_folder(struct tree *t, const char *root, const char *sub)
{
    char path[1200], name[700];
    (void)snprintf(path, sizeof path, "%s/%s", root, sub);
    DIR *d = opendir(path);
    if (d == NULL)
        die("%s", path);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(name, sizeof name, "%s%s%.255s", sub, sub[0] == '\0' ? "" : "/", e->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", root, name);
        if (lstat(path, &st) != 0)
            continue;
        struct tree_node *node = add(t, name);
        node->mode = (unsigned)st.st_mode & 07777u;
        node->ino = st.st_ino;
        if (S_ISREG(st.st_mode))
            load_file(node, path, (size_t)st.st_size);
    }
    closedir(d);
}

struct tree tree_load(const char *root)
{
    struct tree t = {0};
    load_folder(&t, root, "");
    for (size_t i = 0; i < t.n; i++) { /* breadth first: what is found is looked into in its turn */
        if (t.node[i].p == NULL) {
            char sub[700];
            (void)snprintf(sub, sizeof sub, "%s", t.node[i].path);
            load_folder(&t, root, sub);
        }
    }
    return t;
}

void tree_wipe(const char *root)
{
    char path[1200];
    DIR *d = opendir(root);
    if (d == NULL) {
        (void)unlink(root);
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", root, e->d_name);
        if (e->d_type == DT_DIR)
            tree_wipe(path);
        else
            (void)unlink(path);
    }
    closedir(d);
    (void)rmdir(root);
}

void tree_put(const struct tree *t, const char *root)
{
    char path[1200];
    tree_wipe(root);
    if (mkdir(root, 0700) != 0)
        die("%s", root);
    for (size_t i = 0; i < t->n; i++) {
        const struct tree_node *node = &t->node[i];
        (void)snprintf(path, sizeof path, "%s/%s", root, node->path);
        if (node->p != NULL)
            write_file(path, node->p, node->n, node->mode);
        else if (mkdir(path, (mode_t)node->mode) != 0)
            die("%s", path);
    }
}

void tree_free(struct tree *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->node[i].path);
        free(t->node[i].p);
    }
    free(t->node);
    *t = (struct tree){0};
}

/* -- sums ----------------------------------------------------------------------------------------
 */

/* LMDB's table of readers, whose content promises nothing. */
static bool is_readers(const char *path)
{
    return strstr(path, "lock.mdb") != NULL;
}

/* The path with each `pid` in it replaced. */
static void nameless(const char *path, pid_t pid, char out[700])
{
    char number[24];
    size_t n = 0, digits = (size_t)snprintf(number, sizeof number, "%d", (int)pid);
    while (*path != '\0' && n + 2 < 700) {
        const bool hit = strncmp(path, number, digits) == 0;
        out[n++] = hit ? '#' : *path;
        path += hit ? digits : 1;
    }
    out[n] = '\0';
}

static void file_sum(const struct tree_node *node, const char *name, uint64_t out[2])
{
    enum { LEASE_OWNER = 8, LEASE_REST = 24 };
    const uint8_t *p = node->p;
    size_t n = node->n;
    uint64_t head[3] = {node->p == NULL, node->mode, n};
    if (p == NULL || is_readers(name)) {
        head[2] = n = 0;
    } else if (n >= LEASE_REST && memcmp(p, "ASSAYLS1", LEASE_OWNER) == 0) {
        p += LEASE_REST;
        n -= LEASE_REST;
    }
    for (unsigned i = 0; i < 2; i++)
        out[i] = chk_xxh64(head, sizeof head, chk_xxh64(p, n, chk_xxh64(name, strlen(name), i)));
}

void tree_sum(const char *root, pid_t pid, uint64_t out[2])
{
    char name[700];
    struct tree t = tree_load(root);
    out[0] = out[1] = t.n;
    for (size_t i = 0; i < t.n; i++) {
        uint64_t one[2];
        nameless(t.node[i].path, pid, name);
        file_sum(&t.node[i], name, one);
        out[0] += one[0];
        out[1] += one[1];
    }
    tree_free(&t);
}

const struct tree_node *tree_find(const struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->node[i].path, path) == 0)
            return &t->node[i];
    }
    return NULL;
}

const char *tree_lost(const struct tree *want, const struct tree *have, const char *prefix)
{
    for (size_t i = 0; i < want->n; i++) {
        const struct tree_node *w = &want->node[i];
        if (w->p == NULL || strncmp(w->path, prefix, strlen(prefix)) == 0 || is_readers(w->path) ||
            strstr(w->path, ".pending.") != NULL) /* a killed one's */
            continue;
        const struct tree_node *h = tree_find(have, w->path);
        if (h == NULL || h->p == NULL || h->n != w->n || memcmp(h->p, w->p, w->n) != 0)
            return w->path;
    }
    return NULL;
}
