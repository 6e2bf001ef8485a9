/* Policies that a command line names. */
#ifndef CLI_POLICY_FILE_H
#define CLI_POLICY_FILE_H

#include "cli/cli.h"

/* FILE, or the name of one that comes with the program when no such file is there. */
enum status policy_file_read(const char *path, struct policy *out, struct err *e) MUST_CHECK;
/* The same, or with path NULL the law in force. */
enum status policy_file_or_law(struct cli *c, const char *path, struct policy *out,
                               struct err *e) MUST_CHECK;
/* Is the file a policy that somebody signed as a store's law already (promote/enactment.h)? Then
 * its bytes are appended to out. */
enum status policy_file_signed(const char *path, struct buf *out, bool *is,
                               struct err *e) MUST_CHECK;

#endif
