/* log: the ledger as lines, or proven. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/log_hand_out.h"
#include "cli/log_report.h"
#include "cli/past.h"
#include "cli/print.h"
#include "store/check.h"
#include "store/ledger.h"
#include "verify/unpack.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FLUSH_AT    (64u << 10)
#define AGAINST_MAX (16u << 20)

struct reading {
    struct cli *c;
    const char *name; /* NULL: all */
    char since[TIME_TEXT_MAX];
    bool csv, who; /* who: say who signed */
    uint64_t told;
    struct buf mine; /* artifacts that were bound to that name, DIGEST_TEXT bytes each */
};

static void reading_release(struct reading *r)
{
    buf_release(&r->mine);
}

static bool is_mine(const struct reading *r, const char *hex)
{
    for (size_t at = 0; at + DIGEST_TEXT <= r->mine.n; at += DIGEST_TEXT) {
        if (strncmp((const char *)r->mine.p + at, hex, DIGEST_TEXT - 1) == 0)
            return true;
    }
    return false;
}

/* Has the path of a state key NAME, NAME@…, or one of its artifacts as a component? */
static bool key_mentions(const struct reading *r, const char *key)
{
    size_t n = strlen(r->name);
    for (const char *part = strchr(key, '/'); part != NULL; part = strchr(part, '/')) {
        part++;
        if (strncmp(part, r->name, n) == 0 && (part[n] == '/' || part[n] == '@' || part[n] == '\0'))
            return true;
        if (strcspn(part, "/") == DIGEST_TEXT - 1 && is_mine(r, part))
            return true;
    }
    return false;
}

static void learn(struct reading *r, const char *key, const struct json *value)
{
    const char *hex = json_as_string(value);
    size_t n = strlen(r->name);
    struct digest d;
    if (strncmp(key, "name/", 5) == 0 && strncmp(key + 5, r->name, n) == 0 && key[5 + n] == '@' &&
        hex != NULL && digest_parse(hex, &d)) {
        char text[DIGEST_TEXT];
        digest_text(&d, text);
        buf_append(&r->mine, SPAN(text, sizeof text));
    }
}

static bool mentions(struct reading *r, const struct ledger_entry *entry)
{
    const char *name = json_as_string(json_get(entry->body, "name"));
    const char *artifact = json_as_string(json_get(entry->body, "artifact"));
    bool found =
        (name != NULL && strcmp(name, r->name) == 0) || (artifact != NULL && is_mine(r, artifact));
    for (size_t i = 0; i < json_count(entry->set); i++) {
        const struct json *value = NULL;
        const char *key = json_member(entry->set, i, &value);
        learn(r, key, value);
        found = found || key_mentions(r, key);
    }
    return found;
}

static void tell_json(struct cli *c, const struct ledger_entry *entry, bool who)
{
    struct json_out j = answer_open(c, "assay.log-entry/1");
    member_u64(&j, "seq", entry->seq);
    member_text(&j, "time", entry->time);
    member_text(&j, "type", entry->type);
    member_digest(&j, "hash", &entry->hash);
    member_digest(&j, "prev", &entry->prev);
    member_json(&j, "body", entry->body);
    member_json(&j, "set", entry->set);
    if (who)
        log_signers_json(c, entry, &j);
    answer_close(c, &j);
}

/* seq, time, type, and the texts of the body that people ask for, in this order. */
static void tell_text(struct cli *c, const struct ledger_entry *entry, bool who)
{
    static const char *const shown[] = {"name",   "version",  "channel", "target",  "gate",
                                        "check",  "verdict",  "result",  "allowed", "until",
                                        "reason", "artifact", "id",      "code"};
    struct buf *out = &c->out;
    buf_fmt(out, "%6llu  %s  ", (unsigned long long)entry->seq, entry->time);
    put_foreign(out, entry->type);
    size_t pad = strlen(entry->type) < 12 ? 12 - strlen(entry->type) : 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct json *v = json_get(entry->body, shown[i]);
        const char *text = json_as_string(v);
        bool truth = false;
        if (json_as_bool(v, &truth))
            text = truth ? "yes" : "no";
        if (text == NULL || text[0] == '\0')
            continue;
        for (; pad > 0; pad--)
            buf_byte(out, ' ');
        buf_fmt(out, " %s=", shown[i]);
        char cut[160];
        text_fmt(cut, sizeof cut, strlen(text) == DIGEST_TEXT - 1 ? "%.12s" : "%.120s", text);
        put_foreign(out, cut);
    }
    if (who)
        log_signers_text(c, entry, out);
    buf_byte(out, '\n');
}

