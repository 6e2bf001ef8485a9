/* Bundles as files: a tar.zst (or a plain tar) of regular files whose bytes depend on names and
 * contents alone, in the order they are put in. Nothing of this machine, user or time goes into it.
 */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include "base/scope.h"
#include "base/stream.h"
#include "store/import.h"

struct export;
/* fd is the caller's and is written from where it stands. kind: IMPORT_TAR or IMPORT_TAR_ZSTD. */
enum status export_open(int fd, enum import_kind kind, struct export **out,
                        struct err *e) MUST_CHECK;
/* Begins a file of so many bytes; the one before has to be whole. */
enum status export_file(struct export *x, const char *path, uint64_t bytes,
                        struct err *e) MUST_CHECK;
enum status export_bytes(struct export *x, struct span bytes, struct err *e) MUST_CHECK;
/* The same as a sink. */
struct sink export_sink(struct export *x);
/* The archive's end. Nothing is synced. */
enum status export_end(struct export *x, struct err *e) MUST_CHECK;
void export_close(struct export *x);
SCOPE_OF(export, struct export, export_close)

#endif
