#include "base/text.h"
#include "promote/entry.h"
#include "store/catalog.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include "tests/support/law_room.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static enum status ask(struct law_room *l, const char *channel, bool dry_run, struct decision *d,
                       struct err *e)
{
    const struct promotion what = {.artifact = &l->a, .channel = channel, .dry_run = dry_run};
    return promote(&l->by, &what, d, e);
}

static unsigned unmet_count(const struct decision *d)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->rule_count; i++)
        n += !d->rules[i].met;
    return n;
}

Test(decision, is_granted_when_everything_is_proven_and_can_be_proven_again)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    cr_assert_eq(channel_holder(l.r.s, "tiny", "preview", &h, &e), ST_OK);
    cr_expect(digest_equal(&h.artifact, &l.a.digest));
    cr_expect(digest_equal(&h.decision, &d.envelope));
    cr_expect_eq(h.seq, d.seq);
    cr_expect_eq(h.number, 1);
    cr_expect_eq(decision_prove(&l.by, &h, &e), ST_OK, "%s", e.detail);
    char state[16];
    cr_assert_eq(channel_state(l.r.s, &l.a.digest, "tiny", state, &e), ST_OK);
    cr_expect_str_eq(state, "preview");
    room_reopen(&l.r);
    l.by.store = l.r.s;
    cr_expect_eq(decision_prove(&l.by, &h, &e), ST_OK, "%s", e.detail);
    law_remove(&l);
}

Test(decision, without_any_evidence_names_each_gate_and_the_command_and_is_recorded)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    law_make(&l);
    cr_assert_not(law_promote(&l, &l.a, &d));
    cr_expect_eq(unmet_count(&d), 2);
    cr_expect_not_null(
        strstr(law_unmet(&d, "gate structural"), "assay gate tiny@1 --only structural"));
    cr_expect_not_null(strstr(law_unmet(&d, "gate smoke"), "assay gate tiny@1 --only smoke"));
    cr_expect_gt(d.seq, 0);
    cr_expect_eq(channel_holder(l.r.s, "tiny", "preview", &h, &e), ST_NOT_FOUND);
    law_remove(&l);
}

Test(decision, of_a_dry_run_changes_nothing_and_needs_no_keys)
{
    struct law_room l;
    struct decision d;
    struct store_facts before, after;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    l.by.release = l.by.log = NULL;
    cr_assert_eq(store_facts(l.r.s, &before, &e), ST_OK);
    cr_assert_eq(ask(&l, "preview", true, &d, &e), ST_OK, "%s", e.detail);
    cr_expect(d.allowed);
    cr_expect_eq(d.seq, 0);
    cr_assert_eq(store_facts(l.r.s, &after, &e), ST_OK);
    cr_expect_eq(before.seq, after.seq);
    cr_expect_eq(ask(&l, "preview", false, &d, &e), ST_SIGNATURE);
    law_remove(&l);
}

/* Each turns one thing of good evidence bad; the rule that must say no, and a word of what it says.
 */
static const struct {
    struct law_case how;
    const char *rule, *says;
} bad_evidence[] = {
    {{.verdict = VERDICT_FAIL}, "gate smoke", "it is broken"},
    {{.verdict = VERDICT_ERROR}, "gate smoke", "error"},
    {{.verdict = VERDICT_INCONCLUSIVE}, "gate smoke", "inconclusive"},
    {{.signer = ROLE_RELEASE}, "gate smoke", "has not the role gate"},
    {{.signer = ROLE_PUBLISHER}, "gate smoke", "has not the role gate"},
    {{.other_runtime = true}, "gate smoke", "another runtime"},
    {{.other_program = true}, "gate smoke", "another program"},
    {{.other_section = true}, "gate smoke", "another policy_section"},
    {{.other_content = true}, "gate smoke", "another content"},
    {{.age = 31 * LAW_DAY}, "evidence age smoke", "30 d ago"},
    {{.age = -60}, "evidence age smoke", "future"},
    {{.check = "load time", .measured = "60000.001"}, "limits smoke", "60000.001"},
    {{.check = "load time", .measured = "nan"}, "gate smoke", "not decimal"},
    {{.check = "load time", .measured = "-1"}, "gate smoke", "not decimal"},
    {{.check = "peak memory"}, "limits smoke", "not measured"},
};

