#include "base/files.h"
#include "base/status.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

static const struct {
    enum status st;
    int exit;
    const char *slug, *phrase;
} list[] = {
#define X(name, exit, slug, phrase) {name, exit, slug, phrase},
    STATUS_LIST(X)
#undef X
};
enum { COUNT = sizeof list / sizeof list[0] };

Test(status, each_has_its_slug_phrase_and_exit_code)
{
    for (size_t i = 0; i < COUNT; i++) {
        cr_expect_str_eq(status_slug(list[i].st), list[i].slug);
        cr_expect_str_eq(status_phrase(list[i].st), list[i].phrase);
        cr_expect_eq(status_exit(list[i].st), list[i].exit);
    }
}

Test(status, no_two_share_a_slug)
{
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = i + 1; k < COUNT; k++)
            cr_expect_str_neq(list[i].slug, list[k].slug);
}

Test(status, a_value_outside_the_list_leaves_with_3)
{
    cr_expect_eq(status_exit((enum status)9999), 3);
    cr_expect_str_eq(status_slug((enum status)9999), "unknown");
}

Test(status, the_page_of_exit_codes_says_the_same)
{
    struct buf page = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(file_read(AT_FDCWD, "docs/exit-codes.md", 65536, &page, &e), ST_OK, "%s",
                 e.detail);
    buf_byte(&page, 0);
    size_t rows = 0;
    for (const char *at = (const char *)page.p; (at = strstr(at, "\n| `")) != NULL; at++)
        rows++;
    cr_expect_eq(rows, COUNT, "the page has %zu rows, the list %d", rows, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        char row[256];
        text_fmt(row, sizeof row, "\n| `%s` | %d | %s |\n", list[i].slug, list[i].exit,
                 list[i].phrase);
        cr_expect_not_null(strstr((const char *)page.p, row), "the page lacks: %s", row + 1);
    }
    buf_release(&page);
}
