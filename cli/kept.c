#include "cli/kept.h"
#include "base/text.h"
#include "promote/policy_store.h"

enum status kept_open(struct cli *c, struct kept *out, struct err *e)
{
    SCOPED(policy_release) struct policy law = {0};
    struct err why = ERR_NONE;
    *out = (struct kept){.c = c, .retain = UINT64_MAX};
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    if (policy_load(c->store, c->trust, cli_now(c), &law, &why) == ST_OK)
        out->retain = law.retain;
    return ST_OK;
}

enum status kept_protects(void *kept, const struct evict_candidate *a, char out[EVICT_WHY],
                          struct err *e)
{
    const struct kept *k = kept;
    struct holder by;
    bool stays = false;
    out[0] = '\0';
    enum status st =
        channel_protects(k->c->store, a->name, &a->artifact, k->retain, &stays, &by, e);
    if (st != ST_OK || !stays)
        return st;
    struct holder now;
    struct err why = ERR_NONE;
    const bool holds = channel_holder(k->c->store, by.name, by.channel, &now, &why) == ST_OK &&
                       digest_equal(&now.artifact, &a->artifact);
    text_fmt(out, EVICT_WHY, holds ? "in %s" : "retained as a former holder of %s", by.channel);
    return ST_OK;
}
