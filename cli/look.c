#include "cli/look.h"
#include "base/files.h"
#include "base/text.h"
#include "runtime/describe.h"
#include "runtime/tokenizer_kinds.h"
#include "store/digest.h"
#include "verify/facts.h"
#include "verify/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOOK_JSON    (64u << 20)  /* bytes of an answer */
#define LOOK_BYTES   (256u << 20) /* of one that is tokens or text */
#define LOOK_MEMORY  (768u << 20) /* address space beside the mapped file */
#define LOOK_SLOWEST 8000000u     /* bytes a second below which a parser counts as hanging */

struct job {
    const struct look *look;
    uint64_t bytes; /* of the file */
};

/* ---- in the child ---- */

static enum status digest_sink(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    hasher_add(ctx, bytes);
    return ST_OK;
}

static enum status tokenizer_digest(const struct tokenizer *t, char hex[DIGEST_TEXT], struct err *e)
{
    SCOPED(hasher_scope) struct hasher *h = NULL;
    enum status st = hasher_open(&h, e);
    if (st == ST_OK)
        st = tokenizer_canonical(t, (struct sink){.write = digest_sink, .ctx = h}, e);
    if (st != ST_OK)
        return st;
    const struct digest d = hasher_end(h);
    digest_text(&d, hex);
    return ST_OK;
}

static enum status write_facts(const struct description *d, struct json_out *j, struct err *e)
{
    char hex[DIGEST_TEXT];
    struct model_facts facts = {
        .format = MODEL_FORMAT_GGUF, .format_version = d->gguf.version, .file_bytes = d->file.n};
    enum status st = tokenizer_digest(describe_tokenizer(d), hex, e);
    if (st != ST_OK)
        return st;
    if (d->model != NULL)
        facts = *model_facts(d->model);
    else
        tokenizer_describe(d->alone, &facts);
    facts.shape.vocab = describe_tokenizer(d)->vocab;
    json_key(j, "model");
    json_bool(j, d->model != NULL);
    json_key(j, "facts");
    facts_write(&facts, j);
    json_key(j, "tokenizer_sha256");
    json_string(j, hex);
    json_key(j, "template_sha256");
    const struct digest t = digest_of(d->chat_template);
    digest_text(&t, hex);
    json_string(j, d->chat_template.p != NULL ? hex : NULL);
    json_key(j, "template_text");
    json_text(
        j, SPAN(d->chat_template.p, strnlen((const char *)d->chat_template.p, d->chat_template.n)));
    describe_write(d, j);
    return ST_OK;
}

static void put_token(struct buf *out, const struct tokenizer *t, uint32_t id, bool first)
{
    uint8_t head[8];
    struct span piece = tokenizer_piece(t, id, first);
    put_le32(head, id);
    put_le32(head + 4, (uint32_t)piece.n);
    buf_append(out, SPAN(head, sizeof head));
    buf_append(out, piece);
}

static enum status encode(const struct tokenizer *t, const struct look *look, struct buf *out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    enum status st = tokenizer_encode(t, look->text, look->specials, &ids, e);
    for (size_t i = 0; st == ST_OK && i + 4 <= ids.n; i += 4)
        put_token(out, t, get_le32(ids.p + i), i == 0);
    return st;
}

static enum status decode(const struct tokenizer *t, struct span ids, struct buf *out,
                          struct err *e)
{
    bool first = true; /* nothing but BOS stands before */
    for (size_t i = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id = get_le32(ids.p + i);
        if (id >= t->vocab)
            return err_set(e, ST_INVALID_LENGTH, "token-range",
                           "token %u: the vocabulary has %u tokens", id, t->vocab);
        buf_append(out, tokenizer_piece(t, id, first));
        first = first && (int64_t)id == t->bos;
    }
    return ST_OK;
}

/* The answer of either sort; a refusal is JSON in both. */
static enum status look_inside(const struct look *look, struct span file, struct buf *out,
                               struct err *e)
{
    SCOPED(describe_release) struct description d = {0};
    struct json_out j = json_out(out);
    enum status st = describe_open(file, &d, e);
    if (st != ST_OK)
        return st;
    if (look->what == LOOK_FACTS || look->what == LOOK_TENSOR)
        json_object(&j);
    else
        buf_byte(out, 'T');
    switch (look->what) {
    case LOOK_FACTS: st = write_facts(&d, &j, e); break;
    case LOOK_TENSOR:
        json_key(&j, "tensor");
        st = describe_tensor(&d, span_text(look->tensor), &j, e);
        break;
    case LOOK_ENCODE: return encode(describe_tokenizer(&d), look, out, e);
    case LOOK_DECODE: return decode(describe_tokenizer(&d), look->ids, out, e);
    }
    if (st == ST_OK)
        json_close(&j);
    return st;
}

static int child(void *ctx, int in, int out)
{
    const struct job *job = ctx;
    struct err e = ERR_NONE, none = ERR_NONE;
    SCOPED(buf_release) struct buf answer = BUF_EMPTY;
    void *map =
        job->bytes > 0 ? mmap(NULL, (size_t)job->bytes, PROT_READ, MAP_PRIVATE, in, 0) : NULL;
    if (map == MAP_FAILED)
        return 2;
    enum status st = look_inside(job->look, SPAN(map, (size_t)job->bytes), &answer, &e);
    if (st == ST_OK && buf_status(&answer) != ST_OK)
        st = err_set(&e, ST_NO_MEMORY, NULL, "no memory to tell what is in the file");
    if (st != ST_OK) {
        answer.n = 0;
        struct json_out j = json_out(&answer);
        json_object(&j);
        json_key(&j, "refusal");
        refusal_write(&e, &j);
        json_close(&j);
    }
    return io_write(out, buf_span(&answer), &none) == ST_OK ? 0 : 1;
}

