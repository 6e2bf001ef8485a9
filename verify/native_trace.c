#include "verify/native_trace.h"
#include "base/io.h"
#include "base/text.h"
#include "runtime/diagnostics.h"
#include "runtime/session.h"
#include <sys/mman.h>

const char *const trace_prompts[TRACE_PROMPTS] = {"Once upon a time", "The", "",
                                                  "Mia has 3 apples. Né à 東京?"};

static uint32_t hash_logits(const struct session *s)
{
    const uint8_t *p = (const uint8_t *)session_logits(s);
    const size_t n = p != NULL ? (size_t)session_held(s)->logits : 0;
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x01000193u;
    return h;
}

static const char *stop_name(enum stop s)
{
    return s == STOP_EOS ? "eos" : s == STOP_CAPACITY ? "capacity" : "limit";
}

void trace_line(struct session *s, struct span prompt, uint32_t tokens, struct buf *out)
{
    struct err e = ERR_NONE;
    struct generation g = {0};
    enum status st = session_begin(s, prompt, &g, &e);
    g.stop = STOP_NONE;
    for (uint32_t i = 0; st == ST_OK && i < tokens; i++) {
        st = session_step(s, &g, &e);
        if (st != ST_OK || g.token_count == 0)
            break;
        buf_fmt(out, "%u:%08x ", (unsigned)g.token_ids[0], (unsigned)hash_logits(s));
    }
    if (st != ST_OK)
        buf_fmt(out, "stop=error code=%u\n", abi_error(st));
    else
        buf_fmt(out, "stop=%s code=0\n", stop_name(g.token_count == 0 ? g.stop : STOP_NONE));
}

static enum status trace_all(const struct trace_job *job, struct span file, struct buf *out,
                             struct err *e)
{
    static const struct sampling drawn = {
        .temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .seed = 0x123456789abcdefu};
    const struct sampling how[] = {SAMPLING_DEFAULT, drawn};
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    enum status st = model_open(file, &model_limits_default, false, &model, e);
    if (st == ST_OK)
        st = session_open(model, &session, e);
    for (size_t k = 0; st == ST_OK && k < 2; k++) {
        st = session_configure(session, &how[k], e);
        for (size_t i = 0; st == ST_OK && i < TRACE_PROMPTS; i++)
            trace_line(session, span_text(trace_prompts[i]), job->tokens, out);
    }
    return st == ST_OK ? buf_status(out) : st;
}

int trace_child(void *ctx, int in, int out)
{
    const struct trace_job *job = ctx;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    void *map = mmap(NULL, (size_t)job->bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    if (trace_all(job, SPAN(map, job->bytes), &text, &e) != ST_OK)
        return 3;
    return io_write(out, buf_span(&text), &e) == ST_OK ? 0 : 1;
}
