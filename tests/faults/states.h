/* From a record to every state its files may be in after a power cut.
 *
 * Data persist by f(data)sync of the file or O_DSYNC; a name by fsync of its folder, for a rename
 * of the new name's; where files keep their first name by their own fsync (ext4, XFS), that too
 * unless `strict`. A sync keeps what had returned before it began, from its own return on. Until
 * then any subset of what is pending may be there; one write may be torn at its first, middle or
 * last sector border (head or tail only) or have its length without its bytes. A rename is one
 * step. Up to `limit` pending operations all subsets are built; beyond it none, all, each alone,
 * all but each, every prefix and some at random. Equal trees with equal answers are judged once. */
#ifndef TESTS_FAULTS_STATES_H
#define TESTS_FAULTS_STATES_H

#include "tests/faults/record.h"

struct blob {
    uint8_t *p;
    size_t n;
    uint64_t hash[2];
};

struct placed {
    char path[400];
    int ino;
    bool folder;
    unsigned mode;
    const struct blob *blob; /* of a file */
};

/* One state: every name, parents before children. */
struct a_state {
    struct placed *at; /* [n] */
    size_t n;
    size_t acks;
    uint64_t number; /* among the distinct ones */
    char lost[160];  /* a few of the operations that are not there */
};

struct space {
    const struct record *r;
    bool strict;
    unsigned limit, random;
    uint64_t seed;
    const uint8_t *drop; /* [syncs] these do nothing; NULL none */
    uint64_t choices, states, cuts, exhaustive;
    /* False: stop. Not called for states that `seen` has already. */
    bool (*each)(void *ctx, const struct a_state *state);
    void *ctx;
    struct chk_map seen;  /* hashes of states; kept from one walk to the next */
    struct chk_map blobs; /* of struct blob */
};

void states_walk(struct space *s);
void states_free(struct space *s);
/* Writes it; what lies in root is removed first. */
void states_build(const struct a_state *state, const char *root);

#endif
