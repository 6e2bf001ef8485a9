#include "verify/exam.h"
#include "base/checked.h"
#include "base/files.h"
#include "base/text.h"
#include "runtime/budget.h"
#include "verify/facts.h"
#include "verify/inquire.h"
#include "verify/sandbox.h"
#include "verify/trail.h"
#include <string.h>
#include <unistd.h>

#define SPARE     (256u << 20) /* address space beside mapping and budget */
#define CHILDREN  4            /* at most, for one model */
#define PER_CASE  (ANSWER_TEXT_MAX * 4u)
#define PER_SUITE 512u

void exam_release(struct exam *x)
{
    answers_free(x->mine, x->n);
    answers_free(x->theirs, x->n);
    for (size_t i = 0; i < x->n; i++)
        suite_release(&x->suites[i]);
    *x = (struct exam){0};
}

enum status exam_memory(const struct manifest_model *m, uint64_t file_bytes, uint64_t *out,
                        struct err *e)
{
    struct model_facts facts = facts_of_manifest(m, file_bytes);
    struct budget b;
    enum status st = budget_of(&facts, &b, e);
    if (st != ST_OK)
        return st;
    if (!checked_add(b.total, b.transfer, out) || !checked_add(*out, SPARE, out))
        return err_set(e, ST_INVALID_LENGTH, "model-memory",
                       "the model needs more memory than 64 bits can say");
    return ST_OK;
}

/* ---- the parts ---------------------------------------------------------------------------- */

static bool is_trouble(enum status st)
{
    return st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_CANCELLED;
}

static enum status fetch(const struct gate_subject *s, const struct digest *d, struct buf *out,
                         struct err *e)
{
    uint64_t bytes = 0;
    enum status st = store_content_size(s->store, d, &bytes, e);
    if (st == ST_OK && bytes > SUITE_BYTES_MAX)
        return err_set(e, ST_FORMAT, "suite-size", "it has %llu bytes, more than %u",
                       (unsigned long long)bytes, SUITE_BYTES_MAX);
    return st != ST_OK ? st : store_content_read(s->store, d, sink_buf(out), NULL, e);
}

enum status exam_add(const struct gate_subject *s, const struct exam_part *part,
                     struct gate_checks *checks, struct exam *x, struct err *e)
{
    const char *hex = part->sha256, *name = part->name;
    const bool battery = part->kind == EXAM_BATTERY;
    struct suite *suite = &x->suites[x->n];
    struct digest d;
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    if (hex == NULL || !digest_parse(hex, &d)) {
        checks_error(checks, name, "the policy does not say which file %s is", name);
        return ST_OK;
    }
    enum status st = fetch(s, &d, &file, &why);
    if (st == ST_OK)
        st = suite_parse(buf_span(&file), suite, &why);
    if (is_trouble(st)) {
        *e = why;
        return st;
    }
    if (st == ST_NOT_FOUND)
        checks_error(checks, name, "sha256:%s is not in the store; assay add its file", hex);
    else if (st != ST_OK)
        checks_error(checks, name, "sha256:%.12s: %.180s", hex, why.detail);
    if (st != ST_OK)
        return ST_OK;
    if (part->kind != EXAM_EITHER && (suite->kind == SUITE_BATTERY) != battery) {
        checks_error(checks, name, "sha256:%.12s is a %s, not a %s", hex,
                     battery ? "suite" : "battery", battery ? "battery" : "suite");
        suite_release(suite);
        return ST_OK;
    }
    text_fmt(x->names[x->n++], SECTION_PART, "%s", name);
    return ST_OK;
}

enum status exam_open(const struct gate_subject *s, const char *group, bool batteries,
                      struct gate_checks *checks, struct exam *out, struct err *e)
{
    const struct json *parts = json_get(s->section, group);
    const size_t n = json_count(parts);
    *out = (struct exam){0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n && i < SECTION_PARTS; i++) {
        const struct json *part = NULL;
        const struct exam_part file = {.name = json_member(parts, i, &part),
                                       .sha256 = json_as_string(json_get(part, "sha256")),
                                       .kind = batteries ? EXAM_BATTERY : EXAM_SUITE};
        st = exam_add(s, &file, checks, out, e);
    }
    out->usable = st == ST_OK && out->n == n;
    return st;
}

/* ---- asking ------------------------------------------------------------------------------- */

/* One model's share of the children. */
struct group {
    struct inquiry jobs[CHILDREN];
    struct sandbox *child[CHILDREN];
    uint32_t n;
    int fd; /* the model, sealed */
};

static void group_release(struct group *g)
{
    for (uint32_t i = 0; i < g->n; i++)
        sandbox_free(g->child[i]);
    fd_release(&g->fd);
}

static uint32_t children_wanted(const struct gate_subject *s, const struct exam *x)
{
    long cores = s->means.cores > 0 ? (long)s->means.cores : sysconf(_SC_NPROCESSORS_ONLN);
    size_t cases = 0;
    for (size_t i = 0; i < x->n; i++)
        cases += x->suites[i].count;
    uint32_t n = cores < 1 ? 1 : cores > CHILDREN ? CHILDREN : (uint32_t)cores;
    return cases < 2 * n ? 1 : n;
}

static size_t answer_room(const struct exam *x)
{
    size_t room = 64u << 10;
    for (size_t i = 0; i < x->n; i++)
        room += PER_SUITE + x->suites[i].count * PER_CASE;
    return room < ANSWERS_MAX ? room : ANSWERS_MAX;
}