Test(decision, each_defect_of_the_newest_evidence_denies_with_its_own_message)
{
    for (size_t i = 0; i < sizeof bad_evidence / sizeof bad_evidence[0]; i++) {
        struct law_room l;
        struct decision d;
        law_make(&l);
        law_pass(&l, &l.a);
        law_evidence(&l, &l.a, GATE_SMOKE, &bad_evidence[i].how);
        cr_expect_not(law_promote(&l, &l.a, &d), "row %zu", i);
        cr_expect_eq(unmet_count(&d), 1, "row %zu", i);
        cr_expect_not_null(strstr(law_unmet(&d, bad_evidence[i].rule), bad_evidence[i].says),
                           "row %zu: %s: %s", i, law_unmet(&d, ""), bad_evidence[i].rule);
        law_evidence(&l, &l.a, GATE_SMOKE,
                     &(struct law_case){.check = "load time", .measured = "1.5"});
        cr_expect(law_promote(&l, &l.a, &d), "row %zu: newer good evidence heals it", i);
        law_remove(&l);
    }
}

static void evidence_key(const struct law_room *l, const char *gate, size_t i,
                         char key[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(&l->a.digest, hex);
    snprintf(key, STORE_KEY_MAX, "evidence/%s/%s/999999999999999%zu", hex, gate, i);
}

Test(decision, evidence_of_another_artifact_or_gate_does_not_count)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    law_make(&l);
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    SCOPED(artifact_release) struct artifact other = law_admit(&l, buf_span(&model), "other", "1");
    law_pass(&l, &l.a);
    struct digest foreign = law_evidence(&l, &other, GATE_SMOKE, &(struct law_case){.age = 0});
    struct digest wrong_gate =
        law_evidence(&l, &l.a, GATE_STRUCTURAL, &(struct law_case){.age = 0});
    const struct digest *const swapped[] = {&foreign, &wrong_gate};
    for (size_t i = 0; i < 2; i++) {
        digest_text(swapped[i], hex);
        evidence_key(&l, "smoke", i, key);
        cr_assert_eq(room_set(&l.r, key, hex, NULL, &e), ST_OK);
        cr_expect_not(law_promote(&l, &l.a, &d));
        cr_expect_not_null(strstr(law_unmet(&d, "gate smoke"), "does not count"), "%s",
                           law_unmet(&d, ""));
    }
    law_remove(&l);
}

static enum status list_keys(void *ctx, const char *key, struct span value, struct err *e)
{
    (void)value;
    (void)e;
    buf_append(ctx, SPAN(key, strlen(key) + 1));
    return ST_OK;
}

Test(decision, losing_any_part_of_the_state_never_turns_deny_into_allow)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf keys = BUF_EMPTY;
    law_make(&l);
    law_evidence(&l, &l.a, GATE_STRUCTURAL, &(struct law_case){.age = 0});
    law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
    cr_assert_eq(store_scan(l.r.s, "", list_keys, &keys, &e), ST_OK);
    for (size_t at = 0; at < keys.n; at += strlen((const char *)keys.p + at) + 1) {
        const char *key = (const char *)keys.p + at;
        SCOPED(buf_release) struct buf value = BUF_EMPTY;
        if (catalog_kept(key))
            continue; /* not even the log key can forget it */
        cr_assert_eq(store_get(l.r.s, key, &value, &e), ST_OK);
        buf_byte(&value, 0);
        cr_assert_eq(room_set(&l.r, key, NULL, NULL, &e), ST_OK);
        e = ERR_NONE;
        enum status st = ask(&l, "preview", true, &d, &e);
        cr_expect(st != ST_OK || !d.allowed, "without %s", key);
        e = ERR_NONE;
        cr_assert_eq(room_set(&l.r, key, (const char *)value.p, NULL, &e), ST_OK);
    }
    law_remove(&l);
}

Test(decision, evidence_can_be_neither_forgotten_nor_replaced)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf keys = BUF_EMPTY;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert_eq(store_scan(l.r.s, "evidence/", list_keys, &keys, &e), ST_OK);
    unsigned tried = 0;
    for (size_t at = 0; at < keys.n; at += strlen((const char *)keys.p + at) + 1, tried++) {
        const char *key = (const char *)keys.p + at;
        cr_expect_eq(room_set(&l.r, key, NULL, NULL, &e), ST_CONFLICT);
        cr_expect_eq(room_set(&l.r, key, "other", NULL, &e), ST_CONFLICT);
    }
    cr_expect_eq(tried, 2);
    cr_expect(law_promote(&l, &l.a, &d));
    law_remove(&l);
}

