/* quarantine add, release and purge: what goes in by hand, comes back, or goes for good. */
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/incoming.h"
#include "cli/print.h"
#include <fcntl.h>
#include <string.h>

static enum status read_alive(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    const int *fd = ctx;
    return cli_read(*fd, p, cap, got, e);
}

/* An entry of the ledger about quarantine; the body is made below. */
static enum status entry_of(struct cli *c, const char *type, struct change_entry *out,
                            struct err *e)
{
    *out = (struct change_entry){.type = type, .clock = c->clock};
    enum status st = cli_store(c, e);
    return st == ST_OK ? cli_key(c, "log", &out->log, e) : st;
}

static void tell(struct cli *c, const char *schema, const char *what,
                 const struct quarantine_facts *f)
{
    if (c->json) {
        struct json_out j = answer_open(c, schema);
        member_text(&j, "id", f->id);
        member_text(&j, "name", f->name);
        member_digest(&j, "sha256", &f->sha256);
        member_u64(&j, "bytes", f->bytes);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s %s  ", what, f->id);
    put_size(&c->out, f->bytes);
    buf_text(&c->out, "  ");
    put_foreign(&c->out, f->name);
    buf_byte(&c->out, '\n');
}

enum status cmd_quarantine_add(struct cli *c, struct err *e)
{
    SCOPED(change_scope) struct change *change = NULL;
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {.offset = ERR_NO_OFFSET};
    SCOPED(fd_release) int fd = -1;
    struct change_entry how;
    struct stat facts;
    const char *path = c->word[0], *reason = c->args.value[OPT_REASON];
    struct err why = ERR_NONE;
    (void)err_at(&why, ST_REFUSED, "hand", "put-aside", ERR_NO_OFFSET, "%s",
                 reason != NULL ? reason : "put aside by hand");
    const struct quarantine_reject what = {
        .name = path,
        .kind = import_kind_of(path) != IMPORT_NONE ? QUARANTINE_ARCHIVE : QUARANTINE_FILE,
        .why = &why,
        .claimed = span_text("{}")};
    enum status st = entry_of(c, "quarantine", &how, e);
    if (st == ST_OK)
        st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
    if (st == ST_OK && (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)))
        st = err_set(e, ST_USAGE, "file", "only a regular file can be put into quarantine");
    if (st == ST_OK)
        st = change_begin(c->store, &change, e);
    if (st == ST_OK)
        st = quarantine_take(change, (struct source){read_alive, &fd}, (uint64_t)facts.st_size,
                             &what, &how, &f, e);
    if (st != ST_OK)
        return err_subject(e, "%s", path);
    tell(c, "assay.quarantine-add/1", "put aside as", &f);
    return ST_OK;
}

static enum status drop(struct cli *c, const struct quarantine_facts *f,
                        const struct change_entry *how, struct err *e)
{
    SCOPED(change_scope) struct change *change = NULL;
    enum status st = change_begin(c->store, &change, e);
    return st == ST_OK ? quarantine_drop(change, f, how, e) : st;
}

/* What is not said now is as it was said when it was handed in: nothing that was asked of the bytes
 * is forgotten on the way. */
static enum status claim_again(const struct quarantine_facts *f, const struct json *claimed,
                               struct incoming *in, struct err *e)
{
    struct admit_request *r = &in->request;
    const struct {
        const char **text;
        const char *key;
    } said[] = {{&r->format, "format"},     {&r->license, "license"},   {&r->name, "name"},
                {&r->revision, "revision"}, {&r->source_uri, "source"}, {&r->version, "version"}};
    if (f->claimed.n == 0 && f->kind != QUARANTINE_UNTOLD)
        return err_set(e, ST_USAGE, "quarantine-claims",
                       "what it was said to be was too long to be kept: add it again");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (*said[i].text == NULL)
            *said[i].text = json_as_string(json_get(claimed, said[i].key));
    const char *expect = json_as_string(json_get(claimed, "sha256"));
    if (r->expect == NULL && expect != NULL && digest_parse(expect, &in->expect))
        r->expect = &in->expect;
    const bool bundle = f->kind == QUARANTINE_BUNDLE, given = in->envelope.n > 0;
    if (bundle && given)
        return err_set(e, ST_USAGE, "bundle-manifest", "a bundle has its manifest inside");
    if (!bundle && !given && json_get(claimed, "manifest") != NULL)
        return err_set(e, ST_USAGE, "no-manifest",
                       "it was handed in with a signed manifest: say --manifest FILE");
    return ST_OK;
}

