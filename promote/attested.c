#include "promote/attested.h"
#include "base/text.h"
#include "verify/attestation.h"

static enum status gather_one(const struct promoter *by, struct inputs *in, enum attestation a,
                              struct err *e)
{
    struct attested *out = &in->attested[a];
    struct attested_record r;
    struct err why = ERR_NONE;
    enum status st = attestation_newest(by->store, in->trust, a, &in->artifact, in->now, &r, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    out->good = st == ST_OK;
    if (st == ST_NOT_FOUND)
        return ST_OK; /* whoever reads the rule is told how to attest it */
    if (st != ST_OK) {
        text_fmt(out->why, sizeof out->why, "%.180s", why.detail);
        return ST_OK;
    }
    text_fmt(out->why, sizeof out->why, "attested at %s", r.time);
    in->basis.attestations[a] = r.envelope;
    return ST_OK;
}

enum status attested_gather(const struct promoter *by, struct inputs *in, struct err *e)
{
    const struct policy_channel *law = policy_channel(in->policy, in->channel);
    enum status st = ST_OK;
    for (enum attestation a = ATTEST_SOURCE; st == ST_OK && a < ATTEST_COUNT; a++) {
        if (law != NULL && law->attestations[a])
            st = gather_one(by, in, a, e);
    }
    return st;
}
