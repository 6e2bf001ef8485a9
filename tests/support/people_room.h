/* A law room with several people in it: ann, ben and cat each hold a key of the role release, ann
 * holds a second one, and eve's key is known to nobody. The law asks two people for stable, after a
 * day in preview, lets an emergency leave the day out, and lets checks of smoke be waived. */
#ifndef TESTS_SUPPORT_PEOPLE_ROOM_H
#define TESTS_SUPPORT_PEOPLE_ROOM_H

#include "promote/approval.h"
#include "promote/request.h"
#include "tests/support/law_room.h"

enum person { ANN, BEN, CAT, ANN2, EVE, PEOPLE };

struct people_room {
    struct law_room l;
    struct signer *keys[PEOPLE];
};

/* tiny@1 is in preview, with fresh evidence. */
void people_make(struct people_room *p);
void people_remove(struct people_room *p);
/* The clock of everything goes on. */
void people_wait(struct people_room *p, int64_t seconds);
/* Reloads the trust after a change of it. */
void people_reload(struct people_room *p);

/* What a request for stable (or the emergency, or a waiver as `ask` says) carries. */
struct approval people_asked(struct people_room *p, const struct ask *ask);
extern const struct ask people_stable; /* tiny to stable */
/* A signed answer, and the same taken into the store. */
struct buf people_signed(struct people_room *p, enum person who, const struct approval *a);
enum status people_vote(struct people_room *p, enum person who, const struct approval *a,
                        struct err *e);
/* A dry run for stable. */
bool people_allowed(struct people_room *p, struct decision *d);
enum status people_promote(struct people_room *p, const struct promotion *what, struct decision *d);
uint64_t people_seq(struct people_room *p);

#endif
