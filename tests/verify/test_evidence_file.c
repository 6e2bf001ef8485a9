#include "base/heap.h"
#include "base/text.h"
#include "store/envelope.h"
#include "tests/support/verify_room.h"
#include "verify/evidence_file.h"
#include "verify/evidence_format.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s", err_code(&e), e.detail)

/* Evidence of the gate smoke about `a`, made elsewhere `age` seconds ago. */
static void made(struct verify_room *v, const struct artifact *a, enum verdict verdict, int64_t age,
                 enum role by, const char *cases, struct buf *out)
{
    struct err e = ERR_NONE;
    struct bound bound;
    SCOPED(gate_result_release) struct gate_result r = {.verdict = verdict, .check_count = 1};
    SCOPED(buf_release) struct buf statement = BUF_EMPTY;
    struct digest records = digest_of(span_text(cases != NULL ? cases : ""));
    r.checks = heap_zero(1, sizeof *r.checks);
    r.checks[0].verdict = verdict;
    snprintf(r.checks[0].name, sizeof r.checks[0].name, "load");
    snprintf(r.checks[0].message, sizeof r.checks[0].message, "it was looked at");
    snprintf(r.sandbox, sizeof r.sandbox, "none");
    time_format(v->now - age, r.started);
    time_format(v->now - age, r.ended);
    OK(identity_bind(GATE_SMOKE, a, span_text("{}"), &bound, &e));
    OK(evidence_encode(&bound, &r, "tiny@1", cases != NULL ? &records : NULL, &statement, &e));
    out->n = 0;
    OK(envelope_sign(EVIDENCE_TYPE, buf_span(&statement), v->keys[by], out, &e));
}

static enum status offer(struct verify_room *v, const struct buf *envelope, const char *cases,
                         bool *existed, struct err *e)
{
    SCOPED(evidence_release) struct evidence got = {0};
    uint64_t seq = 0;
    const struct evidence_offer o = {.envelope = buf_span(envelope),
                                     .cases = span_text(cases != NULL ? cases : ""),
                                     .trust = v->trust,
                                     .log = v->r.log,
                                     .clock = v->r.clock};
    *e = ERR_NONE;
    return evidence_accept(v->r.s, &o, &got, existed, &seq, e);
}

static enum verdict newest(struct verify_room *v, const struct artifact *a)
{
    struct err e = ERR_NONE;
    SCOPED(evidence_release) struct evidence got = {0};
    return evidence_newest(v->r.s, v->trust, &a->digest, GATE_SMOKE, v->now, &got, &e) == ST_OK
               ? got.verdict
               : VERDICT_NONE;
}

Test(evidence_file, made_elsewhere_is_taken_once_and_counts)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    bool existed = true;
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, NULL, &envelope);
    OK(offer(&v, &envelope, NULL, &existed, &e));
    cr_expect_not(existed);
    cr_expect_eq(newest(&v, &a), VERDICT_PASS);
    OK(offer(&v, &envelope, NULL, &existed, &e));
    cr_expect(existed);
    verify_room_remove(&v);
}

Test(evidence_file, an_old_pass_does_not_come_after_a_newer_fail)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    SCOPED(buf_release) struct buf same = BUF_EMPTY;
    SCOPED(buf_release) struct buf fail = BUF_EMPTY;
    bool existed = false;
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, NULL, &old);
    made(&v, &a, VERDICT_PASS, 40, ROLE_GATE, NULL, &same);
    made(&v, &a, VERDICT_FAIL, 40, ROLE_GATE, NULL, &fail);
    OK(offer(&v, &fail, NULL, &existed, &e));
    cr_expect_eq(offer(&v, &old, NULL, &existed, &e), ST_SET_BACK);
    cr_expect_str_eq(err_code(&e), "evidence-older");
    cr_expect_eq(offer(&v, &same, NULL, &existed, &e), ST_SET_BACK, "nor in the same second");
    cr_expect_eq(newest(&v, &a), VERDICT_FAIL);
    made(&v, &a, VERDICT_PASS, 39, ROLE_GATE, NULL, &old);
    OK(offer(&v, &old, NULL, &existed, &e));
    cr_expect_eq(newest(&v, &a), VERDICT_PASS);
    verify_room_remove(&v);
}

