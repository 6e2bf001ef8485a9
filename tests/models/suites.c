#include "tests/models/suites.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/text.h"
#include "tests/models/world.h"
#include <string.h>

#define EACH 160 /* cases of one kind of pair */
#define ALL  480 /* cases of every other suite */

static void head(struct buf *out, const char *name, const char *kind, const char *chance,
                 uint32_t cases)
{
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "schema");
    json_string(&j, "assay.suite/1");
    json_key(&j, "name");
    json_string(&j, name);
    json_key(&j, "kind");
    json_string(&j, kind);
    json_key(&j, "chance");
    json_string(&j, chance);
    json_key(&j, "cases");
    json_u64(&j, cases);
    json_close(&j);
    buf_text(out, "\n");
}

static struct json_out begin(struct buf *out, const char *kind, uint32_t number)
{
    char id[32];
    text_fmt(id, sizeof id, "%s-%04u", kind, number);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "id");
    json_string(&j, id);
    return j;
}

static void end(struct buf *out, struct json_out *j)
{
    json_close(j);
    buf_text(out, "\n");
}

/* A case of `count` choices; the right one is choices[0] on the way in and lands at a drawn place.
 */
static void choice(struct buf *out, struct dice *d, const char *kind, uint32_t number,
                   const struct buf *context, const char *const *choices, uint32_t count)
{
    uint32_t answer = dice_below(d, count);
    struct json_out j = begin(out, kind, number);
    json_key(&j, "context");
    json_text(&j, buf_span(context));
    json_key(&j, "choices");
    json_array(&j);
    for (uint32_t i = 0; i < count; i++)
        json_string(&j, choices[i == answer ? 0 : i < answer ? i + 1 : i]);
    json_close(&j);
    json_key(&j, "answer");
    json_u64(&j, answer);
    end(out, &j);
}

static void agreement(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    bool many = dice_below(d, 2) == 0;
    char good[64], bad[64];
    if (number % 2 == 0) { /* the noun between has the other number */
        buf_fmt(&context, "The %s%s near the %s%s ", s.animal, many ? "s" : "", s.other_animal,
                many ? "" : "s");
        text_fmt(good, sizeof good, "%s in the %s.", many ? "are" : "is", s.place);
        text_fmt(bad, sizeof bad, "%s in the %s.", many ? "is" : "are", s.place);
    } else {
        buf_fmt(&context, "The %s%s %s in the %s. The %s%s ", s.animal, many ? "s" : "",
                many ? "are" : "is", s.place, s.animal, many ? "s" : "");
        text_fmt(good, sizeof good, "%s%s there.", s.deed, many ? "" : "s");
        text_fmt(bad, sizeof bad, "%s%s there.", s.deed, many ? "s" : "");
    }
    choice(out, d, "agreement", number, &context, (const char *const[]){good, bad}, 2);
}

static void word_order(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    char good[96], bad[96];
    if (number % 2 == 0) {
        buf_fmt(&context, "%s has a ", s.person);
        text_fmt(good, sizeof good, "%s %s.", s.colour, s.thing);
        text_fmt(bad, sizeof bad, "%s %s.", s.thing, s.colour);
    } else {
        buf_fmt(&context, "%s has a %s %s. ", s.person, s.colour, s.thing);
        text_fmt(good, sizeof good, "%c%s puts the %s %s.", s.he[0] - 'a' + 'A', s.he + 1, s.thing,
                 s.spot);
        text_fmt(bad, sizeof bad, "%c%s the %s puts %s.", s.he[0] - 'a' + 'A', s.he + 1, s.thing,
                 s.spot);
    }
    choice(out, d, "order", number, &context, (const char *const[]){good, bad}, 2);
}

static void identity(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    char good[96], bad[96];
    if (number % 2 == 0) {
        buf_fmt(&context, "%s has a %s %s. %c%s puts the %s %s. %s looks for the ", s.person,
                s.colour, s.thing, s.he[0] - 'a' + 'A', s.he + 1, s.thing, s.spot, s.other);
        text_fmt(good, sizeof good, "%s.", s.thing);
        text_fmt(bad, sizeof bad, "%s.", s.other_thing);
    } else {
        buf_fmt(&context, "The %s is %s. %s takes the %s and puts it %s. Now the %s is ", s.thing,
                s.other_spot, s.person, s.thing, s.spot, s.thing);
        text_fmt(good, sizeof good, "%s.", s.spot);
        text_fmt(bad, sizeof bad, "%s.", s.other_spot);
    }
    choice(out, d, "identity", number, &context, (const char *const[]){good, bad}, 2);
}

static void write_pairs(struct buf *out)
{
    struct dice d = {.state = 0x7061697273u};
    head(out, "tinyworld-pairs", "choice", "0.5", 3 * EACH);
    for (uint32_t i = 0; i < EACH; i++) {
        agreement(out, &d, i);
        word_order(out, &d, i);
        identity(out, &d, i);
    }
}

static void sum_case(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    SCOPED(buf_release) struct buf words = BUF_EMPTY;
    buf_fmt(&context, "%s has ", s.person);
    world_count(&context, s.have, s.fruit);
    buf_fmt(&context, ". %s gives %s %s more. Now %s has ", s.other, s.him, world_number(s.more),
            s.person);
    uint32_t right = s.have + s.more;
    const uint32_t values[4] = {right, right + 1, right + 2, right > 2 ? right - 1 : right + 3};
    const char *choices[4];
    char text[4][64];
    for (uint32_t i = 0; i < 4; i++) {
        words.n = 0;
        world_count(&words, values[i], s.fruit);
        text_fmt(text[i], sizeof text[i], "%.*s.", (int)words.n, (const char *)words.p);
        choices[i] = text[i];
    }
    choice(out, d, "sum", number, &context, choices, 4);
}

