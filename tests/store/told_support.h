/* What a check of a whole store tells. */
#ifndef TESTS_STORE_TOLD_SUPPORT_H
#define TESTS_STORE_TOLD_SUPPORT_H

#include "base/text.h"
#include "store/check.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

struct seen {
    unsigned n;
    char said[1024]; /* code and detail of all findings */
};

__attribute__((unused)) static void see(void *ctx, const struct finding *f)
{
    struct seen *s = ctx;
    const size_t at = strlen(s->said);
    s->n++;
    text_fmt(s->said + at, sizeof s->said - at, "%s: %s\n", f->code, f->detail);
}

__attribute__((unused)) static void assert_told(struct store_room *r, const char *what)
{
    struct err e = ERR_NONE;
    struct seen s = {0};
    struct check_report report;
    OK(check_store(r->s, NULL, see, &s, &report, &e));
    cr_assert(strstr(s.said, what) != NULL, "nothing of %s: %u: %s", what, s.n, s.said);
}

#endif