Test(decision, of_one_person_is_refused_by_a_law_that_wants_more)
{
    struct law_room l;
    struct decision d;
    law_make(&l);
    law_channels(&l, "{preview: {from: candidate, gates: [structural, smoke]}}");
    law_pass(&l, &l.a);
    cr_expect_not(law_promote(&l, &l.a, &d));
    cr_expect_eq(unmet_count(&d), 1);
    cr_expect_not_null(strstr(law_unmet(&d, "self-signed"), "wants more than one"));
    law_remove(&l);
}

Test(decision, evidence_stays_good_until_its_own_section_changes)
{
    struct law_room l;
    struct decision d;
    law_make(&l);
    law_pass(&l, &l.a);
    law_set(&l, LAW_HEAD
            "channels: {preview: {from: candidate, gates: [structural], allow_self_signed: true}}\n"
            "gates: {structural: {budgets: {kv_bytes: 43}}}\n");
    cr_expect_not(law_promote(&l, &l.a, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "gate structural"), "policy_section"));
    law_evidence(&l, &l.a, GATE_STRUCTURAL, &(struct law_case){.age = 0});
    cr_expect(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    law_remove(&l);
}

Test(decision, stable_comes_only_from_preview_and_only_if_the_law_opens_it)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert_eq(ask(&l, "stable", false, &d, &e), ST_OK);
    cr_expect_not(d.allowed);
    cr_expect_not_null(strstr(law_unmet(&d, "channel"), "opens no channel stable"));
    law_channels(&l, "{preview: {from: candidate, gates: [structural], allow_self_signed: true},"
                     " stable: {from: preview, gates: [structural], allow_self_signed: true}}");
    law_pass(&l, &l.a);
    cr_assert_eq(ask(&l, "stable", false, &d, &e), ST_OK);
    cr_expect_not(d.allowed);
    cr_expect_not_null(strstr(law_unmet(&d, "from"), "does not hold tiny@preview"));
    cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    cr_assert_eq(ask(&l, "stable", false, &d, &e), ST_OK);
    cr_expect(d.allowed, "%s", law_unmet(&d, ""));
    cr_expect_eq(ask(&l, "candidate", false, &d, &e), ST_USAGE);
    law_remove(&l);
}

Test(decision, of_an_opaque_artifact_is_never_allowed)
{
    struct law_room l;
    struct decision d;
    law_make(&l);
    SCOPED(artifact_release)
    struct artifact text = law_admit(&l, span_text("just a note\n"), "note", "1");
    law_pass(&l, &text);
    cr_expect_not(law_promote(&l, &text, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "model"), "opaque"));
    law_remove(&l);
}

Test(decision, is_not_made_under_an_expired_trust_or_a_clock_that_ran_back)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    l.by.clock.fixed += 366 * LAW_DAY;
    cr_expect_eq(ask(&l, "preview", false, &d, &e), ST_EXPIRED);
    cr_expect_str_eq(err_code(&e), "trust-expired");
    l.by.clock.fixed -= 2 * 366 * LAW_DAY;
    e = ERR_NONE;
    cr_assert_eq(ask(&l, "preview", true, &d, &e), ST_OK, "%s", e.detail);
    cr_expect_not(d.allowed);
    cr_expect_not_null(strstr(law_unmet(&d, "clock"), "set the clock"));
    law_remove(&l);
}

Test(decision, is_not_made_by_a_clock_behind_any_entry_of_the_ledger)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    l.r.clock.fixed += 10;
    cr_assert_eq(room_set(&l.r, "note", "later", NULL, &e), ST_OK);
    cr_expect_not(law_promote(&l, &l.a, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "clock"), "set the clock"), "%s", law_unmet(&d, ""));
    l.by.clock.fixed += 10;
    cr_expect(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    law_remove(&l);
}

Test(decision, of_a_second_try_under_a_clock_set_back_is_refused_as_the_first)
{
    struct law_room l;
    struct decision d;
    law_make(&l);
    law_pass(&l, &l.a);
    l.r.clock.fixed += 10;
    struct err e = ERR_NONE;
    cr_assert_eq(room_set(&l.r, "note", "later", NULL, &e), ST_OK);
    for (int i = 0; i < 3; i++) { /* each refusal is an entry of its own */
        cr_expect_not(law_promote(&l, &l.a, &d), "try %d", i + 1);
        cr_expect_str_neq(law_unmet(&d, "clock"), "");
        cr_expect_gt(d.seq, 0);
    }
    law_remove(&l);
}

