#include "runtime/pretokenizer.h"

#include "base/files.h"
#include "base/heap.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"
#include "runtime/unicode.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(pretokenizer, knows_its_names_and_no_others)
{
    enum pretokenizer how;
    cr_expect(pretokenizer_find(span_text("gpt-2"), &how) && how == PRE_GPT2);
    cr_expect(pretokenizer_find(span_text("llama-bpe"), &how) && how == PRE_LLAMA3);
    cr_expect(pretokenizer_find(span_text("llama3"), &how) && how == PRE_LLAMA3);
    cr_expect(pretokenizer_find(span_text("qwen2"), &how) && how == PRE_QWEN2);
    cr_expect(pretokenizer_find(span_text("smollm"), &how) && how == PRE_SMOLLM);
    cr_expect_not(pretokenizer_find(span_text("default"), &how));
    cr_expect_not(pretokenizer_find(span_text("gpt-2x"), &how));
    cr_expect_not(pretokenizer_find(span_text(""), &how));
}

Test(pretokenizer, classes_are_those_of_unicode_14)
{
    cr_expect_eq(unicode_class('a'), UNICODE_LETTER);
    cr_expect_eq(unicode_class('9'), UNICODE_NUMBER);
    cr_expect_eq(unicode_class('_'), UNICODE_OTHER);
    cr_expect_eq(unicode_class('\r'), UNICODE_SPACE);
    cr_expect_eq(unicode_class(0x1c), UNICODE_OTHER, "no White_Space, whatever isspace says");
    cr_expect_eq(unicode_class(0x85), UNICODE_SPACE);
    cr_expect_eq(unicode_class(0x2167), UNICODE_NUMBER);
    cr_expect_eq(unicode_class(0x301), UNICODE_OTHER);
    cr_expect_eq(unicode_class(0x1e2c0), UNICODE_LETTER);
    cr_expect_eq(unicode_class(0x10ffff), UNICODE_OTHER);
    cr_expect_eq(unicode_class(UINT32_MAX), UNICODE_OTHER);
}

/* They are told apart without the table. */
Test(pretokenizer, classes_of_ascii_are_letters_digits_and_six_spaces)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (char c = 1; c > 0 && c < 127; c++) {
        enum unicode_class want = strchr(letters, c) != NULL         ? UNICODE_LETTER
                                  : strchr("0123456789", c) != NULL  ? UNICODE_NUMBER
                                  : strchr(" \t\n\v\f\r", c) != NULL ? UNICODE_SPACE
                                                                     : UNICODE_OTHER;
        cr_expect_eq(unicode_class((uint32_t)c), want, "%d", c);
    }
    cr_expect_eq(unicode_class(0), UNICODE_OTHER);
    cr_expect_eq(unicode_class(127), UNICODE_OTHER);
}

static size_t read_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1 && hex[2 * n] != ' '; n++)
        out[n] = (uint8_t)byte;
    return n;
}

/* testdata/pretokenizers/words: hex, then four columns of word lengths. */
Test(pretokenizer, cuts_as_the_published_patterns_do)
{
    static const enum pretokenizer order[] = {PRE_GPT2, PRE_SMOLLM, PRE_LLAMA3, PRE_QWEN2};
    static char line[8192];
    FILE *f = fopen("testdata/pretokenizers/words", "r");
    cr_assert_not_null(f);
    unsigned texts = 0;
    for (; fgets(line, sizeof line, f) != NULL; texts++) {
        uint8_t bytes[2048];
        struct span text = SPAN(bytes, read_hex(line, bytes));
        const char *column = strchr(line, ' ');
        for (size_t i = 0; i < 4; i++, column = strpbrk(column, " \n")) {
            struct pretoken p = pretoken_start(order[i], text);
            column++;
            for (struct span word; (word = pretoken_next(&p)).n > 0;) {
                char *end;
                cr_assert_eq(strtoul(column, &end, 10), word.n, "text %u, rule %zu: %.40s has %zu",
                             texts, i, column, word.n);
                column = *end == ',' ? end + 1 : end;
            }
            cr_assert(*column == ' ' || *column == '\n', "text %u, rule %zu: a word is left", texts,
                      i);
        }
    }
    fclose(f);
    cr_assert_geq(texts, 300);
}

