
#include "base/text.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 5
static const char when[] = "2026-01-02T03:04:05Z";

/* A ledger of five entries in a folder, and where each line begins. */
struct room {
    struct temp t;
    struct signer *log;
    struct buf text;
    size_t line[ENTRIES + 1];
};

static struct room room_make(void)
{
    struct err e = ERR_NONE;
    struct room r = {.t = temp_make(), .text = BUF_EMPTY};
    struct digest hash = {0};
    r.log = temp_key(&r.t, "log");
    for (size_t i = 0; i < ENTRIES; i++) {
        char set[64];
        snprintf(set, sizeof set, "{\"z\":null,\"key/%zu\":\"v\"}", i);
        enum status st = ledger_encode(i + 1, &hash, "test", when, span_text("{\"b\":1,\"a\":2}"),
                                       span_text(set), r.log, &r.text, &hash, &e);
        cr_assert_eq(st, ST_OK, "%s", e.detail);
        r.line[i + 1] = r.text.n;
    }
    return r;
}

static void room_end(struct room *r)
{
    signer_close(r->log);
    buf_release(&r->text);
    temp_remove(&r->t);
}

struct seen {
    const struct public_key *log;
    unsigned entries, unsigned_entries;
};

static enum status see(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct seen *s = ctx;
    (void)e;
    s->entries++;
    bool signed_by = ledger_signed_by(entry, s->log);
    cr_expect(signed_by || !entry->verified);
    if (!signed_by)
        s->unsigned_entries++;
    return ST_OK;
}

/* Reads `text` as a ledger from its beginning. */
static enum status read_all(struct room *r, struct span text, struct seen *seen, bool *torn,
                            struct err *e)
{
    struct ledger_place at = {.offset = 0};
    *seen = (struct seen){.log = signer_public(r->log)};
    *e = ERR_NONE;
    temp_write(&r->t, "ledger", text);
    enum status st = ledger_read(r->t.dir, seen->log, &at, see, seen, e);
    *torn = at.torn;
    return st;
}

