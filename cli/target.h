/* Where an output goes: a file's folder, opened, and its name in there; or a folder of files.
 *
 * Nothing is written into the store's own folder, by whatever path it is named (ST_USAGE, code
 * "output-in-store"), and "-" is no path (ST_USAGE, code "output"). */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "base/bytes.h"
#include "cli/cli.h"

struct target {
    int dir; /* −1: none */
    char name[256];
};
#define TARGET_NONE ((struct target){.dir = -1})

/* ST_EXISTS when something is there that may not be replaced; a folder, a pipe, a device never are.
 * ST_NOT_FOUND when the folder is missing. */
enum status target_open(struct cli *c, const char *path, bool replace, struct target *out,
                        struct err *e) MUST_CHECK;
void target_release(struct target *t);
/* A full disk is path's, whatever was being read meanwhile; other failures pass as they are. */
enum status target_failed(struct err *e, const char *path);
/* A whole small file, durably, with the user's umask; replaced with --force only. */
enum status target_put(struct cli *c, const char *path, struct span bytes,
                       struct err *e) MUST_CHECK;
/* The folder, made when it is missing, opened for writing into it; what writers that were killed
 * left half written there goes. ST_USAGE when something else is there. */
enum status target_folder(struct cli *c, const char *path, int *dir, struct err *e) MUST_CHECK;
/* Only the question whether path may be written to, there or not. */
enum status target_outside(struct cli *c, const char *path, struct err *e) MUST_CHECK;

#endif
