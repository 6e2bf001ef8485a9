/* attest: what people say about an artifact that no gate can measure. */
#include "base/files.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/print.h"
#include "verify/attestation.h"
#include <fcntl.h>
#include <string.h>

#define BLOCK (256u << 10)

static enum status hash_path(const char *path, struct digest *out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    SCOPED(buf_release) struct buf block = BUF_EMPTY;
    uint8_t *p = buf_space(&block, BLOCK);
    size_t got = 1;
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a file");
    enum status st =
        io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e); /* a pipe may wait */
    struct stat facts;
    if (st == ST_OK && fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        st = err_set(e, ST_USAGE, "not-a-file", "%s is a folder; name a file", path);
    if (st == ST_OK)
        st = hasher_open(&h, e);
    while (st == ST_OK && got > 0) {
        st = cli_read(fd, p, BLOCK, &got, e);
        if (st == ST_OK)
            hasher_add(h, SPAN(p, got));
    }
    if (st != ST_OK)
        return err_subject(e, "%s", path);
    *out = hasher_end(h);
    return ST_OK;
}

/* What goes into a signed statement goes in as it was given, or not at all. */
static enum status take_text(const char *text, const char *what, char out[ATTESTATION_TEXT],
                             struct err *e)
{
    if (text == NULL)
        return ST_OK;
    if (!utf8_valid(span_text(text)))
        return err_set(e, ST_USAGE, "option-value", "%s: UTF-8 is wanted", what);
    return text_fmt(out, ATTESTATION_TEXT, "%s", text) < ATTESTATION_TEXT
               ? ST_OK
               : err_set(e, ST_USAGE, "option-value", "%s: at most %d bytes", what,
                         ATTESTATION_TEXT - 1);
}

static enum status read_source(struct cli *c, struct attested_record *r, struct err *e)
{
    const char *path = c->args.value[OPT_FILE], *digest = c->args.value[OPT_DIGEST];
    bool source = r->type == ATTEST_SOURCE;
    if (source != (path != NULL || digest != NULL) || (path != NULL && digest != NULL))
        return err_set(e, ST_USAGE, "words",
                       source ? "which source? say --file FILE or --digest sha256:HEX"
                              : "--file and --digest go with --type source");
    if (digest != NULL && !digest_parse(digest, &r->source))
        return err_set(e, ST_USAGE, "option-value",
                       "--digest %s: sha256: and 64 hex digits are wanted", digest);
    return path != NULL ? hash_path(path, &r->source, e) : ST_OK;
}

static enum status read_record(struct cli *c, struct attested_record *r, struct err *e)
{
    const char *type = c->args.value[OPT_TYPE], *reason = c->args.value[OPT_REASON];
    r->type = attestation_parse(type);
    if (r->type == ATTEST_COUNT)
        return err_set(e, ST_USAGE, "option-value", "--type %s: source, review or support", type);
    if (r->type != ATTEST_SOURCE && (reason == NULL || reason[0] == '\0'))
        return err_set(e, ST_USAGE, "reason", "what was looked at? say --reason TEXT");
    enum status st = read_source(c, r, e);
    if (st == ST_OK)
        st = take_text(reason, "--reason", r->reason, e);
    return st == ST_OK ? take_text(c->args.value[OPT_SOURCE], "--source", r->uri, e) : st;
}

static void put_record(struct json_out *j, const struct attested_record *r)
{
    member_text(j, "type", attestation_name(r->type));
    member_digest(j, "source", &r->source);
    member_text(j, "uri", r->uri[0] != '\0' ? r->uri : NULL);
    member_text(j, "reason", r->reason[0] != '\0' ? r->reason : NULL);
    member_text(j, "time", r->time);
    member_digest(j, "envelope", &r->envelope);
}

static void put_line(struct buf *out, const struct attested_record *r)
{
    buf_fmt(out, "%-8s %s", attestation_name(r->type), r->time);
    if (r->type == ATTEST_SOURCE) {
        buf_text(out, "  sha256:");
        put_full(out, &r->source);
    }
    if (r->uri[0] != '\0') {
        buf_text(out, "  ");
        put_foreign(out, r->uri);
    }
    if (r->reason[0] != '\0') {
        buf_text(out, "  ");
        put_foreign(out, r->reason);
    }
    buf_byte(out, '\n');
}

static enum status record(struct cli *c, const struct artifact *a, struct err *e)
{
    struct attested_record r = {.artifact = a->digest};
    const struct signer *by = NULL, *log = NULL;
    const char *key = c->args.value[OPT_KEY];
    uint64_t seq = 0;
    enum status st = read_record(c, &r, e);
    text_fmt(r.subject, sizeof r.subject, "%s@%s", a->manifest.name, a->manifest.version);
    if (st == ST_OK)
        st = cli_key(c, key != NULL ? key : role_name(attestation_role(r.type)), &by, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = attestation_commit(c->store, c->trust, &r, by, log, c->clock, &seq, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.attest/1");
        member_digest(&j, "artifact", &a->digest);
        put_record(&j, &r);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
    } else {
        put_line(&c->out, &r);
    }
    return ST_OK;
}

static enum status list(struct cli *c, const struct artifact *a, struct err *e)
{
    struct json_out j;
    if (c->json) {
        j = answer_open(c, "assay.attestations/1");
        member_digest(&j, "artifact", &a->digest);
        json_key(&j, "attestations");
        json_array(&j);
    }
    for (enum attestation t = ATTEST_SOURCE; t < ATTEST_COUNT; t++) {
        struct attested_record r;
        struct err why = ERR_NONE;
        enum status st =
            attestation_newest(c->store, c->trust, t, &a->digest, TRUST_ANY_TIME, &r, &why);
        if (st == ST_NOT_FOUND)
            continue;
        if (st != ST_OK) {
            *e = why;
            return st;
        }
        if (!c->json) {
            put_line(&c->out, &r);
            continue;
        }
        json_object(&j);
        put_record(&j, &r);
        json_close(&j);
    }
    if (c->json) {
        json_close(&j);
        answer_close(c, &j);
    } else if (c->out.n == 0) {
        cli_hint(c, "nothing is attested yet; see: assay help attest");
    }
    return ST_OK;
}

enum status cmd_attest(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st != ST_OK)
        return st;
    st = opt_given(&c->args, OPT_TYPE) ? record(c, &a, e) : list(c, &a, e);
    return st == ST_OK ? st : err_subject(e, "%s", c->word[0]);
}
