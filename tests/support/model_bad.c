#include "tests/support/model_bad.h"
#include <assert.h>
#include <string.h>

enum model_format bad_format(const struct bad *b)
{
    return strstr(b->name, ".slm") != NULL ? MODEL_FORMAT_SLM1 : MODEL_FORMAT_GGUF;
}

static void put(uint8_t *at, const struct patch *p)
{
    if (p->bytes == 4)
        put_le32(at, (uint32_t)p->value);
    else
        put_le64(at, p->value);
}

static void patch_file(struct buf *f, const struct patch *p)
{
    if (p->place == PATCH_FILE)
        put(f->p + p->at, p);
    if (p->place != PATCH_ENTRY && p->place != PATCH_PAYLOAD)
        return;
    uint8_t *entry = f->p + get_le64(f->p + 80) + 64 * (size_t)p->index;
    put(p->place == PATCH_ENTRY ? entry + p->at : f->p + get_le64(entry + p->at) + 4, p);
}

static void spoil_draft(struct gguf_draft *d, const struct bad *b)
{
    if (b->patch.place == PATCH_PAIR)
        put(draft_pair(d, b->patch.of) + b->patch.at, &b->patch);
    if (b->patch.place == PATCH_TENSOR)
        put(draft_description(d, b->patch.of) + b->patch.at, &b->patch);
    if (b->rename.from != NULL)
        draft_rename(strstr(b->rename.from, ".weight") ? &d->tensors : &d->pairs, b->rename.from,
                     b->rename.to);
    if (b->add_u32.key != NULL)
        draft_u32(d, b->add_u32.key, b->add_u32.value);
    if (b->add_text.key != NULL)
        draft_text(d, b->add_text.key, b->add_text.value);
    if (b->spoil_gguf != NULL)
        b->spoil_gguf(d);
}

static struct buf bad_gguf_file(const struct bad *b)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft draft = gguf_draft(&(struct make){.tiny = true, .gpt2 = b->gpt2});
    spoil_draft(&draft, b);
    struct buf file = gguf_assemble(&draft);
    patch_file(&file, &b->patch);
    if (b->spoil_file != NULL)
        b->spoil_file(&file);
    return file;
}

struct buf bad_make(const struct bad *b)
{
    if (bad_format(b) == MODEL_FORMAT_GGUF)
        return bad_gguf_file(b);
    struct buf file = make_slm1(
        &(struct make){.dtype = MAKE_Q4_0, .tiny = true, .tied = !b->untied, .bpe = b->bpe});
    patch_file(&file, &b->patch);
    if (b->spoil_slm1 != NULL)
        b->spoil_slm1(&file);
    if (!b->keep)
        make_resum(&file);
    return file;
}

size_t bad_count(void)
{
    return bad_slm1_count + bad_gguf_count;
}

const struct bad *bad_at(size_t i)
{
    assert(i < bad_count());
    return i < bad_slm1_count ? &bad_slm1[i] : &bad_gguf[i - bad_slm1_count];
}
