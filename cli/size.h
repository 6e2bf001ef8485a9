/* Sizes as people write them: digits, and K, M, G or T for powers of 1024. */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include "cli/opt.h"

/* ST_USAGE naming the option. An absent option leaves *out alone. */
enum status size_option(const struct args *a, enum opt id, uint64_t *out, struct err *e) MUST_CHECK;

#endif
