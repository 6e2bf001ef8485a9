/* sign: a publisher's word on a manifest, in the store or in a file that is passed around. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/print.h"
#include "cli/target.h"
#include "verify/publisher.h"
#include <fcntl.h>

struct signing {
    const struct signer *signer;
    char id[KEY_ID_TEXT];
    struct digest artifact, envelope;
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX];
    bool existed; /* the signature */
    unsigned have, need;
    uint64_t seq;
};

static void tell(struct cli *c, const struct signing *s)
{
    const char *path = c->args.value[OPT_OUTPUT];
    if (c->json) {
        struct json_out j = answer_open(c, "assay.sign/1");
        member_digest(&j, "artifact", &s->artifact);
        member_text(&j, "key", s->id);
        member_bool(&j, "existed", s->existed);
        member_digest(&j, "envelope", &s->envelope);
        member_u64(&j, "seq", s->seq);
        member_u64(&j, "have", s->have);
        member_u64(&j, "need", s->need);
        member_text(&j, "file", path);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s@%s  %s by %s", s->name, s->version,
            s->existed ? "was signed already" : "signed", s->id);
    if (path != NULL)
        buf_fmt(&c->out, " → %s", path);
    else if (s->need > 1)
        buf_fmt(&c->out, ", %u of %u publishers", s->have, s->need);
    buf_byte(&c->out, '\n');
}

/* ---- in the store ---- */

static enum status record(struct cli *c, const struct artifact *a, const struct envelope *have,
                          struct signing *s, struct err *e)
{
    SCOPED(buf_release) struct buf own = BUF_EMPTY; /* holds this one signature */
    const struct signer *log = NULL;
    size_t added = 0;
    enum status st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = envelope_sign(MANIFEST_TYPE, buf_span(&have->payload), s->signer, &own, e);
    const struct publisher_record r = {.artifact = &a->digest,
                                       .manifest = &a->manifest,
                                       .have = have,
                                       .bytes = buf_span(&own),
                                       .clock = c->clock,
                                       .log = log};
    if (st == ST_OK)
        st = publisher_record(c->store, c->trust, &r, &added, &s->envelope, &s->seq, e);
    if (st == ST_OK && added == 0)
        st = err_set(e, ST_SIGNATURE, "signature-wrong",
                     "the signer's signature does not verify under key %s", s->id);
    return st;
}

static enum status sign_ref(struct cli *c, struct signing *s, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(envelope_release) struct envelope have = {0};
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = trust_alive(c->trust, cli_now(c), e);
    if (st == ST_OK)
        st = trust_want(c->trust, ROLE_PUBLISHER, signer_public(s->signer), e);
    if (st == ST_OK)
        st = publisher_envelope(c->store, &a.digest, &a.envelope, &have, e);
    if (st != ST_OK)
        return st;
    s->artifact = a.digest;
    text_fmt(s->name, sizeof s->name, "%s", a.manifest.name);
    text_fmt(s->version, sizeof s->version, "%s", a.manifest.version);
    s->existed = envelope_signed_by(&have, signer_public(s->signer));
    s->have = a.publishers + (s->existed ? 0 : 1);
    s->need = a.publishers_needed;
    return s->existed ? ST_OK : record(c, &a, &have, s, e);
}

/* ---- in a file ---- */

static enum status sign_file(struct cli *c, struct signing *s, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(manifest_release) struct manifest m = {0};
    enum status st = given_read(c->word[0], ENVELOPE_MAX, &text, e);
    if (st == ST_OK)
        st = envelope_parse(buf_span(&text), &v, e);
    if (st == ST_OK && !text_equal(v.type, MANIFEST_TYPE))
        st = err_set(e, ST_SIGNATURE, "manifest-type", "signed as %s, not as a manifest", v.type);
    if (st == ST_OK)
        st = manifest_decode(buf_span(&v.payload), &m, e);
    if (st == ST_OK)
        st = envelope_cosign(&v, s->signer, &out, e);
    if (st != ST_OK)
        return st;
    s->artifact = digest_of(buf_span(&v.payload));
    s->envelope = digest_of(buf_span(&out));
    text_fmt(s->name, sizeof s->name, "%s", m.name);
    text_fmt(s->version, sizeof s->version, "%s", m.version);
    return target_put(c, c->args.value[OPT_OUTPUT], buf_span(&out), e);
}

enum status cmd_sign(struct cli *c, struct err *e)
{
    struct signing s = {.signer = NULL};
    bool file = opt_given(&c->args, OPT_OUTPUT);
    if (!opt_given(&c->args, OPT_KEY))
        return err_set(e, ST_USAGE, "no-key-given",
                       "which key signs? say --key NAME; assay key ls shows them");
    enum status st = cli_key(c, c->args.value[OPT_KEY], &s.signer, e);
    if (st != ST_OK)
        return st;
    key_id_text(signer_public(s.signer), s.id);
    st = file ? sign_file(c, &s, e) : sign_ref(c, &s, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell(c, &s);
    return ST_OK;
}
