#include "promote/voided.h"
#include "base/text.h"
#include "promote/inputs.h"
#include "store/envelope.h"
#include <string.h>

const char *voided_name(enum voided_kind k)
{
    static const char *const names[] = {"manifest", "signature", "evidence", "attestation",
                                        "approval", "waiver",    "decision", "policy"};
    return names[k];
}

/* Where signed things are named in the state, and who has to have signed them. */
static const struct place {
    const char *prefix;
    enum voided_kind kind;
    enum role role;
} places[] = {
    {"artifact/", VOIDED_MANIFEST, ROLE_PUBLISHER},
    {"signature/", VOIDED_SIGNATURE, ROLE_PUBLISHER},
    {"evidence/", VOIDED_EVIDENCE, ROLE_GATE},
    {"attest/", VOIDED_ATTESTATION, ROLE_NONE}, /* its type says whose */
    {"approval/", VOIDED_APPROVAL, ROLE_NONE},  /* whose, the policy says */
    {"waiver/", VOIDED_WAIVER, ROLE_NONE},
    {"policy", VOIDED_POLICY, ROLE_POLICY},
};

typedef enum status (*voided_fn)(void *ctx, const struct voided *v, struct err *e);

struct looking {
    const struct promoter *by;
    struct store *store;
    const struct trust *now, *next;
    const struct place *place;
    voided_fn each;
    void *ctx;
    struct buf list; /* key NUL value NUL …: reading waits until the scan is over */
};

static void looking_release(struct looking *l)
{
    buf_release(&l->list);
}

static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct looking *l = ctx;
    (void)e;
    buf_text(&l->list, key);
    buf_byte(&l->list, 0);
    buf_append(&l->list, value);
    buf_byte(&l->list, 0);
    return ST_OK;
}

/* A person's word counts while his key holds any role. */
static bool counts_somewhere(const struct trust *t, const struct envelope *v)
{
    unsigned needed = 0;
    bool any = false;
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++)
        any = any || trust_signers(t, r, v, &needed) > 0;
    return any;
}

/* Does any signature of the role count? Thresholds apply to documents as a whole; expiry is not
 * what is asked about. */
static bool counts(const struct trust *t, enum voided_kind kind, enum role r,
                   const struct envelope *v)
{
    struct err ignored = ERR_NONE;
    unsigned needed = 0;
    if (kind == VOIDED_SIGNATURE || kind == VOIDED_ATTESTATION)
        return trust_signers(t, r, v, &needed) > 0;
    if (kind == VOIDED_APPROVAL || kind == VOIDED_WAIVER)
        return counts_somewhere(t, v);
    return trust_check(t, r, v, TRUST_ANY_TIME, &ignored) == ST_OK;
}

/* attest/ARTIFACT/TYPE/SEQ */
static enum role role_of(const struct looking *l, const char *key)
{
    char type[16];
    const char *end = strrchr(key, '/'), *at = end;
    if (l->place->kind != VOIDED_ATTESTATION)
        return l->place->role;
    while (at > key && at[-1] != '/')
        at--;
    text_fmt(type, sizeof type, "%.*s", (int)(end - at), at);
    return attestation_role(attestation_parse(type));
}

static enum status envelope_voided(const struct looking *l, const char *key, const struct digest *d,
                                   bool *out, struct err *e)
{
    enum role role = role_of(l, key);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = store_document(l->store, d, &text, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&text), &v, e)) != ST_OK)
        return st;
    *out = counts(l->now, l->place->kind, role, &v) && !counts(l->next, l->place->kind, role, &v);
    return ST_OK;
}

/* A manifest may be signed in several envelopes; whoever opens artifacts knows how they add up. */
static void manifest_voided(const struct looking *l, struct voided *out, bool *voided)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(artifact_release) struct artifact b = {0};
    struct err ignored = ERR_NONE;
    *voided =
        artifact_open(l->store, l->now, &out->document, TRUST_ANY_TIME, &a, &ignored) == ST_OK &&
        artifact_published(&a, &ignored) == ST_OK &&
        (artifact_open(l->store, l->next, &out->document, TRUST_ANY_TIME, &b, &ignored) != ST_OK ||
         artifact_published(&b, &ignored) != ST_OK);
    text_fmt(out->time, sizeof out->time, "%s", a.added);
}

