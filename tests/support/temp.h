/* A temporary folder for a test, and keys in it. A failed call ends the test program: what these
 * make is what the test stands on. */
#ifndef TESTS_SUPPORT_TEMP_H
#define TESTS_SUPPORT_TEMP_H

#include "store/key.h"

struct temp {
    char path[128]; /* removed by temp_remove */
    int dir;
};

struct temp temp_make(void);
void temp_remove(struct temp *t);

/* A fresh plain key NAME in the folder, opened. Close it with signer_close. */
struct signer *temp_key(const struct temp *t, const char *name);
/* Runs a command (printf-style) with sh in the folder, output discarded; its exit code. */
int temp_run(const struct temp *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes, and reads at most 1 MiB of, a file in the folder. */
void temp_write(const struct temp *t, const char *name, struct span bytes);
void temp_read(const struct temp *t, const char *name, struct buf *out);

#endif
