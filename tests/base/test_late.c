#include "base/late.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define MATHS "libm.so.6"

static struct {
    double (*cbrt)(double);
    double (*none)(double);
} maths;

Test(late, a_library_s_calls_can_be_made_once_it_is_loaded)
{
    static struct late l = {.library = MATHS, .calls = {LATE_CALL(maths.cbrt, cbrt)}};
    struct err e = ERR_NONE;
    cr_assert_eq(late_load(&l, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(late_load(&l, &e), ST_OK, "again");
    cr_assert_float_eq(maths.cbrt(27.0), 3.0, 1e-12);
}

Test(late, a_library_that_is_not_there_is_named)
{
    static struct late l = {.library = "libnone.so.9", .calls = {LATE_CALL(maths.cbrt, cbrt)}};
    struct err e = ERR_NONE;
    cr_assert_eq(late_load(&l, &e), ST_UNSUPPORTED);
    cr_assert_str_eq(err_code(&e), "library");
    cr_assert_str_eq(e.subject, "libnone.so.9");
    cr_assert_null(maths.cbrt);
}

Test(late, a_call_that_a_library_lacks_is_named)
{
    static struct late l = {.library = MATHS, .calls = {{"no_such_call", &maths.none}}};
    struct err e = ERR_NONE;
    cr_assert_eq(late_load(&l, &e), ST_UNSUPPORTED);
    cr_assert_not_null(strstr(e.detail, "no_such_call"), "%s", e.detail);
    cr_assert_null(maths.none);
}