static enum status each(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct reading *r = ctx;
    if (r->name != NULL && !mentions(r, entry))
        return ST_OK;
    if (r->since[0] != '\0' && strcmp(entry->time, r->since) < 0)
        return ST_OK;
    r->told++;
    if (r->csv)
        log_csv(r->c, entry);
    else if (r->c->json)
        tell_json(r->c, entry, r->who);
    else
        tell_text(r->c, entry, r->who);
    enum status st = r->c->out.n >= FLUSH_AT ? cli_flush(r->c, e) : ST_OK;
    return st == ST_OK ? cli_alive(e) : st;
}

static enum status read_since(struct cli *c, char out[TIME_TEXT_MAX], struct err *e)
{
    const char *text = c->args.value[OPT_SINCE];
    int64_t t = 0;
    if (text == NULL)
        return ST_OK;
    enum status st = read_moment("--since", text, &t, e);
    if (st == ST_OK)
        time_format(t, out);
    return st;
}

struct proving {
    struct cli *c;
    struct json_out *j;
    enum status worst;
};

static void found(void *ctx, const struct finding *f)
{
    struct proving *p = ctx;
    if (p->worst == ST_OK)
        p->worst = f->status;
    if (p->j == NULL) {
        buf_text(&p->c->out, "BROKEN  ");
        put_foreign(&p->c->out, f->object);
        if (f->offset != ERR_NO_OFFSET)
            buf_fmt(&p->c->out, " at byte %llu", (unsigned long long)f->offset);
        buf_text(&p->c->out, ": ");
        put_foreign(&p->c->out, f->detail);
        buf_byte(&p->c->out, '\n');
        return;
    }
    json_object(p->j);
    member_text(p->j, "status", status_slug(f->status));
    member_text(p->j, "code", f->code);
    member_text(p->j, "object", f->object);
    member_offset(p->j, "offset", f->offset);
    member_text(p->j, "message", f->detail);
    json_close(p->j);
}

/* The first document of a bundle says which head the ledger had when it was made. */
static enum status read_bundle(const char *path, struct buf *out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(unpack_scope) struct unpack *u = NULL;
    struct admit_file first;
    bool more = false;
    struct stat facts;
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
    if (st == ST_OK && fstat(fd, &facts) != 0)
        st = err_sys(e, errno, "fstat", path);
    if (st == ST_OK)
        st = unpack_start(fd, &facts, IMPORT_TAR_ZSTD, &u, e);
    if (st != ST_OK)
        return st;
    struct admit_stream files = unpack_stream(u);
    st = files.next(files.ctx, &first, &more, e);
    if (st == ST_OK && (!more || strcmp(first.path, "bundle.json") != 0))
        return err_set(e, ST_FORMAT, "bundle", "no bundle: bundle.json does not come first");
    for (size_t got = 1; st == ST_OK && got > 0;) {
        uint8_t block[4096];
        st = first.from.read(first.from.ctx, block, sizeof block, &got, e);
        if (st == ST_OK && out->n + got > AGAINST_MAX)
            st = err_set(e, ST_FORMAT, "bundle", "bundle.json is longer than it may be");
        if (st == ST_OK)
            buf_append(out, SPAN(block, got));
    }
    return st == ST_OK ? buf_status(out) : st;
}

/* The head that a file carries, which somebody kept elsewhere. */
static enum status read_against(const char *path, struct log_head *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = import_kind_of(path) == IMPORT_TAR_ZSTD
                         ? read_bundle(path, &text, e)
                         : given_read(path, AGAINST_MAX, &text, e);
    if (st == ST_OK)
        st = log_head_find(buf_span(&text), out, e);
    return st == ST_OK ? st : err_subject(e, "%s", path);
}

