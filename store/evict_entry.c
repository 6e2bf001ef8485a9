/* Why an artifact stays, and the entry by which it goes. */
#include "base/json_write.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/evict_inside.h"
#include "store/reserve.h"
#include <string.h>

/* So often another's entry may come between reading and writing. */
enum { TRIES = 16 };

/* -- facts ---------------------------------------------------------------------------------------
 */

static void copy(char *out, size_t cap, const struct json *v, const char *key)
{
    const char *text = json_as_string(json_get(v, key));
    text_fmt(out, cap, "%s", text != NULL ? text : "");
}

enum status evict_facts(struct store *s, struct evict_candidate *c, struct evict_facts *out,
                        struct err *e)
{
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    *out = (struct evict_facts){0};
    install_key("artifact/", &c->artifact, key);
    enum status st = store_get_seq(s, key, &value, &c->seq, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&value), LEDGER_LINE_MAX, &v, e);
    if (st != ST_OK)
        return st;
    copy(c->name, sizeof c->name, v, "name");
    copy(c->version, sizeof c->version, v, "version");
    copy(c->added, sizeof c->added, v, "time");
    copy(out->content, sizeof out->content, v, "content");
    copy(out->manifest, sizeof out->manifest, v, "manifest");
    if (!json_as_u64(json_get(v, "bytes"), &c->bytes))
        c->bytes = 0;
    return ST_OK;
}

/* -- why it stays --------------------------------------------------------------------------------
 */

