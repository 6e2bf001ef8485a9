/* The seam under base/io.h, for the few rooms of base that make system calls of their own: each
 * asks here first, so that io_watch sees and fails their calls too. */
#ifndef BASE_IO_SEAM_H
#define BASE_IO_SEAM_H

#include <stdint.h>

/* 0 to go on, or the errno value to fail with. */
int io_seam(const char *call, const char *path, int fd, uint64_t bytes);

#endif
