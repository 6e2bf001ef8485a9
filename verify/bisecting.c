/* The answer of the child:
 *
 *     {"bad":"1.5","good":"1.2","restored":"1.21",
 *      "tensors":[{"carries":true,"cost":"0.3","differs":true,"name":"layers.0.wq.weight"}…]}
 *
 * or {"refused":{…}} as verify/facts.h writes it. A cost below nothing is told as 0. */
#include "verify/bisecting.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/facts.h"
#include "verify/gate_checks.h"
#include "verify/sandbox.h"
#include <string.h>

#define ANSWER  (BISECT_TENSORS * 192u)
#define SECONDS 3600u

struct bisecting {
    struct pair pair;
    const struct suite *suite;
    size_t cases;
};

static void bisecting_release(struct bisecting *b)
{
    fd_release(&b->pair.fd);
}

/* ---- the child ---------------------------------------------------------------------------- */

static void number(struct json_out *j, const char *key, double v)
{
    char room[48];
    struct buf text = buf_over(room, sizeof room);
    buf_fixed(&text, v > 0 ? v : 0, 6);
    json_key(j, key);
    json_text(j, buf_span(&text));
}

static void write_result(const struct bisect_result *r, struct json_out *j)
{
    json_object(j);
    number(j, "bad", r->bad);
    number(j, "good", r->good);
    number(j, "restored", r->restored);
    json_key(j, "tensors");
    json_array(j);
    for (size_t i = 0; i < r->n; i++) {
        json_object(j);
        json_key(j, "carries");
        json_bool(j, r->of[i].carries);
        number(j, "cost", r->of[i].cost);
        json_key(j, "differs");
        json_bool(j, r->of[i].differs);
        json_key(j, "name");
        json_string(j, r->of[i].name);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

static int child(void *ctx, int in, int out)
{
    const struct bisecting *b = ctx;
    struct err e = ERR_NONE;
    struct span first, second;
    struct model *good = NULL, *bad = NULL;
    struct bisect_result r = {0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    if (!pair_map(&b->pair, in, &first, &second))
        return 2;
    enum status st = model_open(first, NULL, false, &good, &e);
    if (st == ST_OK)
        st = model_open(second, NULL, false, &bad, &e);
    if (st == ST_OK)
        st = bisect(good, bad, b->suite, b->cases, &r, &e);
    if (st == ST_OK) {
        write_result(&r, &j);
    } else {
        json_object(&j);
        json_key(&j, "refused");
        refusal_write(&e, &j);
        json_close(&j);
    }
    return buf_status(&text) == ST_OK && io_write(out, buf_span(&text), &e) == ST_OK ? 0 : 3;
}

/* ---- the parent --------------------------------------------------------------------------- */

static bool read_number(const struct json *v, const char *key, double *out)
{
    const char *said = json_as_string(json_get(v, key));
    uint64_t millionths = 0;
    bool fine = said != NULL && decimal_read(said, &millionths);
    *out = (double)millionths / 1e6;
    return fine;
}

static bool read_tensor(const struct json *v, struct bisect_tensor *t)
{
    const char *name = json_as_string(json_get(v, "name"));
    return json_count(v) == 4 && name != NULL &&
           text_fmt(t->name, sizeof t->name, "%s", name) < sizeof t->name &&
           json_as_bool(json_get(v, "carries"), &t->carries) &&
           json_as_bool(json_get(v, "differs"), &t->differs) && read_number(v, "cost", &t->cost);
}

static enum status read_answer(struct span answer, struct bisect_result *out, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err lie = ERR_NONE;
    enum status st = json_parse(answer, ANSWER, &v, &lie);
    const struct json *refused = json_get(v, "refused"), *list = json_get(v, "tensors");
    if (st == ST_OK && refused != NULL) {
        st = refusal_read(refused, e, &lie);
        return st == ST_OK ? err_stage(e, "bisect")
                           : err_set(e, ST_HARNESS, "bisect-answer", "%.200s", lie.detail);
    }
    bool fine = st == ST_OK && json_count(v) == 4 && read_number(v, "good", &out->good) &&
                read_number(v, "bad", &out->bad) && read_number(v, "restored", &out->restored) &&
                json_kind(list) == JSON_ARRAY && json_count(list) <= BISECT_TENSORS;
    out->of = fine ? heap_zero(json_count(list), sizeof *out->of) : NULL;
    for (size_t i = 0; fine && out->of != NULL && i < json_count(list); i++) {
        fine = read_tensor(json_at(list, i), &out->of[out->n++]);
        out->carriers += out->of[i].carries;
    }
    return fine && out->of != NULL
               ? ST_OK
               : err_set(e, ST_HARNESS, "bisect-answer", "the child's answer is not usable");
}

enum status bisecting(struct store *s, const struct artifact *good, const struct artifact *bad,
                      const struct suite *suite, size_t cases, struct bisect_result *out,
                      struct err *e)
{
    SCOPED(bisecting_release)
    struct bisecting b = {.pair = PAIR_NONE, .suite = suite, .cases = cases};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    struct sandbox_limits bounds = {
        .cpu_seconds = SECONDS, .wall_ms = SECONDS * 1000, .output_bytes = ANSWER};
    const struct manifest_file *one = NULL, *two = NULL;
    *out = (struct bisect_result){0};
    enum status st = artifact_model_file(s, good, &one, e);
    if (st == ST_OK)
        st = artifact_model_file(s, bad, &two, e);
    if (st == ST_OK)
        st = pair_fill(s, one, two, &b.pair, e);
    if (st == ST_OK)
        st = pair_room(good, bad, &b.pair, &bounds.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&bounds, child, &b, b.pair.fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st == ST_OK && o.ending != SANDBOX_RETURNED)
        st = err_set(e, ST_HARNESS, "bisect-child", "the sandboxed child %s", o.message);
    if (st == ST_OK)
        st = read_answer(buf_span(&o.answer), out, e);
    if (st != ST_OK)
        bisect_release(out);
    return st;
}
