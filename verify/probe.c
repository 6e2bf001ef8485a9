#include "verify/probe.h"
#include "base/canon.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/sandbox.h"

#define PROBE_ANSWER  (64u << 10)  /* bytes of JSON */
#define PROBE_FACTS   (8u << 10)   /* bytes of the facts in it */
#define PROBE_MEMORY  (256u << 20) /* address space: head limit, vocabulary, buffers */
#define PROBE_SLOWEST 8000000u     /* bytes a second below which a parser counts as hanging */

struct probe {
    enum model_format format;
    uint64_t file_bytes;
    struct sandbox *sandbox;
};

void probe_result_release(struct probe_result *r)
{
    buf_release(&r->parsed);
}

/* ---- in the child ------------------------------------------------------------------------- */

static enum status digest_sink(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    hasher_add(ctx, bytes);
    return ST_OK;
}

static enum status parse(struct scan *scan, int in, struct digest *tokenizer, struct err *e)
{
    static uint8_t block[64u << 10];
    for (;;) {
        size_t got = 0;
        enum status st = io_read(in, block, sizeof block, &got, e);
        if (st != ST_OK)
            return st;
        if (got == 0)
            break;
        st = scan_feed(scan, SPAN(block, got), e);
        if (st != ST_OK)
            return st;
    }
    enum status st = scan_end(scan, e);
    if (st != ST_OK)
        return st;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    st = hasher_open(&h, e);
    if (st == ST_OK)
        st = scan_tokenizer(scan, (struct sink){.write = digest_sink, .ctx = h}, e);
    if (st == ST_OK)
        *tokenizer = hasher_end(h);
    return st;
}

static int answer(int out, const struct err *why, const struct model_facts *facts,
                  const struct digest *tokenizer)
{
    char hex[DIGEST_TEXT] = "";
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "refusal");
    if (why != NULL)
        refusal_write(why, &j);
    else
        json_null(&j);
    json_key(&j, "facts");
    if (facts != NULL)
        facts_write(facts, &j);
    else
        json_null(&j);
    json_key(&j, "tokenizer_sha256");
    if (why == NULL)
        digest_text(tokenizer, hex);
    json_string(&j, hex);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return 1;
    return io_write(out, buf_span(&text), &e) == ST_OK ? 0 : 1;
}

static int probe_child(void *ctx, int in, int out)
{
    const struct probe *p = ctx;
    struct err e = ERR_NONE;
    struct digest tokenizer = {{0}};
    SCOPED(scan_scope) struct scan *scan = NULL;
    enum status st = scan_open(p->format, p->file_bytes, &model_limits_default, &scan, &e);
    if (st != ST_OK)
        return answer(out, &e, NULL, NULL);
    st = parse(scan, in, &tokenizer, &e);
    return answer(out, st == ST_OK ? NULL : &e, scan_facts(scan), &tokenizer);
}

/* ---- in the parent ------------------------------------------------------------------------ */

enum status probe_start(enum model_format format, uint64_t file_bytes, struct probe **out,
                        struct err *e)
{
    SCOPED(probe_scope) struct probe *p = heap_zero(1, sizeof *p);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a probe");
    p->format = format;
    p->file_bytes = file_bytes;
    uint64_t seconds = 30 + file_bytes / PROBE_SLOWEST;
    if (seconds > 3600)
        seconds = 3600;
    const struct sandbox_limits limits = {.memory_bytes = PROBE_MEMORY,
                                          .cpu_seconds = (unsigned)seconds,
                                          .wall_ms = (unsigned)seconds * 1000,
                                          .output_bytes = PROBE_ANSWER};
    /* The digest library reads its configuration at first use, which the child may not. */
    struct digest warm = digest_of((struct span){0});
    (void)warm;
    enum status st = sandbox_start(&limits, probe_child, p, -1, &p->sandbox, e);
    if (st != ST_OK)
        return st;
    *out = probe_take(&p);
    return ST_OK;
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    sandbox_free(p->sandbox);
    heap_free(p);
}

static enum status feed(void *ctx, struct span bytes, struct err *e)
{
    struct probe *p = ctx;
    return sandbox_feed(p->sandbox, bytes, e);
}

struct sink probe_sink(struct probe *p)
{
    return (struct sink){.write = feed, .ctx = p};
}

