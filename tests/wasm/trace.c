/* Prints what the native runtime does with a model, in the words of tests/wasm/trace.mjs: the two
 * outputs must be the same text, and so must the bits of every logit. */
#include "runtime/runtime.h"
#include <inttypes.h>
#include <stdio.h>

#define STEPS 24

static uint32_t hash_logits(const struct runtime *r)
{
    const float *logits = session_logits(runtime_session(r));
    const uint8_t *p = (const uint8_t *)logits;
    const size_t n = (size_t)session_held(runtime_session(r))->logits;
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; logits != NULL && i < n; i++)
        h = (h ^ p[i]) * 0x01000193u;
    return h;
}

static void trace(struct runtime *r, const char *prompt, size_t n)
{
    printf("begin %u\n", runtime_begin(r, prompt, n));
    for (int i = 0; i < STEPS; i++) {
        unsigned code = runtime_generate_next_token(r);
        const struct generation *g = runtime_last_result(r);
        printf("%u %" PRIu32 " %u %08" PRIx32 "\n", code,
               g->token_count > 0 ? g->token_ids[0] : UINT32_MAX, (unsigned)g->stop,
               hash_logits(r));
        if (code != 0)
            return;
    }
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    uint8_t part[65536];
    if (f == NULL)
        return false;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_append(out, SPAN(part, n));
    (void)fclose(f);
    return !out->failed;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        SCOPED(buf_release) struct buf file = BUF_EMPTY;
        SCOPED(runtime_scope) struct runtime *r = runtime_create();
        if (r == NULL || !read_file(argv[i], &file))
            return 1;
        printf("%s\n", argv[i]);
        printf("init %u\n", runtime_init(r));
        unsigned code = runtime_load_model(r, file.p, file.n);
        printf("load %u\n", code);
        if (code != 0)
            continue;
        trace(r, "Once", 4);
        printf("sampling %u\n", runtime_set_sampling_config(r, 0.8f, 40, 0.9f, 0x123456789abcdefu));
        trace(r, "Once", 4);
    }
    return 0;
}
