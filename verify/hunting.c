#include "verify/hunting.h"
#include "base/checked.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/pair.h"
#include "verify/sandbox.h"
#include "verify/trail.h"

#define SECONDS 600u
#define PACE    100000000u /* bytes of model that a slow machine goes through in a second */
#define LONGEST 86400u     /* seconds more, for the largest models and hunts */
#define ANSWER  (HUNT_FOUND * (HUNT_PREFIX + 2 * HUNT_ANSWER) * 6u + 4096u)

struct hunting {
    const struct hunt_limits *limits;
    struct pair pair;
};

static void hunting_release(struct hunting *h)
{
    fd_release(&h->pair.fd);
}

/* ---- the child ---------------------------------------------------------------------------- */

static int child(void *ctx, int in, int out)
{
    const struct hunting *h = ctx;
    struct err e = ERR_NONE;
    struct model *model = NULL, *other_model = NULL;
    struct session *candidate = NULL, *other = NULL;
    struct hunt_finds found;
    struct span first, second;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    if (!pair_map(&h->pair, in, &first, &second))
        return 2;
    if (trail_open(out, first, NULL, false, &model, &candidate, &e) != ST_OK ||
        (second.n > 0 && trail_open(out, second, NULL, false, &other_model, &other, &e) != ST_OK))
        return 3;
    trail_mark(out, STAGE_FORWARD);
    if (hunt(candidate, other, model, h->limits, &found, &e) != ST_OK)
        return 4;
    struct json_out j = json_out(&text);
    hunt_write(&found, &j);
    if (buf_status(&text) != ST_OK || io_write(out, buf_span(&text), &e) != ST_OK)
        return 5;
    /* The process ends here; what it holds goes with it. */
    return 0;
}

/* ---- the parent --------------------------------------------------------------------------- */

/* Two vocabularies that differ cannot be compared token by token. */
static bool comparable(const struct artifact *x, const struct artifact *y)
{
    const struct manifest_model *a = &x->manifest.model, *b = &y->manifest.model;
    return a->vocab == b->vocab && digest_equal(&a->tokenizer_sha256, &b->tokenizer_sha256);
}

/* One token through both models for each text that the search may look at. */
static unsigned seconds_for(const struct hunt_limits *l, const struct pair *p)
{
    uint64_t bytes = 0, work = 0;
    const uint64_t texts = (uint64_t)l->starts * l->width * l->length;
    if (!checked_add(p->first, p->second, &bytes) || !checked_mul(bytes, texts, &work))
        work = UINT64_MAX;
    return SECONDS + (work / PACE < LONGEST ? (unsigned)(work / PACE) : LONGEST);
}

enum status hunting(const struct gate_subject *s, const struct hunt_limits *limits,
                    struct hunt_finds *out, char level[64], char why[256], struct err *e)
{
    SCOPED(hunting_release) struct hunting h = {.limits = limits, .pair = PAIR_NONE};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    SCOPED(json_scope) struct json *v = NULL;
    struct sandbox_limits bounds = {.output_bytes = ANSWER};
    const bool two = s->against != NULL && comparable(s->artifact, s->against->artifact);
    struct err lie = ERR_NONE;
    *out = (struct hunt_finds){0};
    why[0] = '\0';
    enum status st = pair_fill(s->store, s->file, two ? s->other : NULL, &h.pair, e);
    if (st == ST_OK)
        st = pair_room(s->artifact, two ? s->against->artifact : NULL, &h.pair,
                       &bounds.memory_bytes, e);
    bounds.cpu_seconds = seconds_for(limits, &h.pair);
    bounds.wall_ms = bounds.cpu_seconds * 4000;
    if (st == ST_OK)
        st = sandbox_start(&bounds, child, &h, h.pair.fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st != ST_OK)
        return st;
    struct span answer;
    char ending[256];
    text_fmt(level, 64, "%s", o.level);
    trail_ending(&o, &answer, ending);
    if (o.ending != SANDBOX_RETURNED)
        text_fmt(why, 256, "the hunting child %.200s", ending);
    else if ((st = json_parse(answer, ANSWER, &v, &lie)) == ST_NO_MEMORY)
        return err_set(e, st, NULL, "no memory for what the hunting child told");
    else if (st != ST_OK || hunt_read(v, out, &lie) != ST_OK)
        text_fmt(why, 256, "what the hunting child told is not usable: %.180s", lie.detail);
    return ST_OK;
}
