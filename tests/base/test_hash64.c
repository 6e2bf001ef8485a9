#include "base/hash64.h"
#include <criterion/criterion.h>

/* From a second implementation of the algorithm's description, over bytes 7 i + 3. */
static const struct {
    size_t n;
    uint64_t plain, seeded; /* seed 0x9E3779B1 */
} row[] = {
    {1, 0x1f25c8d0bc1f4bb6, 0x79cf94f5ace37fe1},   {3, 0x31d2363f52e564c9, 0x96d2a5e583ddd738},
    {4, 0x9bb64b7d66ee9fda, 0x4a862fbb4b73776e},   {8, 0xdab99d95c6f90092, 0xc6e75e2cbd8e07ee},
    {11, 0x7a52cc9457cf1a1f, 0xaa0d75a182501622},  {31, 0xa2aa5f33cc4a6119, 0x381822f33376d6b6},
    {32, 0x23c3c17ef790fd97, 0x9abd315470ac276a},  {33, 0x50a7cfc7ba588784, 0x72cdd3262f467933},
    {63, 0x5e3e54b431c7493c, 0x634da7d265979e61},  {64, 0x0eb64b3ef6eeb01f, 0xbcb3847d70525180},
    {101, 0xbad4d3bf033bda4c, 0x6c892ceebbc660aa},
};

Test(hash64, it_is_xxh64)
{
    uint8_t bytes[101];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i + 3);
    cr_expect_eq(hash64((struct span){0}, 0), 0xef46db3751d8e999u);
    cr_expect_eq(hash64(span_text("abc"), 0), 0x44bc2cf5ad770999u);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct span s = {.p = bytes, .n = row[i].n};
        cr_expect_eq(hash64(s, 0), row[i].plain, "%zu bytes", s.n);
        cr_expect_eq(hash64(s, 0x9E3779B1u), row[i].seeded, "%zu bytes, seeded", s.n);
    }
}
