/* What is asked for: an act that other people have to agree to, with everything that makes it that
 * act and no other. A request carries it to them, an approval repeats it under their signature.
 *
 *     {"artifact":HEX,"channel":"stable","check":"","evidence":{"smoke":HEX,…},"expires":"…Z",
 *      "gate":"","holder":HEX or null,"kind":"promote","made":"…Z","name":…,"policy":HEX,
 *      "reason":"","store":HEX32,"trust":HEX,"until":"","version":…}
 *
 * `holder` is the decision by which the channel is held now; so an approval for the moment before
 * somebody else moved in is worth nothing afterwards, also when the old holder came back. */
#ifndef PROMOTE_QUESTION_H
#define PROMOTE_QUESTION_H

#include "promote/statement.h"

enum ask_kind { ASK_NONE, ASK_PROMOTE, ASK_EMERGENCY, ASK_WAIVE };
const char *ask_kind_name(enum ask_kind k); /* "promote" … */
enum ask_kind ask_kind_parse(const char *name);

struct ask {
    enum ask_kind kind;
    char store[33];
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX];
    struct digest artifact;
    char channel[16];          /* to promote */
    struct digest holder;      /* to promote: the decision that holds it; zero: nobody does */
    enum gate gate;            /* to waive: the gate … */
    char check[64];            /* … its check … */
    char until[TIME_TEXT_MAX]; /* … and how long */
    char reason[REASON_MAX];   /* of an emergency or a waiver */
    struct digest policy;      /* in force */
    struct digest trust;       /* in force */
    struct digest evidence[GATE_COUNT]; /* the newest of each required gate; zero where none */
    char made[TIME_TEXT_MAX], expires[TIME_TEXT_MAX];
};

void ask_write(const struct ask *a, struct json_out *j);
/* ST_FORMAT; only what ask_write would write is accepted. */
enum status ask_read(const struct json *v, struct ask *out, struct err *e) MUST_CHECK;
/* "promote tiny@1 to stable", "waive smoke/load time of tiny@1 until …". */
void ask_text(const struct ask *a, struct buf *out);

#endif