Test(decision, by_a_key_without_the_role_release_is_not_committed)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    l.by.release = l.keys[ROLE_GATE];
    cr_expect_eq(ask(&l, "preview", false, &d, &e), ST_UNTRUSTED);
    cr_expect_eq(channel_holder(l.r.s, "tiny", "preview", &h, &e), ST_NOT_FOUND);
    law_remove(&l);
}

Test(decision, about_the_holder_on_the_very_same_grounds_is_not_made_twice)
{
    struct law_room l;
    struct decision first, again;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &first), "%s", law_unmet(&first, ""));
    cr_expect_not(first.held);
    cr_assert(law_promote(&l, &l.a, &again), "%s", law_unmet(&again, ""));
    cr_expect(again.held);
    cr_expect_eq(again.seq, first.seq);
    cr_expect(digest_equal(&again.envelope, &first.envelope));
    law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.age = 1});
    cr_assert(law_promote(&l, &l.a, &again), "%s", law_unmet(&again, ""));
    cr_expect_not(again.held, "other evidence makes another decision");
    cr_expect_gt(again.seq, first.seq);
    law_remove(&l);
}

Test(decision, is_not_made_about_bytes_that_are_damaged)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    char path[256];
    law_make(&l);
    room_newest_pack(&l.r, path); /* the model's: evidence comes behind it */
    law_pass(&l, &l.a);
    room_spoil(&l.r, path);
    uint64_t before = 0, after = 0;
    struct store_facts f;
    cr_assert_eq(store_facts(l.r.s, &f, &e), ST_OK);
    before = f.seq;
    cr_expect_eq(ask(&l, "preview", false, &d, &e), ST_CORRUPT, "%s", e.detail);
    cr_expect_not_null(strstr(e.detail, "of chunk "), "%s: %s", e.subject, e.detail);
    cr_assert_eq(store_facts(l.r.s, &f, &e), ST_OK);
    after = f.seq;
    cr_expect_eq(before, after);
    law_remove(&l);
}

Test(decision, loses_against_a_holder_law_or_trust_that_changed_meanwhile)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    law_make(&l);
    law_pass(&l, &l.a);
    for (int what = 0; what < 2; what++) {
        SCOPED(standing_release) struct standing on = {.held = false};
        cr_assert_eq(standing_read(l.r.s, "tiny", "preview", &on, &e), ST_OK);
        struct statement s = law_statement(&l, &on);
        if (what == 0)
            cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
        else
            law_channels(&l, "{}");
        e = ERR_NONE;
        cr_expect_eq(entry_commit(&l.by, &on, &s, NULL, 0, &h, &e), ST_CONFLICT);
        cr_expect_str_eq(e.subject, what == 0 ? "tiny@preview" : "policy");
    }
    law_remove(&l);
}

/* ---- what a channel hands out is proven again ---- */

/* Points a channel at a decision, as somebody with the log key and nothing else could. */
static void forge(struct law_room *l, const char *channel, const struct digest *artifact,
                  const struct digest *decision, uint64_t number, struct holder *out)
{
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct holder h = {.artifact = *artifact, .decision = *decision, .number = number};
    time_format(l->r.clock.fixed, h.since);
    channel_value(&h, false, &value);
    buf_byte(&value, 0);
    channel_key("tiny", channel, key);
    cr_assert_eq(room_set(&l->r, key, (const char *)value.p, NULL, &e), ST_OK);
    cr_assert_eq(channel_holder(l->r.s, "tiny", channel, out, &e), ST_OK);
}

static void refused(struct law_room *l, const struct holder *h, enum status st, const char *code)
{
    struct err e = ERR_NONE;
    cr_expect_eq(decision_prove(&l->by, h, &e), st, "%s: %s", code, e.detail);
    cr_expect_str_eq(err_code(&e), code);
}

Test(decision, replayed_elsewhere_or_out_of_order_proves_nothing)
{
    struct law_room l;
    struct decision first, second;
    struct holder h;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &first));
    law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.age = 1}); /* so another decision */
    cr_assert(law_promote(&l, &l.a, &second));
    forge(&l, "stable", &l.a.digest, &second.envelope, 2, &h);
    refused(&l, &h, ST_UNPROVEN, "decision-channel");
    forge(&l, "preview", &l.a.digest, &first.envelope, 2, &h);
    refused(&l, &h, ST_UNPROVEN, "decision-number");
    struct digest other = digest_of(span_text("another"));
    forge(&l, "preview", &other, &second.envelope, 2, &h);
    refused(&l, &h, ST_UNPROVEN, "decision-artifact");
    forge(&l, "preview", &l.a.digest, &second.basis.evidence[GATE_SMOKE], 2, &h);
    refused(&l, &h, ST_UNTRUSTED, "wrong-role");
    forge(&l, "preview", &l.a.digest, &second.envelope, 2, &h);
    struct err e = ERR_NONE;
    cr_expect_eq(decision_prove(&l.by, &h, &e), ST_OK, "%s", e.detail);
    h.decision = first.envelope;
    refused(&l, &h, ST_CONFLICT, "holder-changed");
    law_remove(&l);
}

