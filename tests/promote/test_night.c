/* Nights: what failed in stable is demoted where policy says so, by a decision; what is damaged is
 * named. */
#include "base/text.h"
#include "promote/leave.h"
#include "promote/night.h"
#include "promote/report.h"
#include "tests/support/law_room.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAW(failing)                                                                      \
    "schema: assay.policy/1\nname: night\n"                                               \
    "channels:\n"                                                                         \
    "  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}\n" \
    "  stable: {from: preview, gates: [structural, smoke], allow_self_signed: true}\n"    \
    "nightly: {gates: [structural, smoke], failing_stable: " failing "}\n"

/* tiny@1 holds preview and stable, with fresh evidence. */
static void made(struct law_room *l, const char *yaml)
{
    struct err e = ERR_NONE;
    struct decision d;
    law_make(l);
    law_set(l, yaml);
    law_pass(l, &l->a);
    cr_assert(law_promote(l, &l->a, &d), "%s", law_unmet(&d, ""));
    const struct promotion what = {.artifact = &l->a, .channel = "stable"};
    cr_assert_eq(promote(&l->by, &what, &d, &e), ST_OK, "%s", e.detail);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
}

static struct night run(struct law_room *l, bool release)
{
    struct err e = ERR_NONE;
    struct night n;
    const struct night_plan plan = {.pipeline = {.store = l->r.s,
                                                 .trust = l->trust,
                                                 .policy = &l->policy,
                                                 .gate = l->keys[ROLE_GATE],
                                                 .log = l->r.log,
                                                 .clock = l->r.clock},
                                    .release = release ? l->keys[ROLE_RELEASE] : NULL,
                                    .shards = 1};
    cr_assert_eq(night_run(&plan, &n, &e), ST_OK, "%s", e.detail);
    return n;
}

static const struct night_item *item(const struct night *n, const char *channel)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i].holder.channel, channel) == 0)
            return &n->items[i];
    cr_assert_fail("nothing in %s", channel);
    return NULL;
}

static bool holds(struct law_room *l, const char *channel)
{
    struct holder h;
    struct err e = ERR_NONE;
    return channel_holder(l->r.s, "tiny", channel, &h, &e) == ST_OK;
}

