/* trust add, rotate, revoke, sign, install: from one version to the next. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "cli/target.h"
#include "promote/voided.h"
#include "verify/trust_edit.h"
#include <fcntl.h>
#include <string.h>

#define TRUST_FILE_MAX (1u << 20)
#define ROTATE_DAYS    365
#define DAYS_MAX       36500

/* ---- what is told ---- */

static void put_signers(struct json_out *j, const struct envelope *v)
{
    json_key(j, "signatures");
    json_array(j);
    for (size_t i = 0; i < v->count; i++)
        json_string(j, v->signatures[i].keyid);
    json_close(j);
}

static void put_count(struct cli *c, struct json_out *j, const struct trust *t,
                      const struct envelope *v)
{
    unsigned need = 0, have = trust_signers(t, ROLE_ROOT, v, &need);
    unsigned long long version = trust_facts(t).version;
    if (j == NULL) {
        put_field(&c->out, "root", "%u of %u signatures that version %llu asks for", have, need,
                  version);
        return;
    }
    json_object(j);
    member_u64(j, "version", version);
    member_u64(j, "have", have);
    member_u64(j, "need", need);
    json_close(j);
}

/* A document and whose signatures it carries; `now` NULL: no store to compare with. */
static enum status tell(struct cli *c, const char *state, const struct trust *now,
                        struct span envelope, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    char expires[TIME_TEXT_MAX];
    enum status st = trust_open(envelope, &v, &t, e);
    if (st != ST_OK)
        return st;
    struct trust_facts f = trust_facts(t);
    time_format(f.expires, expires);
    if (!c->json) {
        put_field(&c->out, "trust", "version %llu, %s, until %s", (unsigned long long)f.version,
                  state, expires);
        if (now != NULL)
            put_count(c, NULL, now, &v);
        put_count(c, NULL, t, &v);
        return ST_OK;
    }
    struct json_out j = answer_open(c, "assay.trust-change/1");
    member_u64(&j, "version", f.version);
    member_text(&j, "state", state);
    member_text(&j, "expires", expires);
    member_bool(&j, "self_signed", f.self_signed);
    put_signers(&j, &v);
    json_key(&j, "root");
    json_array(&j);
    if (now != NULL)
        put_count(c, &j, now, &v);
    put_count(c, &j, t, &v);
    json_close(&j);
    member_text(&j, "file", c->args.value[OPT_OUTPUT]);
    answer_close(c, &j);
    return ST_OK;
}

/* ---- from one version to the next ---- */

static enum status read_file(const char *path, struct buf *out, struct err *e)
{
    enum status st = given_read(path, TRUST_FILE_MAX, out, e);
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}

/* What is changed: the next version of the trust in force, or a proposal of it. */
static enum status begin(struct cli *c, struct trust **out, struct err *e)
{
    const char *path = c->args.value[OPT_PROPOSAL];
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    if (path == NULL)
        return trust_edit_begin(c->trust, true, out, e);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    if ((st = read_file(path, &text, e)) != ST_OK)
        return st;
    if ((st = trust_open(buf_span(&text), &v, &t, e)) != ST_OK)
        return err_subject(e, "%s", path);
    if (trust_facts(t).version != trust_facts(c->trust).version + 1)
        return err_set(e, ST_UNTRUSTED, "trust-gap", "%s proposes version %llu, in force is %llu",
                       path, (unsigned long long)trust_facts(t).version,
                       (unsigned long long)trust_facts(c->trust).version);
    return trust_edit_begin(t, false, out, e);
}

static enum status install(struct cli *c, struct span envelope, struct err *e)
{
    const struct signer *log = NULL;
    enum status st = cli_key(c, "log", &log, e);
    return st == ST_OK ? trust_install(c->store, envelope, c->clock, log, e) : st;
}

/* A document that breaks the rules of all trusts was asked for: by whoever typed it. */
static enum status explain(enum status st, struct err *e)
{
    bool empty = st != ST_OK && text_equal(err_code(e), "trust-roles");
    if (!empty && (st == ST_OK || !text_equal(err_code(e), "trust-threshold")))
        return st;
    char why[ERR_DETAIL_MAX];
    text_fmt(why, sizeof why, "%s", e->detail);
    *e = ERR_NONE;
    if (empty)
        return err_set(e, ST_USAGE, "trust-roles",
                       "a role would be left without a key; give it another first: assay trust "
                       "add ROLE KEYFILE --owner WHO");
    return err_set(e, ST_USAGE, "trust-threshold",
                   "%s; set it with: assay trust rotate ROLE --threshold N", why);
}

