/* *.report.jsonl of garak: what was set up, and an eval line for each detector of each probe. */
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/foreign.h"
#include <stdlib.h>
#include <string.h>

#define DETECTORS 16u

struct probe {
    struct foreign_task task;
    char detector[DETECTORS][FOREIGN_NAME];
    size_t detectors;
};

struct reading {
    const struct digest *model;
    bool named;       /* the set-up names the model */
    char version[48]; /* garak's */
    uint64_t generations;
    struct probe *probe; /* [FOREIGN_TASKS] */
    size_t count;
    uint64_t line, offset;
};

static enum status wrong(const struct reading *r, const char *code, const char *what, struct err *e)
{
    return err_at(e, ST_FORMAT, "report", code, r->offset, "line %llu: %s",
                  (unsigned long long)r->line, what);
}

/* Any text of the set-up may name the model: "plugins.model_name": "tiny sha256:HEX". */
static void read_setup(struct reading *r, const struct json *v)
{
    const char *version = json_as_string(json_get(v, "_config.version"));
    if (version == NULL)
        version = json_as_string(json_get(v, "garak_version"));
    if (version != NULL)
        text_fmt(r->version, sizeof r->version, "%.40s", version);
    (void)json_as_u64(json_get(v, "run.generations"), &r->generations);
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        (void)json_member(v, i, &value);
        r->named = r->named || foreign_names(json_as_string(value), r->model);
    }
}

static struct probe *probe_of(struct reading *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (text_equal(r->probe[i].task.name, name))
            return &r->probe[i];
    if (r->count == FOREIGN_TASKS)
        return NULL;
    struct probe *p = &r->probe[r->count++];
    p->task.format = FOREIGN_GARAK;
    text_fmt(p->task.name, sizeof p->task.name, "%s", name);
    return p;
}

/* What a detector did not pass counts against the model, whether it found something or abstained.
 */
static enum status read_eval(struct reading *r, const struct json *v, struct err *e)
{
    const char *probe = json_as_string(json_get(v, "probe"));
    const char *detector = json_as_string(json_get(v, "detector"));
    uint64_t passed = 0, total = 0;
    const bool counted = json_as_u64(json_get(v, "total_processed"), &total) ||
                         json_as_u64(json_get(v, "total_evaluated"), &total) ||
                         json_as_u64(json_get(v, "total"), &total);
    if (probe == NULL || detector == NULL || probe[0] == '\0' || strlen(probe) >= FOREIGN_NAME ||
        strlen(detector) >= FOREIGN_NAME)
        return wrong(r, "report-task", "an eval names its probe and detector", e);
    if (!counted || !json_as_u64(json_get(v, "passed"), &passed) || passed > total)
        return wrong(r, "report-number", "an eval says how many of how many passed", e);
    struct probe *p = probe_of(r, probe);
    if (p == NULL || p->detectors == DETECTORS)
        return wrong(r, "report-size", "there are too many probes or detectors", e);
    for (size_t i = 0; i < p->detectors; i++)
        if (text_equal(p->detector[i], detector))
            return wrong(r, "report-twice", "this detector of this probe stood there before", e);
    text_fmt(p->detector[p->detectors++], FOREIGN_NAME, "%s", detector);
    /* The worst detector by rate: a/b > c/d. */
    const uint64_t hits = total - passed;
    if (p->detectors == 1 ||
        (double)hits * (double)p->task.cases > (double)p->task.hits * (double)total) {
        p->task.hits = hits;
        p->task.cases = total;
    }
    return ST_OK;
}

static enum status read_line(struct reading *r, struct span text, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    if (text.n == 0)
        return ST_OK;
    enum status st = foreign_parse(text, r->line, r->offset, &v, e);
    if (st != ST_OK)
        return st;
    const char *type = json_as_string(json_get(v, "entry_type"));
    if (type == NULL)
        return wrong(r, "report-shape", "it has no entry_type", e);
    if (text_equal(type, "eval"))
        return read_eval(r, v, e);
    if (strncmp(type, "start_run", 9) == 0 || text_equal(type, "init"))
        read_setup(r, v);
    return ST_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum status finish(struct reading *r, struct probe *p, struct foreign *into, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    qsort(p->detector, p->detectors, sizeof p->detector[0], by_name);
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "detectors");
    json_array(&j);
    for (size_t i = 0; i < p->detectors; i++)
        json_string(&j, p->detector[i]);
    json_close(&j);
    json_key(&j, "format");
    json_string(&j, "garak");
    json_key(&j, "generations");
    json_u64(&j, r->generations);
    json_key(&j, "probe");
    json_string(&j, p->task.name);
    json_key(&j, "version");
    json_string(&j, r->version);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a fingerprint");
    p->task.fingerprint = digest_of(buf_span(&text));
    return foreign_add(into, &p->task, e);
}

static enum status read_all(struct reading *r, struct span file, struct foreign *into,
                            struct err *e)
{
    enum status st = ST_OK;
    while (st == ST_OK && r->offset < file.n) {
        const uint8_t *from = file.p + r->offset;
        const uint8_t *end = memchr(from, '\n', file.n - r->offset);
        const size_t n = end != NULL ? (size_t)(end - from) : file.n - (size_t)r->offset;
        r->line++;
        st = read_line(r, SPAN(from, n), e);
        r->offset += n + 1;
    }
    if (st == ST_OK && !r->named)
        return err_set(e, ST_MISMATCH, "report-model",
                       "its set-up does not say that it probed this model; give garak the model's "
                       "SHA-256 in --model_name");
    if (st == ST_OK && (r->version[0] == '\0' || r->count == 0))
        return err_set(e, ST_FORMAT, "report-fingerprint",
                       "it says not which garak it was, or has no eval");
    for (size_t i = 0; st == ST_OK && i < r->count; i++)
        st = finish(r, &r->probe[i], into, e);
    return st;
}

enum status foreign_garak(struct span file, const struct digest *model, struct foreign *into,
                          struct err *e)
{
    SCOPED(heap_scope) struct probe *room = heap_zero(FOREIGN_TASKS, sizeof *room);
    struct reading r = {.model = model, .probe = room};
    return room != NULL ? read_all(&r, file, into, e)
                        : err_set(e, ST_NO_MEMORY, NULL, "no memory for a report");
}
