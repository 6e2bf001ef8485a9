/* export and import: an artifact and what speaks for it, from store to store. */
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/incoming.h"
#include "cli/print.h"
#include "cli/target.h"
#include "promote/bundle.h"
#include "verify/evidence_file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- out ---------------------------------------------------------------------------------- */

static enum status digest_file(int fd, uint64_t size, struct digest *out, struct err *e)
{
    SCOPED(hasher_scope) struct hasher *h = NULL;
    SCOPED(buf_release) struct buf block = BUF_EMPTY;
    const size_t step = 1u << 20;
    uint8_t *p = buf_space(&block, step);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a bundle");
    enum status st = hasher_open(&h, e);
    for (uint64_t at = 0; st == ST_OK && at < size;) {
        size_t n = size - at < step ? (size_t)(size - at) : step;
        st = io_read_at(fd, p, n, at, e);
        if (st != ST_OK)
            return st;
        hasher_add(h, SPAN(p, n));
        at += n;
    }
    if (st == ST_OK)
        *out = hasher_end(h);
    return st;
}

static void tell_exported(struct cli *c, const struct artifact *a, const struct bundle *b,
                          uint64_t bytes, const struct digest *sha256)
{
    if (c->json) {
        struct json_out j = answer_open(c, "assay.export/1");
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "name", a->manifest.name);
        member_text(&j, "version", a->manifest.version);
        member_text(&j, "path", c->args.value[OPT_OUTPUT]);
        member_u64(&j, "bytes", bytes);
        member_digest(&j, "sha256", sha256);
        json_key(&j, "documents");
        json_array(&j);
        for (size_t i = 0; i < b->count; i++)
            json_string(&j, b->documents[i].path);
        json_close(&j);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s@%s → %s  ", a->manifest.name, a->manifest.version,
            c->args.value[OPT_OUTPUT]);
    put_size(&c->out, bytes);
    buf_text(&c->out, "\n  sha256   ");
    put_full(&c->out, sha256);
    buf_byte(&c->out, '\n');
    for (size_t i = 0; i < b->count; i++)
        buf_fmt(&c->out, "  with     %s\n", b->documents[i].path);
}

static uint64_t bytes_of(const struct manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->file_count; i++)
        sum += m->files[i].bytes;
    return sum;
}

enum status cmd_export(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(target_release) struct target t = TARGET_NONE;
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    SCOPED(bundle_release) struct bundle b = {.count = 0};
    const char *path = c->args.value[OPT_OUTPUT];
    uint64_t bytes = 0;
    struct digest sha256 = {{0}};
    bool force = opt_given(&c->args, OPT_FORCE);
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-output", "where to? say -o FILE.tar.zst");
    enum status st = cli_artifact(c, c->word[0], true, &a, e);
    if (st == ST_OK)
        st = target_open(c, path, force, &t, e);
    if (st == ST_OK)
        st = pending_open(t.dir, 0666 & ~c->umask, &p, e);
    if (st != ST_OK)
        return st;
    SCOPED(progress_scope)
    struct progress *progress =
        progress_start(a.manifest.name, "B", bytes_of(&a.manifest), c->quiet);
    const struct bundle_export from = {c->store, c->trust, &a};
    st = bundle_write(&from, p.fd, progress, &b, e);
    if (st == ST_OK)
        st = io_size(p.fd, &bytes, e);
    if (st == ST_OK)
        st = digest_file(p.fd, bytes, &sha256, e);
    if (st == ST_OK)
        st = cli_alive(e);
    if (st == ST_OK)
        st = pending_publish(&p, t.name, force, e);
    if (st != ST_OK)
        return target_failed(e, path);
    tell_exported(c, &a, &b, bytes, &sha256);
    return ST_OK;
}

/* ---- in ----------------------------------------------------------------------------------- */

struct arrival {
    struct cli *c;
    struct incoming *in; /* the bundle */
    struct unpack *unpack;
    struct bundle_reader reader;
    struct admit_result result;
    struct json_out *j; /* NULL: as text */
};

static void arrival_release(struct arrival *a)
{
    unpack_scope(&a->unpack);
    bundle_release(&a->reader.bundle);
    admit_result_release(&a->result);
}

static enum status open_bundle(struct arrival *a, struct err *e)
{
    struct stat facts;
    const int fd = a->in->fd;
    if (fstat(fd, &facts) != 0)
        return err_sys(e, errno, "fstat", a->in->request.label);
    if (!S_ISREG(facts.st_mode))
        return err_set(e, ST_USAGE, "file", "a bundle is a regular file");
    incoming_keep_whole(a->in, QUARANTINE_BUNDLE, &facts);
    enum status st = unpack_start(fd, &facts, IMPORT_TAR_ZSTD, &a->unpack, e);
    return st == ST_OK ? bundle_read(&a->reader, unpack_stream(a->unpack), e) : st;
}

/* The artifact, as `add --manifest` takes it. */
static enum status take_artifact(struct arrival *a, const struct admit_keys *keys,
                                 struct progress *progress, struct err *e)
{
    struct admit_request *request = &a->in->request;
    const struct bundle_document *m = bundle_find(&a->reader.bundle, "manifest.dsse.json");
    request->stream = bundle_files(&a->reader);
    request->folder = true;
    request->manifest_envelope = buf_span(&m->bytes);
    return admit(a->c->store, a->c->trust, keys, request, progress, &a->result, e);
}

