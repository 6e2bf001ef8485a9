#include "promote/channel.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/basis.h"
#include "promote/place.h"
#include "store/ledger.h"
#include <string.h>

#define HELD_MAX 100000 /* former holders looked at */

static const char *const channels[POLICY_CHANNELS] = {"preview", "stable"};

bool channel_name_valid(const char *name)
{
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        if (text_equal(name, channels[i]))
            return true;
    }
    return false;
}

void channel_key(const char *name, const char *channel, char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, "channel/%s/%s", name, channel);
}

void channel_place_key(const char *name, const char *channel, uint64_t number,
                       char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, STORE_ONCE "channel/%s/%s/%016llu", name, channel,
             (unsigned long long)number);
}

void channel_held_key(const struct holder *h, char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, "held/%s/%s/%016llu", h->name, h->channel,
             (unsigned long long)h->seq);
}

void channel_retired_key(const struct digest *artifact, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "retired/%s", hex);
}

/* ---- values ---- */

void channel_value(const struct holder *h, bool former, struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "artifact");
    digest_text(&h->artifact, hex);
    json_string(&j, digest_is_zero(&h->artifact) ? NULL : hex);
    json_key(&j, "decision");
    digest_text(&h->decision, hex);
    json_string(&j, hex);
    json_key(&j, "number");
    json_u64(&j, h->number);
    json_key(&j, "since");
    json_string(&j, h->since);
    if (former) {
        json_key(&j, "withdrawn");
        json_bool(&j, h->withdrawn);
    }
    json_close(&j);
}

static bool read_digest(const struct json *v, const char *key, struct digest *out)
{
    const char *hex = json_as_string(json_get(v, key));
    return hex != NULL && digest_parse(hex, out);
}

static enum status read_value(struct span value, const char *key, struct holder *out, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    enum status st = json_parse(value, LEDGER_LINE_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *since = json_as_string(json_get(v, "since"));
    const struct json *artifact = json_get(v, "artifact");
    bool vacant = artifact != NULL && json_kind(artifact) == JSON_NULL;
    if (!(vacant || read_digest(v, "artifact", &out->artifact)) ||
        !read_digest(v, "decision", &out->decision) ||
        !json_as_u64(json_get(v, "number"), &out->number) || since == NULL ||
        strlen(since) >= sizeof out->since)
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s says no holder", key);
    memcpy(out->since, since, strlen(since) + 1);
    if (!json_as_bool(json_get(v, "withdrawn"), &out->withdrawn))
        out->withdrawn = false;
    return ST_OK;
}

/* channel/NAME/CHANNEL and held/NAME/CHANNEL/SEQ: fills name, channel and, of the latter, seq. */
static bool read_key(const char *key, struct holder *out)
{
    const char *name = strchr(key, '/');
    const char *channel = name != NULL ? strchr(name + 1, '/') : NULL;
    if (channel == NULL)
        return false;
    const char *seq = strchr(channel + 1, '/');
    size_t name_n = (size_t)(channel - name) - 1;
    size_t channel_n = seq != NULL ? (size_t)(seq - channel) - 1 : strlen(channel + 1);
    if (name_n >= sizeof out->name || channel_n >= sizeof out->channel)
        return false;
    text_fmt(out->name, sizeof out->name, "%.*s", (int)name_n, name + 1);
    text_fmt(out->channel, sizeof out->channel, "%.*s", (int)channel_n, channel + 1);
    return seq == NULL || text_u64(span_text(seq + 1), &out->seq);
}

static enum status read_holder(const char *key, struct span value, struct holder *out,
                               struct err *e)
{
    *out = (struct holder){0};
    if (!read_key(key, out))
        return err_set(e, ST_CORRUPT, "state-key", "the state key %s names no channel", key);
    return read_value(value, key, out, e);
}

enum status channel_place(struct store *s, const char *name, const char *channel, uint64_t number,
                          struct digest *decision, uint64_t *seq, struct err *e)
{
    char key[STORE_KEY_MAX];
    channel_place_key(name, channel, number, key);
    return place_read(s, key, decision, seq, e);
}

/* ---- who holds what ---- */

static enum status nobody(struct err *e, const char *name, const char *channel)
{
    err_set(e, ST_NOT_FOUND, "no-holder", "nothing named %s is in %s", name, channel);
    return err_subject(e, "%s@%s", name, channel);
}

enum status channel_seat(struct store *s, const char *name, const char *channel, struct holder *out,
                         struct err *e)
{
    char key[STORE_KEY_MAX];
    uint64_t seq = 0;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    if (!manifest_name_valid(name) || !channel_name_valid(channel)) {
        err_set(e, ST_USAGE, "channel", "a channel is NAME@preview or NAME@stable");
        return err_subject(e, "%s@%s", name, channel);
    }
    channel_key(name, channel, key);
    enum status st = store_get_seq(s, key, &value, &seq, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return nobody(e, name, channel);
    }
    if (st != ST_OK || (st = read_holder(key, buf_span(&value), out, e)) != ST_OK)
        return st;
    /* Saying it again makes it no newer: its own entry counts. */
    struct digest taken;
    uint64_t by = 0;
    st = channel_place(s, name, channel, out->number, &taken, &by, e);
    out->seq = by > 0 && digest_equal(&taken, &out->decision) ? by : seq;
    return st;
}

enum status channel_holder(struct store *s, const char *name, const char *channel,
                           struct holder *out, struct err *e)
{
    enum status st = channel_seat(s, name, channel, out, e);
    return st == ST_OK && digest_is_zero(&out->artifact) ? nobody(e, name, channel) : st;
}

enum status channel_newest(struct store *s, const struct holder *h, struct err *e)
{
    struct digest taken;
    uint64_t seq = 0, next = 0;
    enum status st = channel_place(s, h->name, h->channel, h->number, &taken, &seq, e);
    if (st != ST_OK)
        return st;
    if (seq == 0 || !digest_equal(&taken, &h->decision))
        return err_at(e, ST_UNPROVEN, "decision", "decision-place", ERR_NO_OFFSET,
                      "the decision is not the one that has its number in the channel's order");
    st = channel_place(s, h->name, h->channel, h->number + 1, &taken, &next, e);
    if (st != ST_OK || next == 0)
        return st;
    return err_at(e, ST_UNPROVEN, "decision", "decision-set-back", ERR_NO_OFFSET,
                  "entry %llu decided about the channel later than what it leads to; find out who "
                  "holds the log key",
                  (unsigned long long)next);
}

/* Holders found by a scan; what is done with them waits until the scan is over. */
static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    struct holder h;
    enum status st = read_holder(key, value, &h, e);
    if (st != ST_OK)
        return st;
    if (list->n >= HELD_MAX * sizeof h)
        return err_set(e, ST_INVALID_LENGTH, "holders", "more than %d holders", HELD_MAX);
    buf_append(list, SPAN(&h, sizeof h));
    return buf_status(list) == ST_OK ? ST_OK
                                     : err_set(e, ST_NO_MEMORY, NULL, "no memory for holders");
}

