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

struct search {
    const struct digest *artifact;
    uint64_t seen, retain;
    bool found;
};

static enum status former(void *ctx, const struct holder *h, struct err *e)
{
    struct search *s = ctx;
    (void)e;
    if (h->withdrawn)
        return ST_OK;
    if (s->seen++ >= s->retain)
        return ST_CANCELLED;
    s->found = s->found || digest_equal(&h->artifact, s->artifact);
    return ST_OK;
}

enum status kept_protects(void *kept, const struct evict_candidate *a, char out[EVICT_WHY],
                          struct err *e)
{
    static const char *const channels[] = {"stable", "preview"};
    const struct kept *k = kept;
    out[0] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct holder h;
        struct err why = ERR_NONE;
        struct search s = {.artifact = &a->artifact, .retain = k->retain};
        enum status st = channel_holder(k->c->store, a->name, channels[i], &h, &why);
        if (st == ST_OK && digest_equal(&h.artifact, &a->artifact)) {
            text_fmt(out, EVICT_WHY, "in %s", channels[i]);
            return ST_OK;
        }
        if (st != ST_OK && st != ST_NOT_FOUND) {
            *e = why;
            return st;
        }
        st = channel_former(k->c->store, a->name, channels[i], former, &s, e);
        if (st != ST_OK)
            return st;
        if (s.found) {
            text_fmt(out, EVICT_WHY, "retained as a former holder of %s", channels[i]);
            return ST_OK;
        }
    }
    return ST_OK;
}
