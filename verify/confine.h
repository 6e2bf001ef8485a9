/* What a process gives up before it looks at hostile bytes.
 *
 * Each call takes something away from the calling process for good. It is meant for a child that
 * was just forked, has one thread and ends by _exit. */
#ifndef VERIFY_CONFINE_H
#define VERIFY_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Unmaps every mapping that other processes share (the index, its lock table), so that nothing the
 * child writes can reach them. *mapped: bytes of address space that stay. */
bool confine_memory(uint64_t *mapped);
/* An empty network namespace; as an ordinary user inside a user namespace of its own. */
bool confine_network(void);
/* Landlock with no rule at all: no file may be opened, no socket bound or connected, no signal
 * sent. */
bool confine_files(void);
/* The same, but what the system itself has may be read and run: /usr, /lib, /lib64, /bin, the
 * loader's cache, /dev/null and /dev/urandom. */
bool confine_view(void);
/* No capability left, none to come back. */
bool confine_privileges(void);
/* Afterwards `in` is descriptor 0 (−1: closed), `out` descriptor 1, and every other one is closed.
 */
bool confine_descriptors(int in, int out);
/* The same with keep[count] as 3, 4 …, and 2 on /dev/null. */
#define CONFINE_KEEP 8
bool confine_descriptors_keep(int in, int out, const int *keep, size_t count);
/* space: bytes of address space; cpu: seconds; open: descriptors at most. No file, process or core
 * dump. */
bool confine_limits(uint64_t space, unsigned cpu, unsigned open);
/* Last: no system call but those that compute, move bytes over open descriptors, and end; any other
 * one kills. For a program also those that it starts and reads files with, and has threads: what
 * could reach another process, the network or the machine kills it, and what a program merely tries
 * and can do without comes back as an error. False on a machine whose calls are not known here. */
bool confine_calls(bool program);

#endif
