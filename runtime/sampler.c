#include "runtime/sampler.h"

#include "runtime/lanes.h"
#include "runtime/math.h"

#define SEED_OF_ZERO 0x9e3779b97f4a7c15u

static bool sampling_valid(const struct sampling *how)
{
    return math_finite(how->temperature) && how->temperature >= 0.0f && math_finite(how->top_p) &&
           how->top_p > 0.0f && how->top_p <= 1.0f && how->top_k >= 1 &&
           how->top_k <= SAMPLING_TOP_K_MAX;
}

enum status sampling_check(const struct sampling *how, struct err *e)
{
    if (sampling_valid(how))
        return ST_OK;
    return err_set(
        e, ST_INVALID_LENGTH, "sampling",
        "temperature must be finite and at least 0, top_k 1 to %u, top_p above 0 and at most 1",
        (unsigned)SAMPLING_TOP_K_MAX);
}

enum status sampler_configure(struct sampler *s, const struct sampling *how, struct err *e)
{
    enum status st = sampling_check(how, e);
    if (st != ST_OK)
        return st;
    s->how = *how;
    sampler_rewind(s);
    return ST_OK;
}

void sampler_rewind(struct sampler *s)
{
    s->state = s->how.seed != 0 ? s->how.seed : SEED_OF_ZERO;
}

/* Uniform in [0, 1): 24 random bits, so it is exact in a float. */
static double uniform(struct sampler *s)
{
    s->state ^= s->state << 13;
    s->state ^= s->state >> 7;
    s->state ^= s->state << 17;
    return (double)(s->state >> 40) / 16777216.0;
}

/* Is one of so many greater? Asked of all at once, as it hardly ever is. */
#define TOGETHER 32u
static bool one_above(const float *v, float most)
{
    lanes_ints above = {0};
    for (unsigned i = 0; i < TOGETHER; i += 4) {
        lanes_four four;
        __builtin_memcpy(&four, v + i, sizeof four);
        above |= four > most;
    }
    return (above[0] | above[1] | above[2] | above[3]) != 0;
}

/* The first of the greatest, kept in registers: greedy generation asks for nothing else. */
static uint32_t the_greatest(const float *logits, uint32_t n, uint32_t *id, float *value)
{
    uint32_t at = 0;
    while (at < n && logits[at] != logits[at])
        at++;
    if (at == n)
        return 0;
    float most = logits[at];
    for (uint32_t i = at + 1; i < n; i++) {
        while (n - i >= TOGETHER && !one_above(logits + i, most))
            i += TOGETHER;
        if (i < n && logits[i] > most) {
            most = logits[i];
            at = i;
        }
    }
    *id = at;
    *value = most;
    return 1;
}

uint32_t sampler_greatest(const float *logits, uint32_t n, uint32_t count, uint32_t *id,
                          float *value)
{
    uint32_t have = 0;
    if (count == 1)
        return the_greatest(logits, n, id, value);
    for (uint32_t i = 0; i < n; i++) {
        const float v = logits[i];
        if (v != v || (have == count && !(v > value[have - 1])))
            continue;
        uint32_t at = have < count ? have++ : have - 1;
        for (; at > 0 && v > value[at - 1]; at--) {
            value[at] = value[at - 1];
            id[at] = id[at - 1];
        }
        value[at] = v;
        id[at] = i;
    }
    return have;
}

/* Turns the candidates' logits into probabilities without their common factor; returns their sum.
 */
static double weigh(struct sampler *s, uint32_t count)
{
    const float greatest = s->logit[0];
    double mass = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        s->logit[i] = math_exp((s->logit[i] - greatest) / s->how.temperature);
        mass += (double)s->logit[i];
    }
    return mass;
}

/* How many candidates it takes to reach top_p of the mass; *mass becomes theirs. */
static uint32_t keep(const struct sampler *s, uint32_t count, double *mass)
{
    if (s->how.top_p >= 1.0f)
        return count;
    const double enough = *mass * (double)s->how.top_p;
    double sum = 0.0;
    uint32_t kept = 0;
    while (kept < count && (kept == 0 || sum < enough))
        sum += (double)s->logit[kept++];
    *mass = sum;
    return kept;
}

uint32_t sampler_draw(struct sampler *s, const float *logits, uint32_t n)
{
    uint32_t wanted = s->how.temperature > 0.0f ? s->how.top_k : 1;
    uint32_t count = sampler_greatest(logits, n, wanted, s->id, s->logit);
    if (count <= 1)
        return count == 1 ? s->id[0] : SAMPLER_NONE;
    double mass = weigh(s, count);
    if (!(mass > 0.0) || !math_finite((float)mass))
        return s->id[0];
    uint32_t kept = keep(s, count, &mass);
    const double drawn = uniform(s) * mass;
    double sum = 0.0;
    for (uint32_t i = 0; i + 1 < kept; i++) {
        sum += (double)s->logit[i];
        if (drawn < sum)
            return s->id[i];
    }
    return s->id[kept - 1];
}
