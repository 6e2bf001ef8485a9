#include "cli/budget_text.h"
#include "cli/print.h"

void budget_text(struct buf *out, const struct budget *b)
{
    const struct {
        const char *label;
        uint64_t bytes;
    } lines[] = {{"transfer", b->transfer}, {"weights", b->weights},
                 {"packed", b->packed},     {"scratch", b->scratch},
                 {"kv cache", b->kv},       {"logits", b->logits},
                 {"batch", b->batch},       {"tables", b->tables - b->batch},
                 {"total", b->total}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        put_field(out, lines[i].label, "%llu bytes", (unsigned long long)lines[i].bytes);
}
