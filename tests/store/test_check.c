#include "base/files.h"
#include "base/io.h"
#include "base/text.h"
#include "store/check_inside.h"
#include "store/commit.h"
#include "store/gc.h"
#include "store/quarantine.h"
#include "store/recipe_writer.h"
#include "store/store_inside.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

struct seen {
    unsigned n;
    struct finding first;
    unsigned contents; /* of them are of contents, the last of them this one */
    struct finding content;
};

static void see(void *ctx, const struct finding *f)
{
    struct seen *s = ctx;
    if (s->n++ == 0)
        s->first = *f;
    if (!text_begins(f->object, "content "))
        return;
    s->contents++;
    s->content = *f;
}

static struct seen check(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct seen s = {0};
    struct check_report report;
    OK(check_store(r->s, NULL, see, &s, &report, &e));
    cr_assert_eq(report.findings, s.n);
    return s;
}

static void assert_sound(struct store_room *r)
{
    struct seen s = check(r);
    cr_assert_eq(s.n, 0, "%s: %s: %s", s.first.object, s.first.code, s.first.detail);
}

/* Puts one content into quarantine. */
static void reject(struct store_room *r, struct span bytes, struct quarantine_facts *out)
{
    struct err e = ERR_NONE, why = ERR_NONE;
    struct change *c = NULL;
    struct content content;
    struct span_source from = {bytes};
    const struct change_entry how = {.type = "quarantine", .clock = r->clock, .log = r->log};
    (void)err_at(&why, ST_MODEL_HEADER, "parse", "slm1-dim", 12, "a dimension is zero");
    OK(change_begin(r->s, &c, &e));
    OK(change_content(c, source_over(&from), NULL, &content, &e));
    const struct quarantine_reject what = {
        .name = "bad.slm", .why = &why, .parsed = span_text("{\"magic\":\"SLM1\"}")};
    OK(quarantine_put(c, &content.sha256, &what, &how, out, &e));
    change_release(c);
}

/* Flips one bit of a file of the store. */
static void flip(const struct store_room *r, const char *name, uint64_t at, unsigned bit)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    char path[300];
    uint8_t b;
    snprintf(path, sizeof path, "%s/%s", r->path, name);
    OK(io_open(AT_FDCWD, path, O_RDWR, 0, &fd, &e));
    OK(io_read_at(fd, &b, 1, at, &e));
    b ^= (uint8_t)(1u << bit);
    OK(io_write_at(fd, SPAN(&b, 1), at, &e));
}

static uint64_t size_of(const struct store_room *r, const char *name)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    char path[300];
    uint64_t n = 0;
    snprintf(path, sizeof path, "%s/%s", r->path, name);
    OK(io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e));
    OK(io_size(fd, &n, &e));
    return n;
}

/* Does opening or checking find it? */
static bool is_found(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct check_report report = {0};
    store_close(r->s);
    r->s = NULL;
    enum status st = store_open(r->path, &r->s, &e);
    if (st != ST_OK)
        return (st == ST_CORRUPT || st == ST_SET_BACK || st == ST_UNSUPPORTED) &&
               e.subject[0] != '\0';
    OK(check_store(r->s, NULL, NULL, NULL, &report, &e));
    return report.findings > 0;
}

static void every_byte(struct store_room *r, const char *name)
{
    uint64_t n = size_of(r, name);
    for (uint64_t at = 0; at < n; at++) {
        unsigned bit = (unsigned)(at % 8);
        flip(r, name, at, bit);
        cr_assert(is_found(r), "%s: bit %u of byte %llu of %llu changed, and nobody saw", name, bit,
                  (unsigned long long)at, (unsigned long long)n);
        flip(r, name, at, bit);
    }
    room_reopen(r);
    assert_sound(r);
}

static struct store_room small_store(struct content *c, char quarantined[128])
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct quarantine_facts q;
    struct digest d;
    SCOPED(buf_release) struct buf bytes = room_bytes(100, 5);
    OK(room_add(&r, buf_span(&bytes), c, &e));
    OK(room_document(&r, span_text("some document"), &d, &e));
    reject(&r, span_text("rejected bytes"), &q);
    snprintf(quarantined, 128, "quarantine/%s", q.id);
    quarantine_facts_release(&q);
    return r;
}

Test(check, a_sound_store_has_no_findings)
{
    struct content c;
    char q[128];
    struct store_room r = small_store(&c, q);
    assert_sound(&r);
    room_reopen(&r);
    assert_sound(&r);
    room_remove(&r);
}

static const char *const kinds[] = {"packs/0000000000000001.pack", "packs/0000000000000002.pack",
                                    "ledger", "ledger.head", "format"};