/* Signs it; then into the file, or into force. */
static enum status finish(struct cli *c, struct trust *next, struct err *e)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    const struct signer *root = NULL;
    const char *key = c->args.value[OPT_KEY], *path = c->args.value[OPT_OUTPUT];
    enum status st = cli_key(c, key != NULL ? key : "root", &root, e);
    if (st == ST_OK)
        st = explain(trust_propose(next, root, &envelope, e), e);
    if (st != ST_OK)
        return st;
    st = path != NULL ? target_put(c, path, buf_span(&envelope), e)
                      : install(c, buf_span(&envelope), e);
    if (st != ST_OK)
        return st;
    if (path != NULL)
        cli_hint(c, "next: assay trust sign %s --key K -o FILE, or assay trust install %s", path,
                 path);
    return tell(c, path != NULL ? "proposed" : "in force", c->trust, buf_span(&envelope), e);
}

static enum status read_role(const char *word, enum role *out, struct err *e)
{
    *out = role_parse(word);
    return *out != ROLE_NONE ? ST_OK
                             : err_set(e, ST_USAGE, "role",
                                       "%s is no role; there are root, publisher, gate, release, "
                                       "policy",
                                       word);
}

static enum status set_threshold(struct cli *c, struct trust *next, enum role r, struct err *e)
{
    uint64_t threshold = 0;
    enum status st = opt_u64(&c->args, OPT_THRESHOLD, 1, 64, &threshold, e);
    if (st == ST_OK && threshold > 0)
        trust_edit_threshold(next, r, threshold);
    return st;
}

enum status cmd_trust_add(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(trust_scope) struct trust *next = NULL;
    struct public_key key;
    enum role role = ROLE_NONE;
    if (!opt_given(&c->args, OPT_OWNER))
        return err_set(e, ST_USAGE, "no-owner", "whose key is it? say --owner WHO");
    enum status st = read_role(c->word[0], &role, e);
    if (st == ST_OK)
        st = read_file(c->word[1], &text, e);
    if (st != ST_OK)
        return st;
    if ((st = key_public_parse(buf_span(&text), &key, e)) != ST_OK)
        return err_subject(e, "%s", c->word[1]);
    if ((st = begin(c, &next, e)) == ST_OK &&
        (st = trust_edit_add(next, role, &key, c->args.value[OPT_OWNER], e)) == ST_OK &&
        (st = set_threshold(c, next, role, e)) == ST_OK)
        st = finish(c, next, e);
    return st;
}

enum status cmd_trust_rotate(struct cli *c, struct err *e)
{
    SCOPED(trust_scope) struct trust *next = NULL;
    const char *remove = c->args.value[OPT_REMOVE];
    enum role role = ROLE_NONE;
    uint64_t days = ROTATE_DAYS;
    if (c->words == 0 && (remove != NULL || opt_given(&c->args, OPT_THRESHOLD)))
        return err_set(e, ST_USAGE, "role", "of which role? say trust rotate ROLE");
    enum status st = c->words > 0 ? read_role(c->word[0], &role, e) : ST_OK;
    if (st == ST_OK)
        st = opt_u64(&c->args, OPT_DAYS, 1, DAYS_MAX, &days, e);
    if (st == ST_OK)
        st = begin(c, &next, e);
    if (st == ST_OK && remove != NULL)
        st = trust_edit_remove(next, role, remove, e);
    if (st == ST_OK && role != ROLE_NONE)
        st = set_threshold(c, next, role, e);
    if (st != ST_OK)
        return st;
    trust_edit_expires(next, cli_now(c) + (int64_t)days * 86400);
    return finish(c, next, e);
}

/* ---- revoking ---- */

struct void_list {
    char since[TIME_TEXT_MAX];
    size_t count, suspect;
};

