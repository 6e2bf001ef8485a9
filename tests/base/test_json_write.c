#include "base/json_write.h"
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>

static void expect(const struct buf *b, const char *want)
{
    cr_expect(span_equal(buf_span(b), span_text(want)), "%.*s instead of %s", (int)b->n,
              (char *)b->p, want);
}

Test(json_write, members_keep_the_order_they_are_written_in)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct json_out j = json_out(&b);
    json_object(&j);
    json_key(&j, "z");
    json_u64(&j, UINT64_MAX);
    json_key(&j, "a");
    json_array(&j);
    json_i64(&j, INT64_MIN);
    json_bool(&j, true);
    json_bool(&j, false);
    json_null(&j);
    json_string(&j, NULL);
    json_object(&j);
    json_close(&j);
    json_fixed(&j, -1.25, 1);
    json_fixed(&j, (double)NAN, 1);
    json_raw(&j, span_text("{\"r\":1}"));
    json_close(&j);
    json_key(&j, "e");
    json_string(&j, "");
    json_close(&j);
    expect(
        &b,
        "{\"z\":18446744073709551615,\"a\":[-9223372036854775808,true,false,null,null,{},-1.3,null,"
        "{\"r\":1}],\"e\":\"\"}");
}

Test(json_write, strings_are_escaped_in_full)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct json_out j = json_out(&b);
    json_text(&j, SPAN("\"\\\b\f\n\r\t\x01\0/\x7F\xC2\x85\xE2\x80\xAE\xC3\xA9", 18));
    expect(&b, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u0000/\\u007f\\u0085\\u202e\xC3\xA9\"");
}

Test(json_write, minimal_escaping_is_that_of_canonical_json)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    json_escape(&b, span_text("\x1F/\x7F\xC2\x85\n"), true);
    expect(&b, "\"\\u001f/\x7F\xC2\x85\\n\"");
}

Test(json_write, bytes_that_are_not_utf8_become_the_replacement_character)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct json_out j = json_out(&b);
    json_string(&j, "a\xFF\xC3z");
    expect(&b, "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

Test(json_write, failure_is_the_bufs)
{
    char small[4];
    struct buf b = buf_over(small, sizeof small);
    struct json_out j = json_out(&b);
    json_array(&j);
    json_string(&j, "too long");
    json_close(&j);
    cr_expect_eq(buf_status(&b), ST_OUTPUT_EXCEEDED);
}

static struct json_out fresh(struct buf *b)
{
    return json_out(b);
}

Test(json_write, a_value_without_its_key_stops_the_program, .signal = SIGILL)
{
    struct buf b = BUF_EMPTY;
    struct json_out j = fresh(&b);
    json_object(&j);
    json_u64(&j, 1);
}

Test(json_write, a_key_in_an_array_stops_the_program, .signal = SIGILL)
{
    struct buf b = BUF_EMPTY;
    struct json_out j = fresh(&b);
    json_array(&j);
    json_key(&j, "a");
}

Test(json_write, a_close_too_many_stops_the_program, .signal = SIGILL)
{
    struct buf b = BUF_EMPTY;
    struct json_out j = fresh(&b);
    json_array(&j);
    json_close(&j);
    json_close(&j);
}

Test(json_write, a_second_value_stops_the_program, .signal = SIGILL)
{
    struct buf b = BUF_EMPTY;
    struct json_out j = fresh(&b);
    json_null(&j);
    json_null(&j);
}

Test(json_write, thirty_two_levels_fit_and_no_more, .signal = SIGILL)
{
    struct buf b = BUF_EMPTY;
    struct json_out j = fresh(&b);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_array(&j);
    if (b.n == JSON_DEPTH) /* else the trap below was not the one we wait for */
        json_array(&j);
}
