/* Leaving a channel without a successor: demote takes the holder out, retire takes an artifact out
 * of every channel of its name, for good. Each is one ledger entry with a signed decision a
 * channel.
 */
#ifndef PROMOTE_LEAVE_H
#define PROMOTE_LEAVE_H

#include "promote/decision.h"

/* The holder leaves; nobody holds NAME@CHANNEL afterwards. Who left goes to out, with the new
 * decision and its entry. ST_NOT_FOUND, ST_CONFLICT. */
enum status demote(const struct promoter *by, const char *name, const char *channel,
                   const char *reason, struct holder *out, struct err *e) MUST_CHECK;
/* The same, but only if that artifact still holds it; else ST_CONFLICT. */
enum status demote_holder(const struct promoter *by, const struct holder *who, const char *reason,
                          struct holder *out, struct err *e) MUST_CHECK;
/* ST_EXISTS when it is retired already. *left: how many channels it held. */
enum status retire(const struct promoter *by, const struct artifact *a, const char *reason,
                   unsigned *left, uint64_t *seq, struct err *e) MUST_CHECK;

/* 1 to REASON_MAX − 1 bytes of UTF-8. ST_USAGE. */
enum status reason_check(const char *reason, const char *act, struct err *e) MUST_CHECK;

#endif
