#include "runtime/tokenizer_kinds.h"

enum status spm_encode(const struct tokenizer *t, struct span text, struct buf *out, struct err *e)
{
    (void)t, (void)text, (void)out, (void)e;
    return ST_UNSUPPORTED;
}

struct span spm_piece(const struct tokenizer *t, uint32_t id, bool first)
{
    (void)first;
    return t->text[id];
}

enum status spm_canonical(const struct tokenizer *t, struct sink to, struct err *e)
{
    (void)t, (void)to, (void)e;
    return ST_UNSUPPORTED;
}
