#include "cli/incoming.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/given.h"
#include "cli/walk.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void incoming_release(struct incoming *in)
{
    if (in->fd > STDIN_FILENO)
        fd_release(&in->fd);
    walk_scope(&in->tree);
    unpack_scope(&in->archive);
    buf_release(&in->envelope);
}

static enum status read_alive(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    const struct incoming *in = ctx;
    enum status st = cli_read(in->fd, p, cap, got, e);
    return st == ST_OK && *got == 0 ? steady_check(&in->was, in->fd, e) : st;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static enum status read_whole(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct incoming *in = ctx;
    const uint64_t left = in->request.whole.bytes - in->at;
    const size_t n = left < cap ? (size_t)left : cap;
    *got = 0;
    enum status st = cli_alive(e);
    if (st == ST_OK)
        st = n > 0 ? io_read_at(in->fd, p, n, in->at, e) : steady_check(&in->was, in->fd, e);
    if (st != ST_OK)
        return st;
    in->at += n;
    *got = n;
    return ST_OK;
}

void incoming_keep_whole(struct incoming *in, enum quarantine_kind kind, const struct stat *facts)
{
    in->was = steady_of(facts);
    in->at = 0;
    in->request.whole = (struct admit_whole){kind, {read_whole, in}, (uint64_t)facts->st_size};
}

static enum status take_apart(struct incoming *in, enum import_kind kind, const struct stat *facts,
                              struct err *e)
{
    incoming_keep_whole(in, QUARANTINE_ARCHIVE, facts);
    enum status st = unpack_start(in->fd, facts, kind, &in->archive, e);
    in->request.folder = true;
    if (st == ST_OK)
        in->request.stream = unpack_stream(in->archive);
    return st;
}

static void take_file(struct incoming *in, const char *path, const struct stat *facts)
{
    in->was = steady_of(facts);
    in->bytes = S_ISREG(facts->st_mode) ? (uint64_t)facts->st_size : 0;
    in->one =
        (struct admit_file){.path = base_name(path), .from = {read_alive, in}, .bytes = in->bytes};
    in->request.given = &in->one;
    in->request.given_count = 1;
}

static enum status look(struct incoming *in, const char *path, struct err *e)
{
    struct stat facts;
    enum status st = ST_OK;
    if (fstat(in->fd, &facts) != 0)
        return err_set(e, ST_IO, NULL, "cannot look at %s", path);
    if (S_ISDIR(facts.st_mode)) {
        st = walk_folder(in->fd, &in->tree, e);
        in->request.folder = true;
        in->request.given =
            st == ST_OK ? walk_files(in->tree, &in->request.given_count, &in->bytes) : NULL;
        return st;
    }
    st = walk_name(base_name(path), e);
    if (st != ST_OK)
        return st;
    enum import_kind kind = import_kind_of(path);
    if (kind != IMPORT_NONE && in->request.format == NULL && S_ISREG(facts.st_mode))
        return take_apart(in, kind, &facts, e);
    take_file(in, path, &facts);
    return ST_OK;
}

enum status incoming_open(struct incoming *in, const char *path, struct err *e)
{
    enum status st = ST_OK;
    if (strcmp(path, "-") == 0)
        in->fd = STDIN_FILENO;
    else
        st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &in->fd, e); /* a pipe may wait */
    return st == ST_OK ? look(in, path, e) : st;
}

enum status incoming_held(struct incoming *in, const struct quarantine_facts *f, struct err *e)
{
    struct stat facts;
    if (fstat(in->fd, &facts) != 0)
        return err_set(e, ST_IO, NULL, "cannot look at %s", f->id);
    in->request.held = true;
    switch (f->kind) {
    case QUARANTINE_UNTOLD:
        return err_set(e, ST_USAGE, "quarantine-kind",
                       "it was kept by an earlier release and may be a part of what was handed in: "
                       "add the whole again, and purge this");
    case QUARANTINE_FOLDER: return take_apart(in, IMPORT_TAR, &facts, e);
    case QUARANTINE_ARCHIVE:
        if (in->request.format == NULL) /* else it is stored as it is */
            return take_apart(in, import_kind_of(f->name), &facts, e);
        break;
    case QUARANTINE_FILE:
    case QUARANTINE_BUNDLE: break;
    }
    if (f->kind != QUARANTINE_BUNDLE)
        take_file(in, f->name, &facts);
    return ST_OK;
}

