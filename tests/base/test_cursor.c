#include "base/cursor.h"
#include <criterion/criterion.h>

static const uint8_t bytes[] = {1,  2,  3,  4,  5,  6, 7, 8,    9,   10,
                                11, 12, 13, 14, 15, 0, 0, 0x80, 0x3F};

Test(cursor, reads_each_width_in_turn)
{
    struct cursor c = cursor_over((struct span){.p = bytes, .n = sizeof bytes});
    cr_expect_eq(cursor_u8(&c), 1u);
    cr_expect_eq(cursor_u16(&c), 0x0302u);
    cr_expect_eq(cursor_u32(&c), 0x07060504u);
    cr_expect_eq(cursor_u64(&c), 0x0F0E0D0C0B0A0908u);
    cr_expect_eq(cursor_left(&c), 4u);
    cr_expect(!cursor_done(&c));
    cr_expect_eq(cursor_f32(&c), 1.0f);
    cr_expect(cursor_done(&c));
}

Test(cursor, a_read_past_the_end_pins_its_beginning)
{
    struct cursor c = cursor_over((struct span){.p = bytes, .n = 6});
    (void)cursor_u32(&c);
    cr_expect_eq(cursor_u32(&c), 0u);
    cr_expect(c.failed);
    cr_expect_eq(c.at, 4u);
    cr_expect_eq(cursor_u8(&c), 0u, "a failed cursor reads no more");
    cr_expect_eq(c.at, 4u);
    cr_expect_eq(cursor_left(&c), 0u);
    cr_expect(!cursor_done(&c));
}

Test(cursor, bytes_are_borrowed_from_the_input)
{
    struct cursor c = cursor_over((struct span){.p = bytes, .n = 6});
    struct span s = cursor_bytes(&c, 4);
    cr_expect(s.p == bytes && s.n == 4);
    cr_expect_eq(cursor_bytes(&c, 0).n, 0u);
    cr_expect(!c.failed);
    cr_expect_eq(cursor_bytes(&c, UINT64_MAX).n, 0u);
    cr_expect(c.failed && c.at == 4);
}

Test(cursor, nothing_is_done_at_once)
{
    struct cursor c = cursor_over((struct span){0});
    cr_expect(cursor_done(&c));
    (void)cursor_u8(&c);
    cr_expect(c.failed);
    struct cursor d = cursor_over((struct span){0});
    (void)cursor_bytes(&d, 1);
    cr_expect(d.failed);
}
