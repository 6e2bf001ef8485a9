#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/look.h"
#include "cli/pack_gguf.h"
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

/* Where the file goes, and what was made of it. */
struct output {
    struct target to;
    const struct pack_request *folder; /* one of the two */
    struct pack_gguf *gguf;
    uint64_t bytes;
};

static enum status make(struct output *o, struct sink to, struct err *e)
{
    return o->folder != NULL ? pack_make(o->folder, to, &o->bytes, e)
                             : pack_gguf(o->gguf, to, &o->bytes, e);
}

static void output_release(struct output *o)
{
    target_release(&o->to);
}

static enum status write_model(struct cli *c, struct output *o, struct err *e)
{
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    umask(c->umask); /* the file is the user's */
    enum status st = pending_open(o->to.dir, 0666 & ~c->umask, &p, e);
    if (st == ST_OK)
        st = make(o, sink_fd(&p.fd), e);
    if (st == ST_OK)
        st = pending_publish(&p, o->to.name, opt_given(&c->args, OPT_FORCE), e);
    return st == ST_OK ? ST_OK : target_failed(e, c->args.value[OPT_OUTPUT]);
}

static enum status from_folder(struct cli *c, struct output *o, struct err *e)
{
    SCOPED(fd_release) int folder = -1;
    SCOPED(buf_release) struct buf shape = BUF_EMPTY;
    SCOPED(buf_release) struct buf tokenizer = BUF_EMPTY;
    enum status st = io_open(AT_FDCWD, c->word[0], O_RDONLY | O_DIRECTORY, 0, &folder, e);
    if (st == ST_OK)
        st = read_shape(c, folder, &shape, e);
    if (st == ST_OK)
        st = read_tokenizer(folder, &tokenizer, e);
    const struct pack_request request = {.folder = folder,
                                         .shape = buf_span(&shape),
                                         .dtype = c->args.value[OPT_DTYPE],
                                         .tokenizer = buf_span(&tokenizer)};
    o->folder = &request;
    if (st == ST_OK)
        st = write_model(c, o, e);
    return st;
}

/* A sandboxed child looks at the file first: what is read here, it has taken. */
static enum status from_gguf(struct cli *c, struct output *o, struct err *e)
{
    SCOPED(json_scope) struct json *seen = NULL;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(model_scope) struct model *model = NULL;
    const struct look look = {.what = LOOK_FACTS};
    enum status st = look_at(c->word[0], &look, &seen, NULL, e);
    if (st == ST_OK)
        st = given_read(c->word[0], (size_t)model_limits_default.file_bytes, &file, e);
    if (st == ST_OK)
        st = model_open(buf_span(&file), NULL, true, &model, e);
    if (st == ST_OK && model_facts(model)->format != MODEL_FORMAT_GGUF)
        st = err_set(e, ST_USAGE, "words", "it is SLM1 already");
    struct pack_gguf p = {
        .model = model, .file = buf_span(&file), .dtype = c->args.value[OPT_DTYPE]};
    o->gguf = &p;
    if (st == ST_OK)
        st = write_model(c, o, e);
    if (st == ST_OK && p.unreached > 0)
        cli_hint(c, "%u tokens no text becomes any more, for no two others spell them",
                 p.unreached);
    return st;
}

enum status cmd_pack(struct cli *c, struct err *e)
{
    const char *path = c->args.value[OPT_OUTPUT];
    SCOPED(output_release) struct output o = {.to = TARGET_NONE};
    struct stat facts;
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-output", "where to? say -o FILE");
    enum status st = target_open(c, path, opt_given(&c->args, OPT_FORCE), &o.to, e);
    if (st != ST_OK)
        return st;
    const bool file = stat(c->word[0], &facts) == 0 && S_ISREG(facts.st_mode);
    st = file ? from_gguf(c, &o, e) : from_folder(c, &o, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.pack/1");
        member_text(&j, "path", path);
        member_u64(&j, "bytes", o.bytes);
        answer_close(c, &j);
        return ST_OK;
    }
    put_foreign(&c->out, path);
    buf_fmt(&c->out, "  %llu bytes\n", (unsigned long long)o.bytes);
    return ST_OK;
}
