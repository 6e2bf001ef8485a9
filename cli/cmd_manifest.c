/* manifest: what a publisher hands out beside the bytes. */
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/target.h"
#include "store/envelope_join.h"
#include "store/log_head.h"
#include "store/minisig.h"
#include "verify/publisher.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILES 4

struct published {
    const char *name;
    struct buf bytes;
};

static void published_release(struct published (*files)[FILES])
{
    for (size_t i = 0; i < FILES; i++)
        buf_release(&(*files)[i].bytes);
}

/* The ledger's head of the moment, for log --verify --against. Canonical, a line. */
static void put_head(const struct cli *c, struct buf *out)
{
    const struct log_head head = log_head_of(&c->facts);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "head");
    log_head_write(&j, &head);
    member_text(&j, "schema", "assay.head/1");
    json_close(&j);
    buf_byte(out, '\n');
}

static enum status make_files(struct cli *c, const struct artifact *a,
                              struct published files[FILES], struct envelope *v, struct err *e)
{
    const struct signer *signer = NULL;
    const char *key = c->args.value[OPT_KEY];
    char comment[MINISIG_COMMENT_MAX], hex[DIGEST_TEXT];
    enum status st = cli_key(c, key != NULL ? key : "publisher", &signer, e);
    if (st == ST_OK)
        st = publisher_envelope(c->store, &a->digest, &a->envelope, v, e);
    if (st != ST_OK)
        return st;
    digest_text(&a->digest, hex);
    text_fmt(comment, sizeof comment, "assay manifest %s@%s sha256:%s", a->manifest.name,
             a->manifest.version, hex);
    files[0].name = "manifest.json";
    files[1].name = "manifest.dsse.json";
    files[2].name = "manifest.json.minisig";
    files[3].name = "head.json";
    put_head(c, &files[3].bytes);
    buf_append(&files[0].bytes, buf_span(&v->payload));
    if (buf_status(&files[0].bytes) != ST_OK || buf_status(&files[3].bytes) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a manifest");
    st = envelope_write(v, &files[1].bytes, e);
    return st == ST_OK ? minisig_write(buf_span(&v->payload), comment, signer, &files[2].bytes, e)
                       : st;
}

/* Nothing is written when one of them is there and may not be replaced. */
static enum status write_files(struct cli *c, const char *folder,
                               const struct published files[FILES], struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    bool force = opt_given(&c->args, OPT_FORCE);
    enum status st = target_folder(c, folder, &dir, e);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; !force && i < FILES; i++) {
        if (faccessat(dir, files[i].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return err_set(e, ST_EXISTS, "output",
                           "%s/%s is there already; give another folder or --force", folder,
                           files[i].name);
    }
    for (size_t i = 0; st == ST_OK && i < FILES; i++)
        st =
            pending_file(dir, files[i].name, 0666 & ~c->umask, buf_span(&files[i].bytes), force, e);
    return st;
}

enum status cmd_manifest(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(published_release) struct published files[FILES] = {{0}};
    const char *folder = c->args.value[OPT_OUTPUT];
    if (folder == NULL)
        return err_set(e, ST_USAGE, "output", "where to? say -o DIR");
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = make_files(c, &a, files, &v, e);
    if (st == ST_OK)
        st = write_files(c, folder, files, e);
    if (st != ST_OK)
        return st;
    if (!c->json) {
        buf_fmt(&c->out, "%s@%s  manifest, %zu signatures, minisig → %s\n", a.manifest.name,
                a.manifest.version, v.count, folder);
        return ST_OK;
    }
    struct json_out j = answer_open(c, "assay.manifest-files/1");
    member_digest(&j, "artifact", &a.digest);
    member_text(&j, "folder", folder);
    json_key(&j, "files");
    json_array(&j);
    for (size_t i = 0; i < FILES; i++)
        json_string(&j, files[i].name);
    json_close(&j);
    json_key(&j, "signatures");
    json_array(&j);
    for (size_t i = 0; i < v.count; i++)
        json_string(&j, v.signatures[i].keyid);
    json_close(&j);
    answer_close(c, &j);
    return ST_OK;
}
