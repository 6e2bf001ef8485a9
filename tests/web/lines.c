/* lines TOKENS MODEL <PROMPTS: what the native runtime says to each prompt (a line of standard
 * input each), first greedily, then drawn, in the words of verify/native_trace.h.
 * tests/web/equal.mjs compares a browser's with it. */
#include "base/files.h"
#include "base/text.h"
#include "runtime/session.h"
#include "verify/native_trace.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MODEL_MAX (128u << 20)

static bool say(struct session *session, uint32_t tokens, const struct buf *prompts)
{
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    for (size_t at = 0; at < prompts->n;) {
        const uint8_t *end = memchr(prompts->p + at, '\n', prompts->n - at);
        size_t n = end != NULL ? (size_t)(end - prompts->p) - at : prompts->n - at;
        trace_line(session, SPAN(prompts->p + at, n), tokens, &out);
        at += n + 1;
    }
    return !out.failed && fwrite(out.p, 1, out.n, stdout) == out.n;
}

int main(int argc, char **argv)
{
    static const struct sampling drawn = {
        .temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .seed = 0x123456789abcdefu};
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(buf_release) struct buf prompts = BUF_EMPTY;
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    struct err e = ERR_NONE;
    uint64_t tokens = 0;
    uint8_t part[4096];
    if (argc != 3 || !text_u64(span_text(argv[1]), &tokens))
        return 2;
    for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;)
        buf_append(&prompts, SPAN(part, n));
    if (file_read(AT_FDCWD, argv[2], MODEL_MAX, &file, &e) != ST_OK ||
        model_open(buf_span(&file), &model_limits_default, false, &model, &e) != ST_OK ||
        session_open(model, &session, &e) != ST_OK) {
        fprintf(stderr, "%s: %s\n", argv[2], e.detail);
        return 1;
    }
    if (!say(session, (uint32_t)tokens, &prompts) ||
        session_configure(session, &drawn, &e) != ST_OK ||
        !say(session, (uint32_t)tokens, &prompts))
        return 1;
    return 0;
}
