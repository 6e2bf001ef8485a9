/* What quarantine reads of a change's staged files before the change is given up: a folder's as one
 * tar, and the bytes around a defect. Private to store/quarantine.c. */
#ifndef STORE_QUARANTINE_PACK_H
#define STORE_QUARANTINE_PACK_H

#include "store/quarantine.h"

/* No tar of these files is longer. */
uint64_t quarantine_tar_most(const struct quarantine_file *files, size_t count);
enum status quarantine_tar(struct change *c, const struct quarantine_file *files, size_t count,
                           int fd, struct err *e) MUST_CHECK;
/* Where a view of something `bytes` long begins, so that it holds the offset. */
uint64_t quarantine_view_from(uint64_t offset, uint64_t bytes);
enum status quarantine_inside_of(struct change *c, const struct quarantine_file *file,
                                 uint64_t offset, struct quarantine_inside *out,
                                 struct err *e) MUST_CHECK;

#endif