static void tell_proof(struct cli *c, const struct proving *p, const struct check_report *report,
                       const struct log_head *against)
{
    if (c->json) {
        const struct log_head head = log_head_of(&c->facts);
        json_close(p->j);
        member_bool(p->j, "ok", p->worst == ST_OK);
        member_u64(p->j, "entries", report->entries);
        json_key(p->j, "head");
        log_head_write(p->j, &head);
        json_key(p->j, "against");
        if (against != NULL)
            log_head_write(p->j, against);
        else
            json_null(p->j);
        answer_close(c, p->j);
        return;
    }
    buf_fmt(&c->out, "%s: %llu entries, head ",
            p->worst == ST_OK ? "the chain holds" : "the chain is broken",
            (unsigned long long)report->entries);
    put_full(&c->out, &c->facts.head);
    buf_byte(&c->out, '\n');
    if (against != NULL && p->worst == ST_OK)
        buf_fmt(&c->out, "it goes on from entry %llu, which %s carries\n",
                (unsigned long long)against->seq, c->args.value[OPT_AGAINST]);
}

static enum status prove(struct cli *c, struct err *e)
{
    struct log_head against;
    const char *path = c->args.value[OPT_AGAINST];
    struct json_out j;
    struct check_report report = {0};
    struct proving p = {.c = c};
    if (c->json) {
        j = answer_open(c, "assay.log-verify/2");
        json_key(&j, "findings");
        json_array(&j);
        p.j = &j;
    }
    enum status st = path != NULL ? read_against(path, &against, e) : ST_OK;
    if (st == ST_OK)
        st = check_ledger(c->store, path != NULL ? &against : NULL, found, &p, &report, e);
    if (st != ST_OK)
        return path != NULL ? err_subject(e, "%s", path) : st;
    tell_proof(c, &p, &report, path != NULL ? &against : NULL);
    c->answered = p.worst != ST_OK;
    return p.worst;
}

/* An entry is handed out, the ledger proven, or read: what belongs to another of these would mean
 * nothing. */
static enum status check_shape(const struct cli *c, struct err *e)
{
    static const enum opt reading[] = {OPT_NAME, OPT_SINCE, OPT_CSV};
    bool entry = c->words > 0, proof = opt_given(&c->args, OPT_VERIFY);
    if (!entry && opt_given(&c->args, OPT_OUTPUT))
        return err_set(e, ST_USAGE, "words", "which entry goes there? say log SEQ -o DIR");
    if (entry && proof)
        return err_set(e, ST_USAGE, "option-pair", "SEQ or --verify, not both");
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++) {
        if ((entry || proof) && opt_given(&c->args, reading[i]))
            return err_set(e, ST_USAGE, "option-pair", "%s or --%s, not both",
                           entry ? "SEQ" : "--verify", opt_shapes[reading[i]].name);
    }
    return ST_OK;
}

enum status cmd_log(struct cli *c, struct err *e)
{
    SCOPED(reading_release) struct reading r = {.c = c, .name = c->args.value[OPT_NAME]};
    if (check_shape(c, e) != ST_OK)
        return e->status;
    if (c->words > 0)
        return log_hand_out(c, e);
    enum status st = read_since(c, r.since, e);
    if (st == ST_OK && r.name != NULL && !manifest_name_valid(r.name))
        st = err_set(e, ST_USAGE, "option-value", "--name %s is no name", r.name);
    r.csv = opt_given(&c->args, OPT_CSV);
    r.who = r.csv || r.name != NULL;
    if (st == ST_OK)
        st = r.who ? cli_trust(c, e) : cli_store(c, e);
    if (st != ST_OK)
        return st;
    if (opt_given(&c->args, OPT_VERIFY))
        return prove(c, e);
    if (r.csv)
        log_csv_head(c);
    st = store_entries(c->store, false, each, &r, e);
    if (st == ST_OK && r.told == 0)
        cli_hint(c, "the ledger's %llu entries have none about that",
                 (unsigned long long)c->facts.seq);
    return st;
}
