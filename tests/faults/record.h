/* What a traced run does to the files below a folder, and when it is durable: operations, syncs,
 * answers, on one clock. LMDB's own writes are seen like ours, since the system calls are watched.
 *
 * An operation sets names (create, mkdir, rename, unlink) or a file's data (write, cut, lengthen).
 * Not modelled, and told as a problem: links, copy_file_range, sendfile. Shared writable mappings
 * are not seen; the only one is LMDB's lock.mdb, whose content promises nothing. */
#ifndef TESTS_FAULTS_RECORD_H
#define TESTS_FAULTS_RECORD_H

#include "tests/faults/stage.h"

#define RECORD_ROOT 1 /* the folder's own number; 0 is nothing */
#define NEVER       UINT64_MAX

enum op_kind { OP_NAMES, OP_WRITE, OP_CUT, OP_LENGTHEN };

struct op {
    enum op_kind kind;
    uint64_t t0, t1; /* began, returned; 0: there before */
    struct {
        int slot, ino; /* ino 0: the name is gone */
    } set[8];
    int sets;
    int folder;  /* whose sync keeps these names */
    int creates; /* whose sync keeps them too where fsync keeps a file's first name */
    int ino;     /* of the data */
    uint64_t off;
    size_t n;
    uint8_t *p;
    char label[80];
};

struct sync_op {
    int ino, op; /* what it keeps: all of a file or folder, or one operation (O_DSYNC) */
    uint64_t t0, t1;
    char label[80];
};

struct slot {
    int folder;
    char name[100];
    int ino;     /* now */
    int past[6]; /* slots that what is here moved through */
    int pasts;
};

struct inode {
    bool folder;
    unsigned mode;
    uint64_t size; /* now */
    ino_t real;
};

struct record {
    struct op *op;
    struct sync_op *sync;
    struct slot *slot;
    struct inode *ino; /* from 1 */
    uint64_t *ack;     /* [acks] when answer lines began to be written */
    size_t ops, syncs, slots, inos, acks;
    uint64_t now;
    char problem[200];
    char live[80];
    int out;      /* whose lines are answers */
    bool outside; /* something beside the store changed */
};

/* Begins with what lies in the live folder. */
struct record *record_begin(struct stage *s);
/* Runs the job under the eyes of the record. */
struct trace_end record_run(struct record *r, struct stage *s, struct trace_job *job);
void record_free(struct record *r);
int record_slot(struct record *r, int folder, const char *name); /* made when new */

#endif