static enum status admit_again(struct cli *c, const struct quarantine_facts *f, struct incoming *in,
                               struct err *e)
{
    SCOPED(admit_result_release) struct admit_result result = {0};
    enum status st = quarantine_open(c->store, f, &in->fd, e);
    if (st == ST_OK)
        st = incoming_held(in, f, e);
    if (st == ST_OK && f->kind == QUARANTINE_BUNDLE)
        return incoming_bundle(c, in, e);
    if (st == ST_OK)
        st = incoming_admit(c, in, &result, e);
    return st == ST_OK ? incoming_tell(c, &result, e) : st;
}

/* What was handed in goes through the whole of admission again, and the entry goes when it is in.
 * What is refused again stays as it is, with the first reason. */
static enum status release(struct cli *c, const struct quarantine_facts *f, struct err *e)
{
    SCOPED(json_scope) struct json *claimed = NULL;
    SCOPED(incoming_release) struct incoming in = INCOMING_OF(f->name);
    struct change_entry how;
    enum status st = incoming_options(c, &in, e);
    if (st == ST_OK && f->claimed.n > 0)
        st = json_parse(buf_span(&f->claimed), STORE_DOCUMENT_MAX, &claimed, e);
    if (st == ST_OK)
        st = claim_again(f, claimed, &in, e);
    text_fmt(c->quarantine, sizeof c->quarantine, "%s", f->id);
    if (st == ST_OK)
        st = admit_again(c, f, &in, e);
    if (st == ST_OK)
        st = entry_of(c, "release", &how, e);
    return st == ST_OK ? drop(c, f, &how, e) : st;
}

enum status cmd_quarantine_release(struct cli *c, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {.offset = ERR_NO_OFFSET};
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = quarantine_get(c->store, c->word[0], &f, e);
    if (st == ST_OK)
        st = release(c, &f, e);
    return st == ST_OK ? st : err_subject(e, "%s", c->word[0]);
}

/* Ids are kept first: dropping one changes what is listed. */
static enum status keep_id(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    struct buf *ids = ctx;
    buf_append(ids, SPAN(f->id, sizeof f->id));
    return ids->failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for a list") : ST_OK;
}

/* A wrong id takes nothing with it, and one that is given twice is meant once. */
static enum status keep_named(struct cli *c, struct buf *ids, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < c->words; i++) {
        SCOPED(quarantine_facts_release) struct quarantine_facts f = {.offset = ERR_NO_OFFSET};
        bool kept = false;
        st = quarantine_get(c->store, c->word[i], &f, e);
        if (st != ST_OK)
            return err_subject(e, "%s", c->word[i]);
        for (size_t at = 0; at < ids->n; at += sizeof f.id)
            kept |= strcmp((const char *)ids->p + at, f.id) == 0;
        if (!kept)
            st = keep_id(ids, &f, e);
    }
    return st;
}

/* Said at once: what is gone stays gone, whatever the next one meets. */
static enum status purge(struct cli *c, const char *id, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {.offset = ERR_NO_OFFSET};
    struct change_entry how;
    enum status st = entry_of(c, "purge", &how, e);
    if (st == ST_OK)
        st = quarantine_get(c->store, id, &f, e);
    if (st == ST_OK)
        st = drop(c, &f, &how, e);
    if (st != ST_OK)
        return err_subject(e, "%s", id);
    tell(c, "assay.quarantine-purge/1", "purged", &f);
    st = cli_flush(c, e);
    return st == ST_OK ? cli_alive(e) : st;
}

enum status cmd_quarantine_purge(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    bool all = opt_given(&c->args, OPT_ALL);
    if (all == (c->words > 0))
        return err_set(e, ST_USAGE, "words", "purge takes IDs, or --all");
    enum status st = cli_store(c, e);
    if (st == ST_OK)
        st = all ? quarantine_each(c->store, keep_id, &ids, e) : keep_named(c, &ids, e);
    for (size_t at = 0; st == ST_OK && at < ids.n;
         at += sizeof((struct quarantine_facts *)NULL)->id)
        st = purge(c, (const char *)ids.p + at, e);
    return st;
}