static void fail_smoke(struct law_room *l)
{
    law_evidence(l, &l->a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
}

Test(night, a_stable_that_passes_stays)
{
    struct law_room l;
    made(&l, LAW("demote"));
    struct night n = run(&l, true);
    cr_expect_eq(night_verdict(&n), VERDICT_PASS);
    cr_expect_str_eq(item(&n, "stable")->action, "");
    cr_expect(holds(&l, "stable"));
    night_release(&n);
    law_remove(&l);
}

Test(night, a_failing_stable_is_demoted_by_a_decision_and_preview_stays)
{
    struct law_room l;
    struct err e = ERR_NONE;
    struct holder seat;
    made(&l, LAW("demote"));
    fail_smoke(&l);
    struct night n = run(&l, true);
    cr_expect_eq(night_verdict(&n), VERDICT_FAIL);
    cr_expect_str_eq(item(&n, "stable")->action, "demoted");
    cr_expect_str_eq(item(&n, "preview")->action, "");
    cr_expect_not(holds(&l, "stable"));
    cr_expect(holds(&l, "preview"));
    cr_assert_eq(channel_seat(l.r.s, "tiny", "stable", &seat, &e), ST_OK);
    cr_expect(digest_is_zero(&seat.artifact));
    night_release(&n);
    /* The night after finds nothing more to do. */
    struct night next = run(&l, true);
    cr_expect_eq(next.count, 1u);
    cr_expect(holds(&l, "preview"));
    night_release(&next);
    law_remove(&l);
}

Test(night, a_failing_stable_is_only_reported_where_policy_says_report)
{
    struct law_room l;
    made(&l, LAW("report"));
    fail_smoke(&l);
    struct night n = run(&l, true);
    cr_expect_eq(night_verdict(&n), VERDICT_FAIL);
    cr_expect_str_eq(item(&n, "stable")->action, "");
    cr_expect(holds(&l, "stable"));
    night_release(&n);
    law_remove(&l);
}

Test(night, without_the_release_key_the_report_says_what_was_not_demoted)
{
    struct law_room l;
    made(&l, LAW("demote"));
    fail_smoke(&l);
    struct night n = run(&l, false);
    cr_expect_eq(strncmp(item(&n, "stable")->action, "not demoted: ", 13), 0, "%s",
                 item(&n, "stable")->action);
    cr_expect(holds(&l, "stable"));
    night_release(&n);
    law_remove(&l);
}

Test(night, whoever_took_the_seat_meanwhile_is_not_demoted_in_its_place)
{
    struct law_room l;
    struct err e = ERR_NONE;
    struct holder was, left;
    struct decision d;
    made(&l, LAW("demote"));
    cr_assert_eq(channel_holder(l.r.s, "tiny", "stable", &was, &e), ST_OK);
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    SCOPED(artifact_release) struct artifact b = law_admit(&l, buf_span(&model), "tiny", "2");
    law_pass(&l, &b);
    cr_assert(law_promote(&l, &b, &d), "%s", law_unmet(&d, ""));
    const struct promotion what = {.artifact = &b, .channel = "stable"};
    cr_assert_eq(promote(&l.by, &what, &d, &e), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    cr_expect_eq(demote_holder(&l.by, &was, "it failed", &left, &e), ST_CONFLICT);
    cr_expect(holds(&l, "stable"));
    law_remove(&l);
}

/* Flips a byte of what a document's record holds, wherever it lies in the packs. */
static void damage(struct law_room *l, const struct digest *document)
{
    char path[400];
    bool found = false;
    text_fmt(path, sizeof path, "%s/packs", l->r.path);
    DIR *d = opendir(path);
    cr_assert_not_null(d);
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
        static uint8_t bytes[1 << 20];
        char file[800];
        text_fmt(file, sizeof file, "%s/%s", path, f->d_name);
        int fd = f->d_name[0] != '.' ? open(file, O_RDWR) : -1;
        ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : 0;
        uint8_t *at = n > 0 ? memmem(bytes, (size_t)n, document->b, DIGEST_BYTES) : NULL;
        if (at != NULL) {
            uint64_t where = (uint64_t)(at - bytes) + 100;
            uint8_t b = bytes[where] ^ 0x20;
            found = pwrite(fd, &b, 1, (off_t)where) == 1;
        }
        if (fd >= 0)
            close(fd);
    }
    closedir(d);
    cr_assert(found, "the record was found");
    room_reopen(&l->r);
    l->by.store = l->r.s;
}

Test(night, damaged_evidence_is_named_and_measured_again)
{
    struct law_room l;
    made(&l, LAW("demote"));
    struct digest smoke = law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.age = 10});
    char hex[DIGEST_TEXT];
    digest_text(&smoke, hex);
    damage(&l, &smoke);
    struct night n = run(&l, true);
    const struct night_item *first = item(&n, "preview");
    cr_expect_not_null(strstr(first->action, hex), "%s", first->action);
    cr_expect_neq(night_verdict(&n), VERDICT_PASS);
    SCOPED(buf_release) struct buf junit = BUF_EMPTY;
    SCOPED(buf_release) struct buf sarif = BUF_EMPTY;
    report_junit(&n, &junit);
    report_sarif(&n, &sarif);
    buf_byte(&junit, 0);
    buf_byte(&sarif, 0);
    cr_expect_not_null(strstr((char *)junit.p, hex));
    cr_expect_not_null(strstr((char *)sarif.p, hex));
    night_release(&n);
    law_remove(&l);
}

Test(night, a_trust_that_runs_out_under_way_signs_nothing_and_demotes_nobody)
{
    struct law_room l;
    struct err e = ERR_NONE;
    struct night n;
    struct store_facts before, after;
    made(&l, LAW("demote"));
    fail_smoke(&l);
    cr_assert_eq(store_facts(l.r.s, &before, &e), ST_OK);
    const struct night_plan plan = {
        .pipeline = {.store = l.r.s,
                     .trust = l.trust,
                     .policy = &l.policy,
                     .gate = l.keys[ROLE_GATE],
                     .log = l.r.log,
                     .clock = {.injected = true, .fixed = l.r.clock.fixed + 366 * LAW_DAY}},
        .release = l.keys[ROLE_RELEASE],
        .shards = 1};
    cr_assert_eq(night_run(&plan, &n, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(night_verdict(&n), VERDICT_ERROR);
    cr_expect_not_null(strstr(item(&n, "stable")->action, "expired"), "%s",
                       item(&n, "stable")->action);
    night_release(&n);
    cr_assert_eq(store_facts(l.r.s, &after, &e), ST_OK);
    cr_expect_eq(after.seq, before.seq, "no entry was made");
    cr_expect(holds(&l, "stable"));
    law_remove(&l);
}
