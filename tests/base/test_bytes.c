#include "base/bytes.h"
#include "base/heap.h"
#include <criterion/criterion.h>

Test(bytes, appends_come_back_in_order)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    for (int i = 0; i < 1000; i++)
        buf_byte(&b, (uint8_t)i);
    buf_text(&b, "end");
    buf_append(&b, SPAN("xyz", 2));
    cr_assert_eq(buf_status(&b), ST_OK);
    cr_assert_eq(b.n, 1005u);
    for (size_t i = 0; i < 1000; i++)
        cr_assert_eq(b.p[i], (uint8_t)i);
    cr_expect(span_equal((struct span){.p = b.p + 1000, .n = 5}, span_text("endxy")));
}

Test(bytes, space_is_zero)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_text(&b, "a");
    uint8_t *p = buf_space(&b, 300);
    cr_assert_not_null(p);
    for (size_t i = 0; i < 300; i++)
        cr_assert_eq(p[i], 0);
    cr_expect_eq(b.n, 301u);
    cr_expect_not_null(buf_space(&b, 0));
    cr_expect_eq(b.n, 301u);
}

Test(bytes, a_fixed_buf_fails_for_good_and_writes_nothing_beyond)
{
    uint8_t array[6] = {0, 0, 0, 0, 99, 99};
    struct buf b = buf_over(array, 4);
    buf_text(&b, "abc");
    buf_text(&b, "de");
    buf_byte(&b, 'f');
    cr_expect_eq(buf_status(&b), ST_OUTPUT_EXCEEDED);
    cr_expect_eq(b.n, 3u);
    cr_expect(array[4] == 99 && array[3] == 0);
    buf_release(&b);
    buf_text(&b, "four");
    cr_expect_eq(buf_status(&b), ST_OK);
}

Test(bytes, memory_that_cannot_be_had_fails_for_good)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_text(&b, "a");
    heap_fail_at(1, 0);
    cr_expect_null(buf_space(&b, 4096));
    buf_text(&b, "b");
    heap_fail_at(0, 0);
    cr_expect_eq(buf_status(&b), ST_NO_MEMORY);
    cr_expect_eq(b.n, 1u);
}

Test(bytes, a_size_no_machine_has_fails)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_byte(&b, 1);
    cr_expect_null(buf_space(&b, SIZE_MAX));
    cr_expect_eq(buf_status(&b), ST_NO_MEMORY);
}

Test(bytes, spans_are_equal_by_length_and_bytes)
{
    cr_expect(span_equal((struct span){0}, span_text("")));
    cr_expect(!span_equal(span_text("a"), span_text("ab")));
    cr_expect(!span_equal(span_text("ab"), span_text("ac")));
    cr_expect(span_equal(span_text("ab"), span_text("ab")));
}

Test(bytes, numbers_are_little_endian)
{
    uint8_t p[8];
    put_le64(p, 0x0807060504030201u);
    for (uint8_t i = 0; i < 8; i++)
        cr_expect_eq(p[i], i + 1);
    cr_expect_eq(get_le64(p), 0x0807060504030201u);
    cr_expect_eq(get_le32(p + 4), 0x08070605u);
    cr_expect_eq(get_le16(p + 6), 0x0807u);
}
