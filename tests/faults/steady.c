#include "tests/faults/steady.h"
#include <sodium.h>

static uint64_t seed, stream, drawn;

/* splitmix64's last step */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static const char *name(void)
{
    return "steady";
}

static uint32_t one(void)
{
    return (uint32_t)mix(stream ^ mix(drawn++));
}

static void many(void *const out, const size_t n)
{
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)one();
}

void steady_install(uint64_t with)
{
    static randombytes_implementation steady = {
        .implementation_name = name, .random = one, .buf = many};
    seed = with;
    (void)randombytes_set_implementation(&steady);
    steady_begin("", 0);
}

void steady_begin(const char *of, uint64_t number)
{
    uint64_t h = mix(seed) ^ mix(number + 1);
    for (; *of != '\0'; of++)
        h = mix(h ^ (uint8_t)*of);
    stream = h;
    drawn = 0;
}

void steady_next(void)
{
    stream = mix(stream);
    drawn = 0;
}
