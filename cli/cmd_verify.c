/* verify: hash again, check signatures again, name what is wrong. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "cli/repair.h"
#include "cli/verify_law.h"
#include "store/check.h"
#include "store/install.h"
#include <string.h>

/* What mends the findings, each said once. */
enum way { ADD_AGAIN, REPAIR, PURGE, COPY, PLACE, WAYS };

struct verification {
    struct cli *c;
    struct json_out *j; /* findings go in here; NULL: as text */
    char artifact[300]; /* whose content is looked at, "" none */
    char file[512];
    enum status worst; /* the first finding's status; damage outweighs the rest */
    struct check_report sum;
    struct progress *progress;
    uint64_t artifacts;
    bool damaged; /* something is: find out whose it is */
    bool way[WAYS];
    struct err trust;              /* why there is none: without it no signature is looked at */
    const struct repaired *mended; /* before; NULL: nothing was mended */
};

static const char *headline(enum status st)
{
    if (st == ST_SET_BACK)
        return "SET BACK";
    switch (status_exit(st)) {
    case 0: return "FOREIGN";
    case 5: return "UNTRUSTED";
    case 6: return st == ST_EXPIRED ? "EXPIRED" : "UNPROVEN";
    case 9: return "MISSING";
    default: return "DAMAGED";
    }
}

/* Of the damaged record in a pack; or of the content, or the bytes in quarantine, as a whole. */
static void tell_digest(struct json_out *j, const struct finding *f)
{
    static const struct digest none = {{0}};
    const bool record =
        !text_begins(f->object, "content ") && !text_begins(f->object, "quarantine ");
    member_digest(j, "chunk", record ? &f->digest : &none);
    member_digest(j, "content", record ? &none : &f->digest);
}

static void tell_finding(struct verification *v, const struct finding *f)
{
    struct buf *out = &v->c->out;
    if (v->j != NULL) {
        json_object(v->j);
        member_text(v->j, "status", status_slug(f->status));
        member_text(v->j, "code", f->code);
        member_text(v->j, "artifact", v->artifact[0] != '\0' ? v->artifact : NULL);
        member_text(v->j, "file", v->file[0] != '\0' ? v->file : NULL);
        member_text(v->j, "object", f->object);
        tell_digest(v->j, f);
        member_offset(v->j, "offset", f->offset);
        member_text(v->j, "message", f->detail);
        json_close(v->j);
        return;
    }
    buf_fmt(out, "%s  ", headline(f->status));
    if (v->artifact[0] != '\0') {
        put_foreign(out, v->artifact);
        buf_text(out, v->file[0] != '\0' ? " " : "");
        put_foreign(out, v->file);
        buf_text(out, ": ");
    }
    put_foreign(out, f->object);
    if (f->offset != ERR_NO_OFFSET)
        buf_fmt(out, " at byte %llu", (unsigned long long)f->offset);
    buf_text(out, ": ");
    put_foreign(out, f->detail[0] != '\0' ? f->detail : status_phrase(f->status));
    buf_fmt(out, " (%s)\n", f->code != NULL ? f->code : status_slug(f->status));
}

static bool is_damage(enum status st)
{
    return status_exit(st) == 7 || status_exit(st) == 9;
}

static enum way way_out(const struct finding *f)
{
    const char *code = f->code != NULL ? f->code : "";
    if (text_equal(code, "store-place"))
        return PLACE;
    if (text_begins(f->object, "quarantine "))
        return PURGE;
    if (text_begins(code, "index-") || text_begins(code, "ledger-head"))
        return REPAIR;
    return text_begins(f->object, "ledger") ? COPY : ADD_AGAIN;
}

static void tell_ways(struct verification *v)
{
    static const char *const words[WAYS] = {
        [ADD_AGAIN] = ("damaged chunks heal when the same bytes are added again: assay add PATH; "
                       "all heals from another store: assay fsck --repair --from PATH"),
        [REPAIR] = "mend it with: assay fsck --repair",
        [PURGE] = "what is damaged in quarantine goes with: assay quarantine purge ID",
        [PLACE] = "what lies in a wrong place is not followed and nothing deletes it; put back "
                  "what belongs there, or: assay fsck --repair [--from PATH]",
        [COPY] = "the ledger comes back from a copy of STORE/ledger alone",
    };
    for (size_t i = 0; i < WAYS; i++)
        if (v->way[i])
            cli_hint(v->c, "%s", words[i]);
}