Test(evidence_file, does_not_come_after_a_newer_piece_that_cannot_be_read)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    char prefix[STORE_KEY_MAX], key[STORE_KEY_MAX + 20], lost[DIGEST_TEXT];
    struct digest gone = digest_of(span_text("it was a fail"));
    bool existed = false;
    evidence_prefix(&a.digest, GATE_SMOKE, prefix);
    snprintf(key, sizeof key, "%s%016llu", prefix, 1000ULL);
    digest_text(&gone, lost);
    OK(room_set(&v.r, key, lost, NULL, &e));
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, NULL, &old);
    cr_expect_eq(offer(&v, &old, NULL, &existed, &e), ST_SET_BACK, "%s", e.detail);
    cr_expect_str_eq(err_code(&e), "evidence-older");
    cr_expect_eq(newest(&v, &a), VERDICT_NONE);
    verify_room_remove(&v);
}

Test(evidence_file, that_was_lost_is_put_back_where_it_was)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    SCOPED(buf_release) struct buf fail = BUF_EMPTY;
    char path[256], newer[256];
    bool existed = false;
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, NULL, &old);
    OK(offer(&v, &old, NULL, &existed, &e));
    room_newest_pack(&v.r, path);
    made(&v, &a, VERDICT_FAIL, 40, ROLE_GATE, NULL, &fail);
    OK(offer(&v, &fail, NULL, &existed, &e));
    room_newest_pack(&v.r, newer);
    room_spoil(&v.r, path);
    room_spoil(&v.r, newer);
    room_reopen(&v.r);
    cr_expect_eq(newest(&v, &a), VERDICT_NONE);
    OK(offer(&v, &old, NULL, &existed, &e));
    cr_expect_not(existed, "it was lost");
    cr_expect_eq(newest(&v, &a), VERDICT_NONE, "the older one does not stand for the newer");
    OK(offer(&v, &fail, NULL, &existed, &e));
    cr_expect_not(existed);
    cr_expect_eq(newest(&v, &a), VERDICT_FAIL);
    OK(offer(&v, &old, NULL, &existed, &e));
    cr_expect(existed, "it is here again");
    verify_room_remove(&v);
}

Test(evidence_file, of_a_wrong_role_from_the_future_or_about_nothing_here_is_refused)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    bool existed = false;
    for (enum role r = ROLE_NONE; r < ROLE_COUNT; r++) {
        made(&v, &a, VERDICT_PASS, 50, r, NULL, &envelope);
        if (r != ROLE_GATE)
            cr_expect_eq(offer(&v, &envelope, NULL, &existed, &e), ST_UNTRUSTED, "%s", e.detail);
    }
    made(&v, &a, VERDICT_PASS, -1, ROLE_GATE, NULL, &envelope);
    cr_expect_eq(offer(&v, &envelope, NULL, &existed, &e), ST_UNPROVEN);
    struct artifact other = a;
    other.digest.b[0] ^= 1;
    made(&v, &other, VERDICT_PASS, 1, ROLE_GATE, NULL, &envelope);
    cr_expect_eq(offer(&v, &envelope, NULL, &existed, &e), ST_NOT_FOUND);
    other = a;
    other.content.b[0] ^= 1;
    made(&v, &other, VERDICT_PASS, 1, ROLE_GATE, NULL, &envelope);
    cr_expect_eq(offer(&v, &envelope, NULL, &existed, &e), ST_MISMATCH);
    cr_expect_eq(newest(&v, &a), VERDICT_NONE, "nothing got in");
    verify_room_remove(&v);
}

