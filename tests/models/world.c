#include "tests/models/world.h"
#include "base/text.h"

static const struct {
    const char *name, *he, *him, *his;
} people[] = {
    {"Anna", "she", "her", "her"},  {"Ben", "he", "him", "his"},    {"Clara", "she", "her", "her"},
    {"David", "he", "him", "his"},  {"Emma", "she", "her", "her"},  {"Felix", "he", "him", "his"},
    {"Greta", "she", "her", "her"}, {"Hugo", "he", "him", "his"},   {"Ida", "she", "her", "her"},
    {"Jonas", "he", "him", "his"},  {"Karla", "she", "her", "her"}, {"Leo", "he", "him", "his"},
    {"Mia", "she", "her", "her"},   {"Nils", "he", "him", "his"},   {"Olga", "she", "her", "her"},
    {"Paul", "he", "him", "his"},   {"Rosa", "she", "her", "her"},  {"Sam", "he", "him", "his"},
    {"Tina", "she", "her", "her"},  {"Viktor", "he", "him", "his"},
};
static const char *const things[] = {"ball",  "key",   "cup",   "book", "hat",  "lamp",
                                     "coin",  "spoon", "kite",  "drum", "bell", "rope",
                                     "brush", "shoe",  "plate", "flute"};
static const char *const colours[] = {"red",   "blue",  "green", "yellow",
                                      "white", "black", "brown", "grey"};
static const char *const spots[] = {"in the box",      "in the drawer",   "in the basket",
                                    "in the bag",      "on the table",    "on the shelf",
                                    "on the chair",    "on the stairs",   "under the bed",
                                    "under the bench", "behind the door", "behind the tree"};
static const char *const animals[] = {"dog", "cat", "horse", "bird", "duck", "goat", "cow", "frog"};
static const char *const places[] = {"garden", "park",  "forest", "barn",
                                     "yard",   "field", "meadow", "village"};
static const char *const deeds[] = {"sleep", "run", "play", "eat", "jump", "wait", "drink", "sing"};
static const char *const fruits[] = {"apple", "pear",   "nut",  "stone",
                                     "shell", "flower", "cake", "plum"};
static const char *const numbers[] = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                      "seven", "eight", "nine", "ten",   "eleven", "twelve"};
static const struct {
    const char *mood, *consequence;
} moods[] = {
    {"hungry", "eats some bread"}, {"thirsty", "drinks some water"},
    {"tired", "goes to bed"},      {"cold", "puts on a coat"},
    {"happy", "smiles"},           {"sad", "cries"},
    {"dirty", "takes a bath"},     {"ill", "calls the doctor"},
    {"bored", "reads a story"},    {"late", "runs to school"},
};

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

