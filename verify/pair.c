#include "verify/pair.h"
#include "base/checked.h"
#include "base/files.h"
#include "verify/exam.h"
#include <sys/mman.h>

#define PAGE 4096u

enum status pair_fill(struct store *s, const struct manifest_file *a, const struct manifest_file *b,
                      struct pair *out, struct err *e)
{
    static const uint8_t zeros[PAGE];
    const size_t gap = (size_t)((PAGE - a->bytes % PAGE) % PAGE);
    *out = (struct pair){.fd = -1, .first = a->bytes, .second_at = a->bytes};
    enum status st = memory_file("models", &out->fd, e);
    if (st == ST_OK)
        st = store_content_read(s, &a->sha256, sink_fd(&out->fd), NULL, e);
    if (st == ST_OK && b != NULL)
        st = io_write(out->fd, SPAN(zeros, gap), e);
    if (st == ST_OK && b != NULL)
        st = store_content_read(s, &b->sha256, sink_fd(&out->fd), NULL, e);
    if (b != NULL) {
        out->second_at += gap;
        out->second = b->bytes;
    }
    return st == ST_OK ? memory_seal(out->fd, e) : st;
}

bool pair_map(const struct pair *p, int in, struct span *first, struct span *second)
{
    const size_t bytes = (size_t)(p->second_at + p->second);
    uint8_t *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return false;
    *first = SPAN(map, (size_t)p->first);
    *second = SPAN(map + p->second_at, (size_t)p->second);
    return true;
}

enum status pair_room(const struct artifact *a, const struct artifact *b, const struct pair *p,
                      uint64_t *out, struct err *e)
{
    uint64_t more = 0;
    enum status st = exam_memory(&a->manifest.model, p->first, out, e);
    if (st == ST_OK && b != NULL)
        st = exam_memory(&b->manifest.model, p->second, &more, e);
    if (st == ST_OK && !checked_add(*out, more, out))
        st = err_set(e, ST_INVALID_LENGTH, "model-memory", "two models need too much memory");
    return st;
}
