#include "promote/history.h"
#include "base/text.h"
#include "store/ledger.h"
#include <string.h>

#define OPEN_MAX_BYTES (CHANNELS_MAX * sizeof(struct tenure))
#define CHANNELS_MAX   65536u /* channels that are held at one time */
#define PREFIX         "channel/"

struct walk {
    const char *name, *channel; /* NULL: any */
    struct buf open;            /* struct tenure each, those that last */
    tenure_fn each;
    void *ctx;
};

static void walk_release(struct walk *w)
{
    buf_release(&w->open);
}

/* channel/NAME/CHANNEL of the channels that are asked about. */
static bool read_key(const struct walk *w, const char *key, struct tenure *out)
{
    if (strncmp(key, PREFIX, strlen(PREFIX)) != 0)
        return false;
    const char *name = key + strlen(PREFIX), *slash = strchr(name, '/');
    if (slash == NULL || (size_t)(slash - name) >= sizeof out->name ||
        strlen(slash + 1) >= sizeof out->channel)
        return false;
    text_fmt(out->name, sizeof out->name, "%.*s", (int)(slash - name), name);
    text_fmt(out->channel, sizeof out->channel, "%s", slash + 1);
    return (w->name == NULL || text_equal(w->name, out->name)) &&
           (w->channel == NULL || text_equal(w->channel, out->channel));
}

/* A value that names no artifact leaves the channel empty. */
static enum status read_value(const char *value, struct tenure *out, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    if (value == NULL)
        return ST_OK;
    enum status st = json_parse(span_text(value), LEDGER_LINE_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *artifact = json_as_string(json_get(v, "artifact"));
    const char *decision = json_as_string(json_get(v, "decision"));
    bool read = (artifact == NULL || digest_parse(artifact, &out->artifact)) &&
                (decision == NULL || digest_parse(decision, &out->decision));
    return read ? ST_OK
                : err_set(e, ST_CORRUPT, "state-value", "entry %llu says no holder of %s@%s",
                          (unsigned long long)out->seq, out->name, out->channel);
}

/* The stay that lasts in the same channel ends; its place is free then. */
static enum status end_open(struct walk *w, const struct tenure *next, struct err *e)
{
    for (size_t at = 0; at < w->open.n; at += sizeof(struct tenure)) {
        struct tenure t;
        memcpy(&t, w->open.p + at, sizeof t);
        if (!text_equal(t.name, next->name) || !text_equal(t.channel, next->channel))
            continue;
        memcpy(t.until, next->since, sizeof t.until);
        memmove(w->open.p + at, w->open.p + at + sizeof t, w->open.n - at - sizeof t);
        w->open.n -= sizeof t;
        return w->each(w->ctx, &t, e);
    }
    return ST_OK;
}

static enum status take_member(struct walk *w, const struct ledger_entry *entry, const char *key,
                               const struct json *value, struct err *e)
{
    struct tenure t = {.seq = entry->seq};
    if (!read_key(w, key, &t))
        return ST_OK;
    text_fmt(t.type, sizeof t.type, "%s", entry->type);
    text_fmt(t.since, sizeof t.since, "%s", entry->time);
    enum status st = read_value(json_as_string(value), &t, e);
    if (st == ST_OK)
        st = end_open(w, &t, e);
    if (st != ST_OK)
        return st;
    if (w->open.n >= OPEN_MAX_BYTES)
        return err_set(e, ST_INVALID_LENGTH, "channels", "more than %u channels are held",
                       CHANNELS_MAX);
    buf_append(&w->open, SPAN(&t, sizeof t));
    return buf_status(&w->open) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for the channels' history");
}

static enum status take_entry(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct walk *w = ctx;
    enum status st = ST_OK;
    if (!entry->verified)
        return err_at(e, ST_CORRUPT, "ledger", "ledger-signature", entry->end - 1,
                      "entry %llu is not signed by the store's log key",
                      (unsigned long long)entry->seq);
    for (size_t i = 0; st == ST_OK && i < json_count(entry->set); i++) {
        const struct json *value = NULL;
        const char *key = json_member(entry->set, i, &value);
        st = take_member(w, entry, key, value, e);
    }
    return st;
}

enum status history_each(struct store *s, const char *name, const char *channel, tenure_fn each,
                         void *ctx, struct err *e)
{
    SCOPED(walk_release)
    struct walk w = {.name = name, .channel = channel, .each = each, .ctx = ctx};
    enum status st = store_entries(s, true, take_entry, &w, e);
    for (size_t i = 0; st == ST_OK && i < w.open.n; i += sizeof(struct tenure)) {
        struct tenure t;
        memcpy(&t, w.open.p + i, sizeof t);
        st = each(ctx, &t, e);
    }
    return st;
}

struct moment {
    char at[TIME_TEXT_MAX];
    tenure_fn each;
    void *ctx;
};

/* Times are of one shape, so they compare as text. */
static enum status at_moment(void *ctx, const struct tenure *t, struct err *e)
{
    static const struct digest nobody = {{0}};
    const struct moment *m = ctx;
    bool there = strcmp(t->since, m->at) <= 0 &&
                 (t->until[0] == '\0' || strcmp(m->at, t->until) < 0) &&
                 !digest_equal(&t->artifact, &nobody);
    return there ? m->each(m->ctx, t, e) : ST_OK;
}

enum status history_at(struct store *s, const char *name, const char *channel, int64_t at,
                       tenure_fn each, void *ctx, struct err *e)
{
    struct moment m = {.each = each, .ctx = ctx};
    time_format(at, m.at);
    return history_each(s, name, channel, at_moment, &m, e);
}