uint64_t dice_roll(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t dice_below(struct dice *d, uint32_t n)
{
    return (uint32_t)((dice_roll(d) >> 32) * n >> 32);
}

bool world_reserved(uint32_t a, uint32_t b)
{
    return (a * 5 + b * 3) % 8 == 1;
}

/* Draws two indices until their pair lies on the wanted side. About one pair in eight is reserved.
 */
static void pair(struct dice *d, enum side side, uint32_t na, uint32_t nb, uint32_t *a, uint32_t *b)
{
    do {
        *a = dice_below(d, na);
        *b = dice_below(d, nb);
    } while (world_reserved(*a, *b) != (side == SIDE_HELD));
}

static uint32_t another(struct dice *d, uint32_t n, uint32_t not_this)
{
    uint32_t i = dice_below(d, n - 1);
    return i < not_this ? i : i + 1;
}

struct scene scene_draw(struct dice *d, enum side side)
{
    uint32_t person, thing, spot, before, animal, place, have, more, mood;
    pair(d, side, COUNT(people), COUNT(things), &person, &thing);
    do /* the thing stands in two pairs: with its owner and with its spot */
        spot = dice_below(d, COUNT(spots));
    while (world_reserved(thing, spot) != (side == SIDE_HELD));
    do /* where it was before is never a reserved place: in training text that pair must not occur
          at all */
        before = another(d, COUNT(spots), spot);
    while (world_reserved(thing, before));
    do
        mood = dice_below(d, COUNT(moods));
    while (world_reserved(person, mood) != (side == SIDE_HELD));
    pair(d, side, COUNT(animals), COUNT(places), &animal, &place);
    pair(d, side, 6, 4, &have, &more);
    return (struct scene){
        .person = people[person].name,
        .he = people[person].he,
        .him = people[person].him,
        .his = people[person].his,
        .other = people[another(d, COUNT(people), person)].name,
        .thing = things[thing],
        .other_thing = things[another(d, COUNT(things), thing)],
        .colour = colours[dice_below(d, COUNT(colours))],
        .spot = spots[spot],
        .other_spot = spots[before],
        .animal = animals[animal],
        .other_animal = animals[another(d, COUNT(animals), animal)],
        .place = places[place],
        .deed = deeds[dice_below(d, COUNT(deeds))],
        .fruit = fruits[dice_below(d, COUNT(fruits))],
        .have = have + 1,
        .more = more + 1,
        .mood = mood,
    };
}

const char *world_number(uint32_t n)
{
    return n < COUNT(numbers) ? numbers[n] : "many";
}

void world_count(struct buf *out, uint32_t n, const char *noun)
{
    buf_fmt(out, "%s %s%s", world_number(n), noun, n == 1 ? "" : "s");
}

const char *world_mood(uint32_t mood)
{
    return moods[mood].mood;
}

const char *world_consequence(uint32_t mood)
{
    return moods[mood].consequence;
}

uint32_t world_moods(void)
{
    return COUNT(moods);
}

/* ---- scenes: each appends a few sentences ---- */

static void capital(struct buf *out, const char *word)
{
    buf_byte(out, (uint8_t)(word[0] - 'a' + 'A'));
    buf_text(out, word + 1);
}

static void tell_put(struct buf *out, struct dice *d, const struct scene *s)
{
    buf_fmt(out, "%s has a %s %s. ", s->person, s->colour, s->thing);
    capital(out, s->he);
    buf_fmt(out, " puts the %s %s. ", s->thing, s->spot);
    if (dice_below(d, 2) == 0)
        buf_fmt(out, "\"Where is the %s?\" asks %s. \"The %s is %s,\" says %s.", s->thing, s->other,
                s->thing, s->spot, s->person);
    else
        buf_fmt(out, "%s looks for the %s. The %s is %s.", s->other, s->thing, s->thing, s->spot);
}

static void tell_move(struct buf *out, struct dice *d, const struct scene *s)
{
    buf_fmt(out, "The %s is %s. ", s->thing, s->other_spot);
    buf_fmt(out, "%s takes the %s and puts it %s. ", s->person, s->thing, s->spot);
    if (dice_below(d, 2) == 0)
        buf_fmt(out, "Now the %s is %s.", s->thing, s->spot);
    else
        buf_fmt(out, "The %s is not %s. It is %s.", s->thing, s->other_spot, s->spot);
}

static void tell_count(struct buf *out, struct dice *d, const struct scene *s)
{
    bool fewer = s->have > s->more && dice_below(d, 2) == 0;
    buf_fmt(out, "%s has ", s->person);
    world_count(out, s->have, s->fruit);
    if (fewer)
        buf_fmt(out, ". %s takes %s of them. Now %s has ", s->other, world_number(s->more),
                s->person);
    else
        buf_fmt(out, ". %s gives %s %s more. Now %s has ", s->other, s->him, world_number(s->more),
                s->person);
    world_count(out, fewer ? s->have - s->more : s->have + s->more, s->fruit);
    buf_text(out, ".");
}

static void tell_animals(struct buf *out, struct dice *d, const struct scene *s)
{
    bool many = dice_below(d, 2) == 0, near_many = dice_below(d, 2) == 0;
    uint32_t how = dice_below(d, 3);
    if (how == 0)
        buf_fmt(out, "The %s%s near the %s%s %s in the %s. ", s->animal, many ? "s" : "",
                s->other_animal, near_many ? "s" : "", many ? "are" : "is", s->place);
    else
        buf_fmt(out, "The %s%s %s in the %s. ", s->animal, many ? "s" : "", many ? "are" : "is",
                s->place);
    buf_fmt(out, "The %s%s %s%s there. ", s->animal, many ? "s" : "", s->deed, many ? "" : "s");
    if (how == 1)
        buf_fmt(out, "%s sees the %s%s and says, \"%s %s %s!\"", s->person, s->animal,
                many ? "s" : "", many ? "They" : "It", many ? "are" : "is", s->colour);
    else
        buf_fmt(out, "%s likes the %s%s, because %s %s %s.", s->person, s->animal, many ? "s" : "",
                many ? "they" : "it", many ? "are" : "is", s->colour);
}

static void tell_mood(struct buf *out, struct dice *d, const struct scene *s)
{
    const char *mood = world_mood(s->mood), *then = world_consequence(s->mood);
    switch (dice_below(d, 3)) {
    case 0: buf_fmt(out, "%s is %s, so %s %s. ", s->person, mood, s->he, then); break;
    case 1: buf_fmt(out, "%s %s, because %s is %s. ", s->person, then, s->he, mood); break;
    default:
        buf_fmt(out, "\"I am %s,\" says %s. Then %s %s. ", mood, s->person, s->he, then);
        break;
    }
    buf_fmt(out, "%s has the %s with %s.", s->person, s->thing, s->him);
}

static void tell_give(struct buf *out, struct dice *d, const struct scene *s)
{
    buf_fmt(out, "%s gives the %s %s to %s. ", s->person, s->colour, s->thing, s->other);
    if (dice_below(d, 2) == 0)
        buf_fmt(out, "Now %s has the %s. %s does not have the %s.", s->other, s->thing, s->person,
                s->thing);
    else
        buf_fmt(out, "\"Who has the %s?\" asks the teacher. \"%s has the %s,\" says %s.", s->thing,
                s->other, s->thing, s->person);
}

static void tell_greeting(struct buf *out, struct dice *d, const struct scene *s)
{
    buf_fmt(out, "\"Hello, %s,\" says %s. \"Hello, %s,\" says %s. ", s->person, s->other, s->other,
            s->person);
    if (dice_below(d, 2) == 0)
        buf_fmt(out, "\"What do you have?\" \"I have a %s %s,\" says %s.", s->colour, s->thing,
                s->person);
    else
        buf_fmt(out, "\"What colour is your %s?\" \"My %s is %s,\" says %s.", s->thing, s->thing,
                s->colour, s->person);
}

void world_document(struct buf *out, struct dice *d, enum side side)
{
    static void (*const tell[])(struct buf *, struct dice *, const struct scene *) = {
        tell_put,  tell_move,     tell_count, tell_animals, tell_mood,
        tell_give, tell_greeting, tell_count, tell_put};
    struct scene s = scene_draw(d, side);
    tell[dice_below(d, COUNT(tell))](out, d, &s);
}