/* ---- in the parent ---- */

/* What the file claims to be; what is no model of ours is refused by name. */
static enum status check_claim(int fd, const char *path, uint64_t size, struct err *e)
{
    uint8_t head[MODEL_SNIFF_BYTES];
    size_t n = size < sizeof head ? (size_t)size : sizeof head;
    const char *foreign = NULL, *slash = strrchr(path, '/');
    enum status st = io_read_at(fd, head, n, 0, e);
    if (st != ST_OK)
        return st;
    const bool gguf = n >= 4 && memcmp(head, "GGUF", 4) == 0;
    switch (model_sniff(SPAN(head, n), slash != NULL ? slash + 1 : path, size, &foreign)) {
    case CLAIM_SLM1:
        if (!gguf)
            return ST_OK;
        return err_at(e, ST_MODEL_MAGIC, "container", "slm1-is-gguf", 0,
                      "it is called SLM1, and is GGUF");
    case CLAIM_GGUF:
        if (gguf)
            return ST_OK;
        return err_at(e, ST_MODEL_MAGIC, "container", "gguf-magic", 0,
                      "it is called GGUF, and does not begin like it");
    case CLAIM_FOREIGN:
        return err_at(e, ST_MODEL_MAGIC, "container", "foreign-format", 0,
                      "this is %s, a format of others that assay does not read", foreign);
    case CLAIM_NONE: break;
    }
    return err_at(e, ST_MODEL_MAGIC, "container", NULL, 0,
                  "nothing in it claims to be a model (SLM1 or GGUF)");
}

static enum status open_file(const char *path, int *fd, uint64_t *size, struct err *e)
{
    struct stat facts;
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, fd, e); /* a pipe may wait */
    if (st == ST_OK && fstat(*fd, &facts) != 0)
        st = err_sys(e, errno, "look at", path);
    if (st == ST_OK && !S_ISREG(facts.st_mode))
        st = err_set(e, ST_USAGE, "words", "it is no regular file");
    if (st == ST_OK)
        st = io_size(*fd, size, e);
    if (st == ST_OK && *size > model_limits_default.file_bytes)
        st =
            err_set(e, ST_MODEL_HEADER, "file-limit", "the file has %llu bytes, the limit is %llu",
                    (unsigned long long)*size, (unsigned long long)model_limits_default.file_bytes);
    return st;
}

static enum status run_child(const struct job *job, int fd, struct sandbox_outcome *o,
                             struct err *e)
{
    const bool json = job->look->what == LOOK_FACTS || job->look->what == LOOK_TENSOR;
    const uint64_t seconds = 60 + job->bytes / LOOK_SLOWEST;
    const struct sandbox_limits limits = {.memory_bytes = LOOK_MEMORY + job->bytes,
                                          .cpu_seconds = (unsigned)seconds,
                                          .wall_ms = (unsigned)seconds * 1000,
                                          .output_bytes = json ? LOOK_JSON : LOOK_BYTES};
    SCOPED(sandbox_scope) struct sandbox *box = NULL;
    struct digest warm = digest_of((struct span){0}); /* its library reads files at first use */
    struct job copy = *job;
    (void)warm;
    enum status st = sandbox_start(&limits, child, &copy, fd, &box, e);
    return st == ST_OK ? sandbox_finish(box, o, e) : st;
}

/* A refusal becomes the error; anything else stays in *json. */
static enum status read_answer(struct span answer, struct json **json, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err bad = ERR_NONE;
    enum status st = json_parse(answer, LOOK_JSON, &v, &bad);
    const struct json *refusal = json_get(v, "refusal");
    if (st == ST_OK && refusal != NULL)
        st = refusal_read(refusal, e, &bad);
    if (st == ST_NO_MEMORY) {
        *e = bad;
        return st;
    }
    if (st != ST_OK)
        return err_at(e, ST_FORMAT, "parse", "parser-answer", ERR_NO_OFFSET,
                      "the sandboxed parser's answer is not usable: %s", bad.detail);
    if (refusal != NULL)
        return e->status;
    *json = json_take(&v);
    return ST_OK;
}

enum status look_at(const char *path, const struct look *what, struct json **json,
                    struct buf *bytes, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    struct job job = {.look = what};
    enum status st = open_file(path, &fd, &job.bytes, e);
    if (st == ST_OK)
        st = check_claim(fd, path, job.bytes, e);
    if (st == ST_OK)
        st = cli_alive(e);
    if (st == ST_OK)
        st = run_child(&job, fd, &o, e);
    if (st == ST_OK && o.ending != SANDBOX_RETURNED)
        st = err_at(e, ST_FORMAT, "parse",
                    o.ending == SANDBOX_CRASHED ? "parser-crash" : "parser-failed", ERR_NO_OFFSET,
                    "the sandboxed parser %s", o.message);
    struct span answer = buf_span(&o.answer);
    if (st == ST_OK && answer.n > 0 && answer.p[0] == 'T' && bytes != NULL) {
        buf_append(bytes, SPAN(answer.p + 1, answer.n - 1));
        st = buf_status(bytes) == ST_OK
                 ? ST_OK
                 : err_set(e, ST_NO_MEMORY, NULL, "no memory for the answer");
    } else if (st == ST_OK) {
        st = read_answer(answer, json, e);
    }
    return st != ST_OK ? err_subject(e, "%s", path) : ST_OK;
}