static struct holder listed(const struct buf *list, size_t i)
{
    struct holder h;
    memcpy(&h, list->p + i * sizeof h, sizeof h);
    return h;
}

typedef enum status (*holder_fn)(void *ctx, const struct holder *h, struct err *e);

enum status channel_each(struct store *s, bool empty, holder_fn each, void *ctx, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    enum status st = store_scan(s, "channel/", collect, &list, e);
    for (size_t i = 0; st == ST_OK && i < list.n / sizeof(struct holder); i++) {
        struct holder found = listed(&list, i), h;
        st = channel_seat(s, found.name, found.channel, &h, e); /* with its ledger entry */
        if (st == ST_OK && (empty || !digest_is_zero(&h.artifact)))
            st = each(ctx, &h, e);
    }
    return st;
}

enum status channel_former(struct store *s, const char *name, const char *channel, holder_fn each,
                           void *ctx, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    text_fmt(prefix, sizeof prefix, "held/%s/%s/", name, channel);
    enum status st = store_scan(s, prefix, collect, &list, e);
    for (size_t i = list.n / sizeof(struct holder); st == ST_OK && i > 0; i--) {
        struct holder h = listed(&list, i - 1);
        st = each(ctx, &h, e);
    }
    return st == ST_CANCELLED ? ST_OK : st;
}

/* ---- what follows from it ---- */

struct retained {
    const struct digest *artifact;
    uint64_t left;
    struct digest before; /* the last one counted: one that returned and left again counts once */
    bool found;
    struct holder *by;
};

static enum status is_retained(void *ctx, const struct holder *h, struct err *e)
{
    struct retained *r = ctx;
    (void)e;
    if (r->left == 0)
        return ST_CANCELLED;
    if (digest_equal(&h->artifact, r->artifact)) {
        r->found = true;
        *r->by = *h;
        return ST_CANCELLED;
    }
    r->left -= !digest_equal(&h->artifact, &r->before);
    r->before = h->artifact;
    return ST_OK;
}

enum status channel_protects(struct store *s, const char *name, const struct digest *artifact,
                             uint64_t retain, bool *out, struct holder *by, struct err *e)
{
    *out = false;
    for (size_t i = 0; i < POLICY_CHANNELS && !*out; i++) {
        struct err none = ERR_NONE;
        struct retained r = {.artifact = artifact, .left = retain, .by = by};
        enum status st = channel_holder(s, name, channels[i], by, &none);
        if (st != ST_OK && st != ST_NOT_FOUND) {
            *e = none;
            return st;
        }
        *out = st == ST_OK && digest_equal(&by->artifact, artifact);
        if (*out)
            break;
        if ((st = channel_former(s, name, channels[i], is_retained, &r, e)) != ST_OK)
            return st;
        *out = r.found;
    }
    return ST_OK;
}

enum status channel_retired(struct store *s, const struct digest *artifact, bool *out,
                            struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    channel_retired_key(artifact, key);
    enum status st = store_get(s, key, &value, &why);
    *out = st == ST_OK;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

enum status channel_state(struct store *s, const struct digest *artifact, const char *name,
                          char out[16], struct err *e)
{
    bool retired = false;
    enum status looked = channel_retired(s, artifact, &retired, e);
    text_fmt(out, 16, retired ? "retired" : "candidate");
    if (looked != ST_OK)
        return looked;
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        struct holder h;
        struct err none = ERR_NONE;
        enum status st = channel_holder(s, name, channels[i], &h, &none);
        if (st != ST_OK && st != ST_NOT_FOUND) {
            *e = none;
            return st;
        }
        if (st == ST_OK && digest_equal(&h.artifact, artifact))
            text_fmt(out, 16, "%s", channels[i]); /* the later, the higher */
    }
    return ST_OK;
}
