/* A store with a trust and a key for each role, and short ways to admit and gate things in it. A
 * failed room_* call ends the test program, as in tests/support/temp.h. */
#ifndef TESTS_SUPPORT_VERIFY_ROOM_H
#define TESTS_SUPPORT_VERIFY_ROOM_H

#include "tests/support/store_room.h"
#include "verify/admit.h"
#include "verify/artifact.h"

struct verify_room {
    struct store_room r;
    struct signer *keys[ROLE_COUNT]; /* by role; ROLE_NONE: one that no role has */
    struct trust *trust;
    struct admit_keys admit;
    int64_t now;
};

struct verify_room verify_room_make(void);
void verify_room_remove(struct verify_room *v);

/* What is asked for when one file of these bytes is added under that label. Set more members
 * freely. */
struct one_file {
    struct span_source source;
    struct admit_file file;
    struct admit_request request;
};
void one_file(struct one_file *f, const char *label, struct span bytes);
enum status verify_room_add(struct verify_room *v, struct one_file *f, struct admit_result *out,
                            struct err *e);
/* A small valid model, admitted and found again as tiny@1. */
struct artifact verify_room_model(struct verify_room *v);
/* How many quarantined inputs there are. */
size_t verify_room_quarantined(struct verify_room *v);

#endif