/* What goes into a signed manifest goes in as it was given, or not at all: the manifest's JSON
 * holds no other bytes than UTF-8. */
static enum status plain_words(const struct cli *c, struct err *e)
{
    static const struct {
        enum opt id;
        const char *flag;
    } told[] = {{OPT_LICENSE, "--license"}, {OPT_SOURCE, "--source"}, {OPT_REVISION, "--revision"}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const char *text = c->args.value[told[i].id];
        bool plain = text == NULL || utf8_valid(span_text(text));
        for (const char *p = text; plain && p != NULL && *p != '\0'; p++)
            plain = (unsigned char)*p >= 0x20 && *p != 0x7f;
        if (!plain)
            return err_set(e, ST_USAGE, "option-value",
                           "%s %s: UTF-8 without control characters is wanted", told[i].flag, text);
    }
    return ST_OK;
}

enum status incoming_options(struct cli *c, struct incoming *in, struct err *e)
{
    const char *expect = c->args.value[OPT_EXPECT], *manifest = c->args.value[OPT_MANIFEST];
    const char *format = c->args.value[OPT_FORMAT];
    if (format != NULL && !text_equal(format, "slm1") && !text_equal(format, "gguf") &&
        !text_equal(format, "opaque"))
        return err_set(e, ST_USAGE, "option-value", "--format %s: slm1, gguf or opaque is wanted",
                       format);
    if (expect != NULL && !digest_parse(expect, &in->expect))
        return err_set(e, ST_USAGE, "option-value",
                       "--expect %s: sha256: and 64 hex digits are wanted", expect);
    if (plain_words(c, e) != ST_OK)
        return e->status;
    in->request.expect = expect != NULL ? &in->expect : NULL;
    in->request.format = format;
    in->request.name = c->args.value[OPT_NAME];
    in->request.version = c->args.value[OPT_VERSION];
    in->request.license = c->args.value[OPT_LICENSE];
    in->request.source_uri = c->args.value[OPT_SOURCE];
    in->request.revision = c->args.value[OPT_REVISION];
    if (manifest == NULL)
        return ST_OK;
    enum status st = given_read(manifest, ENVELOPE_MAX, &in->envelope, e);
    in->request.manifest_envelope = buf_span(&in->envelope);
    if (st == ST_OK && in->envelope.n == 0)
        st = err_set(e, ST_SIGNATURE, "manifest-empty", "the manifest %s is empty", manifest);
    return st != ST_OK ? err_subject(e, "%s", manifest) : ST_OK;
}

enum status incoming_admit(struct cli *c, struct incoming *in, struct admit_result *result,
                           struct err *e)
{
    struct admit_keys keys = {.clock = c->clock};
    enum status st = in->envelope.n > 0 ? ST_OK : cli_key(c, "publisher", &keys.publisher, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &keys.log, e);
    if (st != ST_OK)
        return st;
    SCOPED(progress_scope)
    struct progress *progress =
        progress_start(base_name(in->request.label), "B", in->bytes, c->quiet);
    st = admit(c->store, c->trust, &keys, &in->request, progress, result, e);
    if (st != ST_OK && in->envelope.n > 0 && e->stage != NULL &&
        (text_equal(e->stage, "envelope") || text_equal(e->stage, "json")))
        (void)err_subject(e, "%s, the manifest", c->args.value[OPT_MANIFEST]);
    if (st != ST_OK && in->archive != NULL && unpack_refused(in->archive))
        st = admit_refuse(c->store, &keys, &in->request, result, e);
    c->unkept = result->unkept;
    if (result->quarantined)
        text_fmt(c->quarantine, sizeof c->quarantine, "%s", result->quarantine.id);
    return st;
}
