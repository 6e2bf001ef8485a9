/* What the halves of a hunt share: two models that stand behind one text (verify/hunt.c walks,
 * verify/hunt_answer.c lets them speak). Nothing outside of verify/hunt*.c needs it. */
#ifndef VERIFY_HUNT_WALK_H
#define VERIFY_HUNT_WALK_H

#include "verify/hunt.h"

/* A text: its tokens, what the models think of it. */
struct hunt_node {
    uint32_t *ids; /* [n] of [room] */
    uint32_t n;
    double departure; /* since it left what the candidate says by itself */
    double score;     /* what the search orders by */
};

struct hunt_list {
    struct hunt_node *of; /* [most], the best first */
    uint32_t count, most;
    uint32_t *ids; /* all the nodes' */
};
void hunt_list_release(struct hunt_list *l);

struct hunt_walk {
    struct session *candidate, *other; /* other: NULL when it hunts alone */
    const struct model *model;
    const struct hunt_limits *limits;
    uint32_t vocab, room; /* tokens of the longest text, answers counted */
    int32_t bos, eos;
    uint32_t length, trunk; /* as limited, or as the model's context allows */
    double *mine, *theirs;  /* [vocab] ln P of the next token */
    struct hunt_list beam, next;
    struct hunt_list starts;    /* where the candidate leaves what it says by itself */
    struct hunt_list found;     /* the best end of each start, none a prefix of another */
    struct hunt_node text, top; /* scratch: a child; the best of a climb */
    uint32_t *scratch;          /* their ids */
    uint32_t *standing;         /* [standing_count] of [room]: what both contexts hold */
    uint32_t standing_count;
    uint64_t placed;
};

void hunt_node_copy(struct hunt_node *to, const struct hunt_node *from);

/* What a model expects behind n tokens, of which `keep` stand in its context: ln P into out. false:
 * the context is full, or the model has no number for it. */
bool hunt_expect(const struct hunt_walk *w, struct session *s, const uint32_t *ids, uint32_t n,
                 uint32_t keep, double *out);
/* The likeliest next token by w->mine that is no mark of a document's beginning or end. */
uint32_t hunt_likeliest(const struct hunt_walk *w);

/* Lets both models speak behind a found text. */
enum status hunt_answer(struct hunt_walk *w, const struct hunt_node *found, struct hunt_find *out,
                        struct err *e) MUST_CHECK;

#endif
