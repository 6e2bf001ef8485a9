/* What comes in must stay as it was until it was read to its end. */
#include "base/text.h"
#include "cli/incoming.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

/* Opens PATH, a file or a folder with one file, reads a first piece, changes the file FILE, and
 * reads the rest. */
static enum status read_changed(const struct temp *t, const char *path, const char *file,
                                bool change, struct err *e)
{
    char full[300];
    uint8_t block[1024];
    size_t got = 0;
    text_fmt(full, sizeof full, "%s/%s", t->path, path);
    SCOPED(incoming_release) struct incoming in = INCOMING_OF(full);
    (void)usleep(20000); /* the clock of files moves in steps */
    cr_assert_eq(incoming_open(&in, full, e), ST_OK, "%s", e->detail);
    cr_assert_eq(in.request.given_count, 1);
    const struct source from = in.request.given[0].from;
    enum status st = from.read(from.ctx, block, sizeof block, &got, e);
    cr_assert_eq(st, ST_OK, "%s", e->detail);
    if (change)
        temp_write(t, file, SPAN(block, 600));
    while (st == ST_OK && got > 0)
        st = from.read(from.ctx, block, sizeof block, &got, e);
    return st;
}

Test(incoming, a_file_that_changes_while_it_is_read_is_not_taken)
{
    static const char *const paths[][2] = {{"f", "f"}, {"d", "d/f"}};
    uint8_t bytes[5000] = {0};
    struct temp t = temp_make();
    cr_assert_eq(temp_run(&t, "mkdir d"), 0);
    for (size_t i = 0; i < 2; i++) {
        struct err e = ERR_NONE;
        temp_write(&t, paths[i][1], SPAN(bytes, sizeof bytes));
        cr_expect_eq(read_changed(&t, paths[i][0], paths[i][1], false, &e), ST_OK, "%s", e.detail);
        cr_expect_eq(read_changed(&t, paths[i][0], paths[i][1], true, &e), ST_MISMATCH);
        cr_expect_str_eq(e.code, "source-changed");
    }
    temp_remove(&t);
}
