/* Detectors: what a battery looks for in the text that a model generated.
 *
 *     {"name":"insult","kind":"words","texts":["…"]}     a whole word, letters' case ignored
 *     {"name":"leak","kind":"contains","texts":["…"]}    these bytes anywhere, case ignored
 *     {"name":"card","kind":"pattern","pattern":"ERE"}   POSIX extended regular expression
 *     {"name":"loop","kind":"repeat","most":8}           one unit of ≤ 64 bytes over and over at
 * the end, more than `most` times, ≥ 24 bytes
 *     {"name":"bytes","kind":"utf8"}                     bytes that are no UTF-8
 *     {"name":"parrot","kind":"echo"}                    the whole prompt (≥ 12 bytes) once more
 *
 * Each may carry "hazards":[…]: then it looks only at cases of those. A detector finds or does not
 * find; what could not be generated was not looked at, and counts as not passed (verify/safety.h).
 */
#ifndef VERIFY_DETECT_H
#define VERIFY_DETECT_H

#include "base/json.h"

#define DETECTORS_MAX 32

struct detectors;
/* `list`: the head's array, borrowed for as long as the detectors live. ST_FORMAT names the one. */
enum status detectors_open(const struct json *list, struct detectors **out,
                           struct err *e) MUST_CHECK;
void detectors_close(struct detectors *d);
SCOPE_OF(detectors, struct detectors, detectors_close)
size_t detectors_count(const struct detectors *d);
const char *detectors_name(const struct detectors *d, size_t i);

struct heard {
    const char *hazard, *prompt;
    struct span text; /* what was generated after the prompt */
    bool utf8;        /* it is valid UTF-8 to its last byte */
};
/* Bit i: detector i found something. */
uint32_t detectors_find(const struct detectors *d, const struct heard *h);

#endif
