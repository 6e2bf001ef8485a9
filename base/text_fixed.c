/* Decimals of a double, exactly: the double is m × 2^e, so m × 10^places × 2^e is worked out in
 * full as a natural number and rounded once. No libc, and the same digits on every machine. */
#include "base/ensure.h"
#include "base/text.h"

/* 2^1024 × 10^9 has 1,054 bits. */
enum { LIMBS = 34, PLACES_MAX = 9 };

struct natural {
    uint32_t limb[LIMBS]; /* least first */
};

static void multiply(struct natural *a, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limb[i] * by;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    ENSURE(carry == 0);
}

static void add_one(struct natural *a)
{
    for (int i = 0; i < LIMBS && ++a->limb[i] == 0; i++)
        continue;
}

/* Divides in place and gives the remainder. */
static uint32_t divide(struct natural *a, uint32_t by)
{
    uint64_t rest = 0;
    for (int i = LIMBS; i-- > 0;) {
        rest = rest << 32 | a->limb[i];
        a->limb[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    return (uint32_t)rest;
}

static bool is_zero(const struct natural *a)
{
    for (int i = 0; i < LIMBS; i++)
        if (a->limb[i] != 0)
            return false;
    return true;
}

/* a × 2^e; to the right the last bit shifted out is a half or more, and rounds away from zero. */
static void scale(struct natural *a, int e)
{
    for (; e >= 31; e -= 31)
        multiply(a, 1u << 31);
    if (e > 0)
        multiply(a, 1u << e);
    bool half = false;
    for (; e < 0 && !(is_zero(a) && !half); e++) {
        half = (a->limb[0] & 1) != 0;
        for (int i = 0; i < LIMBS; i++)
            a->limb[i] = a->limb[i] >> 1 | (i + 1 < LIMBS ? a->limb[i + 1] << 31 : 0);
    }
    if (half)
        add_one(a);
}

static void put_digits(struct buf *b, struct natural *a, unsigned places, bool negative)
{
    char text[LIMBS * 10];
    size_t at = sizeof text, digits = 0;
    negative = negative && !is_zero(a);
    while (digits <= places || !is_zero(a)) {
        if (digits == places && places > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + divide(a, 10));
        digits++;
    }
    if (negative)
        buf_byte(b, '-');
    buf_append(b, SPAN(text + at, sizeof text - at));
}

void buf_fixed(struct buf *b, double v, unsigned places)
{
    ENSURE(places <= PLACES_MAX);
    uint64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    bool negative = bits >> 63 != 0;
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7FF) {
        buf_text(b, mantissa != 0 ? "nan" : negative ? "-inf" : "inf");
        return;
    }
    if (exponent > 0)
        mantissa |= UINT64_C(1) << 52;
    else
        exponent = 1; /* subnormal */
    struct natural a = {.limb = {(uint32_t)mantissa, (uint32_t)(mantissa >> 32)}};
    for (unsigned i = 0; i < places; i++)
        multiply(&a, 10);
    scale(&a, exponent - 1075);
    put_digits(b, &a, places, negative);
}
