#include "cli/verify_law.h"
#include "base/text.h"
#include "promote/policy_store.h"
#include <string.h>

/* Found by scans; what is done with it waits until the scan is over. */
struct found {
    struct buf evidence; /* struct digest each */
    struct buf attested; /* struct said each */
    struct buf holders;  /* struct holder each */
};

/* One attestation, as its key and value name it. */
struct said {
    enum attestation type;
    struct digest artifact, envelope;
};

static void found_release(struct found *f)
{
    buf_release(&f->evidence);
    buf_release(&f->attested);
    buf_release(&f->holders);
}

static enum status keep(struct buf *list, struct span one, struct err *e)
{
    buf_append(list, one);
    return buf_status(list) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory to verify a store");
}

static enum status keep_evidence(void *ctx, const char *key, struct span value, struct err *e)
{
    struct found *f = ctx;
    char hex[DIGEST_TEXT];
    struct digest d;
    text_fmt(hex, sizeof hex, "%.*s", (int)(value.n < sizeof hex ? value.n : sizeof hex - 1),
             (const char *)value.p);
    if (!digest_parse(hex, &d))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s holds no digest", key);
    return keep(&f->evidence, SPAN(&d, sizeof d), e);
}

/* attest/ARTIFACT/TYPE/SEQ */
static enum status keep_attested(void *ctx, const char *key, struct span value, struct err *e)
{
    struct found *f = ctx;
    struct said s = {.type = ATTEST_COUNT};
    char hex[DIGEST_TEXT], artifact[DIGEST_TEXT], type[16];
    const char *at = key + strlen("attest/"), *slash = strchr(at, '/');
    const char *end = slash != NULL ? strchr(slash + 1, '/') : NULL;
    text_fmt(hex, sizeof hex, "%.*s", (int)(value.n < sizeof hex ? value.n : sizeof hex - 1),
             (const char *)value.p);
    if (end != NULL) {
        text_fmt(artifact, sizeof artifact, "%.*s", (int)(slash - at), at);
        text_fmt(type, sizeof type, "%.*s", (int)(end - slash) - 1, slash + 1);
        s.type = attestation_parse(type);
    }
    if (s.type == ATTEST_COUNT || !digest_parse(artifact, &s.artifact) ||
        !digest_parse(hex, &s.envelope))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s names no attestation", key);
    return keep(&f->attested, SPAN(&s, sizeof s), e);
}

static enum status keep_holder(void *ctx, const struct holder *h, struct err *e)
{
    struct found *f = ctx;
    return keep(&f->holders, SPAN(h, sizeof *h), e);
}

static enum status check_policy(struct cli *c, verify_law_fn tell, void *ctx, struct err *e)
{
    SCOPED(policy_release) struct policy law = {0};
    struct err why = ERR_NONE;
    enum status st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &law, &why);
    /* A law of another version is signed and whole; gate and promote say that they cannot keep it.
     */
    if (st == ST_OK || st == ST_CONFIG || text_equal(err_code(&why), "no-policy"))
        return ST_OK;
    return tell(ctx, st, &why, e);
}

static enum status check_evidence(struct cli *c, const struct buf *list, verify_law_fn tell,
                                  void *ctx, struct err *e)
{
    for (size_t at = 0; at < list->n; at += sizeof(struct digest)) {
        SCOPED(evidence_release) struct evidence v = {0};
        struct digest d;
        struct err why = ERR_NONE;
        memcpy(&d, list->p + at, sizeof d);
        enum status st = evidence_open(c->store, c->trust, &d, TRUST_ANY_TIME, &v, &why);
        st = st == ST_OK ? ST_OK : tell(ctx, st, &why, e);
        if (st == ST_OK)
            st = cli_alive(e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status check_attested(struct cli *c, const struct buf *list, verify_law_fn tell,
                                  void *ctx, struct err *e)
{
    for (size_t at = 0; at < list->n; at += sizeof(struct said)) {
        struct said s;
        struct attested_record r;
        struct err why = ERR_NONE;
        memcpy(&s, list->p + at, sizeof s);
        enum status st = attestation_open(c->store, c->trust, s.type, &s.artifact, &s.envelope,
                                          TRUST_ANY_TIME, &r, &why);
        st = st == ST_OK ? ST_OK : tell(ctx, st, &why, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status check_holders(struct cli *c, const struct buf *list, verify_law_fn tell,
                                 void *ctx, struct err *e)
{
    struct promoter by;
    enum status st = cli_promoter(c, false, &by, e);
    for (size_t at = 0; st == ST_OK && at < list->n; at += sizeof(struct holder)) {
        struct holder h;
        struct err why = ERR_NONE;
        memcpy(&h, list->p + at, sizeof h);
        st = decision_prove(&by, &h, &why);
        bool sound =
            st == ST_OK || st == ST_CONFLICT || text_equal(err_code(&why), "decision-runtime");
        st = sound ? ST_OK : tell(ctx, st, &why, e);
        if (st == ST_OK)
            st = cli_alive(e);
    }
    return st;
}

enum status verify_law(struct cli *c, verify_law_fn tell, void *ctx, struct err *e)
{
    SCOPED(found_release) struct found f = {.evidence = BUF_EMPTY, .holders = BUF_EMPTY};
    struct err why = ERR_NONE;
    enum status st = check_policy(c, tell, ctx, e);
    if (st != ST_OK)
        return st;
    st = store_scan(c->store, "evidence/", keep_evidence, &f, &why);
    if (st == ST_OK)
        st = store_scan(c->store, "attest/", keep_attested, &f, &why);
    if (st == ST_OK)
        st = channel_each(c->store, false, keep_holder, &f, &why);
    st = st == ST_OK ? ST_OK : tell(ctx, st, &why, e);
    if (st == ST_OK)
        st = check_evidence(c, &f.evidence, tell, ctx, e);
    if (st == ST_OK)
        st = check_attested(c, &f.attested, tell, ctx, e);
    return st == ST_OK ? check_holders(c, &f.holders, tell, ctx, e) : st;
}
