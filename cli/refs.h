/* What several commands do with artifacts and decisions. */
#ifndef CLI_REFS_H
#define CLI_REFS_H

#include "base/json_write.h"
#include "cli/cli.h"

/* Every artifact of the store, in byte order of NAME@VERSION: that, and its digest in hex. The
 * callback may read the store. */
enum status refs_each(struct cli *c,
                      enum status (*each)(void *ctx, const char *ref, const char *hex,
                                          struct err *e),
                      void *ctx, struct err *e) MUST_CHECK;

/* The same behind REF `after` (NULL: from the first), at most `limit` of them; *more: there are
 * others. What it costs does not grow with the store. */
enum status refs_page(struct cli *c, const char *after, uint64_t limit,
                      enum status (*each)(void *ctx, const char *ref, const char *hex,
                                          struct err *e),
                      void *ctx, bool *more, struct err *e) MUST_CHECK;

/* "tiny@preview" into its halves. ST_USAGE. */
enum status refs_channel(const char *text, char name[MANIFEST_NAME_MAX], char channel[16],
                         struct err *e) MUST_CHECK;
/* NAME@VERSION of an artifact that may have gone; its digest then. */
void refs_name(struct cli *c, const struct digest *artifact, char *out, size_t cap);

/* For a REF that is only a name: ST_USAGE with up to five versions and channels of that name and
 * the command to type; ST_OK when nothing has that name. */
enum status refs_bare(struct cli *c, const char *name, struct err *e) MUST_CHECK;

/* Does any artifact have that name? */
enum status refs_known(struct cli *c, const char *name, bool *out, struct err *e) MUST_CHECK;

/* Who may not be evicted: {"reason":…,"time":…}, or NULL, which is no failure. Freed by the caller.
 */
enum status refs_pin(struct cli *c, const struct digest *artifact, struct json **out,
                     struct err *e) MUST_CHECK;

void rules_json(struct json_out *j, const struct decision *d); /* the array */
void rules_text(struct buf *out, const struct decision *d);

#endif
