/* The facts of a quarantined input as JSON: the value of state key quarantine/ID.
 *
 *     {"bytes":N,"claimed":{…}|null,"code":…,"id":…,"inside":{…}|null,"kind":…,"message":…,
 *      "name":…,"offset":N|null,"parsed":{…}|null,"sha256":HEX,"stage":…,"status":…,"time":…}
 *     inside: {"bytes":N,"from":N,"path":…,"sha256":HEX,"view":HEX of the bytes at `from`}
 *     kind: "file", "folder", "archive" or "bundle"
 *
 * A missing claimed or inside means null; a kind that is missing or another QUARANTINE_UNTOLD. */
#ifndef STORE_QUARANTINE_FACTS_H
#define STORE_QUARANTINE_FACTS_H

#include "store/quarantine.h"

#define QUARANTINE_PREFIX "quarantine/"
#define QUARANTINE_JSON_MAX \
    (64u << 10) /* bytes of parsed and of claimed; what is longer is left out */

/* "SEQ-" and the first 12 hex digits; and whether a name has that shape. */
void quarantine_id(uint64_t seq, const struct digest *d, char out[64]);
bool quarantine_id_valid(const char *id);

void quarantine_facts_write(const struct quarantine_facts *f, struct buf *out);
/* ST_CORRUPT, code "quarantine-facts". out is released by the caller, whatever comes back. */
enum status quarantine_facts_read(struct span json, struct quarantine_facts *out,
                                  struct err *e) MUST_CHECK;

#endif