Test(evidence_file, comes_with_the_records_that_it_names)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    bool existed = false;
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, "{}\n", &envelope);
    cr_expect_eq(offer(&v, &envelope, NULL, &existed, &e), ST_NOT_FOUND);
    cr_expect_str_eq(err_code(&e), "no-records");
    cr_expect_eq(offer(&v, &envelope, "{} \n", &existed, &e), ST_MISMATCH);
    OK(offer(&v, &envelope, "{}\n", &existed, &e));
    made(&v, &a, VERDICT_PASS, 40, ROLE_GATE, "{}\n", &envelope);
    OK(offer(&v, &envelope, NULL, &existed, &e)); /* they are here already */
    made(&v, &a, VERDICT_PASS, 30, ROLE_GATE, NULL, &envelope);
    cr_expect_eq(offer(&v, &envelope, "{}\n", &existed, &e), ST_MISMATCH, "it names none");
    verify_room_remove(&v);
}

Test(evidence_file, whose_records_were_lost_brings_them_back)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf held = BUF_EMPTY;
    const struct digest records = digest_of(span_text("{}\n"));
    struct digest d;
    char pack[256];
    bool existed = false;
    OK(room_document(&v.r, span_text("{}\n"), &d, &e));
    room_newest_pack(&v.r, pack);
    made(&v, &a, VERDICT_PASS, 50, ROLE_GATE, "{}\n", &envelope);
    OK(offer(&v, &envelope, NULL, &existed, &e));
    room_reopen(&v.r);
    cr_assert_eq(temp_run(&v.r.t, "rm %s", pack), 0);
    cr_assert_neq(store_document(v.r.s, &records, &held, &e), ST_OK);
    OK(offer(&v, &envelope, "{}\n", &existed, &e));
    OK(store_document(v.r.s, &records, &held, &e));
    cr_expect(span_equal(buf_span(&held), span_text("{}\n")));
    verify_room_remove(&v);
}

#define EACH 20

/* One of two processes that file evidence at the same time. */
static int file_many(struct verify_room *v, const struct artifact *a, unsigned who)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    if (store_open(v->r.path, &s, &e) != ST_OK)
        return 1;
    for (unsigned i = 0; i < EACH; i++) {
        SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
        struct digest out;
        struct bound bound;
        uint64_t seq = 0;
        made(v, a, VERDICT_PASS, 1000 - (int64_t)(2 * i + who), ROLE_GATE, NULL, &envelope);
        if (identity_bind(GATE_SMOKE, a, span_text("{}"), &bound, &e) != ST_OK)
            return 2;
        const struct filing f = {.bound = &bound,
                                 .verdict = VERDICT_PASS,
                                 .envelope = buf_span(&envelope),
                                 .log = v->r.log,
                                 .clock = v->r.clock};
        if (evidence_file(s, &f, &out, &seq, &e) != ST_OK)
            return 3;
    }
    store_close(s);
    return 0;
}

static enum status count(void *ctx, const char *key, struct span value, struct err *e)
{
    unsigned *n = ctx;
    (void)key, (void)value, (void)e;
    (*n)++;
    return ST_OK;
}

Test(evidence_file, of_two_processes_at_once_all_gets_a_number_of_its_own)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    char prefix[STORE_KEY_MAX];
    pid_t child[2];
    unsigned n = 0;
    store_close(v.r.s);
    v.r.s = NULL;
    for (unsigned i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            v.r.log = NULL;
            v.keys[ROLE_GATE] = NULL;
            if (signer_open_file(v.r.t.dir, "log.key", NULL, NULL, &v.r.log, &e) != ST_OK ||
                signer_open_file(v.r.t.dir, "gate.key", NULL, NULL, &v.keys[ROLE_GATE], &e) !=
                    ST_OK)
                _exit(9);
            _exit(file_many(&v, &a, i));
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        int how = 0;
        cr_assert_eq(waitpid(child[i], &how, 0), child[i]);
        cr_expect(WIFEXITED(how) && WEXITSTATUS(how) == 0, "child %u: %d", i, how);
    }
    room_reopen(&v.r);
    evidence_prefix(&a.digest, GATE_SMOKE, prefix);
    OK(store_scan(v.r.s, prefix, count, &n, &e));
    cr_expect_eq(n, 2 * EACH);
    verify_room_remove(&v);
}
