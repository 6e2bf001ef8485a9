/* bench: how fast a model runs here, beside how fast this machine reads memory. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/print.h"
#include "runtime/session.h"
#include "runtime/team.h"
#include "runtime/tensor.h"
#include "store/digest.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ROUNDS_MAX 99
#define DECODE     64
#define PREFILL    256
#define SLICES     64           /* of a pass over memory */
#define PASS_BYTES (256u << 20) /* at least so many a measurement: several passes if need be */

struct measured {
    double rate[ROUNDS_MAX];
    size_t count;
};

struct bench {
    int fd; /* the model's file, or its sealed copy in memory */
    const struct model *model;
    struct session *session;
    struct team *team; /* for reading memory, as many as the session has */
    uint64_t threads, rounds, decode, prefill;
    uint64_t weights;                           /* bytes read for a token */
    struct measured decoded, prefilled, memory; /* a second */
    struct measured loaded, started, hashed;    /* milliseconds */
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(struct measured *m)
{
    qsort(m->rate, m->count, sizeof *m->rate, by_value);
    return m->count > 0 ? m->rate[m->count / 2] : 0;
}

static double per_second(double n, uint64_t ns)
{
    return ns > 0 ? n * 1e9 / (double)ns : 0;
}

/* ---- weights and memory -----------------------------------------------------------------------
 */

static uint64_t bytes_of(const struct tensor *t, uint64_t packed)
{
    return t->data == NULL ? 0 : packed != 0 ? packed : t->rows * t->row_bytes;
}

/* What one token reads: every matrix once, in the form that products are made from. */
static uint64_t weights_read(const struct model *m)
{
    const struct model_facts *f = model_facts(m);
    const struct weights *w = model_weights(m);
    uint64_t plain = 0;
    for (uint32_t i = 0; i < f->shape.layers; i++) {
        const struct layer_weights *l = &w->layers[i];
        const struct tensor *const all[] = {&l->wq, &l->wk, &l->wv, &l->wo, &l->w1, &l->w2, &l->w3};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            plain += all[k]->packed != NULL ? 0 : bytes_of(all[k], 0);
    }
    plain += w->output.packed != NULL ? 0 : bytes_of(&w->output, 0);
    return plain + f->packed_bytes;
}

struct stretch {
    const uint8_t *p; /* without a zero byte */
    size_t slice;     /* bytes */
    _Atomic bool found;
};

/* libc's search for a byte that is not there: the widest loads that the machine has, and little
 * else. */
static void read_slice(void *ctx, size_t chunk, unsigned who)
{
    struct stretch *s = ctx;
    (void)who;
    if (memchr(s->p + chunk * s->slice, 0, s->slice) != NULL)
        s->found = true;
}

/* Bytes a second, reading `bytes` again and again. */
static double read_memory(struct bench *b, struct stretch *s)
{
    const size_t bytes = s->slice * SLICES, passes = PASS_BYTES / bytes + 1;
    const uint64_t began = clock_ticks();
    for (size_t i = 0; i < passes; i++)
        team_run(b->team, read_slice, s, SLICES);
    return per_second((double)(bytes * passes), clock_ticks() - began);
}

/* ---- a start ----------------------------------------------------------------------------------
 */

/* The file, freshly mapped: whoever reads it meets each page for the first time. */
struct mapped {
    void *p;
    size_t n;
};

static void mapped_release(struct mapped *m)
{
    if (m->p != NULL)
        (void)munmap(m->p, m->n);
}

static enum status map_file(const struct bench *b, struct mapped *m, struct err *e)
{
    m->n = (size_t)model_facts(b->model)->file_bytes;
    void *p = mmap(NULL, m->n, PROT_READ, MAP_PRIVATE, b->fd, 0);
    if (p == MAP_FAILED)
        return err_sys(e, errno, "mmap", NULL);
    m->p = p;
    return ST_OK;
}

static double since(uint64_t began)
{
    return (double)(clock_ticks() - began) / 1e6;
}

static void note(struct measured *m, double value)
{
    m->rate[m->count++] = value;
}

static enum status hash_once(struct bench *b, struct err *e)
{
    SCOPED(mapped_release) struct mapped file = {NULL, 0};
    const uint64_t began = clock_ticks();
    enum status st = map_file(b, &file, e);
    if (st == ST_OK) {
        (void)digest_of(SPAN(file.p, file.n));
        note(&b->hashed, since(began));
    }
    return st;
}

/* From verified bytes to the first token's logits, as `run` comes to them: its numbers were checked
 * at admission. */
static enum status start_once(struct bench *b, struct err *e)
{
    SCOPED(mapped_release) struct mapped file = {NULL, 0};
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    const uint32_t first = 1 % model_facts(b->model)->shape.vocab;
    const uint64_t began = clock_ticks();
    enum status st = map_file(b, &file, e);
    if (st == ST_OK)
        st = model_open(SPAN(file.p, file.n), NULL, false, &model, e);
    if (st == ST_OK)
        st = session_open(model, &session, e);
    if (st == ST_OK)
        st = session_threads(session, (unsigned)b->threads, e);
    if (st != ST_OK)
        return st;
    note(&b->loaded, since(began));
    st = session_place(session, &first, 1, 0, e);
    note(&b->started, since(began));
    return st;
}

/* ---- the model --------------------------------------------------------------------------------
 */

/* As a prompt is read, all together; or as tokens are generated, one by one. */
static enum status run(struct bench *b, const uint32_t *ids, uint64_t count, bool together,
                       struct measured *m, struct err *e)
{
    const uint64_t began = clock_ticks();
    enum status st = ST_OK;
    for (size_t n = together ? (size_t)count : 1; n <= count && st == ST_OK; n++) {
        st = cli_alive(e);
        if (st == ST_OK)
            st = session_place(b->session, ids, n, together ? 0 : n - 1, e);
    }
    note(m, per_second((double)count, clock_ticks() - began));
    return st;
}

/* All in turn, so that a busy moment meets all. */
static enum status measure(struct bench *b, const uint32_t *ids, struct stretch *s, struct err *e)
{
    struct measured warm = {.count = 0};
    enum status st = run(b, ids, b->decode < 8 ? b->decode : 8, false, &warm, e);
    for (uint64_t i = 0; i < b->rounds && st == ST_OK; i++) {
        st = run(b, ids, b->decode, false, &b->decoded, e);
        note(&b->memory, read_memory(b, s));
        if (st == ST_OK)
            st = run(b, ids, b->prefill, true, &b->prefilled, e);
        if (st == ST_OK)
            st = hash_once(b, e);
        if (st == ST_OK)
            st = start_once(b, e);
    }
    return st;
}

static enum status bench_model(struct cli *c, struct bench *b, struct err *e)
{
    const struct model_shape *m = &model_facts(b->model)->shape;
    b->weights = weights_read(b->model);
    b->decode = m->context < DECODE ? m->context : DECODE;
    b->prefill = m->context < PREFILL ? m->context : PREFILL;
    if (opt_given(&c->args, OPT_TOKENS)) {
        enum status st = opt_u64(&c->args, OPT_TOKENS, 1, m->context, &b->decode, e);
        if (st != ST_OK)
            return st;
        b->prefill = b->decode;
    }
    const size_t most = (size_t)(b->decode > b->prefill ? b->decode : b->prefill);
    struct stretch s = {.slice = (size_t)b->weights / SLICES + 4096};
    SCOPED(heap_scope) uint32_t *ids = heap_alloc(most * sizeof *ids);
    SCOPED(heap_scope) uint8_t *memory = heap_aligned(4096, s.slice * SLICES);
    if (ids == NULL || memory == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to measure with");
    for (size_t i = 0; i < most; i++)
        ids[i] = (uint32_t)(i * 7919 + 1) % m->vocab;
    memset(memory, 1, s.slice * SLICES);
    s.p = memory;
    return measure(b, ids, &s, e);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static void rate_json(struct json_out *j, const char *key, uint64_t tokens, struct measured *m)
{
    json_key(j, key);
    json_object(j);
    member_u64(j, "tokens", tokens);
    json_key(j, "per_second");
    json_fixed(j, median(m), 3);
    json_key(j, "best");
    json_fixed(j, m->rate[m->count - 1], 3);
    json_close(j);
}

static void milliseconds(struct json_out *j, const char *key, double value)
{
    json_key(j, key);
    json_fixed(j, value, 3);
}

/* "label  12.3 what" */
static void put_number(struct buf *out, const char *label, double v, unsigned places,
                       const char *what)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_fixed(&text, v, places);
    buf_byte(&text, 0);
    put_field(out, label, "%s %s", text.failed ? "?" : (const char *)text.p, what);
}

static void tell(struct cli *c, const char *what, struct bench *b)
{
    const double decode = median(&b->decoded), memory = median(&b->memory);
    const double reads = decode * (double)b->weights;
    const double loaded = median(&b->loaded), started = median(&b->started);
    const double hashed = median(&b->hashed);
    const struct model_facts *f = model_facts(b->model);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.bench/1");
        member_text(&j, "model", what);
        member_text(&j, "quantization", f->quantization);
        member_u64(&j, "parameters", f->parameters);
        member_u64(&j, "threads", b->threads);
        milliseconds(&j, "load_ms", loaded);
        milliseconds(&j, "first_token_ms", started);
        milliseconds(&j, "hash_ms", hashed);
        rate_json(&j, "decode", b->decode, &b->decoded);
        rate_json(&j, "prefill", b->prefill, &b->prefilled);
        member_u64(&j, "weight_bytes_per_token", b->weights);
        json_key(&j, "weight_gb_per_second");
        json_fixed(&j, reads / 1e9, 3);
        json_key(&j, "memory_gb_per_second");
        json_fixed(&j, memory / 1e9, 3);
        json_key(&j, "share_of_memory");
        json_fixed(&j, memory > 0 ? reads / memory : 0, 3);
        answer_close(c, &j);
        return;
    }
    put_field(&c->out, "model", "%s, %llu parameters, %s, %llu thread%s", f->quantization,
              (unsigned long long)f->parameters, f->family, (unsigned long long)b->threads,
              b->threads == 1 ? "" : "s");
    put_number(&c->out, "load", loaded, 1, "ms");
    put_number(&c->out, "first token", started, 1, "ms from the verified bytes on");
    put_number(&c->out, "hash", hashed, 1, "ms for the file's SHA-256");
    put_number(&c->out, "start", hashed > 0 ? started / hashed : 0, 2, "times the hash");
    put_number(&c->out, "decode", decode, 1, "tokens a second, one by one");
    put_number(&c->out, "prefill", median(&b->prefilled), 1, "tokens a second, as a prompt");
    put_number(&c->out, "weights", reads / 1e9, 1, "GB a second");
    put_number(&c->out, "memory", memory / 1e9, 1, "GB a second, reading as many bytes");
    put_number(&c->out, "share", memory > 0 ? 100 * reads / memory : 0, 0, "% of it");
}

static enum status bench(struct cli *c, const char *what, const struct model *model, int fd,
                         struct err *e)
{
    SCOPED(session_scope) struct session *session = NULL;
    SCOPED(team_scope) struct team *team = NULL;
    struct bench b = {.fd = fd, .model = model, .threads = 1, .rounds = 5};
    enum status st = opt_u64(&c->args, OPT_THREADS, 1, TEAM_MAX, &b.threads, e);
    if (st == ST_OK)
        st = opt_u64(&c->args, OPT_ROUNDS, 1, ROUNDS_MAX, &b.rounds, e);
    if (st == ST_OK)
        st = session_open(model, &session, e);
    if (st == ST_OK)
        st = session_threads(session, (unsigned)b.threads, e);
    if (st == ST_OK)
        st = team_open((unsigned)b.threads, &team, e);
    if (st != ST_OK)
        return st;
    b.session = session;
    b.team = team;
    st = bench_model(c, &b, e);
    if (st == ST_OK)
        tell(c, what, &b);
    return st;
}

static enum status bench_file(struct cli *c, const char *path, struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(fd_release) int fd = -1;
    enum status st = given_read(path, model_limits_default.file_bytes, &file, e);
    if (st == ST_OK)
        st = model_open(buf_span(&file), NULL, true, &model, e);
    if (st == ST_OK)
        st = io_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, &fd, e);
    return st == ST_OK ? bench(c, path, model, fd, e) : st;
}

enum status cmd_bench(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(loaded_scope) struct loaded *model = NULL;
    const char *what = c->word[0];
    struct stat facts;
    enum status st;
    if (stat(what, &facts) == 0 && S_ISREG(facts.st_mode)) {
        st = bench_file(c, what, e);
    } else {
        st = cli_artifact(c, what, true, &a, e);
        if (st == ST_OK)
            st = artifact_load(c->store, &a, &model, NULL, e);
        if (st == ST_OK)
            st = bench(c, what, loaded_model(model), loaded_fd(model), e);
    }
    return st != ST_OK ? err_subject(e, "%s", what) : ST_OK;
}