ParameterizedTestParameters(check, a_changed_bit_anywhere_is_found)
{
    static size_t i[] = {0, 1, 2, 3, 4, 5};
    return cr_make_param_array(size_t, i, 6);
}
ParameterizedTest(size_t *i, check, a_changed_bit_anywhere_is_found)
{
    struct content c;
    char q[128];
    struct store_room r = small_store(&c, q);
    every_byte(&r, *i < 5 ? kinds[*i] : q);
    room_remove(&r);
}

Test(check, damage_names_chunk_pack_offset_and_content)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    SCOPED(buf_release) struct buf bytes = room_bytes(2000000, 6), got = BUF_EMPTY;
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    flip(&r, kinds[0], 500000, 3);
    struct seen s = check(&r);
    cr_assert_eq(s.n, 2); /* the chunk, and the content that needs it */
    cr_assert_str_eq(s.first.object, "pack 0000000000000001");
    cr_assert_lt(s.first.offset, 500000);
    cr_assert_eq(s.contents, 1);
    cr_assert_eq(store_content_read(r.s, &c.sha256, sink_buf(&got), NULL, &e), ST_CORRUPT);
    cr_assert_lt(got.n, bytes.n);
    cr_assert(got.n == 0 || memcmp(got.p, bytes.p, got.n) == 0);
    struct check_report report;
    struct seen one = {0};
    OK(check_content(r.s, &c.sha256, NULL, see, &one, &report, &e));
    cr_assert_eq(one.n, 1);
    cr_assert(digest_equal(&one.first.digest, &s.first.digest));
    room_remove(&r);
}

Test(check, adding_the_same_bytes_heals)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    struct digest d;
    SCOPED(buf_release) struct buf bytes = room_bytes(1000000, 7);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    OK(room_document(&r, span_text("some document"), &d, &e));
    flip(&r, kinds[0], 300000, 1);                                /* in a chunk */
    flip(&r, kinds[0], size_of(&r, kinds[0]) - 32 - 100, 1);      /* in the root */
    flip(&r, kinds[0], size_of(&r, kinds[0]) - 32 - 56 - 300, 1); /* in the page */
    flip(&r, kinds[1], 16 + 64 + 3, 1);                           /* in the document */
    room_reopen(&r);
    cr_assert_gt(check(&r).n, 3);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    cr_assert_eq(c.healed, 1);
    OK(room_document(&r, span_text("some document"), &d, &e));
    assert_sound(&r);
    OK(room_reads(&r, &c.sha256, buf_span(&bytes), &e));
    room_reopen(&r);
    assert_sound(&r);
    store_close(r.s);
    r.s = NULL;
    OK(index_rebuild(r.path, NULL, &e)); /* the later record wins again */
    room_reopen(&r);
    assert_sound(&r);
    OK(room_reads(&r, &c.sha256, buf_span(&bytes), &e));
    room_remove(&r);
}

Test(check, a_damaged_record_header_is_healed_too)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    SCOPED(buf_release) struct buf bytes = room_bytes(300000, 8);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    flip(&r, kinds[0], 16 + 20, 1);
    cr_assert_gt(check(&r).n, 0);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    cr_assert_eq(c.healed, 1);
    assert_sound(&r);
    room_remove(&r);
}

Test(check, a_lost_pack_is_named_and_the_rest_is_served)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content a, b;
    SCOPED(buf_release)
    struct buf one = room_bytes(300000, 9), two = room_bytes(300000, 10), got = BUF_EMPTY;
    OK(room_add(&r, buf_span(&one), &a, &e));
    OK(room_add(&r, buf_span(&two), &b, &e));
    cr_assert_eq(temp_run(&r.t, "rm store/%s", kinds[0]), 0);
    room_reopen(&r);
    struct seen s = check(&r);
    cr_assert_str_eq(s.first.code, "pack-gone");
    OK(room_reads(&r, &b.sha256, buf_span(&two), &e));
    cr_assert_neq(store_content_read(r.s, &a.sha256, sink_buf(&got), NULL, &e), ST_OK);
    OK(room_add(&r, buf_span(&one), &a, &e));
    OK(room_reads(&r, &a.sha256, buf_span(&one), &e));
    room_remove(&r);
}

/* -- many chunks ---------------------------------------------------------------------------------
 */

static enum status unknown(void *ctx, enum pack_kind kind, const struct digest *d, bool *found,
                           struct pack_location *at, struct err *e)
{
    (void)ctx, (void)kind, (void)d, (void)at, (void)e;
    *found = false;
    return ST_OK;
}

static enum status publish(void *ctx, struct pack_writer *pack, struct err *e)
{
    struct store_room *r = ctx;
    return commit_pack(r->s, pack, NULL, e);
}

/* So many chunks that not all are looked up together: one, and at one place the other. */
#define LONG (CHECK_TOGETHER + 9)

