/* init: keys first (each published whole, kept when there), then the store aside with trust and
 * policy inside, then one rename. A kill anywhere leaves keys that the next init goes on with, and
 * no store. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "promote/policy_store.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRUST_DAYS  365
#define ROLES       6
#define FIRST_LAW   "preview-basic"
#define PUBLIC_FILE 4096 /* bytes of a public key file */

static const struct {
    const char *name;
    enum role role; /* ROLE_NONE: signs the ledger */
} makers[ROLES] = {
    {"root", ROLE_ROOT},       {"publisher", ROLE_PUBLISHER}, {"gate", ROLE_GATE},
    {"release", ROLE_RELEASE}, {"policy", ROLE_POLICY},       {"log", ROLE_NONE},
};

struct made {
    bool fresh[ROLES], absent[ROLES];
    bool sealed[ROLES]; /* of the fresh ones: is there a passphrase? */
    struct public_key key[ROLES];
    bool store; /* made now */
    struct trust_facts trust;
    struct policy policy;
};

static void made_release(struct made *m)
{
    policy_release(&m->policy);
}

static enum status read_public(struct cli *c, int dir, const char *name, struct public_key *out,
                               struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    char file[72];
    text_fmt(file, sizeof file, "%s.pub", name);
    enum status st = file_read(dir, file, PUBLIC_FILE, &text, e);
    if (st == ST_OK)
        return key_public_parse(buf_span(&text), out, e);
    if (st != ST_NOT_FOUND)
        return st;
    const struct signer *signer = NULL; /* the secret key knows its public half */
    *e = ERR_NONE;
    st = cli_key(c, name, &signer, e);
    if (st == ST_OK)
        *out = *signer_public(signer);
    return st;
}

static bool key_there(int dir, const char *name)
{
    char file[72];
    text_fmt(file, sizeof file, "%s.key", name);
    return faccessat(dir, file, F_OK, 0) == 0;
}

/* For a store that is there no key is made: its trust would know none of them. */
static enum status make_keys(struct cli *c, int dir, bool make, struct made *m, struct err *e)
{
    for (size_t i = 0; i < ROLES; i++) {
        m->absent[i] = !make && !key_there(dir, makers[i].name);
        if (m->absent[i])
            continue;
        bool locked = c->passphrase[0] != '\0' && makers[i].role != ROLE_NONE;
        if (locked && !key_there(dir, makers[i].name))
            cli_note(c, "sealing the key %s …", makers[i].name); /* scrypt takes its time */
        enum status st =
            key_generate(dir, makers[i].name, locked ? c->passphrase : NULL, &m->key[i], e);
        m->fresh[i] = st == ST_OK;
        m->sealed[i] = locked;
        if (st == ST_EXISTS) {
            *e = ERR_NONE;
            st = read_public(c, dir, makers[i].name, &m->key[i], e);
        }
        if (st == ST_OK)
            st = cli_alive(e);
        if (st != ST_OK)
            return err_subject(e, "%s/%s", c->home.keys, makers[i].name);
    }
    return ST_OK;
}

/* A passphrase is asked for when a role's key is to be made and somebody is there to ask. */
static enum status want_passphrase(struct cli *c, int dir, struct err *e)
{
    bool missing = false;
    for (size_t i = 0; i < ROLES; i++)
        missing = missing || (makers[i].role != ROLE_NONE && !key_there(dir, makers[i].name));
    if (!missing || opt_given(&c->args, OPT_NO_PASSPHRASE) || !cli_terminal())
        return ST_OK;
    return cli_passphrase("a passphrase for the new keys: ", true, c->passphrase, e);
}

static const char *owner_name(void)
{
    const char *user = getenv("USER");
    return user != NULL && user[0] != '\0' && utf8_valid(span_text(user)) ? user : "owner";
}

/* The first trust: one person's. */
static enum status make_trust(struct cli *c, const struct made *m, struct buf *envelope,
                              struct err *e)
{
    const struct signer *root = NULL;
    struct public_key keys[ROLE_COUNT] = {0};
    for (size_t i = 0; i < ROLES; i++)
        keys[makers[i].role] = m->key[i];
    enum status st = cli_key(c, "root", &root, e);
    return st == ST_OK ? trust_single(keys, owner_name(), cli_now(c) + TRUST_DAYS * INT64_C(86400),
                                      root, envelope, e)
                       : st;
}

