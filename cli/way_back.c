#include "cli/way_back.h"
#include "base/text.h"
#include "cli/refs.h"
#include <string.h>

static enum status keep(void *ctx, const struct holder *h, struct err *e)
{
    struct buf *list = ctx;
    buf_append(list, SPAN(h, sizeof *h));
    return list->failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of holders")
                        : ST_OK;
}

/* Among the former holders, newest first: *plain is whom a rollback takes that names nobody, *best
 * the first who may return. Both zero when there is none. */
static enum status choose(struct cli *c, const struct holder *seat, const struct buf *list,
                          struct holder *plain, struct holder *best, struct err *e)
{
    for (size_t at = 0; at + sizeof *seat <= list->n; at += sizeof *seat) {
        struct holder h;
        bool retired = false;
        memcpy(&h, list->p + at, sizeof h);
        if (digest_equal(&h.artifact, &seat->artifact))
            continue;
        if (!h.withdrawn && digest_is_zero(&plain->artifact))
            *plain = h;
        enum status st = channel_retired(c->store, &h.artifact, &retired, e);
        if (st != ST_OK)
            return st;
        if (!retired && (digest_is_zero(&best->artifact) || (best->withdrawn && !h.withdrawn)))
            *best = h;
    }
    return ST_OK;
}

enum status way_back(struct cli *c, const char *name, const char *channel, char out[WAY_BACK],
                     struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    struct holder seat, plain = {.seq = 0}, best = {.seq = 0};
    char ref[300];
    out[0] = '\0';
    enum status st = channel_seat(c->store, name, channel, &seat, e);
    if (st == ST_OK)
        st = channel_former(c->store, name, channel, keep, &list, e);
    if (st == ST_OK)
        st = choose(c, &seat, &list, &plain, &best, e);
    if (st != ST_OK || digest_is_zero(&best.artifact))
        return st;
    bool named = !digest_equal(&plain.artifact, &best.artifact);
    refs_name(c, &best.artifact, ref, sizeof ref);
    text_fmt(out, WAY_BACK, "assay rollback %s@%s%s%s --reason TEXT", name, channel,
             named ? " --to " : "", named ? ref : "");
    return ST_OK;
}