/* Memory and pipes fail without the file's help; what is not supported is in the file. */
static bool is_trouble(enum status st)
{
    const int code = status_exit(st);
    return st != ST_UNSUPPORTED && (code == 3 || code == 8);
}

/* The child's own end, as a refusal of what it looked at; a child that could not even answer, for
 * want of memory or of a pipe, says nothing about the file. */
static void refuse_ending(const struct sandbox_outcome *o, struct probe_result *out)
{
    struct err *why = &out->refusal;
    static const char *const codes[] = {
        [SANDBOX_NONE] = "parser-answer",      [SANDBOX_RETURNED] = "parser-answer",
        [SANDBOX_FAILED] = "parser-failed",    [SANDBOX_CRASHED] = "parser-crash",
        [SANDBOX_FORBIDDEN] = "parser-escape", [SANDBOX_DEADLINE] = "parser-deadline",
        [SANDBOX_CPU] = "parser-deadline",     [SANDBOX_FLOOD] = "parser-flood"};
    out->unread = o->ending == SANDBOX_FAILED;
    err_at(why, out->unread ? ST_HARNESS : ST_FORMAT, "parse", codes[o->ending], ERR_NO_OFFSET,
           "the sandboxed parser %s", o->message);
}

/* Kept as they came, but not more of them than an honest parser has to tell. */
static enum status keep_facts(const struct json *facts, struct probe_result *out, struct err *e)
{
    if (json_kind(facts) != JSON_OBJECT)
        return ST_OK;
    enum status st = canon_write(facts, &out->parsed, e);
    if (st == ST_OK && out->parsed.n > PROBE_FACTS)
        buf_release(&out->parsed);
    return st;
}

static enum status read_answer(const struct json *v, enum model_format format, uint64_t file_bytes,
                               struct probe_result *out, struct err *e)
{
    const struct json *refusal = json_get(v, "refusal");
    enum status st = keep_facts(json_get(v, "facts"), out, e);
    if (st != ST_OK)
        return st;
    if (json_kind(refusal) == JSON_OBJECT) {
        st = refusal_read(refusal, &out->refusal, e);
        if (st == ST_OK && is_trouble(out->refusal.status))
            out->unread = true;
        /* Asking for too great a length is the file's fault here, whatever it would be elsewhere.
         */
        else if (st == ST_OK && status_exit(out->refusal.status) != status_exit(ST_FORMAT))
            out->refusal.status = ST_FORMAT;
        return st;
    }
    st = facts_read(json_get(v, "facts"), &out->facts, e);
    if (st != ST_OK)
        return st;
    const char *tokenizer = json_as_string(json_get(v, "tokenizer_sha256"));
    if (tokenizer == NULL || !digest_parse(tokenizer, &out->tokenizer))
        return err_set(e, ST_FORMAT, "facts", "the parser gave no digest of the tokenizer");
    if (out->facts.format != format || out->facts.file_bytes != file_bytes)
        return err_set(e, ST_FORMAT, "facts", "the parser's facts are about another file");
    out->accepted = true;
    return ST_OK;
}

void probe_read(struct span answer, enum model_format format, uint64_t file_bytes,
                struct probe_result *out)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err bad = ERR_NONE;
    enum status st = json_parse(answer, PROBE_ANSWER, &v, &bad);
    if (st == ST_OK)
        st = read_answer(v, format, file_bytes, out, &bad);
    if (st == ST_OK)
        return;
    out->accepted = false;
    out->unread = is_trouble(st);
    out->refusal = ERR_NONE;
    if (out->unread)
        out->refusal = bad;
    else
        err_at(&out->refusal, ST_FORMAT, "parse", "parser-answer", ERR_NO_OFFSET,
               "the sandboxed parser's answer is not usable: %s", bad.detail);
}

enum status probe_finish(struct probe *p, struct probe_result *out, struct err *e)
{
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    enum status st = sandbox_finish(p->sandbox, &o, e);
    if (st != ST_OK)
        return st;
    out->refusal = ERR_NONE;
    text_fmt(out->level, sizeof out->level, "%s", o.level);
    if (o.ending == SANDBOX_RETURNED)
        probe_read(buf_span(&o.answer), p->format, p->file_bytes, out);
    else
        refuse_ending(&o, out);
    if (out->unread) {
        *e = out->refusal;
        return e->status;
    }
    return ST_OK;
}
