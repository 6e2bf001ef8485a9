/* A folder on its way into the store: its regular files in byte order of their paths. Links,
 * devices and pipes in it are refused by name, and so are more than WALK_DEPTH levels. Files are
 * opened one at a time, when they are first read, and not through links. */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include "base/err.h"
#include "base/scope.h"
#include "verify/admit.h"

#define WALK_DEPTH 32

/* May a file be called this in a manifest? UTF-8 without controls and backslashes. ST_USAGE. */
enum status walk_name(const char *name, struct err *e) MUST_CHECK;

struct walk;
/* `dir` is borrowed and must outlive the walk. ST_USAGE: an empty folder, or what cannot be
 * admitted. */
enum status walk_folder(int dir, struct walk **out, struct err *e) MUST_CHECK;
void walk_free(struct walk *w);
SCOPE_OF(walk, struct walk, walk_free)
/* The files, the walk's; *bytes is their sum as it was when they were looked at. */
struct admit_file *walk_files(struct walk *w, size_t *count, uint64_t *bytes);

#endif
