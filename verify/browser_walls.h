/* The walls of verify/browser.h: namespaces where they are permitted, and an end to everything that
 * was started where they are not. Each call appends what it put up to a level: "netns+pidns". */
#ifndef VERIFY_BROWSER_WALLS_H
#define VERIFY_BROWSER_WALLS_H

#include <stddef.h>

/* In the keeper, before the host is forked: a network with loopback only, processes and mounts of
 * its own; as an ordinary user inside a user namespace that maps this user to itself. */
void browser_walls_spaces(char *level, size_t cap);
/* In the host: a /proc of its own processes, and `folder` in memory. Nothing when it shares its
 * mounts. */
void browser_walls_mounts(const char *folder, char *level, size_t cap);
/* Kills and reaps every child of this process, and those it inherits by that, until there is none.
 */
void browser_walls_sweep(void);

#endif