/* The envelope that a state value names, and its time if it says one. */
static bool read_value(enum voided_kind kind, const char *value, struct voided *out)
{
    if (kind != VOIDED_POLICY)
        return digest_parse(value, &out->document);
    SCOPED(json_scope) struct json *root = NULL;
    struct err ignored = ERR_NONE;
    if (json_parse(span_text(value), STORE_DOCUMENT_MAX, &root, &ignored) != ST_OK)
        return false;
    const char *digest = json_as_string(json_get(root, "envelope"));
    return digest != NULL && digest_parse(digest, &out->document);
}

static enum status look(const struct looking *l, const char *key, const char *value,
                        struct voided *out, bool *voided, struct err *e)
{
    *out = (struct voided){.kind = l->place->kind};
    *voided = false;
    text_fmt(out->what, sizeof out->what, "%s", key);
    if (out->kind == VOIDED_MANIFEST) {
        if (!digest_parse(key + strlen(l->place->prefix), &out->document))
            return err_set(e, ST_CORRUPT, "state-key", "%s names no artifact", key);
        manifest_voided(l, out, voided);
        return ST_OK;
    }
    if (!read_value(out->kind, value, out))
        return err_set(e, ST_CORRUPT, "state-value", "the state's value of %s is damaged", key);
    return envelope_voided(l, key, &out->document, voided, e);
}

static enum status look_at_place(struct looking *l, struct err *e)
{
    l->list.n = 0;
    enum status st = store_scan(l->store, l->place->prefix, collect, l, e);
    if (st == ST_OK && buf_status(&l->list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the state");
    for (size_t at = 0; st == ST_OK && at < l->list.n;) {
        const char *key = (const char *)l->list.p + at;
        const char *value = key + strlen(key) + 1;
        struct voided v;
        bool voided = false;
        at += strlen(key) + strlen(value) + 2;
        st = look(l, key, value, &v, &voided, e);
        if (st == ST_OK && voided)
            st = l->each(l->ctx, &v, e);
    }
    return st;
}

/* ---- decisions: whatever they rest on ---- */

/* Could it be handed out under that trust? */
static enum status stands(const struct looking *l, const struct trust *t, const struct holder *h,
                          bool *out, struct err *e)
{
    struct promoter by = *l->by;
    struct err why = ERR_NONE;
    by.trust = t;
    enum status st = decision_stands(&by, h, &why);
    *out = st == ST_OK;
    if (!inputs_trouble(st))
        return ST_OK;
    *e = why;
    return st;
}

static enum status look_at_holder(const struct looking *l, const struct holder *h, const char *key,
                                  struct err *e)
{
    bool now = false, next = false;
    struct voided v = {.kind = VOIDED_DECISION, .document = h->decision};
    enum status st = stands(l, l->now, h, &now, e);
    if (st == ST_OK && now)
        st = stands(l, l->next, h, &next, e);
    if (st != ST_OK || !now || next)
        return st;
    text_fmt(v.what, sizeof v.what, "%s", key);
    text_fmt(v.time, sizeof v.time, "%s", h->since);
    return l->each(l->ctx, &v, e);
}

static enum status holder(void *ctx, const struct holder *h, struct err *e)
{
    char key[STORE_KEY_MAX];
    channel_key(h->name, h->channel, key);
    return look_at_holder(ctx, h, key, e);
}

static enum status former(void *ctx, const struct holder *h, struct err *e)
{
    char key[STORE_KEY_MAX];
    channel_held_key(h, key);
    return look_at_holder(ctx, h, key, e);
}

static enum status formers_of(void *ctx, const struct holder *h, struct err *e)
{
    const struct looking *l = ctx;
    return channel_former(l->store, h->name, h->channel, former, ctx, e);
}

enum status voided_each(const struct promoter *by, const struct trust *next, voided_fn each,
                        void *ctx, struct err *e)
{
    SCOPED(looking_release)
    struct looking l = {
        .by = by, .store = by->store, .now = by->trust, .next = next, .each = each, .ctx = ctx};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < sizeof places / sizeof *places; i++) {
        l.place = &places[i];
        st = look_at_place(&l, e);
    }
    if (st == ST_OK)
        st = channel_each(l.store, false, holder, &l, e);
    return st == ST_OK ? channel_each(l.store, true, formers_of, &l, e) : st;
}
