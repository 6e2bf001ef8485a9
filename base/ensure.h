/* Our own bugs stop the program, in every build: ENSURE states an invariant that no input can
 * break. Bad bytes, full disks and refused artifacts are statuses, never this. Freestanding, so
 * that the core may use it; the trap leaves the place in a core dump. */
#ifndef BASE_ENSURE_H
#define BASE_ENSURE_H

#define ENSURE(holds) ((holds) ? (void)0 : __builtin_trap())

#endif
