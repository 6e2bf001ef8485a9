#include "store/evict.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

static struct store_room room;

static void set(const char *prefix, const char *artifact, const char *value)
{
    char key[STORE_KEY_MAX];
    struct err e = ERR_NONE;
    const struct digest a = digest_of(span_text(artifact));
    install_key(prefix, &a, key);
    OK(room_set(&room, key, value, NULL, &e));
}

static bool has(const char *prefix, const char *artifact)
{
    char key[STORE_KEY_MAX];
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    const struct digest a = digest_of(span_text(artifact));
    install_key(prefix, &a, key);
    return store_get(room.s, key, &value, &e) == ST_OK;
}

static void setup(void)
{
    struct err e = ERR_NONE;
    room = room_make();
    OK(room_install(&room, "one", 1, 30000, 1, &e));
    set("artifact/", "one",
        "{\"bytes\":30000,\"content\":\"\",\"manifest\":\"\",\"name\":\"one\","
        "\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"1\"}");
}

static void teardown(void)
{
    room_remove(&room);
}

TestSuite(evict, .init = setup, .fini = teardown);

static enum status note(void *ctx, const struct evict_candidate *c, struct err *e)
{
    (void)e;
    (void)snprintf(ctx, EVICT_WHY, "%s", c->kept);
    return ST_OK;
}

/* The law is asked when a candidate is chosen and again under the lock; what others do meanwhile is
 * done at the first asking. */
struct meanwhile {
    unsigned asked;
    const char *set, *value; /* a key of the artifact */
    bool evict, promoted;
};

static enum status others(void *ctx, const struct evict_candidate *c, char out[EVICT_WHY],
                          struct err *e)
{
    struct meanwhile *m = ctx;
    struct evict_report r;
    char why[EVICT_WHY];
    const struct digest a = c->artifact;
    out[0] = '\0';
    if (m->asked++ > 0 && m->promoted)
        (void)snprintf(out, EVICT_WHY, "in stable");
    if (m->asked == 1 && m->set != NULL)
        set(m->set, "one", m->value);
    const struct evict_options o = {
        .only = &a, .only_count = 1, .clock = room.clock, .log = room.log};
    return m->asked == 1 && m->evict ? evict_run(room.s, &o, note, why, &r, e) : ST_OK;
}

static void evict(struct meanwhile *m, char why[EVICT_WHY], struct evict_report *r)
{
    struct err e = ERR_NONE;
    const struct evict_options o = {
        .bytes = UINT64_MAX, .protects = others, .ctx = m, .clock = room.clock, .log = room.log};
    OK(evict_run(room.s, &o, note, why, r, &e));
}

Test(evict, what_another_evicts_meanwhile_goes_once)
{
    struct meanwhile m = {.evict = true};
    struct evict_report r;
    char why[EVICT_WHY];
    evict(&m, why, &r);
    cr_assert_eq(r.evicted, 0);
    cr_assert_str_eq(why, "its bytes are not here");
    cr_assert(!has(INSTALL_PREFIX, "one") && has(INSTALL_EVICTED, "one"));
}

Test(evict, what_another_removes_meanwhile_is_passed_over)
{
    struct meanwhile m = {.set = "artifact/"};
    struct evict_report r;
    char why[EVICT_WHY];
    evict(&m, why, &r);
    cr_assert_eq(r.evicted, 0);
    cr_assert_str_eq(why, "its bytes are not here");
}

Test(evict, what_is_pinned_after_it_was_chosen_stays)
{
    struct meanwhile m = {.set = INSTALL_PINNED, .value = "base"};
    struct evict_report r;
    char why[EVICT_WHY];
    evict(&m, why, &r);
    cr_assert_eq(r.kept, 1);
    cr_assert_str_eq(why, "pinned");
    cr_assert(has(INSTALL_PREFIX, "one"));
}

Test(evict, what_a_channel_took_after_it_was_chosen_stays)
{
    struct meanwhile m = {.promoted = true};
    struct evict_report r;
    char why[EVICT_WHY];
    evict(&m, why, &r);
    cr_assert_eq(r.kept, 1);
    cr_assert_str_eq(why, "in stable");
    cr_assert(has(INSTALL_PREFIX, "one"));
}

Test(evict, what_nothing_keeps_goes)
{
    struct meanwhile m = {0};
    struct evict_report r;
    char why[EVICT_WHY];
    evict(&m, why, &r);
    cr_assert_eq(r.evicted, 1);
    cr_assert(!has(INSTALL_PREFIX, "one") && has(INSTALL_EVICTED, "one"));
}

static void add_version(const char *artifact, const char *version, const char *time)
{
    char facts[256];
    struct err e = ERR_NONE;
    OK(room_install(&room, artifact, 1, 5000, 1000 + (uint64_t)version[0], &e));
    (void)snprintf(facts, sizeof facts,
                   "{\"bytes\":5000,\"content\":\"\",\"manifest\":\"\",\"name\":\"r\","
                   "\"time\":\"%s\",\"version\":\"%s\"}",
                   time, version);
    set("artifact/", artifact, facts);
}

static enum status list_order(void *ctx, const struct evict_candidate *c, struct err *e)
{
    char *order = ctx;
    const size_t n = strlen(order);
    (void)e;
    (void)snprintf(order + n, 200 - n, "%s@%s %s, ", c->name, c->version, c->reason);
    return ST_OK;
}

Test(evict, of_one_second_and_of_a_clock_that_went_back_the_ledger_knows_the_order)
{
    char order[200] = "";
    struct err e = ERR_NONE;
    struct evict_report r;
    add_version("d", "1", "2026-01-01T00:00:00Z");
    add_version("a", "2", "2026-01-01T00:00:00Z");
    add_version("c", "3", "2026-01-01T00:00:00Z");
    add_version("b", "4", "2025-01-01T00:00:00Z");
    const struct evict_options o = {
        .bytes = UINT64_MAX, .dry_run = true, .clock = room.clock, .log = room.log};
    OK(evict_run(room.s, &o, list_order, order, &r, &e));
    cr_assert_str_eq(order, "r@1 superseded, r@2 superseded, r@3 superseded, one@1 oldest, "
                            "r@4 oldest, ");
}
