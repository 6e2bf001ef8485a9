/* LMDB's two files, looked at before LMDB opens them: it trusts what it maps, and a page that the
 * file or the disk does not have ends the process. */
#ifndef STORE_INDEX_FILES_H
#define STORE_INDEX_FILES_H

#include "base/err.h"
#include <stdbool.h>

#define INDEX_READERS 512u /* at once */

/* folder: of the index, its path shorter than 4,000 bytes; create: data.mdb is to be made.
 * ST_UNSUPPORTED, code "network-file-system"; ST_CORRUPT, "index-cut"; ST_NO_SPACE when the lock
 * file has no block and there is none for it; ST_NOT_FOUND. */
enum status index_files_check(const char *folder, bool create, struct err *e) MUST_CHECK;

#endif
