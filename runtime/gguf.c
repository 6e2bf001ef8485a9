#include "runtime/gguf.h"

enum status gguf_parse(struct head *h, struct layout *out)
{
    (void)out;
    return err_at(h->err, ST_MODEL_VERSION, h->stage, "gguf-version", 4, "not yet");
}