/* Trust and policy, into the store that nobody sees yet. */
static enum status found(struct cli *c, struct store *s, struct span trust, struct made *m,
                         const struct signer *log, struct err *e)
{
    const struct signer *law = NULL;
    enum status st = cli_key(c, "policy", &law, e);
    if (st == ST_OK)
        st = trust_install(s, trust, c->clock, log, e);
    if (st == ST_OK)
        st = policy_parse_yaml(span_text(policy_builtin(FIRST_LAW)), FIRST_LAW, &m->policy, e);
    uint64_t seq = 0;
    return st != ST_OK ? st : policy_install(s, &m->policy, law, log, c->clock, &seq, e);
}

static enum status make_store(struct cli *c, struct made *m, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    SCOPED(buf_release) struct buf trust = BUF_EMPTY;
    const struct signer *log = NULL;
    char parent[HOME_PATH_MAX];
    text_fmt(parent, sizeof parent, "%s", c->home.store);
    char *slash = strrchr(parent, '/');
    enum status st = ST_OK;
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        st = folder_make(parent, e);
    }
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = make_trust(c, m, &trust, e);
    if (st != ST_OK)
        return st;
    struct store_birth birth = {.log = log,
                                .clock = c->clock,
                                .lab = opt_given(&c->args, OPT_LAB),
                                .trust = digest_of(buf_span(&trust))};
    st = store_create(c->home.store, &birth, &s, e);
    if (st == ST_OK)
        st = found(c, s, buf_span(&trust), m, log, e);
    if (st == ST_OK)
        st = cli_alive(e);
    if (st != ST_OK)
        return st;
    m->store = true;
    return store_publish(store_take(&s), e);
}

/* Why keys that were made now have no passphrase; NULL: they have one, or none was made. The
 * ledger's key never has one and is not counted. */
static const char *why_bare(const struct cli *c, const struct made *m)
{
    bool bare = false;
    for (size_t i = 0; i < ROLES; i++)
        bare = bare || (makers[i].role != ROLE_NONE && m->fresh[i] && !m->sealed[i]);
    if (!bare)
        return NULL;
    return opt_given(&c->args, OPT_NO_PASSPHRASE) ? "none, as --no-passphrase asks"
                                                  : "none: no terminal to ask for one";
}

/* A store that was there: is it the one that was meant, and are these its keys? */
static enum status check_found(struct cli *c, const struct made *m, struct err *e)
{
    if (opt_given(&c->args, OPT_LAB) && !c->facts.lab) {
        err_set(e, ST_EXISTS, "store-exists",
                "there is a store already, and it was made without --lab; that never changes");
        return err_subject(e, "%s", c->home.store);
    }
    for (size_t i = 0; i < ROLES; i++) {
        if (makers[i].role != ROLE_NONE || m->absent[i] ||
            memcmp(m->key[i].bytes, c->facts.log_key.bytes, KEY_PUBLIC_BYTES) == 0)
            continue;
        err_set(e, ST_UNTRUSTED, "foreign-keys",
                "there is a store already, and the keys in %s are not its own: its ledger is "
                "signed by another log key; name their folder with $ASSAY_KEYS",
                c->home.keys);
        return err_subject(e, "%s", c->home.store);
    }
    return ST_OK;
}

/* Does the trust give it its role? The ledger's key needs none. */
static bool believed(const struct cli *c, const struct made *m, size_t i)
{
    return makers[i].role == ROLE_NONE || trust_has(c->trust, makers[i].role, &m->key[i]);
}

