#include "store/planes.h"
#include "tests/store/packs_support.h"

/* The planes one behind the other in `split`, the bytes left over behind them. */
static void lay(uint8_t *split, size_t each, uint8_t *plane[PLANES_MAX])
{
    for (unsigned k = 0; k < PLANES_MAX; k++)
        plane[k] = split + k * each;
}

Test(planes, joining_undoes_splitting_at_every_length)
{
    uint8_t in[300], split[PLANES_MAX * 300], back[300], *plane[PLANES_MAX];
    fill_random(in, sizeof in, 1);
    for (size_t n = 0; n <= sizeof in; n++) {
        for (unsigned width = 2; width <= 4; width += 2) {
            lay(split, n / width, plane);
            planes_split(plane, SPAN(in, n), width);
            planes_join(back, (const uint8_t *const *)plane, n / width, width);
            cr_expect_arr_eq(back, in, n / width * width);
        }
    }
}

Test(planes, first_bytes_come_first)
{
    const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7};
    const uint8_t two[] = {1, 3, 5, 2, 4, 6}, four[] = {1, 2, 3, 4};
    uint8_t out[PLANES_MAX * 3], *plane[PLANES_MAX];
    lay(out, 3, plane);
    planes_split(plane, SPAN(in, 7), 2);
    cr_expect_arr_eq(out, two, sizeof two);
    lay(out, 1, plane);
    planes_split(plane, SPAN(in, 7), 4);
    cr_expect_arr_eq(out, four, sizeof four);
}

Test(planes, a_look_tells_random_text_and_floats_apart)
{
    size_t n = 64u << 10;
    uint8_t *p = fresh(n);
    fill_random(p, n, 2);
    struct planes_look look = planes_look(SPAN(p, n));
    cr_expect(look.width == 1 && look.flat[0]);

    fill_floats(p, n, 2, 3);
    look = planes_look(SPAN(p, n));
    cr_expect(look.width == 2 && look.flat[0] && !look.flat[1]);

    fill_floats(p, n, 4, 4);
    look = planes_look(SPAN(p, n));
    cr_expect(look.width == 4 && look.flat[0] && look.flat[1] && look.flat[2] && !look.flat[3]);

    fill_random(p, n, 5);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t) "the quick brown fox jumps over a lazy dog "[p[i] % 42];
    look = planes_look(SPAN(p, n));
    cr_expect(look.width == 1 && !look.flat[0]);
    heap_free(p);
}

Test(planes, elements_need_not_begin_at_the_chunks_first_byte)
{
    size_t n = 64u << 10;
    uint8_t *p = fresh(n + 1);
    fill_floats(p, n + 1, 2, 5);
    struct planes_look look = planes_look(SPAN(p + 1, n));
    cr_expect(look.width == 2 && !look.flat[0] && look.flat[1]);
    heap_free(p);
}

Test(planes, a_short_input_gets_no_width)
{
    uint8_t p[64] = {0};
    cr_expect_eq(planes_look(SPAN(p, 0)).width, 1);
    cr_expect_eq(planes_look(SPAN(p, sizeof p)).width, 1);
}
