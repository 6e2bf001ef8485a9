/* The rules of the loopback web host that need no socket: which Host may ask, which part of a file
 * a Range means, whether the client has it already. Pure functions over header text, which is
 * hostile. */
#ifndef VERIFY_WEB_RULE_H
#define VERIFY_WEB_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly localhost, 127.0.0.1 or [::1], each with this port: whatever else a name resolves to, its
 * pages are none of ours (DNS rebinding). */
bool web_host_allowed(const char *host, uint16_t port);

enum web_range { WEB_WHOLE, WEB_PART, WEB_UNSATISFIABLE };
/* "bytes=A-B", "bytes=A-", "bytes=-N" over a file of `size` bytes. Several ranges, another unit or
 * any other text mean the whole, as RFC 9110 allows; header NULL: there is none. */
enum web_range web_range_of(const char *header, uint64_t size, uint64_t *from, uint64_t *n);

/* Does If-None-Match ("*", or a list of tags, weak or not) name this tag (with its quotes)? */
bool web_tag_named(const char *header, const char *tag);

#endif