static struct buf read_whole(const char *path)
{
    struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(file_read(AT_FDCWD, path, 1 << 20, &b, &e), ST_OK, "%s", path);
    return b;
}

static struct tokenizer *open_named(const struct buf *front, const char *name, struct buf *file)
{
    struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    uint8_t length[8];
    put_le64(length, strlen(name));
    buf_append(file, buf_span(front));
    buf_append(file, SPAN(length, sizeof length));
    buf_text(file, name);
    cr_assert_eq(gguf_vocabulary(buf_span(file), &t, &e), ST_OK, "%s: %s", name, e.detail);
    return t;
}

/* One column of ids, separated by commas; *column moves behind it. */
static void check_column(const struct tokenizer *t, struct span text, char **column,
                         const char *name, unsigned line)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(tokenizer_encode(t, text, false, &ids, &e), ST_OK);
    for (size_t i = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id;
        char *end;
        memcpy(&id, ids.p + i, 4);
        cr_assert_eq(strtoul(*column, &end, 10), id, "text %u, %s, id %zu is %u: %.40s", line, name,
                     i / 4, id, *column);
        *column = end + 1; /* a comma, a blank or the line's end */
    }
    cr_assert(strchr(" \n", (*column)[-1]) != NULL, "text %u, %s: an id is left", line, name);
}

/* testdata/pretokenizers/ids: for each line of words the ids of the four rules, made by
 * tests/unicode/token_ids.py. */
Test(pretokenizer, gives_the_ids_that_another_engine_gives)
{
    static const struct {
        const char *name;
        unsigned column;
    } rules[] = {{"gpt-2", 0}, {"smollm", 1}, {"llama-bpe", 2}, {"llama3", 2}, {"qwen2", 3}};
    SCOPED(buf_release) struct buf front = read_whole("testdata/pretokenizers/vocabulary");
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        static char words[8192], ids[8192];
        SCOPED(buf_release) struct buf file = BUF_EMPTY;
        SCOPED(tokenizer_scope)
        struct tokenizer *t = open_named(&front, rules[r].name, &file);
        FILE *w = fopen("testdata/pretokenizers/words", "r");
        FILE *f = fopen("testdata/pretokenizers/ids", "r");
        unsigned texts = 0;
        cr_assert(w != NULL && f != NULL);
        for (; fgets(words, sizeof words, w) != NULL; texts++) {
            uint8_t bytes[2048];
            struct span text = SPAN(bytes, read_hex(words, bytes));
            cr_assert_not_null(fgets(ids, sizeof ids, f));
            char *column = ids;
            for (unsigned c = 0; c < rules[r].column; c++)
                column = strchr(column, ' ') + 1;
            check_column(t, text, &column, rules[r].name, texts);
        }
        cr_assert_null(fgets(ids, sizeof ids, f));
        cr_assert_geq(texts, 300);
        fclose(w);
        fclose(f);
    }
}

Test(pretokenizer, is_quick_on_long_runs)
{
    static const char *const runs[] = {"a", " ", "\n", "\n ",      " a",
                                       "1", "'", "'s", "\xc3\xa9", "\xe3\x80\x80"};
    const size_t n = 1 << 20;
    uint8_t *text = heap_alloc(n + 8);
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++)
        for (unsigned how = PRE_GPT2; how <= PRE_QWEN2; how++) {
            size_t step = strlen(runs[r]), at = 0;
            for (; at + step <= n; at += step)
                memcpy(text + at, runs[r], step);
            struct pretoken p = pretoken_start((enum pretokenizer)how, SPAN(text, at));
            size_t sum = 0;
            for (struct span word; (word = pretoken_next(&p)).n > 0;)
                sum += word.n;
            cr_assert_eq(sum, at);
        }
    heap_free(text);
}