Test(ledger, reads_what_was_written_and_goes_on_from_where_it_stopped)
{
    struct room r = room_make();
    struct err e = ERR_NONE;
    struct ledger_place at = {.torn = true};
    struct seen seen = {.log = signer_public(r.log)};
    temp_write(&r.t, "ledger", SPAN(r.text.p, r.line[3]));
    cr_assert_eq(ledger_read(r.t.dir, NULL, &at, see, &seen, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(at.offset, r.line[3]);
    cr_expect_eq(at.seq, 3);
    cr_expect_not(at.torn);
    temp_write(&r.t, "ledger", buf_span(&r.text));
    cr_assert_eq(ledger_read(r.t.dir, seen.log, &at, see, &seen, &e), ST_OK);
    cr_expect_eq(seen.entries, ENTRIES);
    cr_expect_eq(seen.unsigned_entries, 0);
    room_end(&r);
}

Test(ledger, entry_reads_back_with_its_members_in_canonical_order)
{
    struct room r = room_make();
    struct err e = ERR_NONE;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    cr_assert_eq(ledger_parse(SPAN(r.text.p, r.line[1] - 1), &entry, &e), ST_OK, "%s", e.detail);
    static const char head[] = "{\"body\":{\"a\":2,\"b\":1},\"prev\":\"00000000";
    cr_expect(span_equal(SPAN(entry.canonical.p, sizeof head - 1), span_text(head)));
    cr_expect_str_eq(entry.type, "test");
    cr_expect_str_eq(entry.time, when);
    cr_expect_eq(entry.seq, 1);
    struct digest again = digest_of(buf_span(&entry.canonical));
    cr_expect(digest_equal(&entry.hash, &again));
    room_end(&r);
}

Test(ledger, time_never_goes_back_from_one_entry_to_the_next)
{
    struct temp t = temp_make();
    struct signer *log = temp_key(&t, "log");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct digest hash = {0};
    struct err e = ERR_NONE;
    struct seen seen = {.log = signer_public(log)};
    struct ledger_place at = {.offset = 0};
    static const char *const times[] = {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z",
                                        "2026-01-02T03:04:04Z"};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(ledger_encode(i + 1, &hash, "test", times[i], span_text("{}"), span_text("{}"),
                                   log, &text, &hash, &e),
                     ST_OK);
    temp_write(&t, "ledger", buf_span(&text));
    cr_expect_eq(ledger_read(t.dir, NULL, &at, see, &seen, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ledger-time");
    cr_expect_eq(seen.entries, 2);
    signer_close(log);
    temp_remove(&t);
}

/* Lines from 300 bytes to 60 KiB, so that no halving lands on a boundary. */
static void write_long(struct temp *t, const struct signer *log, size_t entries, struct buf *text)
{
    struct digest hash = {0};
    struct err e = ERR_NONE;
    for (size_t i = 0; i < entries; i++) {
        SCOPED(buf_release) struct buf body = BUF_EMPTY;
        buf_text(&body, "{\"a\":\"");
        for (size_t n = i % 7 == 3 ? 60000 : 20 + i * 37 % 900; n > 0; n--)
            buf_byte(&body, 'x');
        buf_text(&body, "\"}");
        cr_assert_eq(ledger_encode(i + 1, &hash, "test", when, buf_span(&body), span_text("{}"),
                                   log, text, &hash, &e),
                     ST_OK);
    }
    temp_write(t, "ledger", buf_span(text));
}

Test(ledger, finds_each_entry_by_its_number_and_no_other)
{
    struct temp t = temp_make();
    struct signer *log = temp_key(&t, "log");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum { N = 120 };
    write_long(&t, log, N, &text);
    for (int torn = 0; torn < 2; torn++) {
        for (uint64_t seq = 0; seq <= N + 1; seq++) {
            SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
            struct err e = ERR_NONE;
            enum status st = ledger_find(t.dir, signer_public(log), seq, &entry, &e);
            cr_expect_eq(st, seq == 0 || seq > N ? ST_NOT_FOUND : ST_OK, "%u: %s", (unsigned)seq,
                         e.detail);
            cr_expect(st != ST_OK || (entry.seq == seq && entry.verified));
        }
        buf_text(&text, "{\"entry\":{\"torn");
        temp_write(&t, "ledger", buf_span(&text));
    }
    signer_close(log);
    temp_remove(&t);
}

Test(ledger, an_entry_that_another_key_signed_is_found_as_that)
{
    struct temp t = temp_make();
    struct signer *log = temp_key(&t, "log"), *other = temp_key(&t, "other");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    struct err e = ERR_NONE;
    write_long(&t, log, 20, &text);
    cr_expect_eq(ledger_find(t.dir, signer_public(other), 7, &entry, &e), ST_OK);
    cr_expect_not(entry.verified);
    memset(text.p, 'x', text.n);
    temp_write(&t, "ledger", buf_span(&text));
    cr_expect_eq(ledger_find(t.dir, NULL, 7, &entry, &e), ST_NOT_FOUND, "%s", err_code(&e));
    signer_close(other);
    signer_close(log);
    temp_remove(&t);
}

Test(ledger, catches_a_dropped_entry)
{
    struct room r = room_make();
    for (size_t gone = 0; gone + 1 < ENTRIES; gone++) {
        struct seen seen;
        struct err e;
        bool torn;
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        buf_append(&text, SPAN(r.text.p, r.line[gone]));
        buf_append(&text, SPAN(r.text.p + r.line[gone + 1], r.text.n - r.line[gone + 1]));
        cr_expect_eq(read_all(&r, buf_span(&text), &seen, &torn, &e), ST_CORRUPT);
        cr_expect_str_eq(err_code(&e), "ledger-seq");
        cr_expect_eq(e.offset, r.line[gone]);
        cr_expect_eq(seen.entries, gone);
    }
    room_end(&r);
}

Test(ledger, catches_two_entries_that_changed_places)
{
    struct room r = room_make();
    struct seen seen;
    struct err e;
    bool torn;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_append(&text, SPAN(r.text.p, r.line[1]));
    buf_append(&text, SPAN(r.text.p + r.line[2], r.line[3] - r.line[2]));
    buf_append(&text, SPAN(r.text.p + r.line[1], r.line[2] - r.line[1]));
    buf_append(&text, SPAN(r.text.p + r.line[3], r.text.n - r.line[3]));
    cr_expect_eq(read_all(&r, buf_span(&text), &seen, &torn, &e), ST_CORRUPT);
    cr_expect_eq(e.offset, r.line[1]);
    room_end(&r);
}

Test(ledger, catches_an_entry_made_anew_in_the_middle)
{
    struct room r = room_make();
    struct seen seen;
    struct err e = ERR_NONE;
    bool torn;
    struct digest hash, zero = {0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    cr_assert_eq(ledger_encode(1, &zero, "other", when, span_text("{}"), span_text("{}"), r.log,
                               &text, &hash, &e),
                 ST_OK);
    size_t first = text.n;
    buf_append(&text, SPAN(r.text.p + r.line[1], r.text.n - r.line[1]));
    cr_expect_eq(read_all(&r, buf_span(&text), &seen, &torn, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ledger-chain");
    cr_expect_eq(e.offset, first);
    room_end(&r);
}

Test(ledger, no_flipped_bit_goes_unnoticed)
{
    struct room r = room_make();
    for (size_t bit = 0; bit < 8 * r.text.n; bit++) {
        struct seen seen;
        struct err e;
        bool torn;
        r.text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum status st = read_all(&r, buf_span(&r.text), &seen, &torn, &e);
        /* A flip in a signature is for the signature check; one in the last newline tears the tail.
         */
        cr_expect(st == ST_CORRUPT || seen.unsigned_entries > 0 || torn, "bit %zu", bit);
        r.text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    room_end(&r);
}

Test(ledger, cut_anywhere_ends_with_a_torn_tail_or_between_entries)
{
    struct room r = room_make();
    for (size_t n = 0; n < r.text.n; n++) {
        struct seen seen;
        struct err e;
        bool torn, between = false;
        for (size_t i = 0; i < ENTRIES; i++)
            between = between || n == r.line[i];
        cr_assert_eq(read_all(&r, SPAN(r.text.p, n), &seen, &torn, &e), ST_OK);
        cr_expect_eq(torn, !between, "cut at %zu", n);
    }
    room_end(&r);
}

#define MANY 4000 /* entries, some four blocks of the reader */

/* Which entry the reader stops at, MANY + 1 for none; how many of those before it verified. */
static uint64_t stops_at(const struct room *r, struct span text, enum status want, const char *code,
                         unsigned *verified)
{
    struct err e = ERR_NONE;
    struct ledger_place at = {.offset = 0};
    struct seen seen = {.log = signer_public(r->log)};
    temp_write(&r->t, "ledger", text);
    cr_expect_eq(ledger_read(r->t.dir, seen.log, &at, see, &seen, &e), want, "%s", e.detail);
    if (want != ST_OK)
        cr_expect_str_eq(err_code(&e), code);
    cr_expect_eq(seen.entries, at.seq);
    *verified = seen.entries - seen.unsigned_entries;
    return at.seq + 1;
}

Test(ledger, of_many_blocks_is_read_in_order_and_damage_is_named_where_it_is)
{
    struct room r = room_make();
    struct err e = ERR_NONE;
    struct digest hash = {0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    size_t *line = calloc(MANY + 1, sizeof *line);
    cr_assert_not_null(line);
    unsigned verified = 0;
    for (size_t i = 0; i < MANY; i++) {
        SCOPED(buf_release) struct buf set = BUF_EMPTY;
        buf_fmt(&set, "{\"key/%zu\":\"%0300zu\"}", i, i);
        cr_assert_eq(ledger_encode(i + 1, &hash, "test", when, span_text("{}"), buf_span(&set),
                                   r.log, &text, &hash, &e),
                     ST_OK);
        line[i + 1] = text.n;
    }
    cr_expect_eq(stops_at(&r, buf_span(&text), ST_OK, "", &verified), MANY + 1);
    cr_expect_eq(verified, MANY);
    for (size_t i = 1; i < MANY; i += 571) {
        uint8_t *p = text.p + line[i] + 40;
        *p ^= 0x80; /* no text any more */
        cr_expect_eq(stops_at(&r, buf_span(&text), ST_CORRUPT, "ledger-entry", &verified), i + 1);
        cr_expect_eq(verified, i);
        *p ^= 0x80;
        /* A line that stands twice, and a ledger that goes on without one. */
        SCOPED(buf_release) struct buf moved = BUF_EMPTY;
        buf_append(&moved, SPAN(text.p, line[i]));
        buf_append(&moved, SPAN(text.p + line[i - 1], text.n - line[i - 1]));
        cr_expect_eq(stops_at(&r, buf_span(&moved), ST_CORRUPT, "ledger-seq", &verified), i + 1);
        moved.n = 0;
        buf_append(&moved, SPAN(text.p, line[i]));
        buf_append(&moved, SPAN(text.p + line[i + 1], text.n - line[i + 1]));
        cr_expect_eq(stops_at(&r, buf_span(&moved), ST_CORRUPT, "ledger-seq", &verified), i + 1);
    }
    free(line);
    room_end(&r);
}

Test(ledger, shorter_than_it_was_seen_is_set_back)
{
    struct room r = room_make();
    struct err e = ERR_NONE;
    struct ledger_place at = {.offset = r.text.n, .seq = ENTRIES};
    struct seen seen = {.log = signer_public(r.log)};
    temp_write(&r.t, "ledger", SPAN(r.text.p, r.line[4]));
    cr_expect_eq(ledger_read(r.t.dir, NULL, &at, see, &seen, &e), ST_SET_BACK);
    room_end(&r);
}

Test(ledger, entry_is_signed_by_the_log_key_and_its_signature_is_no_envelopes)
{
    struct room r = room_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *other = temp_key(&r.t, "other");
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    cr_assert_eq(ledger_parse(SPAN(r.text.p, r.line[1] - 1), &entry, &e), ST_OK);
    cr_expect(ledger_signed_by(&entry, signer_public(r.log)));
    cr_expect_not(ledger_signed_by(&entry, signer_public(other)));
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    envelope_pae("application/vnd.in-toto+json", buf_span(&entry.canonical), &pae);
    cr_expect_not(key_verify(signer_public(r.log), buf_span(&pae), entry.sig));
    cr_expect_not(key_verify(signer_public(r.log), buf_span(&entry.canonical), entry.sig));
    room_end(&r);
}

Test(ledger, encoder_refuses_what_no_reader_would_accept)
{
    static const struct {
        const char *type, *time, *body, *set;
    } rows[] = {{"Test", when, "{}", "{}"},           {"", when, "{}", "{}"},
                {"test", "yesterday", "{}", "{}"},    {"test", when, "[]", "{}"},
                {"test", when, "{}", "{\"a\":1}"},    {"test", when, "{}", "{\"\":\"x\"}"},
                {"test", when, "{},\"seq\":9", "{}"}, {"test", when, "{},\"more\":9", "{}"},
                {"test", when, "{\"a\":1.5}", "{}"},  {"test", when, "{", "{}"}};
    struct room r = room_make();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        struct digest prev = {0}, hash;
        SCOPED(buf_release) struct buf line = BUF_EMPTY;
        cr_expect_neq(ledger_encode(1, &prev, rows[i].type, rows[i].time, span_text(rows[i].body),
                                    span_text(rows[i].set), r.log, &line, &hash, &e),
                      ST_OK, "row %zu", i);
        cr_expect_eq(line.n, 0);
    }
    room_end(&r);
}

Test(ledger, line_longer_than_any_entry_is_damage_not_a_torn_tail)
{
    struct room r = room_make();
    struct seen seen;
    struct err e;
    bool torn;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    uint8_t *p = buf_space(&text, 3 * LEDGER_LINE_MAX);
    cr_assert_not_null(p);
    memset(p, 'x', 3 * LEDGER_LINE_MAX);
    cr_expect_eq(read_all(&r, buf_span(&text), &seen, &torn, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ledger-line");
    room_end(&r);
}

Test(ledger, a_line_that_is_too_long_is_no_entry_whatever_it_says)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    uint8_t *p = buf_space(&text, LEDGER_LINE_MAX + 1);
    cr_assert_not_null(p);
    memset(p, 'x', LEDGER_LINE_MAX + 1);
    cr_expect_eq(ledger_parse(SPAN(p, LEDGER_LINE_MAX + 1), &entry, &e), ST_FORMAT);
    cr_expect_not_null(strstr(e.detail, "too long"), "%s", e.detail);
    e = ERR_NONE;
    cr_expect_eq(ledger_parse(SPAN(p, LEDGER_LINE_MAX), &entry, &e), ST_FORMAT);
    cr_expect_null(strstr(e.detail, "too long"), "%s", e.detail);
}

Test(ledger, an_entry_has_six_members_each_of_its_kind)
{
    static const struct {
        const char *from, *to, *words;
    } rows[] = {
        {"\"seq\":7", "\"seq\":0", "seq is no number from 1 on"},
        {"\"seq\":7", "\"seq\":\"7\"", "seq is no number from 1 on"},
        {"\"prev\":\"00", "\"prev\":\"0", "prev is no digest"},
        {"\"prev\":\"00", "\"prev\":\"xx", "prev is no digest"},
        {"\"type\":\"test\"", "\"type\":\"Test\"", "type is no short lower-case name"},
        {"\"type\":\"test\"", "\"type\":1", "type is no short lower-case name"},
        {"\"time\":\"2030-01-01T00:00:00Z\"", "\"time\":\"2030-01-01\"", "time is no time"},
        {"\"body\":{}", "\"body\":[]", "body is no object"},
        {"\"set\":{}", "\"set\":[]", "set is no object of texts and nulls"},
        {"\"set\":{}", "\"set\":{\"a\":1}", "set is no object of texts and nulls"},
        {"\"set\":{}", "\"set\":{\"\":\"x\"}", "set is no object of texts and nulls"},
        {"\"body\":{},", "", "and nothing else"},
        {"==\"", "=A\"", "the line is no entry with a signature"},
        {"\"body\":{},", "\"also\":1,\"body\":{},", "and nothing else"},
    };
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct signer *key = temp_key(&t, "log");
    struct digest hash;
    const struct digest none = {{0}};
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    cr_assert_eq(ledger_encode(7, &none, "test", "2030-01-01T00:00:00Z", span_text("{}"),
                               span_text("{}"), key, &line, &hash, &e),
                 ST_OK, "%s", e.detail);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SCOPED(buf_release) struct buf forged = BUF_EMPTY;
        SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
        const uint8_t *at = memmem(line.p, line.n, rows[i].from, strlen(rows[i].from));
        cr_assert_not_null(at, "%s", rows[i].from);
        buf_append(&forged, SPAN(line.p, (size_t)(at - line.p)));
        buf_text(&forged, rows[i].to);
        at += strlen(rows[i].from);
        buf_append(&forged, SPAN(at, (size_t)(line.p + line.n - 1 - at)));
        e = ERR_NONE;
        cr_expect_eq(ledger_parse(buf_span(&forged), &entry, &e), ST_FORMAT, "%s", rows[i].to);
        cr_expect_not_null(strstr(e.detail, rows[i].words), "%s: %s", rows[i].to, e.detail);
    }
    signer_close(key);
    temp_remove(&t);
}