/* What is missing in the store is damage: exit 9 is for what never was there. */
static void found(void *ctx, const struct finding *f)
{
    struct verification *v = ctx;
    const enum status st = f->status == ST_NOT_FOUND ? ST_CORRUPT : f->status;
    if (st != ST_OK && (v->worst == ST_OK || (status_exit(v->worst) != 7 && status_exit(st) == 7)))
        v->worst = st;
    if (status_exit(st) == 7)
        v->way[way_out(f)] = true;
    v->sum.findings += st != ST_OK;
    tell_finding(v, f);
}

static void add_up(struct check_report *sum, const struct check_report *part)
{
    sum->bytes += part->bytes;
    sum->records += part->records;
    sum->packs += part->packs;
    sum->entries += part->entries;
}

/* An error about one artifact is a finding; one about the machine ends the command. */
static enum status as_finding(void *ctx, enum status st, const struct err *why, struct err *e)
{
    struct verification *v = ctx;
    int code = status_exit(st);
    if (code != 5 && code != 6 && code != 7 && code != 9) {
        *e = *why;
        return st;
    }
    struct finding f = {.status = st, .code = err_code(why), .offset = why->offset};
    text_fmt(f.object, sizeof f.object, "%s", why->subject[0] != '\0' ? why->subject : "manifest");
    text_fmt(f.detail, sizeof f.detail, "%s", why->detail);
    found(v, &f);
    return ST_OK;
}

static enum status check_files(struct verification *v, const struct manifest *m, struct err *e)
{
    for (size_t i = 0; i < m->file_count; i++) {
        struct check_report part = {0};
        struct err why = ERR_NONE;
        text_fmt(v->file, sizeof v->file, "%s", m->files[i].path);
        enum status st =
            check_content(v->c->store, &m->files[i].sha256, v->progress, found, v, &part, &why);
        if (st != ST_OK)
            st = as_finding(v, st, &why, e);
        if (st == ST_OK)
            st = cli_alive(e);
        if (st != ST_OK)
            return st;
        add_up(&v->sum, &part);
    }
    return ST_OK;
}

/* Manifest, signature and, with bytes, every chunk of every file. */
static enum status check_ref(struct verification *v, const char *ref, bool bytes, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct err why = ERR_NONE;
    text_fmt(v->artifact, sizeof v->artifact, "%s", ref);
    v->file[0] = '\0';
    v->artifacts++;
    enum status st = artifact_find(v->c->store, v->c->trust, ref, TRUST_ANY_TIME, &a, &why);
    if (st != ST_OK)
        return as_finding(v, st, &why, e);
    text_fmt(v->artifact, sizeof v->artifact, "%s@%s", a.manifest.name, a.manifest.version);
    st = artifact_published(&a, &why);
    bool gone = false;
    if (st != ST_OK)
        st = as_finding(v, st, &why, e);
    if (st == ST_OK)
        st = install_evicted(v->c->store, &a.digest, &gone, e);
    return st == ST_OK && bytes && !gone ? check_files(v, &a.manifest, e) : st;
}

static enum status check_each(void *ctx, const char *ref, const char *hex, struct err *e)
{
    struct verification *v = ctx;
    (void)hex;
    return check_ref(v, ref, v->damaged, e);
}

/* The store first; artifacts after it. Their chunks were hashed with the packs, so they are read
 * again only to put artifact and file to a damage that was found. Then what was signed about them.
 */
static enum status check_all(struct verification *v, struct err *e)
{
    struct check_report whole = {0};
    enum status st = opt_given(&v->c->args, OPT_INDEX)
                         ? check_index(v->c->store, v->progress, found, v, &whole, e)
                         : check_store(v->c->store, v->progress, found, v, &whole, e);
    add_up(&v->sum, &whole);
    v->damaged = v->sum.findings > 0;
    if (st == ST_OK && v->c->trust == NULL)
        return as_finding(v, v->trust.status, &v->trust, e);
    if (st == ST_OK)
        st = refs_each(v->c, check_each, v, e);
    v->artifact[0] = v->file[0] = '\0';
    return st == ST_OK ? verify_law(v->c, as_finding, v, e) : st;
}