static void place_case(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD), t = scene_draw(d, SIDE_HELD),
                 u = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    buf_fmt(&context,
            "%s has a %s %s. %c%s puts the %s %s. \"Where is the %s?\" asks %s. \"The %s is ",
            s.person, s.colour, s.thing, s.he[0] - 'a' + 'A', s.he + 1, s.thing, s.spot, s.thing,
            s.other, s.thing);
    const char *choices[4] = {s.spot, s.other_spot, t.spot, u.spot};
    for (uint32_t i = 1; i < 4; i++) /* four different ones: draw again until they are */
        for (uint32_t k = 0; k < i; k++)
            while (text_equal(choices[i], choices[k])) {
                t = scene_draw(d, SIDE_HELD);
                choices[i] = t.spot;
                k = 0;
            }
    choice(out, d, "place", number, &context, choices, 4);
}

static void mood_case(struct buf *out, struct dice *d, uint32_t number)
{
    struct scene s = scene_draw(d, SIDE_HELD);
    SCOPED(buf_release) struct buf context = BUF_EMPTY;
    buf_fmt(&context, "%s is %s, so %s ", s.person, world_mood(s.mood), s.he);
    const char *choices[4];
    for (uint32_t i = 0; i < 4; i++)
        choices[i] = world_consequence((s.mood + i * 2) % world_moods());
    choice(out, d, "cause", number, &context, choices, 4);
}

static void write_cloze(struct buf *out)
{
    struct dice d = {.state = 0x636c6f7a65u};
    head(out, "tinyworld-cloze", "choice", "0.25", ALL);
    for (uint32_t i = 0; i < ALL / 3; i++) {
        sum_case(out, &d, i);
        place_case(out, &d, i);
        mood_case(out, &d, i);
    }
}

static void exact(struct buf *out, const char *kind, uint32_t number, const struct buf *prompt,
                  const char *expect)
{
    struct json_out j = begin(out, kind, number);
    json_key(&j, "prompt");
    json_text(&j, buf_span(prompt));
    json_key(&j, "expect");
    json_string(&j, expect);
    end(out, &j);
}

static void write_exact(struct buf *out)
{
    struct dice d = {.state = 0x6578616374u};
    head(out, "tinyworld-exact", "exact", "0", ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        struct scene s = scene_draw(&d, SIDE_HELD);
        SCOPED(buf_release) struct buf prompt = BUF_EMPTY;
        char expect[96];
        switch (i % 3) {
        case 0:
            buf_fmt(&prompt, "%s has a %s %s. %c%s puts the %s %s. %s looks for the %s. The %s is",
                    s.person, s.colour, s.thing, s.he[0] - 'a' + 'A', s.he + 1, s.thing, s.spot,
                    s.other, s.thing, s.thing);
            text_fmt(expect, sizeof expect, " %s.", s.spot);
            exact(out, "find", i, &prompt, expect);
            break;
        case 1:
            buf_fmt(&prompt, "%s gives the %s %s to %s. Now %s has the", s.person, s.colour,
                    s.thing, s.other, s.other);
            text_fmt(expect, sizeof expect, " %s.", s.thing);
            exact(out, "give", i, &prompt, expect);
            break;
        default:
            buf_fmt(
                &prompt,
                "\"Hello, %s,\" says %s. \"Hello, %s,\" says %s. \"What colour is your %s?\" \"My",
                s.person, s.other, s.other, s.person, s.thing);
            text_fmt(expect, sizeof expect, " %s is", s.thing);
            exact(out, "colour", i, &prompt, expect);
            break;
        }
    }
}

static void write_text(struct buf *out)
{
    struct dice d = {.state = 0x74657874u};
    head(out, "tinyworld-text", "text", "8", ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        world_document(&text, &d, SIDE_HELD);
        struct json_out j = begin(out, "text", i);
        json_key(&j, "text");
        json_text(&j, buf_span(&text));
        end(out, &j);
    }
}

const struct suite suites[SUITE_COUNT] = {
    {"tinyworld-pairs", write_pairs},
    {"tinyworld-cloze", write_cloze},
    {"tinyworld-exact", write_exact},
    {"tinyworld-text", write_text},
};

static void append(struct buf *out, const struct json *c, const char *key)
{
    const char *text = json_as_string(json_get(c, key));
    if (text != NULL)
        buf_text(out, text);
}

static enum status case_text(struct span line, struct buf *out, struct err *e)
{
    SCOPED(json_scope) struct json *c = NULL;
    uint64_t answer;
    enum status st = json_parse(line, 1u << 16, &c, e);
    if (st != ST_OK)
        return st;
    append(out, c, "context");
    if (json_as_u64(json_get(c, "answer"), &answer)) {
        const char *right = json_as_string(json_at(json_get(c, "choices"), answer));
        if (right != NULL)
            buf_text(out, right);
    }
    append(out, c, "prompt");
    append(out, c, "expect");
    append(out, c, "text");
    return buf_status(out) == ST_OK ? ST_OK : err_set(e, ST_NO_MEMORY, NULL, "a case");
}

enum status suite_texts(struct span file, struct buf *texts, size_t *count, size_t room,
                        struct err *e)
{
    bool first = true;
    for (size_t at = 0; at < file.n;) {
        const uint8_t *end = memchr(file.p + at, '\n', file.n - at);
        size_t n = end != NULL ? (size_t)(end - file.p) - at : file.n - at;
        if (!first) {
            if (*count == room)
                return err_set(e, ST_FORMAT, "suite-cases", "more than %zu cases", room);
            enum status st = case_text(SPAN(file.p + at, n), &texts[(*count)++], e);
            if (st != ST_OK)
                return st;
        }
        first = false;
        at += n + 1;
    }
    return ST_OK;
}
