#include "tests/faults/naps.h"
#include "tests/faults/tree.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OURS   __attribute__((visibility("default"), used))
#define SECOND 1000000000

/* Shared: the program runs in a child. In nanoseconds. */
static struct naps {
    _Atomic int64_t asked, ahead;
    _Atomic unsigned hurry;
} * naps;

OURS int nanosleep(const struct timespec *time, struct timespec *left)
{
    const int64_t n = (int64_t)time->tv_sec * SECOND + time->tv_nsec;
    const unsigned hurry = naps != NULL ? naps->hurry : 1;
    const struct timespec real = {.tv_sec = n / hurry / SECOND, .tv_nsec = n / hurry % SECOND};
    if (naps != NULL) {
        naps->asked += n;
        naps->ahead += n - n / hurry;
    }
    errno = clock_nanosleep(CLOCK_REALTIME, 0, &real, left);
    return errno == 0 ? 0 : -1;
}

OURS int clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, out);
    if (rc == 0 && clock == CLOCK_MONOTONIC && naps != NULL) {
        const int64_t n = out->tv_nsec + naps->ahead;
        out->tv_sec += n / SECOND;
        out->tv_nsec = n % SECOND;
    }
    return rc;
}

void naps_begin(unsigned hurry)
{
    if (naps == NULL)
        naps = mmap(NULL, sizeof *naps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (naps == MAP_FAILED)
        die("shared memory");
    naps->asked = 0;
    naps->hurry = hurry;
}

uint64_t naps_ms(void)
{
    return naps == NULL ? 0 : (uint64_t)(naps->asked / 1000000);
}
