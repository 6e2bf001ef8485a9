#include "tests/support/law_room.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/policy_store.h"
#include "verify/admit.h"
#include "verify/section.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum status st, const char *what, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "law room: %s: %s (%s): %s: %s\n", what, status_slug(st), err_code(e),
            e->subject, e->detail);
    abort();
}

static void make_trust(struct law_room *l)
{
    struct err e = ERR_NONE;
    struct public_key keys[ROLE_COUNT] = {{{0}, {0}}};
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        l->keys[r] = temp_key(&l->r.t, role_name(r));
        keys[r] = *signer_public(l->keys[r]);
    }
    must(trust_single(keys, "somebody", l->r.clock.fixed + 365 * LAW_DAY, l->keys[ROLE_ROOT],
                      &envelope, &e),
         "trust_single", &e);
    struct digest first = digest_of(buf_span(&envelope));
    room_found(&l->r, &first);
    must(trust_install(l->r.s, buf_span(&envelope), l->r.clock, l->r.log, &e), "trust_install", &e);
    must(trust_load(l->r.s, &l->trust, &e), "trust_load", &e);
}

void law_set(struct law_room *l, const char *yaml)
{
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    policy_release(&l->policy);
    must(policy_parse_yaml(span_text(yaml), "policy", &l->policy, &e), "policy", &e);
    must(policy_install(l->r.s, &l->policy, l->keys[ROLE_POLICY], l->r.log, l->r.clock, &seq, &e),
         "install", &e);
}

void law_channels(struct law_room *l, const char *channels)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml, LAW_HEAD "channels: %s\n", channels);
    law_set(l, yaml);
}

struct statement law_statement(struct law_room *l, const struct standing *on)
{
    struct err e = ERR_NONE;
    struct statement s = {.kind = DECISION_PROMOTE,
                          .artifact = l->a.digest,
                          .policy = l->policy.digest,
                          .name = "tiny",
                          .version = "1",
                          .channel = "preview",
                          .policy_name = "mine"};
    must(identity_program(&s.basis.runtime, &e), "program", &e);
    must(entry_prepare(&l->by, on, &s, &e), "statement", &e);
    return s;
}

struct artifact law_admit(struct law_room *l, struct span bytes, const char *name,
                          const char *version)
{
    struct err e = ERR_NONE;
    struct artifact a = {0};
    struct admit_result result = {0};
    struct span_source from = {bytes};
    struct admit_file file = {.path = "model", .from = source_over(&from)};
    const struct admit_keys keys = {l->keys[ROLE_PUBLISHER], l->r.log, l->r.clock};
    const struct admit_request request = {
        .label = "model", .given = &file, .given_count = 1, .name = name, .version = version};
    must(admit(l->r.s, l->trust, &keys, &request, NULL, &result, &e), "admit", &e);
    must(artifact_open(l->r.s, l->trust, &result.artifact, l->r.clock.fixed, &a, &e), "artifact",
         &e);
    admit_result_release(&result);
    return a;
}

void law_make(struct law_room *l)
{
    *l = (struct law_room){.r = room_make()};
    make_trust(l);
    law_set(l, policy_builtin("preview-basic"));
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_F32});
    l->a = law_admit(l, buf_span(&model), "tiny", "1");
    l->by = (struct promoter){.store = l->r.s,
                              .trust = l->trust,
                              .release = l->keys[ROLE_RELEASE],
                              .log = l->r.log,
                              .clock = l->r.clock};
}

void law_remove(struct law_room *l)
{
    artifact_release(&l->a);
    policy_release(&l->policy);
    trust_free(l->trust);
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++)
        signer_close(l->keys[r]);
    room_remove(&l->r);
}

/* ---- evidence ---- */

static void add_check(struct gate_result *result, const char *name, const char *measured,
                      const struct law_case *how)
{
    struct gate_check *c = &result->checks[result->check_count++];
    *c = (struct gate_check){.verdict = how->verdict != VERDICT_NONE ? how->verdict : VERDICT_PASS};
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->measured, sizeof c->measured, "%s", measured);
    snprintf(c->message, sizeof c->message, "%s",
             how->verdict != VERDICT_NONE ? "it is broken" : "it is well");
}

/* One check for each limit that the gate's section can hold, within every sane one. */
static void fill_checks(struct law_room *l, struct gate_result *result, enum gate g,
                        const struct law_case *how)
{
    const struct section_member *m;
    struct section_walk w = section_limits(g, policy_section(&l->policy, g));
    struct section_limit limit;
    result->checks = heap_zero(GATE_CHECKS_MAX, sizeof *result->checks);
    if (result->checks == NULL)
        abort();
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        if (m->sense == SECTION_SETTING || m->parts)
            continue;
        if (how->check == NULL || strcmp(how->check, m->check) != 0)
            add_check(result, m->check, "42", how);
        else if (how->measured != NULL)
            add_check(result, m->check, how->measured, how);
    }
    while (section_next(&w, &limit)) { /* suites and batteries: just what is asked */
        char text[32];
        section_text(limit.member, limit.limit, text);
        if (limit.member->parts && (how->check == NULL || strcmp(how->check, limit.check) != 0))
            add_check(result, limit.check, text, how);
        else if (limit.member->parts && how->measured != NULL)
            add_check(result, limit.check, how->measured, how);
    }
}

struct digest law_evidence(struct law_room *l, const struct artifact *a, enum gate g,
                           const struct law_case *how)
{
    struct err e = ERR_NONE;
    struct bound bound;
    struct digest envelope;
    struct gate_result result = {.verdict =
                                     how->verdict != VERDICT_NONE ? how->verdict : VERDICT_PASS};
    must(identity_bind(g, a, buf_span(&l->policy.sections[g]), &bound, &e), "identity", &e);
    bound.runtime.b[0] ^= how->other_runtime;
    bound.program.b[0] ^= how->other_program;
    bound.policy_section.b[0] ^= how->other_section;
    bound.content.b[0] ^= how->other_content;
    fill_checks(l, &result, g, how);
    time_format(l->r.clock.fixed - how->age, result.started);
    time_format(l->r.clock.fixed - how->age, result.ended);
    snprintf(result.sandbox, sizeof result.sandbox, "%s",
             how->sandbox != NULL ? how->sandbox : "none");
    snprintf(result.browser, sizeof result.browser, "%s", how->browser != NULL ? how->browser : "");
    if (how->baseline != NULL)
        result.baseline = *how->baseline;
    const struct signer *key = l->keys[how->signer != ROLE_NONE ? how->signer : ROLE_GATE];
    must(evidence_commit(l->r.s, &bound, &result, key, l->r.log, l->r.clock, &envelope, &e),
         "evidence", &e);
    gate_result_release(&result);
    return envelope;
}

void law_pass(struct law_room *l, const struct artifact *a)
{
    const struct law_case good = {.age = 0};
    law_evidence(l, a, GATE_STRUCTURAL, &good);
    law_evidence(l, a, GATE_SMOKE, &good);
}

/* ---- decisions ---- */

bool law_promote(struct law_room *l, const struct artifact *a, struct decision *d)
{
    struct err e = ERR_NONE;
    const struct promotion what = {.artifact = a, .channel = "preview"};
    must(promote(&l->by, &what, d, &e), "promote", &e);
    return d->allowed;
}

const char *law_unmet(const struct decision *d, const char *rule)
{
    for (size_t i = 0; i < d->rule_count; i++) {
        if (!d->rules[i].met && strncmp(d->rules[i].rule, rule, strlen(rule)) == 0)
            return d->rules[i].message;
    }
    return "";
}
