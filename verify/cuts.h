/* Where a model's tensors begin and end: advice for cutting it into chunks, so that equal tensors
 * are equal chunks whatever stands before them.
 *
 * The front of the file is parsed in a sandboxed child; what comes back is a list of numbers, good
 * for nothing but the advice that it is. A front that does not parse, or is longer than what was
 * given, gives none: judging it is admission's business, later. */
#ifndef VERIFY_CUTS_H
#define VERIFY_CUTS_H

#include "runtime/model.h"
#include "store/chunker.h"

#define CUTS_FRONT (8u << 20) /* bytes of a file's front that are looked at */
#define CUTS_MOST  65536u     /* of a file */

/* Of tensors of at least CHUNK_MIN bytes: u64 after u64, ascending, appended to out. ST_NO_MEMORY,
 * ST_INTERRUPTED; else ST_OK, and none when there is any trouble with the bytes. */
enum status cuts_of(enum model_format format, struct span front, uint64_t file_bytes,
                    struct buf *out, struct err *e) MUST_CHECK;

#endif
