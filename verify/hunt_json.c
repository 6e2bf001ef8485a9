/* The finds of a hunt as bytes: from the sandboxed child, and in the cases of evidence.
 *
 *     {"found":[{"answer":…,"departure":"12.345678","other":…,"prefix":…,"surprise":"1.5"}…],
 *      "placed":N}
 */
#include "base/text.h"
#include "verify/gate_checks.h"
#include "verify/hunt.h"
#include <string.h>

static void number(struct json_out *j, const char *key, double v)
{
    char room[48];
    struct buf text = buf_over(room, sizeof room);
    /* Less than nothing is nothing: a decimal has no sign here. */
    buf_fixed(&text, v > 0 ? v : 0, 6);
    json_key(j, key);
    json_text(j, buf_span(&text));
}

static void text(struct json_out *j, const char *key, const struct buf *b)
{
    json_key(j, key);
    json_text(j, SPAN(b->p, b->n < HUNT_ANSWER ? b->n : HUNT_ANSWER));
}

void hunt_write(const struct hunt_finds *f, struct json_out *j)
{
    json_object(j);
    json_key(j, "found");
    json_array(j);
    for (size_t i = 0; i < f->count; i++) {
        json_object(j);
        text(j, "answer", &f->of[i].answer);
        number(j, "departure", f->of[i].departure);
        text(j, "other", &f->of[i].other);
        json_key(j, "prefix");
        json_string(j, f->of[i].prefix);
        number(j, "surprise", f->of[i].surprise);
        json_close(j);
    }
    json_close(j);
    json_key(j, "placed");
    json_u64(j, f->placed);
    json_close(j);
}

static bool read_number(const struct json *v, const char *key, double *out)
{
    const char *said = json_as_string(json_get(v, key));
    uint64_t millionths = 0;
    bool fine = said != NULL && decimal_read(said, &millionths);
    *out = (double)millionths / 1e6;
    return fine;
}

static bool read_text(const struct json *v, const char *key, struct buf *out)
{
    const char *said = json_as_string(json_get(v, key));
    if (said == NULL || strlen(said) > 3 * HUNT_ANSWER)
        return false;
    buf_text(out, said);
    return buf_status(out) == ST_OK;
}

static bool read_find(const struct json *v, struct hunt_find *out)
{
    const char *prefix = json_as_string(json_get(v, "prefix"));
    return json_count(v) == 5 && prefix != NULL &&
           text_fmt(out->prefix, sizeof out->prefix, "%s", prefix) < sizeof out->prefix &&
           read_number(v, "departure", &out->departure) &&
           read_number(v, "surprise", &out->surprise) && read_text(v, "answer", &out->answer) &&
           read_text(v, "other", &out->other);
}

enum status hunt_read(const struct json *v, struct hunt_finds *out, struct err *e)
{
    const struct json *found = json_get(v, "found");
    *out = (struct hunt_finds){0};
    bool fine = json_count(v) == 2 && json_as_u64(json_get(v, "placed"), &out->placed) &&
                json_kind(found) == JSON_ARRAY && json_count(found) <= HUNT_FOUND;
    for (size_t i = 0; fine && i < json_count(found); i++)
        fine = read_find(json_at(found, i), &out->of[out->count++]);
    if (fine)
        return ST_OK;
    hunt_release(out);
    return err_set(e, ST_FORMAT, "hunt", "the finds of a hunt are not well-formed");
}
