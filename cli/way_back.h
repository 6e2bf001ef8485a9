/* How an empty channel, or one with the wrong holder, is filled again: a command that works. */
#ifndef CLI_WAY_BACK_H
#define CLI_WAY_BACK_H

#include "cli/cli.h"

#define WAY_BACK 700

/* "assay rollback NAME@CHANNEL … --reason TEXT"; "" when nobody who held it before could come back:
 * who was retired never does, and who was taken out has to be named. */
enum status way_back(struct cli *c, const char *name, const char *channel, char out[WAY_BACK],
                     struct err *e) MUST_CHECK;

#endif
