/* Where an output file goes: its folder, opened, and its name in there. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "base/bytes.h"
#include "base/err.h"
#include <stdbool.h>

struct target {
    int dir; /* −1: none */
    char name[256];
};
#define TARGET_NONE ((struct target){.dir = -1})

/* ST_EXISTS when something is there that may not be replaced; a folder, a pipe, a device never are.
 * ST_NOT_FOUND when the folder is missing. */
enum status target_open(const char *path, bool replace, struct target *out,
                        struct err *e) MUST_CHECK;
void target_release(struct target *t);
/* A full disk is path's, whatever was being read meanwhile; other failures pass as they are. */
enum status target_failed(struct err *e, const char *path);
/* A whole small file, durably; "-" is not a path here. */
enum status target_put(const char *path, bool replace, unsigned mode, struct span bytes,
                       struct err *e) MUST_CHECK;

#endif