static struct digest long_content(struct store_room *r, struct ingest *g, const char *often,
                                  const char *once, size_t at)
{
    struct err e = ERR_NONE;
    struct recipe_writer w;
    struct hasher *h = NULL;
    const struct digest many = digest_of(span_text(often)), one = digest_of(span_text(once));
    struct digest root;
    recipe_writer_begin(&w, r->s->staging);
    OK(hasher_open(&h, &e));
    for (size_t i = 0; i < LONG; i++) {
        const char *text = i == at ? once : often;
        OK(recipe_writer_add(&w, i == at ? &one : &many, (uint32_t)strlen(text), &e));
        hasher_add(h, span_text(text));
    }
    struct digest content = hasher_end(h);
    OK(recipe_writer_end(&w, g, &content, &root, &e));
    hasher_close(h);
    recipe_writer_release(&w);
    return content;
}

/* What a check sees when "bad" is damaged, which is at one place of one content, and `once` in the
 * middle of another. */
static struct seen see_damage(size_t at, const char *once, struct digest *content)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct ingest *g = NULL;
    struct digest d;
    const struct ingest_calls calls = {.find = unknown, .sealed = publish, .ctx = &r};
    OK(ingest_open(r.s->staging, r.s->packs, &calls, &g, &e));
    OK(ingest_record(g, PACK_CHUNK, span_text("bad"), &d, &e));
    OK(ingest_record(g, PACK_CHUNK, span_text("good"), &d, &e));
    OK(ingest_record(g, PACK_CHUNK, span_text("fine"), &d, &e));
    *content = long_content(&r, g, "good", "bad", at);
    (void)long_content(&r, g, "fine", once, LONG / 2);
    OK(ingest_flush(g, &e));
    ingest_close(g);
    assert_sound(&r);
    flip(&r, kinds[0], PACK_HEAD + PACK_RECORD, 2); /* what was stored first */
    struct seen s = check(&r);
    room_remove(&r);
    return s;
}

static void told_alone(size_t at)
{
    struct digest content;
    struct seen s = see_damage(at, "good", &content);
    cr_assert_eq(s.n, 2);
    cr_assert_eq(s.contents, 1);
    cr_assert(digest_equal(&s.content.digest, &content));
    cr_assert_str_eq(s.content.code, "content-damaged");
    cr_assert_eq(s.content.offset, 4 * at);
}

Test(check, a_damaged_chunk_is_found_where_a_long_content_begins)
{
    told_alone(0);
}

Test(check, a_damaged_chunk_is_found_where_a_long_content_ends)
{
    told_alone(LONG - 1);
}

Test(check, each_long_content_that_needs_a_damaged_chunk_is_told_once)
{
    struct digest content;
    struct seen s = see_damage(LONG - 1, "bad", &content);
    cr_assert_eq(s.n, 3);
    cr_assert_eq(s.contents, 2);
}

/* -- others meanwhile ---------------------------------------------------------------------------
 */

/* Ahead of the n-th read another process forgets an artifact and sweeps. */
struct meanwhile {
    struct store_room *r;
    unsigned at;
    _Atomic unsigned seen;
};

static bool forget_and_sweep(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct gc_report report;
    r->s = NULL; /* the parent's; and a secret does not survive a fork */
    enum status st = signer_open_file(r->t.dir, "log.key", NULL, NULL, &r->log, &e);
    const struct gc_options o = {.clock = r->clock, .log = r->log};
    if (st == ST_OK)
        st = store_open(r->path, &r->s, &e);
    if (st == ST_OK)
        st = room_forget(r, "goes", &e);
    if (st == ST_OK)
        st = gc_run(r->s, &o, NULL, &report, &e);
    if (st != ST_OK)
        (void)fprintf(stderr, "%s: %s: %s\n", err_code(&e), e.subject, e.detail);
    return st == ST_OK && report.dropped > 0;
}

static int sweep_at(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct meanwhile *m = ctx;
    int status = 0;
    (void)path;
    (void)fd;
    (void)bytes;
    if (strcmp(call, "pread") != 0 || ++m->seen != m->at)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        io_watch(NULL, NULL);
        _exit(forget_and_sweep(m->r) ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : EIO;
}

Test(check, a_sweep_ahead_of_any_read_is_no_damage)
{
    struct meanwhile m = {.at = 0};
    do {
        struct store_room r = room_make();
        struct err e = ERR_NONE;
        struct seen s = {0};
        struct check_report report;
        OK(room_install(&r, "goes", 2, 3000, 1, &e));
        OK(room_install(&r, "stays", 1, 3000, 9, &e));
        m.r = &r;
        m.at++;
        m.seen = 0;
        io_watch(sweep_at, &m);
        enum status st = check_store(r.s, NULL, see, &s, &report, &e);
        io_watch(NULL, NULL);
        cr_assert_eq(st, ST_OK, "read %u: %s: %s: %s", m.at, err_code(&e), e.subject, e.detail);
        cr_assert_eq(s.n, 0, "read %u: %s: %s: %s", m.at, s.first.object, s.first.code,
                     s.first.detail);
        room_remove(&r);
    } while (m.seen >= m.at);
    cr_assert_gt(m.at, 10);
}
