/* A folder kept in memory, to be put back again and again. */
#ifndef TESTS_FAULTS_TREE_H
#define TESTS_FAULTS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_node {
    char *path; /* relative; parents come before children */
    uint8_t *p; /* a file's bytes, NULL for a folder */
    size_t n;
    unsigned mode;
    ino_t ino; /* when it was loaded */
};

struct tree {
    struct tree_node *node; /* [n] */
    size_t n, room;
};

struct tree tree_load(const char *root);
/* Makes root hold exactly this. */
void tree_put(const struct tree *t, const char *root);
void tree_free(struct tree *t);
const struct tree_node *tree_find(const struct tree *t, const char *path);
/* Every file of `want` outside `prefix` is in `have`, byte for byte; else its path. */
const char *tree_lost(const struct tree *want, const struct tree *have, const char *prefix);
/* What lies in root, as one number of two words: paths, modes, bytes; but not what says only which
 * process left it: `pid` in names, pid and start in the head of a lease, LMDB's table of readers.
 */
void tree_sum(const char *root, pid_t pid, uint64_t out[2]);
void tree_wipe(const char *root); /* everything in it, and it */

/* Ends the program, naming what failed. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void *must_alloc(size_t n);
void write_file(const char *path, const void *p, size_t n, unsigned mode);

#endif
