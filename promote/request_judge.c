/* What a request's reader finds out by himself. */
#include "base/text.h"
#include "promote/policy_store.h"
#include "promote/request.h"
#include "promote/rules.h"
#include "store/envelope.h"
#include <string.h>

void judgement_release(struct judgement *j)
{
    inputs_release(&j->inputs);
    manifest_release(&j->manifest);
    policy_release(&j->policy);
    trust_free(j->trust);
    j->trust = NULL;
}

static struct span document(const struct request *r, const char *key)
{
    const char *text = json_as_string(json_get(json_get(r->root, "documents"), key));
    return span_text(text != NULL ? text : "");
}

static enum status other(struct err *e, const char *what)
{
    return err_at(e, ST_MISMATCH, what, "request-document", ERR_NO_OFFSET,
                  "the %s inside is not the one that is asked about", what);
}

/* Its own root keys signed it; whether they are the right ones is the reader's to say. */
static enum status judge_trust(const struct request *r, struct judgement *out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    unsigned threshold = 0;
    struct span bytes = document(r, "trust");
    enum status st = trust_open(bytes, &v, &out->trust, e);
    if (st != ST_OK)
        return st;
    unsigned have = trust_signers(out->trust, ROLE_ROOT, &v, &threshold);
    if (threshold == 0 || have < threshold)
        return err_set(e, ST_UNTRUSTED, "below-threshold",
                       "the trust inside is signed by %u of its %u root keys", have, threshold);
    struct digest d = digest_of(bytes);
    if (trust_facts(out->trust).version == 1 && !digest_equal(&d, &r->charter.trust))
        return other(e, "trust");
    return digest_equal(&d, &r->ask.trust) && digest_equal(&d, &r->basis.trust) ? ST_OK
                                                                                : other(e, "trust");
}

static enum status judge_policy(const struct request *r, int64_t now, struct judgement *out,
                                struct err *e)
{
    enum status st =
        policy_verify(out->trust, document(r, "policy"), r->ask.store, now, &out->policy, e);
    return st == ST_OK && !digest_equal(&out->policy.digest, &r->ask.policy) ? other(e, "policy")
                                                                             : st;
}

/* A signature too few is a rule that is not met; a manifest that is another is no matter of rules.
 */
static enum status judge_manifest(const struct request *r, int64_t now, struct judgement *out,
                                  struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    struct inputs *in = &out->inputs;
    struct err why = ERR_NONE;
    enum status st = envelope_parse(document(r, "manifest"), &v, e);
    if (st != ST_OK)
        return st;
    struct digest d = digest_of(buf_span(&v.payload));
    if (!digest_equal(&d, &r->ask.artifact) || !text_equal(v.type, MANIFEST_TYPE))
        return other(e, "manifest");
    if ((st = manifest_decode(buf_span(&v.payload), &out->manifest, e)) != ST_OK)
        return st;
    if (!text_equal(out->manifest.name, r->ask.name) ||
        !text_equal(out->manifest.version, r->ask.version))
        return other(e, "manifest");
    in->publishers = trust_signers(out->trust, ROLE_PUBLISHER, &v, &in->publishers_needed);
    if (trust_check(out->trust, ROLE_PUBLISHER, &v, now, &why) != ST_OK)
        text_fmt(in->publisher, sizeof in->publisher, "%.199s", why.detail);
    return ST_OK;
}

static enum status judge_evidence(const struct request *r, enum gate g, int64_t now,
                                  struct judgement *out, struct err *e)
{
    const struct json *list = json_get(json_get(r->root, "documents"), "evidence");
    const char *text = json_as_string(json_get(list, gate_name(g)));
    struct gate_input *in = &out->inputs.gates[g];
    struct err why = ERR_NONE;
    bool asked = !digest_is_zero(&r->ask.evidence[g]);
    in->baseline = r->basis.baseline[g];
    if (asked != (text != NULL) || !digest_equal(&r->ask.evidence[g], &r->basis.evidence[g]))
        return other(e, "evidence");
    if (text == NULL)
        return ST_OK;
    struct digest d = digest_of(span_text(text));
    if (!digest_equal(&d, &r->ask.evidence[g]))
        return other(e, "evidence");
    enum status st = evidence_verify(out->trust, span_text(text), now, &in->evidence, &why);
    if (st == ST_OK &&
        (in->evidence.gate != g || !digest_equal(&in->evidence.bound.artifact, &r->ask.artifact)))
        return other(e, "evidence");
    in->good = st == ST_OK;
    if (!in->good)
        text_fmt(in->why, sizeof in->why, "%.199s", why.detail);
    return ST_OK;
}

static void state_inputs(const struct request *r, int64_t now, struct judgement *out)
{
    struct inputs *in = &out->inputs;
    in->kind = r->ask.kind;
    in->far = true;
    in->artifact = r->ask.artifact;
    in->manifest = &out->manifest;
    in->trust = out->trust;
    in->policy = &out->policy;
    in->channel = r->ask.channel;
    in->self_signed = trust_facts(out->trust).self_signed;
    in->now = now;
    in->soak = (struct soak){.seconds = r->soaked, .holds = r->holds, .proven = false};
    in->basis = r->basis;
    text_fmt(in->added, sizeof in->added, "%s", r->added);
    if (!time_parse(r->ask.made, &in->seen))
        in->seen = 0;
}

enum status request_judge(const struct request *r, int64_t now, struct judgement *out,
                          struct err *e)
{
    *out = (struct judgement){.trust = NULL};
    enum status st = judge_trust(r, out, e);
    if (st != ST_OK || (st = judge_policy(r, now, out, e)) != ST_OK ||
        (st = judge_manifest(r, now, out, e)) != ST_OK) {
        err_stage(e, "request");
        return st;
    }
    for (enum gate g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++)
        st = judge_evidence(r, g, now, out, e);
    if (st != ST_OK)
        return st;
    st = manifest_content(&out->manifest, &out->inputs.content, e);
    if (st != ST_OK)
        return st;
    state_inputs(r, now, out);
    return r->ask.kind == ASK_WAIVE ? ST_OK : rules_apply(&out->inputs, &out->decision, e);
}