static void tell_end(struct cli *c, const struct verification *v, struct json_out *j)
{
    if (j != NULL) {
        json_close(j);
        member_bool(j, "ok", v->sum.findings == 0);
        member_u64(j, "artifacts", v->artifacts);
        member_u64(j, "bytes", v->sum.bytes);
        member_u64(j, "records", v->sum.records);
        member_u64(j, "packs", v->sum.packs);
        member_u64(j, "entries", v->sum.entries);
        answer_close(c, j);
        return;
    }
    buf_fmt(&c->out, "%s: %llu artifacts, ", v->sum.findings == 0 ? "all good" : "not good",
            (unsigned long long)v->artifacts);
    put_size(&c->out, v->sum.bytes);
    buf_fmt(&c->out, " hashed, %llu findings\n", (unsigned long long)v->sum.findings);
}

static void tell_mended(struct json_out *j, const struct repaired *r)
{
    member_u64(j, "aside", r->aside);
    member_bool(j, "head", r->ledger == LEDGER_HEAD);
    member_bool(j, "ledger_line", r->ledger == LEDGER_LINE);
    member_bool(j, "index", r->index);
    member_u64(j, "contents", r->contents);
    member_u64(j, "documents", r->documents);
    member_u64(j, "packs", r->packs);
    member_u64(j, "lost", r->lost);
}

static void begin(struct verification *v, struct json_out *j)
{
    if (!v->c->json)
        return;
    *j = answer_open(v->c, v->mended != NULL ? "assay.repair/1" : "assay.verify/1");
    if (v->mended != NULL)
        tell_mended(j, v->mended);
    json_key(j, "findings");
    json_array(j);
    v->j = j;
}

static enum status finish(struct verification *v)
{
    tell_end(v->c, v, v->j);
    tell_ways(v);
    v->c->answered = v->worst != ST_OK;
    return v->worst;
}

/* What lies in the places of its names keeps the store from being opened: all of it is told, not
 * the first alone. */
static enum status check_unopened(struct verification *v, const struct err *why, struct err *e)
{
    struct json_out j;
    struct check_report r = {0};
    const char *store = v->c->home.store, *code = err_code(why);
    struct err ignored = ERR_NONE;
    *e = *why;
    if ((!text_equal(code, "store-place") && !text_equal(code, "store-owner")) ||
        check_places(store, NULL, NULL, &r, &ignored) != ST_OK || r.findings == 0)
        return why->status;
    begin(v, &j);
    enum status st = check_places(store, found, v, &r, e);
    if (st != ST_OK)
        return st;
    cli_hint(v->c, "%s was not opened, and nothing else was looked at: mend these first", store);
    return finish(v);
}

enum status cmd_verify(struct cli *c, struct err *e)
{
    return verify_mended(c, NULL, e);
}

enum status verify_mended(struct cli *c, const struct repaired *mended, struct err *e)
{
    struct json_out j;
    struct verification v = {.c = c, .trust = ERR_NONE, .mended = mended};
    if (opt_given(&c->args, OPT_ALL) && c->words > 0)
        return err_set(e, ST_USAGE, "words", "verify takes REFs or --all, not both");
    struct err why = ERR_NONE;
    enum status st = cli_store(c, &why);
    if (st != ST_OK && c->words == 0)
        return check_unopened(&v, &why, e);
    if (st != ST_OK)
        *e = why;
    if (st == ST_OK && cli_trust(c, &v.trust) != ST_OK &&
        (c->words > 0 || !is_damage(v.trust.status))) {
        *e = v.trust;
        st = v.trust.status;
    }
    if (st != ST_OK)
        return st;
    begin(&v, &j);
    SCOPED(progress_scope) struct progress *progress = progress_start("verify", "B", 0, c->quiet);
    v.progress = progress;
    if (c->words == 0)
        st = check_all(&v, e);
    for (size_t i = 0; st == ST_OK && i < c->words; i++) {
        SCOPED(artifact_release) struct artifact a = {0};
        why = ERR_NONE;
        st = artifact_find(c->store, NULL, c->word[i], TRUST_ANY_TIME, &a,
                           &why); /* an unknown REF is an error */
        if (st == ST_NOT_FOUND || st == ST_USAGE || st == ST_AMBIGUOUS)
            *e = why;
        else
            st = check_ref(&v, c->word[i], true, e);
        if (st != ST_OK)
            return err_subject(e, "%s", c->word[i]);
    }
    if (st != ST_OK)
        return st;
    return finish(&v);
}
