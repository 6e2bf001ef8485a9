#include "base/json.h"
#include "cli/print.h"
#include <criterion/criterion.h>
#include <string.h>

static const char *text_of(struct buf *b)
{
    buf_byte(b, 0);
    cr_assert_eq(buf_status(b), ST_OK);
    return (const char *)b->p;
}

Test(print, sizes_are_told_in_binary_units)
{
    struct buf b = BUF_EMPTY;
    put_size(&b, 1023);
    buf_byte(&b, ' ');
    put_size(&b, 1536);
    buf_byte(&b, ' ');
    put_size(&b, UINT64_MAX);
    cr_expect_str_eq(text_of(&b), "1023 B 1.5 KiB 16.0 EiB");
    buf_release(&b);
}

Test(print, a_table_aligns_by_characters_and_escapes)
{
    struct table t = table_of(2);
    struct buf b = BUF_EMPTY;
    table_cell(&t, "é");
    table_cell(&t, "one");
    table_cell(&t, "abc");
    table_cell(&t, "\x1b[2J");
    table_put(&t, &b);
    cr_expect_str_eq(text_of(&b), "é    one\nabc  \\x1b[2J\n");
    table_release(&t);
    buf_release(&b);
}

Test(print, a_field_never_breaks_its_line)
{
    struct buf b = BUF_EMPTY;
    put_field(&b, "name", "%s", "a\nb\x9b");
    cr_expect_str_eq(text_of(&b), "name         a\\x0ab\\x9b\n");
    buf_release(&b);
}

Test(print, the_hex_view_points_at_the_offset)
{
    struct buf b = BUF_EMPTY;
    put_hex(&b, SPAN("ABCDEFGHIJKLMNOPQ\x1b", 18), 0x20, 0x31);
    cr_expect_str_eq(
        text_of(&b),
        "  00000020  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP\n"
        "  00000030  51>1b                                            Q.\n");
    buf_release(&b);
}

Test(print, a_parsed_value_is_written_as_it_was)
{
    const char *in = "{\"a\":[1,-2,{\"b\":null}],\"c\":true,\"d\":\"x\\u001b\",\"e\":{},\"f\":[]}";
    struct json *v = NULL;
    struct err e = ERR_NONE;
    struct buf b = BUF_EMPTY;
    cr_assert_eq(json_parse(span_text(in), 4096, &v, &e), ST_OK);
    struct json_out j = json_out(&b);
    value_json(&j, v);
    cr_expect_str_eq(text_of(&b), in);
    json_free(v);
    buf_release(&b);
}
