/* Where the store's time goes: each stage by itself on one thread, the machine's own limits beside
 * it, and whole adds, verifications and gets in a temporary store. Nothing here is used by the
 * store; it only measures. */
#ifndef CLI_BENCH_STORE_H
#define CLI_BENCH_STORE_H

#include "base/err.h"
#include "base/scope.h"

#define BENCH_ROUNDS 5 /* of which the median is told */

enum bench_kind { BENCH_LIMIT, BENCH_STAGE, BENCH_WHOLE };

struct bench_line {
    enum bench_kind kind;
    const char *name;
    double rate;  /* bytes a second, the median; 0: this machine has no such thing */
    double limit; /* BENCH_WHOLE: what stages and disk allow, by the lines above; else 0 */
    double best;  /* of the rounds */
};

struct bench_result {
    struct bench_line lines[24];
    size_t count;
    unsigned cores;
    uint64_t bytes; /* of the file */
};

/* In a folder of its own below `dir`, which is removed afterwards. The file has so many MiB of
 * bytes that look like weights: a third each of random bytes, F16 and F32. */
enum status bench_store(const char *dir, uint64_t mib, struct bench_result *out,
                        struct err *e) MUST_CHECK;

#endif
