#include "verify/hunting.h"
#include "base/checked.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/exam.h"
#include "verify/sandbox.h"
#include <sys/mman.h>

#define PAGE    4096u
#define SECONDS 600u
#define ANSWER  (HUNT_FOUND * (HUNT_PREFIX + 2 * HUNT_ANSWER) * 6u + 4096u)

struct hunting {
    const struct hunt_limits *limits;
    uint64_t bytes, other_at, other_bytes; /* other_bytes 0: there is none */
};

/* ---- the child ---------------------------------------------------------------------------- */

struct prey {
    struct model *model;
    struct session *session;
};

static bool open_prey(struct span file, struct prey *p)
{
    struct err e = ERR_NONE;
    return model_open(file, NULL, false, &p->model, &e) == ST_OK &&
           session_open(p->model, &p->session, &e) == ST_OK;
}

static int child(void *ctx, int in, int out)
{
    const struct hunting *h = ctx;
    struct err e = ERR_NONE;
    struct prey mine = {0}, other = {0};
    struct hunt_finds found;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    const size_t bytes = (size_t)(h->other_at + h->other_bytes);
    uint8_t *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    if (!open_prey(SPAN(map, (size_t)h->bytes), &mine) ||
        (h->other_bytes > 0 && !open_prey(SPAN(map + h->other_at, (size_t)h->other_bytes), &other)))
        return 3;
    if (hunt(mine.session, other.session, mine.model, h->limits, &found, &e) != ST_OK)
        return 4;
    struct json_out j = json_out(&text);
    hunt_write(&found, &j);
    if (buf_status(&text) != ST_OK || io_write(out, buf_span(&text), &e) != ST_OK)
        return 5;
    return 0;
}

/* ---- the parent --------------------------------------------------------------------------- */

static enum status fill(const struct gate_subject *s, struct hunting *h, int *fd, struct err *e)
{
    static const uint8_t zeros[PAGE];
    enum status st = memory_file("models", fd, e);
    if (st == ST_OK)
        st = store_content_read(s->store, &s->file->sha256, sink_fd(fd), NULL, e);
    h->bytes = s->file->bytes;
    h->other_at = h->bytes;
    if (st == ST_OK && s->against != NULL) {
        const size_t gap = (size_t)((PAGE - h->bytes % PAGE) % PAGE);
        st = io_write(*fd, SPAN(zeros, gap), e);
        if (st == ST_OK)
            st = store_content_read(s->store, &s->other->sha256, sink_fd(fd), NULL, e);
        h->other_at += gap;
        h->other_bytes = s->other->bytes;
    }
    return st == ST_OK ? memory_seal(*fd, e) : st;
}

static enum status room(const struct gate_subject *s, uint64_t *out, struct err *e)
{
    uint64_t other = 0;
    enum status st = exam_memory(&s->artifact->manifest.model, s->file->bytes, out, e);
    if (st == ST_OK && s->against != NULL)
        st = exam_memory(&s->against->artifact->manifest.model, s->other->bytes, &other, e);
    if (st == ST_OK && !checked_add(*out, other, out))
        st = err_set(e, ST_INVALID_LENGTH, "model-memory", "two models need too much memory");
    return st;
}

/* Two vocabularies that differ cannot be compared token by token. */
static bool comparable(const struct gate_subject *s)
{
    const struct manifest_model *a = &s->artifact->manifest.model;
    const struct manifest_model *b = &s->against->artifact->manifest.model;
    return a->vocab == b->vocab && digest_equal(&a->tokenizer_sha256, &b->tokenizer_sha256);
}

enum status hunting(const struct gate_subject *s, const struct hunt_limits *limits,
                    struct hunt_finds *out, char level[64], char why[256], struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    SCOPED(json_scope) struct json *v = NULL;
    struct gate_subject alone = *s;
    struct hunting h = {.limits = limits};
    struct sandbox_limits bounds = {
        .cpu_seconds = SECONDS, .wall_ms = SECONDS * 4000, .output_bytes = ANSWER};
    struct err lie = ERR_NONE;
    *out = (struct hunt_finds){0};
    why[0] = '\0';
    if (s->against != NULL && !comparable(s))
        alone.against = NULL;
    enum status st = fill(&alone, &h, &fd, e);
    if (st == ST_OK)
        st = room(&alone, &bounds.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&bounds, child, &h, fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st != ST_OK)
        return st;
    text_fmt(level, 64, "%s", o.level);
    if (o.ending != SANDBOX_RETURNED)
        text_fmt(why, 256, "the hunting child %s", o.message);
    else if (json_parse(buf_span(&o.answer), ANSWER, &v, &lie) != ST_OK ||
             hunt_read(v, out, &lie) != ST_OK)
        text_fmt(why, 256, "what the hunting child told is not usable: %.180s", lie.detail);
    return ST_OK;
}
