#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/pack_make.h"
#include "cli/print.h"
#include "cli/target.h"
#include <fcntl.h>

#define SHAPE_FILE_MAX     4096
#define TOKENIZER_FILE_MAX (16u << 20)

static enum status read_shape(struct cli *c, int folder, struct buf *out, struct err *e)
{
    const char *path = c->args.value[OPT_SHAPE];
    enum status st = file_read(path != NULL ? AT_FDCWD : folder, path != NULL ? path : "shape.json",
                               SHAPE_FILE_MAX, out, e);
    return st != ST_OK ? err_subject(e, "%s", path != NULL ? path : "shape.json") : ST_OK;
}

/* tokenizer.bin in the folder, if it is there: a BPE1 section as it is to stand in the file. */
static enum status read_tokenizer(int folder, struct buf *out, struct err *e)
{
    enum status st = file_read(folder, "tokenizer.bin", TOKENIZER_FILE_MAX, out, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return ST_OK;
    }
    return st != ST_OK ? err_subject(e, "tokenizer.bin") : ST_OK;
}

static enum status write_model(const struct pack_request *request, const struct target *t,
                               unsigned mode, bool replace, uint64_t *bytes, struct err *e)
{
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    enum status st = pending_open(t->dir, mode, &p, e);
    if (st == ST_OK)
        st = pack_make(request, sink_fd(&p.fd), bytes, e);
    return st == ST_OK ? pending_publish(&p, t->name, replace, e) : st;
}

enum status cmd_pack(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int folder = -1;
    SCOPED(target_release) struct target t = TARGET_NONE;
    SCOPED(buf_release) struct buf shape = BUF_EMPTY;
    SCOPED(buf_release) struct buf tokenizer = BUF_EMPTY;
    const char *path = c->args.value[OPT_OUTPUT];
    bool force = opt_given(&c->args, OPT_FORCE);
    uint64_t bytes = 0;
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-output", "where to? say -o FILE");
    enum status st = io_open(AT_FDCWD, c->word[0], O_RDONLY | O_DIRECTORY, 0, &folder, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    st = read_shape(c, folder, &shape, e);
    if (st == ST_OK)
        st = read_tokenizer(folder, &tokenizer, e);
    if (st == ST_OK)
        st = target_open(path, force, &t, e);
    if (st != ST_OK)
        return st;
    const struct pack_request request = {.folder = folder,
                                         .shape = buf_span(&shape),
                                         .dtype = c->args.value[OPT_DTYPE],
                                         .tokenizer = buf_span(&tokenizer)};
    umask(c->umask); /* the file is the user's */
    st = write_model(&request, &t, 0666 & ~c->umask, force, &bytes, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.pack/1");
        member_text(&j, "path", path);
        member_u64(&j, "bytes", bytes);
        answer_close(c, &j);
        return ST_OK;
    }
    put_foreign(&c->out, path);
    buf_fmt(&c->out, "  %llu bytes\n", (unsigned long long)bytes);
    return ST_OK;
}
