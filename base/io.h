/* The one door to the file system: every system call of the store goes through here.
 *
 * So calls can be counted, made to fail and recorded (io_watch), short writes are finished, EINTR
 * is retried and nothing else is. Every descriptor is O_CLOEXEC. A failed sync is never retried:
 * the kernel may have dropped the pages and would answer 0 (callers poison themselves on ST_IO).
 * Paths are relative to the folder descriptor `dir` (AT_FDCWD for the working folder). */
#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/err.h"
#include "base/stream.h"
#include <sys/stat.h>

/* Flags for a file that is read: no link is followed, and nobody waits at a pipe in its place. */
#define IO_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
/* flags and mode as open(2). *fd is ours to close. */
enum status io_open(int dir, const char *path, int flags, unsigned mode, int *fd,
                    struct err *e) MUST_CHECK;
enum status io_close(int fd, struct err *e) MUST_CHECK; /* checked close, after a write */
enum status io_read(int fd, uint8_t *p, size_t cap, size_t *got, struct err *e) MUST_CHECK;
/* Exactly n bytes at offset, or ST_CORRUPT (code "short-read") when the file ends before. */
enum status io_read_at(int fd, uint8_t *p, size_t n, uint64_t offset, struct err *e) MUST_CHECK;
enum status io_write(int fd, struct span bytes, struct err *e) MUST_CHECK; /* all of it */
enum status io_write_at(int fd, struct span bytes, uint64_t offset, struct err *e) MUST_CHECK;
#define IO_SYNC_FAILED "sync-failed" /* the code of a failed sync, whatever its status */
enum status io_sync(int fd,
                    struct err *e) MUST_CHECK; /* fsync: a file with its size, or a folder */
enum status io_sync_data(int fd, struct err *e) MUST_CHECK; /* fdatasync */
/* A hint: begin writing these bytes to the disk, do not wait. The sync that must follow does less
 * then, and tells of every failure, this one's included. */
void io_write_behind(int fd, uint64_t offset, uint64_t n);
/* Another descriptor of the same open file for writes that go past the page cache: memory, offset
 * and length must be multiples of IO_DIRECT. −1 where the file system has no such thing; then, and
 * when such a write fails, io_write_at on the first descriptor does the work. */
#define IO_DIRECT 4096u
int io_open_direct(int fd);
/* Takes room for `size` bytes on the disk, where the file system can: ST_NO_SPACE now rather than
 * half way. The file does not become longer. */
enum status io_reserve(int fd, uint64_t size, struct err *e) MUST_CHECK;
/* Gives the disk the room that the file has between two places, which read as zeros then. */
enum status io_give_back(int fd, uint64_t from, uint64_t to, struct err *e) MUST_CHECK;
enum status io_truncate(int fd, uint64_t size, struct err *e) MUST_CHECK;
enum status io_size(int fd, uint64_t *size, struct err *e) MUST_CHECK;
/* Renames within or across folders; with replace = false an existing target is ST_EXISTS. */
enum status io_rename(int from_dir, const char *from, int to_dir, const char *to, bool replace,
                      struct err *e) MUST_CHECK;
enum status io_unlink(int dir, const char *path, bool folder, struct err *e) MUST_CHECK;
enum status io_mkdir(int dir, const char *path, unsigned mode,
                     struct err *e) MUST_CHECK; /* ST_EXISTS */
/* An exclusive lock on an open file, waiting at most wait_ms; ST_BUSY then. Dies with the process.
 */
enum status io_lock(int fd, unsigned wait_ms, struct err *e) MUST_CHECK;

/* A watcher sees each call before it is made: its name ("write"), the path or NULL, the descriptor
 * or −1, the byte count. It returns 0 to let it pass, or an errno value to fail it with. Tests
 * only. */
typedef int (*io_watcher)(void *ctx, const char *call, const char *path, int fd, uint64_t bytes);
void io_watch(io_watcher watcher, void *ctx);

#endif
