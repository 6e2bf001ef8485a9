#include "base/files.h"
#include "store/export.h"
#include <criterion/criterion.h>

static struct export *begin(int *fd)
{
    struct err e = ERR_NONE;
    struct export *x = NULL;
    cr_assert_eq(memory_file("bundle", fd, &e), ST_OK);
    cr_assert_eq(export_open(*fd, IMPORT_TAR_ZSTD, &x, &e), ST_OK);
    return x;
}

Test(export, a_file_of_other_length_than_was_said_spoils_the_bundle)
{
    for (unsigned i = 0; i < 3; i++) {
        SCOPED(fd_release) int fd = -1;
        struct err e = ERR_NONE;
        struct export *x = begin(&fd);
        enum status st = export_file(x, "a", 5, &e);
        cr_assert_eq(st, ST_OK);
        st = export_bytes(x, span_text(i == 0 ? "longer" : "less"), &e);
        if (i == 1)
            st = export_file(x, "b", 1, &e);
        else if (i == 2)
            st = export_end(x, &e);
        cr_assert_eq(st, ST_INVALID_LENGTH, "row %u", i);
        cr_assert_str_eq(err_code(&e), "export-length");
        export_close(x);
    }
}