static enum status group_start(const struct gate_subject *s, const struct exam *x,
                               const struct artifact *a, const struct manifest_file *file,
                               struct group *g, struct err *e)
{
    struct sandbox_limits limits = {.output_bytes = answer_room(x)};
    const uint32_t n = children_wanted(s, x);
    enum status st = store_content_memory(s->store, &file->sha256, &g->fd, e);
    if (st == ST_OK)
        st = exam_memory(&a->manifest.model, file->bytes, &limits.memory_bytes, e);
    for (uint32_t i = 0; st == ST_OK && i < n; i++) {
        g->jobs[i] = (struct inquiry){
            .bytes = file->bytes, .suites = x->suites, .suite_count = x->n, .part = i, .parts = n};
        limits.cpu_seconds = inquire_seconds(&g->jobs[i]);
        limits.wall_ms = limits.cpu_seconds * 4000;
        st = sandbox_start(&limits, inquire_child, &g->jobs[i], g->fd, &g->child[i], e);
        g->n += st == ST_OK;
    }
    return st;
}

/* One child's end and what it said; `why` is filled with what is wrong, "" for nothing. */
static enum status child_finish(struct group *g, uint32_t i, struct exam *x, struct answers *into,
                                struct gate_result *result, char why[256], struct err *e)
{
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    struct err lie = ERR_NONE;
    struct span answer;
    char ending[256];
    enum status st = sandbox_finish(g->child[i], &o, e);
    if (st != ST_OK)
        return st;
    text_fmt(result->sandbox, sizeof result->sandbox, "%s", o.level);
    trail_ending(&o, &answer, ending);
    if (o.ending != SANDBOX_RETURNED)
        text_fmt(why, 256, "the sandboxed child %u of %u %.200s", i + 1, g->n, ending);
    else if ((st = answers_read(answer, into, x->n, i, g->n, &lie)) == ST_NO_MEMORY)
        return err_set(e, st, NULL, "no memory for what a sandboxed child answered");
    else if (st != ST_OK)
        text_fmt(why, 256, "the answer of child %u is not usable: %.180s", i + 1, lie.detail);
    return ST_OK;
}

/* What one group's children said; *fine false when it is of no use. A baseline that cannot be asked
 * is no fault of the candidate's. */
static enum status group_finish(struct group *g, struct exam *x, bool candidate,
                                struct gate_checks *checks, struct gate_result *result, bool *fine,
                                struct err *e)
{
    char why[256] = "";
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < g->n && why[0] == '\0'; i++)
        st = child_finish(g, i, x, candidate ? x->mine : x->theirs, result, why, e);
    if (st != ST_OK)
        return st;
    *fine = *fine && why[0] == '\0';
    if (candidate)
        checks_add(checks, x->child[0] != '\0' ? x->child : "child", why[0] == '\0', "%s",
                   why[0] == '\0' ? "every sandboxed child came back" : why);
    else if (why[0] != '\0')
        checks_error(checks, "baseline", "%s", why);
    return ST_OK;
}

/* Takes the other one's answers out of its evidence; *ask: some are missing. */
static enum status recall(const struct gate_subject *s, struct exam *x, bool *ask, struct err *e)
{
    bool found[SECTION_PARTS] = {false};
    struct err lie = ERR_NONE;
    enum status st = answers_make(x->suites, x->n, &x->theirs, e);
    if (st != ST_OK)
        return st;
    st = answers_find(s->against->answers, x->theirs, x->n, found, &lie);
    if (st == ST_NO_MEMORY)
        return err_set(e, st, NULL, "no memory for answers");
    *ask = st != ST_OK;
    for (size_t i = 0; i < x->n; i++)
        *ask = *ask || !found[i];
    return ST_OK;
}

static void count_lines(void *ctx, struct span bytes)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes.n; i++)
        lines += bytes.p[i] == '\n';
    progress_add(ctx, lines);
}

/* Lines that the children will write, heads included. */
static uint64_t lines_wanted(const struct exam *x, uint32_t children)
{
    uint64_t n = (uint64_t)x->n * children;
    for (size_t i = 0; i < x->n; i++)
        n += x->suites[i].count;
    return n;
}

static enum status gather(const struct gate_subject *s, const struct group *a,
                          const struct group *b, struct err *e)
{
    struct sandbox *all[2 * CHILDREN];
    size_t n = 0;
    for (uint32_t i = 0; i < a->n; i++)
        all[n++] = a->child[i];
    for (uint32_t i = 0; i < b->n; i++)
        all[n++] = b->child[i];
    return sandbox_gather(all, n, count_lines, s->means.progress, e);
}

enum status exam_ask(const struct gate_subject *s, struct exam *x, struct gate_checks *checks,
                     struct gate_result *result, bool *fine, struct err *e)
{
    SCOPED(group_release) struct group mine = {.fd = -1};
    SCOPED(group_release) struct group theirs = {.fd = -1};
    bool ask = false;
    *fine = true;
    enum status st = answers_make(x->suites, x->n, &x->mine, e);
    if (st == ST_OK && s->against != NULL)
        st = recall(s, x, &ask, e);
    if (st == ST_OK)
        st = group_start(s, x, s->artifact, s->file, &mine, e);
    if (st == ST_OK && ask)
        st = group_start(s, x, s->against->artifact, s->other, &theirs, e);
    progress_total(s->means.progress,
                   lines_wanted(x, mine.n) + (ask ? lines_wanted(x, theirs.n) : 0));
    if (st == ST_OK)
        st = gather(s, &mine, &theirs, e);
    if (st == ST_OK)
        st = group_finish(&mine, x, true, checks, result, fine, e);
    if (st == ST_OK && ask)
        st = group_finish(&theirs, x, false, checks, result, fine, e);
    if (st == ST_OK && *fine)
        answers_put(&result->cases, x->mine, x->n);
    if (st == ST_OK && s->against != NULL)
        result->baseline = s->against->artifact->digest;
    return st;
}
