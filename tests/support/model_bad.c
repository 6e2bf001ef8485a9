#include "tests/support/model_bad.h"

enum model_format bad_format(const struct bad *b)
{
    return b->spoil_slm1 != NULL ? MODEL_FORMAT_SLM1 : MODEL_FORMAT_GGUF;
}

struct buf bad_make(const struct bad *b)
{
    if (b->spoil_slm1 != NULL) {
        struct buf file = make_slm1(
            &(struct make){.dtype = MAKE_Q4_0, .tiny = true, .tied = !b->untied, .bpe = b->bpe});
        b->spoil_slm1(&file);
        if (!b->keep)
            make_resum(&file);
        return file;
    }
    SCOPED(gguf_draft_release) struct gguf_draft draft = gguf_draft(&(struct make){.tiny = true});
    if (b->spoil_gguf != NULL)
        b->spoil_gguf(&draft);
    struct buf file = gguf_assemble(&draft);
    if (b->spoil_file != NULL)
        b->spoil_file(&file);
    return file;
}

size_t bad_count(void)
{
    return bad_slm1_count + bad_gguf_count;
}

const struct bad *bad_at(size_t i)
{
    return i < bad_slm1_count ? &bad_slm1[i] : &bad_gguf[i - bad_slm1_count];
}