enum status evict_kept(struct store *s, const struct leases *held, const struct evict_options *o,
                       struct evict_candidate *c, struct err *e)
{
    char key[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    c->kept[0] = '\0';
    install_key(INSTALL_PINNED, &c->artifact, key);
    enum status st = store_get(s, key, &value, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    if (st == ST_OK)
        text_fmt(c->kept, sizeof c->kept, "pinned");
    else if (leases_artifact(held, &c->artifact))
        text_fmt(c->kept, sizeof c->kept, "in use by another process");
    else if (o->protects != NULL)
        return o->protects(o->ctx, c, c->kept, e);
    return ST_OK;
}

/* -- the entry -----------------------------------------------------------------------------------
 */

struct going {
    struct store *s;
    const struct evict_options *o;
    struct evict_candidate *c;
    int gate; /* held until the entry is in: nobody gets a lease meanwhile */
    struct buf body, set, installed, note;
};

static void going_release(struct going *g)
{
    fd_release(&g->gate);
    buf_release(&g->body);
    buf_release(&g->set);
    buf_release(&g->installed);
    buf_release(&g->note);
}

/* Asked once more under the writers' lock: pinned, leased or put into a channel since it was
 * chosen, it stays. */
static enum status prepare(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e)
{
    struct going *g = ctx;
    SCOPED(leases_release) struct leases held = {0};
    (void)seq;
    (void)entry;
    enum status st = lease_gate(g->s, &g->gate, e);
    if (st == ST_OK)
        st = leases_read(g->s, &held, e);
    if (st == ST_OK)
        st = evict_kept(g->s, &held, g->o, g->c, e);
    if (st != ST_OK || g->c->kept[0] == '\0')
        return st;
    return err_set(e, ST_BUSY, "artifact-kept", "it is needed since it was chosen");
}

static void text_member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void number_member(struct json_out *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_u64(j, n);
}

/* What happened, and what a reload has to ask for. */
static void write_body(struct going *g, const struct evict_facts *f)
{
    char hex[DIGEST_TEXT];
    digest_text(&g->c->artifact, hex);
    struct json_out j = json_out(&g->body);
    json_object(&j);
    text_member(&j, "artifact", hex);
    number_member(&j, "bytes", g->c->bytes);
    text_member(&j, "content", f->content);
    number_member(&j, "freed", g->c->freed);
    text_member(&j, "manifest", f->manifest);
    text_member(&j, "name", g->c->name);
    text_member(&j, "reason", g->o->reason != NULL ? g->o->reason : g->c->reason);
    text_member(&j, "version", g->c->version);
    json_close(&j);
}

static void write_note(struct going *g)
{
    char time[TIME_TEXT_MAX];
    time_format(clock_now(&g->o->clock), time);
    struct json_out j = json_out(&g->note);
    json_object(&j);
    number_member(&j, "bytes", g->c->bytes);
    number_member(&j, "freed", g->c->freed);
    text_member(&j, "reason", g->o->reason != NULL ? g->o->reason : g->c->reason);
    text_member(&j, "time", time);
    json_close(&j);
}

static void write_evicted(struct going *g)
{
    char key[STORE_KEY_MAX];
    struct json_out j = json_out(&g->set);
    json_object(&j);
    install_key(INSTALL_PREFIX, &g->c->artifact, key);
    text_member(&j, key, NULL);
    install_key(INSTALL_EVICTED, &g->c->artifact, key);
    json_key(&j, key);
    json_text(&j, buf_span(&g->note));
    json_close(&j);
}

static void write_removed(struct going *g, const struct evict_facts *f)
{
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    digest_text(&g->c->artifact, hex);
    struct json_out j = json_out(&g->set);
    json_object(&j);
    if (g->installed.n > 0) {
        install_key(INSTALL_PREFIX, &g->c->artifact, key);
        text_member(&j, key, NULL);
    } else {
        install_key(INSTALL_EVICTED, &g->c->artifact, key);
        text_member(&j, key, NULL);
    }
    install_key("artifact/", &g->c->artifact, key);
    text_member(&j, key, NULL);
    text_fmt(key, sizeof key, "content/%s/%s", f->content, hex);
    text_member(&j, key, NULL);
    text_fmt(key, sizeof key, "name/%s@%s", g->c->name, g->c->version);
    text_member(&j, key, NULL);
    text_fmt(key, sizeof key, INSTALL_REMOVED "%s@%s", g->c->name, g->c->version);
    text_member(&j, key, hex);
    json_close(&j);
}

static enum status read_installed(struct going *g, char key[STORE_KEY_MAX], struct err *e)
{
    struct err why = ERR_NONE;
    install_key(INSTALL_PREFIX, &g->c->artifact, key);
    enum status st = store_get(g->s, key, &g->installed, &why);
    if (st == ST_OK)
        buf_byte(&g->installed, '\0');
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status commit(struct going *g, const char *key, bool remove, struct err *e)
{
    uint64_t seq = 0;
    const char *was = g->installed.n > 0 ? (const char *)g->installed.p : NULL;
    const struct expect same = {.key = key, .value = was};
    const struct change_entry entry = {.type = remove ? "rm" : "evict",
                                       .room = ENTRY_LENT,
                                       .body = buf_span(&g->body),
                                       .set = buf_span(&g->set),
                                       .expects = &same,
                                       .expect_count = 1,
                                       .clock = g->o->clock,
                                       .log = g->o->log};
    if (buf_status(&g->body) != ST_OK || buf_status(&g->set) != ST_OK ||
        buf_status(&g->installed) != ST_OK || buf_status(&g->note) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    return commit_entry(g->s, &entry, (struct commit_hook){prepare, g}, &seq, e);
}

/* With what is there now. *moved: that was changed before the entry got its turn. */
static enum status attempt(struct going *g, bool remove, bool *moved, struct err *e)
{
    struct evict_facts facts;
    char key[STORE_KEY_MAX];
    enum status st = evict_facts(g->s, g->c, &facts, e);
    const bool removed = st == ST_NOT_FOUND && !remove;
    if (st == ST_OK)
        st = read_installed(g, key, e);
    if (st != ST_OK && !removed)
        return st;
    if (!remove && g->installed.n == 0) {
        *e = ERR_NONE;
        text_fmt(g->c->kept, sizeof g->c->kept, EVICT_ABSENT);
        return ST_OK;
    }
    write_body(g, &facts);
    write_note(g);
    if (remove)
        write_removed(g, &facts);
    else
        write_evicted(g);
    st = commit(g, key, remove, e);
    *moved = st == ST_CONFLICT && text_equal(e->subject, key);
    if (st == ST_BUSY && g->c->kept[0] != '\0') {
        *e = ERR_NONE;
        return ST_OK;
    }
    return st;
}

enum status evict_commit(struct store *s, const struct evict_options *o, struct evict_candidate *c,
                         bool remove, struct err *e)
{
    SCOPED(reserve_use_release) struct reserve_use reserve = {0}; /* made again without the gate */
    bool moved = true;
    enum status st = reserve_use(s, RESERVE_ENTRY, &reserve, e);
    if (st != ST_OK)
        return st;
    for (unsigned i = 0; i < TRIES && moved; i++) {
        SCOPED(going_release) struct going g = {.s = s, .o = o, .c = c, .gate = -1};
        moved = false;
        *e = ERR_NONE;
        st = attempt(&g, remove, &moved, e);
    }
    return st;
}
