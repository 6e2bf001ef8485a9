#include "promote/question.h"
#include "base/text.h"
#include <string.h>

#define ASK_MEMBERS 16

const char *ask_kind_name(enum ask_kind k)
{
    static const char *const names[] = {"none", "promote", "emergency", "waive"};
    return names[k];
}

enum ask_kind ask_kind_parse(const char *name)
{
    for (enum ask_kind k = ASK_PROMOTE; name != NULL && k <= ASK_WAIVE; k++) {
        if (text_equal(name, ask_kind_name(k)))
            return k;
    }
    return ASK_NONE;
}

/* ---- write ---- */

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    put_text(j, key, digest_is_zero(d) ? NULL : hex);
}

void ask_write(const struct ask *a, struct json_out *j)
{
    json_object(j);
    put_digest(j, "artifact", &a->artifact);
    put_text(j, "channel", a->channel);
    put_text(j, "check", a->check);
    json_key(j, "evidence");
    json_object(j);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (!digest_is_zero(&a->evidence[g]))
            put_digest(j, gate_name(g), &a->evidence[g]);
    }
    json_close(j);
    put_text(j, "expires", a->expires);
    put_text(j, "gate", a->gate != GATE_NONE ? gate_name(a->gate) : "");
    put_digest(j, "holder", &a->holder);
    put_text(j, "kind", ask_kind_name(a->kind));
    put_text(j, "made", a->made);
    put_text(j, "name", a->name);
    put_digest(j, "policy", &a->policy);
    put_text(j, "reason", a->reason);
    put_text(j, "store", a->store);
    put_digest(j, "trust", &a->trust);
    put_text(j, "until", a->until);
    put_text(j, "version", a->version);
    json_close(j);
}

/* ---- read ---- */

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

/* null reads as zero where that is allowed. */
static bool get_digest(const struct json *v, const char *key, bool null_too, struct digest *out)
{
    const struct json *d = json_get(v, key);
    const char *hex = json_as_string(d);
    *out = (struct digest){{0}};
    if (hex != NULL)
        return digest_parse(hex, out) && !digest_is_zero(out);
    return null_too && d != NULL && json_kind(d) == JSON_NULL;
}

static bool get_time(const struct json *v, const char *key, bool empty_too, char out[TIME_TEXT_MAX])
{
    int64_t t = 0;
    return get_text(v, key, out, TIME_TEXT_MAX) &&
           ((empty_too && out[0] == '\0') || time_parse(out, &t));
}

static bool get_evidence(const struct json *v, struct ask *out)
{
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *name = json_member(v, i, &value);
        enum gate g = gate_parse(name);
        if (g == GATE_NONE || !get_digest(v, name, false, &out->evidence[g]))
            return false;
    }
    return json_kind(v) == JSON_OBJECT;
}

static bool get_gate(const struct json *v, struct ask *out)
{
    const char *name = json_as_string(json_get(v, "gate"));
    if (name == NULL)
        return false;
    out->gate = gate_parse(name);
    return out->gate != GATE_NONE || name[0] == '\0';
}

/* What its kind needs is there, and what it does not know is not. */
static bool makes_sense(const struct ask *a)
{
    bool waive = a->kind == ASK_WAIVE;
    bool aimed = waive ? a->channel[0] == '\0' && digest_is_zero(&a->holder)
                       : channel_name_valid(a->channel);
    bool checked = (a->gate != GATE_NONE) == waive && (a->check[0] != '\0') == waive &&
                   (a->until[0] != '\0') == waive;
    return a->kind != ASK_NONE && aimed && checked &&
           (a->reason[0] != '\0') == (a->kind != ASK_PROMOTE) && strlen(a->store) == 32 &&
           manifest_name_valid(a->name) && manifest_name_valid(a->version) &&
           strcmp(a->made, a->expires) < 0;
}

enum status ask_read(const struct json *v, struct ask *out, struct err *e)
{
    struct ask a = {.kind = ask_kind_parse(json_as_string(json_get(v, "kind")))};
    bool read =
        json_count(v) == ASK_MEMBERS && get_digest(v, "artifact", false, &a.artifact) &&
        get_text(v, "channel", a.channel, sizeof a.channel) &&
        get_text(v, "check", a.check, sizeof a.check) &&
        get_evidence(json_get(v, "evidence"), &a) && get_time(v, "expires", false, a.expires) &&
        get_gate(v, &a) && get_digest(v, "holder", true, &a.holder) &&
        get_time(v, "made", false, a.made) && get_text(v, "name", a.name, sizeof a.name) &&
        get_digest(v, "policy", false, &a.policy) &&
        get_text(v, "reason", a.reason, sizeof a.reason) &&
        get_text(v, "store", a.store, sizeof a.store) && get_digest(v, "trust", false, &a.trust) &&
        get_time(v, "until", true, a.until) && get_text(v, "version", a.version, sizeof a.version);
    if (!read || !makes_sense(&a))
        return err_at(e, ST_FORMAT, "ask", "ask", ERR_NO_OFFSET,
                      "what is asked for is not stated as this program states it");
    *out = a;
    return ST_OK;
}

void ask_text(const struct ask *a, struct buf *out)
{
    switch (a->kind) {
    case ASK_PROMOTE: buf_fmt(out, "promote %s@%s to %s", a->name, a->version, a->channel); break;
    case ASK_EMERGENCY:
        buf_fmt(out, "promote %s@%s to %s at once, as an emergency", a->name, a->version,
                a->channel);
        break;
    case ASK_WAIVE:
        buf_fmt(out, "waive %s/%s of %s@%s until %s", gate_name(a->gate), a->check, a->name,
                a->version, a->until);
        break;
    case ASK_NONE: break;
    }
}
