#include "tests/support/people_room.h"
#include "verify/trust_edit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ask people_stable = {.kind = ASK_PROMOTE, .channel = "stable"};

static const char law[] =
    "schema: assay.policy/1\nname: two\n"
    "gates: {smoke: {limits: {load_ms: 100 s}}}\n"
    "channels:\n"
    "  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}\n"
    "  stable: {from: preview, gates: [structural, smoke], allow_self_signed: true, soak: 1 d,\n"
    "           approvals: {role: release, threshold: 2}}\n"
    "emergency: {skips: [soak, evidence_age], approvals: {role: release, threshold: 1}}\n"
    "waivers: {longest: 10 d, approvals: {role: release, threshold: 1}, never: [structural]}\n"
    "retention: {former_holders: 1}\n";

static void must(enum status st, const char *what, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "people room: %s: %s: %s: %s\n", what, err_code(e), e->subject, e->detail);
    abort();
}

void people_reload(struct people_room *p)
{
    struct err e = ERR_NONE;
    trust_free(p->l.trust);
    p->l.trust = NULL;
    must(trust_load(p->l.r.s, &p->l.trust, &e), "trust", &e);
    p->l.by.trust = p->l.trust;
}

static void give_roles(struct people_room *p)
{
    static const char *const owners[] = {"ann", "ben", "cat", "ann"};
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    struct err e = ERR_NONE;
    must(trust_edit_begin(p->l.trust, true, &next, &e), "edit", &e);
    for (int i = ANN; i < EVE; i++)
        must(trust_edit_add(next, ROLE_RELEASE, signer_public(p->keys[i]), owners[i], &e), "add",
             &e);
    must(trust_propose(next, p->l.keys[ROLE_ROOT], &envelope, &e), "propose", &e);
    must(trust_install(p->l.r.s, buf_span(&envelope), p->l.r.clock, p->l.r.log, &e), "install", &e);
    people_reload(p);
}

void people_make(struct people_room *p)
{
    static const char *const names[PEOPLE] = {"ann", "ben", "cat", "ann2", "eve"};
    struct decision d;
    law_make(&p->l);
    for (int i = 0; i < PEOPLE; i++)
        p->keys[i] = temp_key(&p->l.r.t, names[i]);
    give_roles(p);
    law_set(&p->l, law);
    law_pass(&p->l, &p->l.a);
    if (!law_promote(&p->l, &p->l.a, &d)) {
        fprintf(stderr, "people room: %s\n", law_unmet(&d, ""));
        abort();
    }
}

void people_remove(struct people_room *p)
{
    for (int i = 0; i < PEOPLE; i++)
        signer_close(p->keys[i]);
    law_remove(&p->l);
}

void people_wait(struct people_room *p, int64_t seconds)
{
    p->l.r.clock.fixed += seconds;
    p->l.by.clock = p->l.r.clock;
}

struct approval people_asked(struct people_room *p, const struct ask *ask)
{
    SCOPED(request_release) struct request r = {.root = NULL};
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    struct ask mine = *ask;
    struct err e = ERR_NONE;
    must(request_make(&p->l.by, &p->l.a, REQUEST_VALID, &mine, &file, &e), "request", &e);
    must(request_open(buf_span(&file), &r, &e), "open", &e);
    struct approval a = {.ask = r.ask, .head = r.head, .approve = true};
    snprintf(a.reason, sizeof a.reason, "read it");
    time_format(p->l.r.clock.fixed, a.time);
    return a;
}

struct buf people_signed(struct people_room *p, enum person who, const struct approval *a)
{
    struct buf file = BUF_EMPTY;
    struct err e = ERR_NONE;
    must(approval_sign(a, p->keys[who], &file, &e), "sign", &e);
    return file;
}

enum status people_vote(struct people_room *p, enum person who, const struct approval *a,
                        struct err *e)
{
    SCOPED(buf_release) struct buf file = people_signed(p, who, a);
    struct approval taken;
    uint64_t seq = 0;
    *e = ERR_NONE;
    return approval_add(&p->l.by, buf_span(&file), &taken, &seq, e);
}

enum status people_promote(struct people_room *p, const struct promotion *what, struct decision *d)
{
    struct err e = ERR_NONE;
    enum status st = promote(&p->l.by, what, d, &e);
    if (st != ST_OK && st != ST_CONFLICT)
        must(st, "promote", &e);
    return st;
}

bool people_allowed(struct people_room *p, struct decision *d)
{
    const struct promotion what = {.artifact = &p->l.a, .channel = "stable", .dry_run = true};
    return people_promote(p, &what, d) == ST_OK && d->allowed;
}

uint64_t people_seq(struct people_room *p)
{
    struct store_facts facts;
    struct err e = ERR_NONE;
    must(store_facts(p->l.r.s, &facts, &e), "facts", &e);
    return facts.seq;
}