static void tell_json(struct cli *c, const struct made *m)
{
    char id[KEY_ID_TEXT], expires[TIME_TEXT_MAX];
    struct trust_facts trust = trust_facts(c->trust);
    time_format(trust.expires, expires);
    struct json_out j = answer_open(c, "assay.init/1");
    member_text(&j, "store", c->home.store);
    member_text(&j, "id", c->facts.id);
    member_bool(&j, "created", m->store);
    member_bool(&j, "lab", c->facts.lab);
    member_text(&j, "key_folder", c->home.keys);
    json_key(&j, "keys");
    json_array(&j);
    for (size_t i = 0; i < ROLES; i++) {
        key_id_text(&m->key[i], id);
        json_object(&j);
        member_text(&j, "role", makers[i].name);
        member_text(&j, "id", m->absent[i] ? NULL : id);
        member_bool(&j, "created", m->fresh[i]);
        member_bool(&j, "trusted", !m->absent[i] && believed(c, m, i));
        json_key(&j, "passphrase"); /* null: the key was there, or is not */
        if (m->fresh[i])
            json_bool(&j, m->sealed[i]);
        else
            json_null(&j);
        json_close(&j);
    }
    json_close(&j);
    json_key(&j, "trust");
    json_object(&j);
    member_u64(&j, "version", trust.version);
    member_text(&j, "expires", expires);
    member_bool(&j, "self_signed", trust.self_signed);
    json_close(&j);
    json_key(&j, "policy");
    json_object(&j);
    member_text(&j, "name", m->policy.name);
    member_digest(&j, "sha256", &m->policy.digest);
    json_close(&j);
    answer_close(c, &j);
}

static void tell_text(struct cli *c, const struct made *m)
{
    char id[KEY_ID_TEXT], expires[TIME_TEXT_MAX];
    struct trust_facts trust = trust_facts(c->trust);
    time_format(trust.expires, expires);
    put_field(&c->out, "store", "%s (%s%s)", c->home.store, m->store ? "made now" : "was there",
              c->facts.lab ? ", a lab store" : "");
    for (size_t i = 0; i < ROLES; i++) {
        key_id_text(&m->key[i], id);
        put_field(&c->out, i == 0 ? "keys" : "", "%-10s %s %s", makers[i].name,
                  m->absent[i] ? "----------------" : id,
                  m->absent[i]         ? "is not here"
                  : m->fresh[i]        ? "made now"
                  : !believed(c, m, i) ? "was there, but the trust does not give it this role"
                                       : "was there");
    }
    if (why_bare(c, m) != NULL)
        put_field(&c->out, "passphrase", "%s", why_bare(c, m));
    put_field(&c->out, "key folder", "%s", c->home.keys);
    put_field(&c->out, "trust", "version %u, %suntil %s", (unsigned)trust.version,
              trust.self_signed ? "self-signed, " : "", expires);
    put_field(&c->out, "policy", "%s", m->policy.name);
}

/* Two at once: one makes the store, the other finds it. */
static bool made_by_another(struct cli *c)
{
    struct err none = ERR_NONE;
    return store_open(c->home.store, &c->store, &none) == ST_OK;
}

enum status cmd_init(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(made_release) struct made m = {0};
    bool given = false;
    enum status st = cli_clock(c, &given, &c->clock, e);
    if (st == ST_OK)
        st = cli_home(c, e);
    if (st != ST_OK)
        return st;
    st = store_open(c->home.store, &c->store, e);
    if (st != ST_OK && !(st == ST_NOT_FOUND && strcmp(err_code(e), "no-store") == 0))
        return err_subject(e, "%s", c->home.store);
    bool make = st != ST_OK;
    *e = ERR_NONE;
    if (make && given && !opt_given(&c->args, OPT_LAB))
        return err_set(e, ST_USAGE, "clock-not-lab",
                       "only a store made with --lab lets its clock be set");
    st = home_keys(&c->home, true, &dir, e);
    if (st == ST_OK && make)
        st = want_passphrase(c, dir, e);
    if (st == ST_OK)
        st = make_keys(c, dir, make, &m, e);
    if (st == ST_OK && make)
        st = make_store(c, &m, e);
    if (st == ST_EXISTS && made_by_another(c)) {
        *e = ERR_NONE;
        st = ST_OK;
        make = false;
    }
    if (st != ST_OK)
        return st;
    if (c->store != NULL) /* opened above: do what cli_store would have done */
        store_close(c->store);
    c->store = NULL;
    st = cli_trust(c, e);
    if (st == ST_OK && !make)
        st = check_found(c, &m, e);
    if (st == ST_OK && !make)
        st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &m.policy, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        tell_json(c, &m);
    else
        tell_text(c, &m);
    bool lacking = false;
    for (size_t i = 0; i < ROLES; i++)
        lacking = lacking || m.absent[i];
    if (make)
        cli_hint(c, "next: assay add MODEL");
    else if (lacking)
        cli_hint(c, "without its keys this store can only be read; if they lie elsewhere, name "
                    "their folder with $ASSAY_KEYS");
    return ST_OK;
}
