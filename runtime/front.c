#include "runtime/front.h"
#include "base/checked.h"

bool front_fits(struct front *h, uint64_t n)
{
    if (h->status != ST_OK)
        return false;
    uint64_t end;
    if (!checked_add(h->at, n, &end) || end > h->file_bytes) {
        h->status = err_at(h->err, ST_MODEL_HEADER, h->stage, h->code_short, h->at,
                           "%llu bytes should follow here, the file ends after %llu",
                           (unsigned long long)n, (unsigned long long)(h->file_bytes - h->at));
        return false;
    }
    if (end > h->limit) {
        h->status = err_at(
            h->err, ST_MODEL_HEADER, h->stage, h->code_limit, h->at,
            "header, metadata and directory together are longer than the limit of %llu bytes",
            (unsigned long long)h->limit);
        return false;
    }
    return true;
}

struct span front_bytes(struct front *h, uint64_t n)
{
    if (!front_fits(h, n))
        return SPAN(NULL, 0);
    if (h->at + n > h->have.n) {
        h->need = h->at + n;
        h->status = FRONT_WAITS;
        return SPAN(NULL, 0);
    }
    struct span s = SPAN(h->have.p + h->at, (size_t)n);
    h->at += n;
    return s;
}

uint32_t front_u32(struct front *h)
{
    struct span s = front_bytes(h, 4);
    return s.n == 4 ? get_le32(s.p) : 0;
}

uint64_t front_u64(struct front *h)
{
    struct span s = front_bytes(h, 8);
    return s.n == 8 ? get_le64(s.p) : 0;
}

bool front_zeros(struct front *h, uint64_t to, const char *code)
{
    uint64_t from = h->at;
    struct span pad = front_bytes(h, to - from);
    for (size_t i = 0; i < pad.n; i++) {
        if (pad.p[i] != 0) {
            h->status = err_at(h->err, ST_MODEL_HEADER, h->stage, code, from + i,
                               "padding must be zero, this byte is 0x%02x", pad.p[i]);
            return false;
        }
    }
    return h->status == ST_OK;
}
