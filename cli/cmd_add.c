/* add: from paths to admission. Files are opened once, here, and read once. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/walk.h"
#include "verify/admit.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One PATH on its way in. */
struct incoming {
    int fd;            /* of a file, or −1 */
    struct walk *tree; /* of a folder, or NULL */
    struct admit_file one;
    struct admit_request request;
    struct digest expect;
    struct buf envelope;
    uint64_t bytes; /* 0: not known */
};

static void incoming_release(struct incoming *in)
{
    if (in->fd > STDIN_FILENO)
        fd_release(&in->fd);
    walk_scope(&in->tree);
    buf_release(&in->envelope);
}

static enum status read_alive(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    const int *fd = ctx;
    return cli_read(*fd, p, cap, got, e);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static enum status open_path(struct incoming *in, const char *path, struct err *e)
{
    struct stat facts;
    enum status st = ST_OK;
    if (strcmp(path, "-") == 0)
        in->fd = STDIN_FILENO;
    else
        st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &in->fd, e); /* a pipe may wait */
    if (st != ST_OK)
        return st;
    if (fstat(in->fd, &facts) != 0)
        return err_set(e, ST_IO, NULL, "cannot look at %s", path);
    if (S_ISDIR(facts.st_mode)) {
        st = walk_folder(in->fd, &in->tree, e);
        in->request.folder = true;
        in->request.files =
            st == ST_OK ? walk_files(in->tree, &in->request.file_count, &in->bytes) : NULL;
        return st;
    }
    st = walk_name(base_name(path), e);
    if (st != ST_OK)
        return st;
    in->bytes = S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
    in->one = (struct admit_file){.path = base_name(path), .from = {read_alive, &in->fd}};
    in->request.files = &in->one;
    in->request.file_count = 1;
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

static enum status read_options(struct cli *c, struct incoming *in, struct err *e)
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
    enum status st = file_read(AT_FDCWD, manifest, ENVELOPE_MAX, &in->envelope, e);
    in->request.manifest_envelope = buf_span(&in->envelope);
    if (st == ST_OK && in->envelope.n == 0)
        st = err_set(e, ST_SIGNATURE, "manifest-empty", "the manifest %s is empty", manifest);
    return st != ST_OK ? err_subject(e, "%s", manifest) : ST_OK;
}

static enum status tell(struct cli *c, const struct admit_result *r, struct err *e)
{
    char state[16];
    const char *format = r->manifest.model.present ? r->manifest.model.format : "opaque";
    enum status st = channel_state(c->store, &r->artifact, r->manifest.name, state, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.add/1");
        member_digest(&j, "artifact", &r->artifact);
        member_digest(&j, "sha256", &r->content.sha256);
        member_text(&j, "name", r->manifest.name);
        member_text(&j, "version", r->manifest.version);
        member_u64(&j, "bytes", r->content.bytes);
        member_u64(&j, "stored_bytes", r->content.stored_bytes);
        member_u64(&j, "new_bytes", r->content.new_bytes);
        member_u64(&j, "chunks", r->content.chunks);
        member_u64(&j, "healed", r->content.healed);
        member_text(&j, "format", format);
        member_text(&j, "state", state);
        member_bool(&j, "existed", r->existed);
        member_u64(&j, "signatures", r->signatures);
        answer_close(c, &j);
        return ST_OK;
    }
    if (r->signatures > 0)
        cli_hint(c, "%zu more of its publishers' signatures recorded", r->signatures);
    buf_fmt(&c->out, "%s@%s  %s  ", r->manifest.name, r->manifest.version, format);
    put_size(&c->out, r->content.bytes);
    buf_text(&c->out, r->existed ? ", was there" : ", new ");
    if (!r->existed)
        put_size(&c->out, r->content.new_bytes);
    if (r->content.healed > 0)
        buf_fmt(&c->out, ", healed %llu damaged chunk%s", (unsigned long long)r->content.healed,
                r->content.healed == 1 ? "" : "s");
    buf_text(&c->out, "\n  artifact ");
    put_full(&c->out, &r->artifact);
    buf_text(&c->out, "\n  sha256   ");
    put_full(&c->out, &r->content.sha256);
    buf_byte(&c->out, '\n');
    return ST_OK;
}

static enum status add_one(struct cli *c, const char *path, struct err *e)
{
    SCOPED(incoming_release) struct incoming in = {.fd = -1, .request.label = path};
    SCOPED(admit_result_release) struct admit_result result = {0};
    struct admit_keys keys = {.clock = c->clock};
    if (strcmp(path, "-") == 0 && !opt_given(&c->args, OPT_NAME) &&
        !opt_given(&c->args, OPT_MANIFEST))
        return err_set(e, ST_USAGE, "no-name",
                       "standard input has no name: give it one with --name");
    enum status st = read_options(c, &in, e);
    if (st == ST_OK)
        st = open_path(&in, path, e);
    if (st == ST_OK && in.envelope.n == 0)
        st = cli_key(c, "publisher", &keys.publisher, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &keys.log, e);
    if (st != ST_OK)
        return st;
    SCOPED(progress_scope)
    struct progress *progress = progress_start(base_name(path), "B", in.bytes, c->quiet);
    st = admit(c->store, c->trust, &keys, &in.request, progress, &result, e);
    if (result.quarantined)
        text_fmt(c->quarantine, sizeof c->quarantine, "%s", result.quarantine.id);
    return st != ST_OK ? st : tell(c, &result, e);
}

/* What says something about this PATH only: the others may still go in. */
static bool about_one(enum status st)
{
    int code = status_exit(st);
    return code == 2 || code == 5 || code == 6 || code == 7 || code == 9;
}

/* Each PATH by itself: a line each, the first failure decides the exit code. */
static enum status add_all(struct cli *c, struct err *e)
{
    enum status first = ST_OK;
    for (size_t i = 0; i < c->words; i++) {
        *e = ERR_NONE;
        c->quarantine[0] = '\0';
        enum status st = add_one(c, c->word[i], e);
        if (st != ST_OK)
            st = err_subject(e, "%s", c->word[i]);
        if (st != ST_OK && !about_one(st))
            return st;
        if (st != ST_OK)
            cli_fail(c, e);
        first = first != ST_OK ? first : st;
        struct err lost = ERR_NONE;
        if (cli_flush(c, &lost) != ST_OK) {
            *e = lost;
            return lost.status;
        }
    }
    c->answered = true;
    return first;
}

enum status cmd_add(struct cli *c, struct err *e)
{
    static const enum opt single[] = {OPT_NAME, OPT_VERSION, OPT_EXPECT, OPT_MANIFEST};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (c->words > 1 && opt_given(&c->args, single[i]))
            return err_set(e, ST_USAGE, "words", "--%s is about one PATH, and %zu are given",
                           opt_shapes[single[i]].name, c->words);
    }
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    if (c->words == 1) {
        st = add_one(c, c->word[0], e);
        return st != ST_OK ? err_subject(e, "%s", c->word[0]) : ST_OK;
    }
    return add_all(c, e);
}
