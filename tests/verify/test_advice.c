#include "base/text.h"
#include "verify/advice.h"
#include "verify/web_asset.h"
#include <criterion/criterion.h>
#include <string.h>

/* The page's module as it is carried in the program, with a NUL. */
static struct buf page_module(void)
{
    struct buf text = BUF_EMPTY;
    for (size_t i = 0; web_files[i].name != NULL; i++)
        if (text_equal(web_files[i].name, "advice.js"))
            buf_append(&text, SPAN(web_files[i].bytes, web_files[i].n));
    buf_byte(&text, 0);
    cr_assert(buf_status(&text) == ST_OK && text.n > 1);
    return text;
}

Test(advice, every_row_has_a_name_of_its_own_and_a_sentence)
{
    for (int a = 0; a < ADVICE_COUNT; a++) {
        const struct advice_row *r = advice_of((enum advice)a);
        cr_assert(r->name != NULL && r->text != NULL, "%d", a);
        cr_expect(r->recovery < RECOVERY_COUNT && recovery_name(r->recovery) != NULL);
        for (int b = 0; b < a; b++) {
            cr_expect_str_neq(r->name, advice_of((enum advice)b)->name);
            cr_expect_str_neq(r->text, advice_of((enum advice)b)->text);
        }
    }
}

Test(advice, the_page_says_the_same_sentences)
{
    SCOPED(buf_release) struct buf text = page_module();
    const char *from = strstr((const char *)text.p, "const SENTENCES = {\n");
    cr_assert_not_null(from);
    const char *end = strstr(from, "\n};");
    cr_assert_not_null(end);
    size_t lines = 0, known = 0;
    for (const char *at = strchr(from, '\n'); at < end; at = strchr(at + 1, '\n'))
        lines++;
    for (int a = 0; a < ADVICE_COUNT; a++) {
        char line[400];
        text_fmt(line, sizeof line, "\n  '%s': '%s',\n", advice_of((enum advice)a)->name,
                 advice_of((enum advice)a)->text);
        const char *at = strstr(from, line);
        known += at != NULL && at < end;
    }
    cr_expect_gt(lines, 15);
    cr_expect_eq(lines, known, "%zu of the page's %zu sentences are diagnose's", known, lines);
}
