#include "runtime/values.h"
#include "runtime/quant.h"
#include <assert.h>
#include <string.h>

struct values values_start(const struct layout *l)
{
    return (struct values){.layout = l, .sum = slm1_sum_start()};
}

static bool f32_bad(const uint8_t *p, bool scale)
{
    uint32_t bits = get_le32(p);
    /* A scale must be positive: no sign, not zero. */
    return scale ? bits - 1 >= 0x7f7fffffu : (bits & 0x7f800000u) == 0x7f800000u;
}

/* Floats are looked at in runs without a branch inside, which compilers make wide code of; only a
 * run that has a bad one is looked at again. */
#define RUN 512u

static size_t first_bad_f32(const uint8_t *p, size_t count, bool scales)
{
    for (size_t from = 0; from < count; from += RUN) {
        size_t to = count - from < RUN ? count : from + RUN;
        unsigned bad = 0;
        if (scales)
            for (size_t i = from; i < to; i++)
                bad |= f32_bad(p + 4 * i, true);
        else
            for (size_t i = from; i < to; i++)
                bad |= f32_bad(p + 4 * i, false);
        for (size_t i = from; bad && i < to; i++)
            if (f32_bad(p + 4 * i, scales))
                return 4 * i;
    }
    return SIZE_MAX;
}

/* The same for types that are nothing but 16-bit floats. */
static size_t first_bad_half(const uint8_t *p, size_t count, uint32_t exponent)
{
    for (size_t from = 0; from < count; from += RUN) {
        size_t to = count - from < RUN ? count : from + RUN;
        unsigned bad = 0;
        for (size_t i = from; i < to; i++)
            bad |= (get_le16(p + 2 * i) & exponent) == exponent;
        for (size_t i = from; bad && i < to; i++)
            if ((get_le16(p + 2 * i) & exponent) == exponent)
                return 2 * i;
    }
    return SIZE_MAX;
}

/* Offset of the first bad number in `units` whole units, or SIZE_MAX. */
static size_t first_bad(const struct region *r, const uint8_t *p, size_t units)
{
    const struct dtype_layout *t = dtype_layout(r->type);
    if (r->type == DTYPE_F32)
        return first_bad_f32(p, units, r->scales);
    if (t->bytes == 2)
        return first_bad_half(p, units, t->half_exponent);
    for (size_t i = 0; i < units; i++) {
        const uint8_t *unit = p + i * t->bytes;
        for (size_t k = 0; k < t->half_count; k++) {
            uint32_t bits = get_le16(unit + t->half_at[k]);
            if ((bits & t->half_exponent) == t->half_exponent)
                return i * t->bytes + t->half_at[k];
        }
    }
    return SIZE_MAX;
}

static enum status check_units(const struct region *r, const uint8_t *p, size_t units, uint64_t at,
                               bool slm1, struct err *e)
{
    const struct dtype_layout *t = dtype_layout(r->type);
    if (t->half_count == 0 && r->type != DTYPE_F32)
        return ST_OK;
    size_t bad = first_bad(r, p, units);
    if (bad == SIZE_MAX)
        return ST_OK;
    if (r->scales)
        return err_at(e, ST_MODEL_DIRECTORY, "values", slm1 ? "slm1-scale" : "gguf-rope-freqs",
                      at + bad,
                      "a %s is not positive and finite (bits %08x); the tensor is described at "
                      "%llu",
                      slm1 ? "scale" : "divisor of the rotation", get_le32(p + bad),
                      (unsigned long long)r->entry);
    return err_at(e, ST_MODEL_DIRECTORY, "values", slm1 ? "slm1-not-finite" : "gguf-not-finite",
                  at + bad, "a %s value is not finite; the tensor is described at %llu", t->name,
                  (unsigned long long)r->entry);
}

/* Takes what it can of s for region r; *took says how much. */
static enum status feed_region(struct values *v, const struct region *r, struct span s,
                               size_t *took, struct err *e)
{
    bool slm1 = v->layout->facts.format == MODEL_FORMAT_SLM1;
    size_t unit = dtype_layout(r->type)->bytes;
    uint64_t left = r->offset + r->length - v->at;
    size_t n = s.n < left ? s.n : (size_t)left;
    assert(unit <= VALUES_CARRY_MAX);
    if (v->carried > 0 || n < unit) {
        n = n < unit - v->carried ? n : unit - v->carried;
        memcpy(v->carry + v->carried, s.p, n);
        v->carried += n;
        *took = n;
        if (v->carried < unit)
            return ST_OK;
        v->carried = 0;
        return check_units(r, v->carry, 1, v->at + n - unit, slm1, e);
    }
    *took = n - n % unit;
    return check_units(r, s.p, n / unit, v->at, slm1, e);
}

static enum status feed_padding(struct values *v, uint64_t to, struct span s, size_t *took,
                                struct err *e)
{
    size_t n = s.n < to - v->at ? s.n : (size_t)(to - v->at);
    *took = n;
    for (size_t i = 0; i < n; i++)
        if (s.p[i] != 0)
            return err_at(e, ST_MODEL_DIRECTORY, "tensors",
                          v->layout->facts.format == MODEL_FORMAT_SLM1 ? "slm1-padding"
                                                                       : "gguf-padding",
                          v->at + i, "padding must be zero, this byte is 0x%02x", s.p[i]);
    return ST_OK;
}

/* The front was checked by its parser: step over it. */
static size_t skip_front(const struct values *v, size_t n)
{
    const struct layout *l = v->layout;
    uint64_t front = l->region_count > 0 ? l->regions[0].offset : l->facts.file_bytes;
    if (v->at >= front)
        return 0;
    return n < front - v->at ? n : (size_t)(front - v->at);
}

enum status values_feed(struct values *v, struct span bytes, struct err *e)
{
    const struct layout *l = v->layout;
    if (l->facts.format == MODEL_FORMAT_SLM1)
        slm1_sum_add(&v->sum, bytes);
    size_t done = skip_front(v, bytes.n);
    v->at += done;
    while (done < bytes.n) {
        const struct region *r = v->region < l->region_count ? &l->regions[v->region] : NULL;
        struct span rest = SPAN(bytes.p + done, bytes.n - done);
        size_t took = 0;
        enum status st;
        if (r != NULL && v->at >= r->offset)
            st = feed_region(v, r, rest, &took, e);
        else
            st = feed_padding(v, r != NULL ? r->offset : l->facts.file_bytes, rest, &took, e);
        if (st != ST_OK)
            return st;
        assert(took > 0);
        done += took;
        v->at += took;
        if (r != NULL && v->at == r->offset + r->length)
            v->region++;
    }
    return ST_OK;
}

enum status values_end(const struct values *v, struct err *e)
{
    const struct model_facts *f = &v->layout->facts;
    assert(v->at == f->file_bytes);
    if (f->format != MODEL_FORMAT_SLM1)
        return ST_OK;
    uint64_t sum = slm1_sum_finish(&v->sum);
    if (sum != f->internal_checksum)
        return err_at(e, ST_MODEL_HEADER, "checksum", "slm1-checksum", SLM1_CHECKSUM_AT,
                      "the header says %016llx, the bytes make %016llx",
                      (unsigned long long)f->internal_checksum, (unsigned long long)sum);
    return ST_OK;
}