static void tell_document(struct arrival *a, const char *path, const char *state, const char *why)
{
    if (a->j != NULL) {
        json_object(a->j);
        member_text(a->j, "path", path);
        member_text(a->j, "state", state);
        member_text(a->j, "message", why);
        json_close(a->j);
        return;
    }
    buf_fmt(&a->c->out, "  %-8s %s", state, path);
    if (why != NULL) {
        buf_text(&a->c->out, ": ");
        put_foreign(&a->c->out, why);
    }
    buf_byte(&a->c->out, '\n');
}

/* One piece of evidence, as `evidence add` takes it. What this store does not believe is told and
 * left out: that is no failure of the artifact's. */
static enum status take_evidence(struct arrival *a, enum gate g, struct err *e)
{
    SCOPED(evidence_release) struct evidence v = {0};
    char path[64], records[64];
    bool existed = false;
    uint64_t seq = 0;
    struct err why = ERR_NONE;
    text_fmt(path, sizeof path, "evidence/%s.dsse.json", gate_name(g));
    text_fmt(records, sizeof records, "evidence/%s.records.jsonl", gate_name(g));
    const struct bundle_document *d = bundle_find(&a->reader.bundle, path);
    const struct bundle_document *r = bundle_find(&a->reader.bundle, records);
    if (d == NULL)
        return ST_OK;
    struct evidence_offer offer = {
        .envelope = buf_span(&d->bytes), .trust = a->c->trust, .clock = a->c->clock};
    if (r != NULL)
        offer.cases = buf_span(&r->bytes);
    enum status st = cli_key(a->c, "log", &offer.log, e);
    if (st != ST_OK)
        return st;
    st = evidence_accept(a->c->store, &offer, &v, &existed, &seq, &why);
    int code = status_exit(st);
    if (st != ST_OK && code != 1 && code != 2 && code != 5 && code != 6 && code != 7 && code != 9) {
        *e = why;
        return st;
    }
    tell_document(a, path,
                  st != ST_OK ? "refused"
                  : existed   ? "there"
                              : "kept",
                  st != ST_OK ? why.detail : NULL);
    return ST_OK;
}

static enum status take_documents(struct arrival *a, struct err *e)
{
    enum status st = ST_OK;
    for (enum gate g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++)
        st = take_evidence(a, g, e);
    for (size_t i = 0; st == ST_OK && i < a->reader.bundle.count; i++) {
        const char *path = a->reader.bundle.documents[i].path;
        if (strncmp(path, "decisions/", 10) == 0 || text_equal(path, "trust.dsse.json"))
            tell_document(a, path, "not kept", "it is about another store");
    }
    return st;
}

static enum status tell_imported(struct arrival *a, struct err *e)
{
    const struct admit_result *r = &a->result;
    struct cli *c = a->c;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.import/1");
        member_digest(&j, "artifact", &r->artifact);
        member_digest(&j, "sha256", &r->content.sha256);
        member_text(&j, "name", r->manifest.name);
        member_text(&j, "version", r->manifest.version);
        member_u64(&j, "bytes", r->content.bytes);
        member_u64(&j, "new_bytes", r->content.new_bytes);
        member_bool(&j, "existed", r->existed);
        json_key(&j, "documents");
        json_array(&j);
        a->j = &j;
        enum status st = take_documents(a, e);
        json_close(&j);
        answer_close(c, &j);
        return st;
    }
    buf_fmt(&c->out, "%s@%s  ", r->manifest.name, r->manifest.version);
    put_size(&c->out, r->content.bytes);
    buf_text(&c->out, r->existed ? ", was there" : ", new ");
    if (!r->existed)
        put_size(&c->out, r->content.new_bytes);
    buf_text(&c->out, "\n  artifact ");
    put_full(&c->out, &r->artifact);
    buf_byte(&c->out, '\n');
    return take_documents(a, e);
}

enum status incoming_bundle(struct cli *c, struct incoming *in, struct err *e)
{
    SCOPED(arrival_release) struct arrival a = {.c = c, .in = in};
    struct admit_keys keys = {.clock = c->clock};
    enum status st = cli_key(c, "log", &keys.log, e);
    if (st == ST_OK)
        st = open_bundle(&a, e);
    if (st == ST_OK) {
        SCOPED(progress_scope)
        struct progress *progress = progress_start(in->request.label, "B", 0, c->quiet);
        st = take_artifact(&a, &keys, progress, e);
    }
    if (st != ST_OK && a.unpack != NULL && (unpack_refused(a.unpack) || a.reader.refused))
        st = admit_refuse(c->store, &keys, &in->request, &a.result, e);
    if (a.result.quarantined)
        text_fmt(c->quarantine, sizeof c->quarantine, "%s", a.result.quarantine.id);
    return st == ST_OK ? tell_imported(&a, e) : st;
}

enum status cmd_import(struct cli *c, struct err *e)
{
    const char *path = c->word[0];
    SCOPED(incoming_release) struct incoming in = INCOMING_OF(path);
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &in.fd, e);
    if (st == ST_OK)
        st = incoming_bundle(c, &in, e);
    return st == ST_OK ? st : err_subject(e, "%s", path);
}