static enum status tell_voided(void *ctx, const struct voided *v, struct err *e)
{
    struct listing *l = ctx;
    struct void_list *sums = l->with;
    /* Times are of one shape, so they compare as text; one that is not known may be the thief's. */
    bool suspect = v->time[0] == '\0' || strcmp(v->time, sums->since) >= 0;
    sums->count++;
    sums->suspect += suspect ? 1 : 0;
    if (l->j == NULL) {
        table_cell(&l->table, "%s", voided_name(v->kind));
        table_cell(&l->table, "%s", v->what);
        table_cell(&l->table, "%s", v->time[0] != '\0' ? v->time : "");
        table_cell(&l->table, "%s", suspect ? "since" : "before");
        return cli_alive(e);
    }
    json_object(l->j);
    member_text(l->j, "kind", voided_name(v->kind));
    member_text(l->j, "key", v->what);
    member_digest(l->j, "document", &v->document);
    member_text(l->j, "time", v->time[0] != '\0' ? v->time : NULL);
    member_bool(l->j, "since", suspect);
    json_close(l->j);
    return cli_alive(e);
}

static enum status list_voided(struct cli *c, const struct trust *next, int64_t since,
                               struct err *e)
{
    SCOPED(listing_release) struct listing l = listing_of(c, 4);
    struct void_list sums = {.count = 0};
    l.with = &sums;
    time_format(since, sums.since);
    listing_open(&l, "assay.trust-revoke/1");
    if (l.j != NULL) {
        member_text(l.j, "id", c->word[0]);
        member_text(l.j, "since", sums.since);
    }
    listing_rows(&l, "voids");
    const struct promoter by = {.store = c->store, .trust = c->trust, .clock = c->clock};
    enum status st = voided_each(&by, next, tell_voided, &l, e);
    if (st != ST_OK)
        return st;
    listing_end(&l);
    if (l.j != NULL)
        member_bool(l.j, "dry_run", true);
    listing_close(&l);
    if (l.j == NULL)
        buf_fmt(&c->out, "voids %zu, of them %zu since %s\n", sums.count, sums.suspect, sums.since);
    return ST_OK;
}

enum status cmd_trust_revoke(struct cli *c, struct err *e)
{
    SCOPED(trust_scope) struct trust *next = NULL;
    const char *text = c->args.value[OPT_SINCE];
    int64_t since = 0;
    if (text != NULL && !time_parse(text, &since))
        return err_set(e, ST_USAGE, "time", "--since takes a time like 2026-01-31T00:00:00Z");
    enum status st = begin(c, &next, e);
    if (st != ST_OK)
        return st;
    if (text == NULL)
        since = cli_now(c);
    if (since > cli_now(c))
        return err_set(e, ST_USAGE, "time", "--since lies in the future");
    st = trust_edit_revoke(next, c->word[0], since, e);
    if (st == ST_OK && opt_given(&c->args, OPT_DRY_RUN)) {
        st = explain(trust_propose(next, NULL, NULL, e), e);
        return st == ST_OK ? list_voided(c, next, since, e) : st;
    }
    if (st == ST_OK && !c->json)
        st = list_voided(c, next, since, e);
    return st == ST_OK ? finish(c, next, e) : st;
}

/* ---- documents that are passed around ---- */

enum status cmd_trust_sign(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    const struct signer *signer = NULL;
    const char *path = c->args.value[OPT_OUTPUT];
    if (!opt_given(&c->args, OPT_KEY) || path == NULL)
        return err_set(e, ST_USAGE, "words", "trust sign needs --key K and -o PATH");
    enum status st = read_file(c->word[0], &text, e);
    if (st == ST_OK)
        st = cli_key(c, c->args.value[OPT_KEY], &signer, e);
    if (st != ST_OK)
        return st;
    if ((st = trust_open(buf_span(&text), &v, &t, e)) != ST_OK ||
        (st = envelope_cosign(&v, signer, &out, e)) != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    st = target_put(c, path, buf_span(&out), e);
    return st == ST_OK ? tell(c, "proposed", NULL, buf_span(&out), e) : st;
}

enum status cmd_trust_install(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct err lost = ERR_NONE;
    enum status st = read_file(c->word[0], &text, e);
    if (st == ST_OK)
        st = cli_store(c, e);
    if (st == ST_OK && cli_trust(c, &lost) != ST_OK) /* what is lost may be in the file */
        cli_hint(c, "%s", lost.detail);
    if (st != ST_OK)
        return st;
    if ((st = install(c, buf_span(&text), e)) != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    return tell(c, "in force", c->trust, buf_span(&text), e);
}
