/* tinyworld: a small world told in plain English, made from a seed.
 *
 * People own, put, give, count and look for things; animals live in places; weather and moods have
 * consequences; people ask each other where things are. A document is a few sentences about one
 * scene.
 *
 * Some combinations are reserved: a pair such as (person, thing) or (number, number) for which
 * world_reserved says so never occurs in a training document, in its scene's leading role. Held-out
 * documents and evaluation cases are made of reserved pairs only, so a model must have learned the
 * rule, not the sentence. The split is a property of the grammar, not of a sample. */
#ifndef TESTS_MODELS_WORLD_H
#define TESTS_MODELS_WORLD_H

#include "base/bytes.h"

/* A small deterministic generator (splitmix64). */
struct dice {
    uint64_t state;
};
uint64_t dice_roll(struct dice *d);
uint32_t dice_below(struct dice *d, uint32_t n); /* 0 … n − 1 */

enum side { SIDE_TRAIN, SIDE_HELD };

/* Is this pair kept out of the training text? Both sides of the split are made through this. */
bool world_reserved(uint32_t a, uint32_t b);

/* The parts a scene is made of, chosen for one side of the split. */
struct scene {
    const char *person, *he, *him, *his; /* "Anna" "she" "her" "her" */
    const char *other;                   /* another person */
    const char *thing, *colour;          /* "key" "red"; (person, thing) decides the side */
    const char *spot, *other_spot;       /* "in the box"; (thing, spot) decides the side */
    const char *other_thing;
    const char *animal, *other_animal; /* "dog"; (animal, place) decides the side */
    const char *place, *deed;          /* "garden" "sleep" */
    const char *fruit;                 /* "apple" */
    uint32_t have, more;               /* 1…6, 1…4; the pair decides the side */
    uint32_t mood; /* a cause and its consequence; (person, mood) decides the side */
};
struct scene scene_draw(struct dice *d, enum side side);

const char *world_number(uint32_t n);                            /* 0…12 in words */
void world_count(struct buf *out, uint32_t n, const char *noun); /* "one apple", "three apples" */
/* "hungry" and "eats some bread" for a scene's mood. */
const char *world_mood(uint32_t mood);
const char *world_consequence(uint32_t mood);
uint32_t world_moods(void);

/* Appends one document, without a line break at its end. */
void world_document(struct buf *out, struct dice *d, enum side side);

#endif
