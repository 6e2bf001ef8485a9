/* The list of checks that a gate fills while it runs, and decimal numbers as text.
 *
 * Failure to get memory is sticky, as with a buf: add freely, ask once. */
#ifndef VERIFY_GATE_CHECKS_H
#define VERIFY_GATE_CHECKS_H

#include "base/json_write.h"
#include "verify/gate.h"

struct gate_checks {
    struct gate_check *p; /* [n] of [GATE_CHECKS_MAX] */
    size_t n;
    bool failed; /* no memory, or more checks than there is room for */
};

/* Adds one with no number in it. */
void checks_add(struct gate_checks *c, const char *name, bool pass, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds one that could not be measured: an error, never a pass. */
void checks_error(struct gate_checks *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a measurement: passes until a threshold says otherwise. */
void checks_measure(struct gate_checks *c, const char *name, const char *measured, const char *unit,
                    const char *what);
void checks_measure_u64(struct gate_checks *c, const char *name, uint64_t measured,
                        const char *unit, const char *what);
/* Says more about a measurement than its number; c may be NULL. */
void checks_explain(struct gate_check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The check of that name, NULL when there is none. */
struct gate_check *checks_find(const struct gate_checks *c, const char *name);
enum verdict checks_worst(const struct gate_check *checks, size_t n);
void checks_release(struct gate_checks *c);

/* "12", "12.345": at most 12 digits before the point and 6 after it; *millionths is exact. Nothing
 * else (no sign, exponent, space, comma, NaN) is a number. */
bool decimal_read(const char *text, uint64_t *millionths);

/* A check as JSON and back; what is read may be hostile. */
void check_write(const struct gate_check *c, struct json_out *j);
enum status check_read(const struct json *v, struct gate_check *out, struct err *e) MUST_CHECK;

#endif