Test(decision, of_another_store_proves_nothing_here)
{
    struct law_room l;
    struct holder h;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    law_make(&l);
    cr_assert_eq(standing_read(l.r.s, "tiny", "preview", &on, &e), ST_OK);
    struct statement s = law_statement(&l, &on);
    s.store[0] = s.store[0] == '0' ? '1' : '0';
    cr_assert_eq(entry_commit(&l.by, &on, &s, NULL, 0, &h, &e), ST_OK);
    refused(&l, &h, ST_UNPROVEN, "decision-store");
    law_remove(&l);
}

Test(decision, signed_as_another_type_proves_nothing)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct digest wrong;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf other = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d));
    cr_assert_eq(store_document(l.r.s, &d.envelope, &text, &e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&text), &v, &e), ST_OK);
    cr_assert_eq(envelope_sign("application/vnd.assay.policy+json", buf_span(&v.payload),
                               l.keys[ROLE_RELEASE], &other, &e),
                 ST_OK);
    cr_assert_eq(room_document(&l.r, buf_span(&other), &wrong, &e), ST_OK);
    forge(&l, "preview", &l.a.digest, &wrong, 1, &h);
    refused(&l, &h, ST_SIGNATURE, "wrong-type");
    law_remove(&l);
}

Test(decision, for_another_runtime_is_unproven_in_this_program)
{
    struct law_room l;
    struct holder h;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    law_make(&l);
    cr_assert_eq(standing_read(l.r.s, "tiny", "preview", &on, &e), ST_OK);
    struct statement s = law_statement(&l, &on);
    s.basis.program = s.basis.runtime;
    s.basis.runtime.b[0] ^= 1; /* all else is in order: it was gated by that runtime */
    for (enum gate g = GATE_STRUCTURAL; g <= GATE_SMOKE; g++)
        s.basis.evidence[g] = law_evidence(&l, &l.a, g, &(struct law_case){.other_runtime = true});
    cr_assert_eq(entry_commit(&l.by, &on, &s, NULL, 0, &h, &e), ST_OK);
    refused(&l, &h, ST_UNPROVEN, "decision-runtime");
    law_remove(&l);
}

Test(decision, whose_evidence_does_not_bear_it_out_is_unproven)
{
    struct law_room l;
    struct holder h;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    law_make(&l);
    cr_assert_eq(standing_read(l.r.s, "tiny", "preview", &on, &e), ST_OK);
    struct statement s = law_statement(&l, &on);
    s.basis.evidence[GATE_SMOKE] =
        law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
    cr_assert_eq(entry_commit(&l.by, &on, &s, NULL, 0, &h, &e), ST_OK);
    refused(&l, &h, ST_UNPROVEN, "decision-unlawful");
    law_remove(&l);
}

Test(decision, edited_in_any_byte_is_refused)
{
    struct law_room l;
    struct decision d;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d));
    cr_assert_eq(store_document(l.r.s, &d.envelope, &text, &e), ST_OK);
    for (size_t at = 3; at < text.n; at += text.n / 40) {
        struct holder h;
        struct digest edited;
        uint8_t was = text.p[at];
        text.p[at] = was == 'A' ? 'B' : 'A';
        if (memmem(text.p, text.n, "\"keyid\":\"", 9) != NULL && at > text.n - 130 &&
            at < text.n - 95) {
            text.p[at] = was; /* the key id is a hint and may change */
            continue;
        }
        cr_assert_eq(room_document(&l.r, buf_span(&text), &edited, &e), ST_OK);
        forge(&l, "preview", &l.a.digest, &edited, 1, &h);
        struct err why = ERR_NONE;
        enum status st = decision_prove(&l.by, &h, &why);
        cr_expect(st == ST_SIGNATURE || st == ST_FORMAT || st == ST_UNTRUSTED, "byte %zu: %s", at,
                  status_slug(st));
        text.p[at] = was;
    }
    law_remove(&l);
}
