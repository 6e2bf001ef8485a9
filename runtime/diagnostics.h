/* What the runtime can say about itself: its error numbers and one JSON object.
 *
 * The numbers 0…15 are the ABI that hosts of the WASM module know; natively the statuses of
 * base/status.h say the same in more detail. */
#ifndef RUNTIME_DIAGNOSTICS_H
#define RUNTIME_DIAGNOSTICS_H

#include "runtime/session.h"

#define ABI_OK                0
#define ABI_MODEL_NOT_LOADED  12
#define ABI_GENERATION_FAILED 13
#define ABI_CANCELLED         15
#define ABI_COUNT             16

/* The number of a status; what the runtime cannot name is GenerationFailed. */
unsigned abi_error(enum status st);
/* "InvalidUtf8" and its one message. number < ABI_COUNT. */
const char *abi_name(unsigned number);
const char *abi_message(unsigned number);

/* What the object is made from; the session tells the rest. */
struct diagnostics {
    const char *state; /* "ready", "continuation-ready" … */
    unsigned last_error;
    const struct session *session; /* NULL: no model */
};
enum status diagnostics_write(const struct diagnostics *d, struct buf *out) MUST_CHECK;

/* Nanoseconds for durations; always 0 in WASM, which has no clock of its own. */
uint64_t diagnostics_ticks(void);

#endif
