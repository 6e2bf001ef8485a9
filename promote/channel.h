/* Channels: who holds NAME's preview or stable now, and who did before.
 *
 *     channel/NAME/CHANNEL    {"artifact":HEX or null,"decision":HEX,"number":N,"since":"…Z"};
 *                             null: whoever held it was taken out, nobody holds it now
 *     held/NAME/CHANNEL/SEQ   the same and "withdrawn":true|false; SEQ: the 16-digit number of the
 *                             ledger entry that had put it there
 *     once/channel/NAME/CHANNEL/NUMBER
 *                             envelope of the decision that has this number, of any kind; a place
 *     retired/ARTIFACT        digest of the decision that retired it
 *
 * The first two only say where to look: who holds a channel is said by the newest of the places,
 * so whoever can write entries cannot lead a channel back to an older decision. */
#ifndef PROMOTE_CHANNEL_H
#define PROMOTE_CHANNEL_H

#include "promote/policy.h"

struct holder {
    char name[MANIFEST_NAME_MAX], channel[16];
    struct digest artifact;
    struct digest decision; /* envelope of the decision that put it there */
    uint64_t seq;           /* ledger entry */
    uint64_t number; /* how many decisions this channel of this name has had, this one included */
    char since[TIME_TEXT_MAX];
    bool withdrawn; /* a former holder that a rollback took out */
};

bool channel_name_valid(const char *name); /* "preview" or "stable" */

/* The newest decision about it, its artifact zero when that took the holder out. ST_NOT_FOUND:
 * there was none ever. */
enum status channel_seat(struct store *s, const char *name, const char *channel, struct holder *out,
                         struct err *e) MUST_CHECK;
/* ST_NOT_FOUND when nobody holds it. */
enum status channel_holder(struct store *s, const char *name, const char *channel,
                           struct holder *out, struct err *e) MUST_CHECK;
/* Those that somebody holds; with `empty` also those that stand empty, their artifact zero. */
enum status channel_each(struct store *s, bool empty,
                         enum status (*each)(void *ctx, const struct holder *h, struct err *e),
                         void *ctx, struct err *e) MUST_CHECK;
/* Former holders, newest first. */
enum status channel_former(struct store *s, const char *name, const char *channel,
                           enum status (*each)(void *ctx, const struct holder *h, struct err *e),
                           void *ctx, struct err *e) MUST_CHECK;
/* Must the artifact NAME@… stay in the store: does it hold a channel, or is it among the newest
 * `retain` former holders of one? *by says which. Its bytes may not be evicted then. */
enum status channel_protects(struct store *s, const char *name, const struct digest *artifact,
                             uint64_t retain, bool *out, struct holder *by,
                             struct err *e) MUST_CHECK;
/* Which decision took a place in the channel's order, and by which entry; *seq 0: none yet. */
enum status channel_place(struct store *s, const char *name, const char *channel, uint64_t number,
                          struct digest *decision, uint64_t *seq, struct err *e) MUST_CHECK;
/* Did h's decision take its place in the channel's order, and none after it? ST_UNPROVEN,
 * codes "decision-place", "decision-set-back". */
enum status channel_newest(struct store *s, const struct holder *h, struct err *e) MUST_CHECK;
enum status channel_retired(struct store *s, const struct digest *artifact, bool *out,
                            struct err *e) MUST_CHECK;
/* The highest channel an artifact is in: "stable", "preview", "candidate"; "retired". */
enum status channel_state(struct store *s, const struct digest *artifact, const char *name,
                          char out[16], struct err *e) MUST_CHECK;

/* The state keys, and their values as JSON. */
void channel_place_key(const char *name, const char *channel, uint64_t number,
                       char out[STORE_KEY_MAX]);
void channel_key(const char *name, const char *channel, char out[STORE_KEY_MAX]);
void channel_held_key(const struct holder *h, char out[STORE_KEY_MAX]);
void channel_retired_key(const struct digest *artifact, char out[STORE_KEY_MAX]);
void channel_value(const struct holder *h, bool former, struct buf *out);

#endif
