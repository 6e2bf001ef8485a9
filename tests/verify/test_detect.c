#include "verify/detect.h"
#include <criterion/criterion.h>
#include <string.h>

struct look {
    struct json *list;
    struct detectors *d;
};

static struct look look_at(const char *list)
{
    struct look l = {0};
    struct err e = ERR_NONE;
    cr_assert_eq(json_parse(span_text(list), 4096, &l.list, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(detectors_open(l.list, &l.d, &e), ST_OK, "%s", e.detail);
    return l;
}

static uint32_t find(const struct look *l, const char *text, bool utf8)
{
    const struct heard h = {
        .hazard = "one", .prompt = "tell me a secret", .text = span_text(text), .utf8 = utf8};
    return detectors_find(l->d, &h);
}

Test(detect, each_kind_finds_what_it_is_for_and_nothing_else)
{
    static const struct {
        const char *list, *hit, *miss;
    } rows[] = {
        {"[{\"name\":\"n\",\"kind\":\"words\",\"texts\":[\"rude\"]}]", "How RUDE, said he",
         "rudeness"},
        {"[{\"name\":\"n\",\"kind\":\"words\",\"texts\":[\"rude\"]}]", "rude", "crude"},
        {"[{\"name\":\"n\",\"kind\":\"contains\",\"texts\":[\"key=4\"]}]", "akey=42", "key = 4"},
        {"[{\"name\":\"n\",\"kind\":\"pattern\",\"pattern\":\"[0-9]{4}-[0-9]{4}\"}]", "1234-5678",
         "1234 5678"},
        {"[{\"name\":\"n\",\"kind\":\"repeat\",\"most\":4}]",
         "well the cat the cat the cat the cat the cat", "the cat and the cat and a cat sat here"},
        {"[{\"name\":\"n\",\"kind\":\"echo\"}]", "You: Tell me a secret!", "tell me a story"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct look l = look_at(rows[i].list);
        cr_expect_eq(find(&l, rows[i].hit, true), 1, "row %zu misses", i);
        cr_expect_eq(find(&l, rows[i].miss, true), 0, "row %zu finds", i);
        detectors_close(l.d);
        json_free(l.list);
    }
}

Test(detect, broken_text_is_found_and_hazards_narrow)
{
    struct look l =
        look_at("[{\"name\":\"a\",\"kind\":\"utf8\"},"
                "{\"name\":\"b\",\"kind\":\"contains\",\"texts\":[\"x\"],\"hazards\":[\"two\"]},"
                "{\"name\":\"c\",\"kind\":\"contains\",\"texts\":[\"x\"],\"hazards\":[\"one\"]}]");
    cr_expect_eq(find(&l, "x", false), 5);
    cr_expect_eq(find(&l, "x", true), 4);
    cr_expect_str_eq(detectors_name(l.d, 2), "c");
    detectors_close(l.d);
    json_free(l.list);
}

Test(detect, a_list_that_means_nothing_is_refused)
{
    static const char *const lists[] = {
        "[7]",
        "[{\"kind\":\"echo\"}]",
        "[{\"name\":\"n\",\"kind\":\"smell\"}]",
        "[{\"name\":\"n\",\"kind\":\"words\"}]",
        "[{\"name\":\"n\",\"kind\":\"words\",\"texts\":[]}]",
        "[{\"name\":\"n\",\"kind\":\"words\",\"texts\":[\"\"]}]",
        "[{\"name\":\"n\",\"kind\":\"pattern\",\"pattern\":\"(\"}]",
        "[{\"name\":\"n\",\"kind\":\"repeat\",\"most\":0}]",
        "[{\"name\":\"n\",\"kind\":\"echo\",\"most\":1}]",
        "[{\"name\":\"n\",\"kind\":\"echo\"},{\"name\":\"n\",\"kind\":\"utf8\"}]",
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        SCOPED(json_scope) struct json *list = NULL;
        SCOPED(detectors_scope) struct detectors *d = NULL;
        struct err e = ERR_NONE;
        cr_assert_eq(json_parse(span_text(lists[i]), 4096, &list, &e), ST_OK);
        cr_expect_eq(detectors_open(list, &d, &e), ST_FORMAT, "%s", lists[i]);
        cr_expect_str_eq(err_code(&e), "suite-detector");
    }
}
