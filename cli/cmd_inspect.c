/* inspect and tokenize: into a model file without a store. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "runtime/budget.h"
#include "runtime/tokenizer.h"
#include "verify/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE    (256u << 10) /* bytes read at a time */
#define TEXT_MAX (16u << 20)

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* What the file claims to be; what is no model of ours is refused by name. */
static enum status claim_of(int fd, const char *path, uint64_t size, enum model_format *out,
                            struct err *e)
{
    uint8_t head[MODEL_SNIFF_BYTES];
    size_t n = size < sizeof head ? (size_t)size : sizeof head;
    const char *foreign = NULL;
    enum status st = io_read_at(fd, head, n, 0, e);
    if (st != ST_OK)
        return st;
    switch (model_sniff(SPAN(head, n), base_name(path), size, &foreign)) {
    case CLAIM_SLM1: *out = MODEL_FORMAT_SLM1; return ST_OK;
    case CLAIM_GGUF: *out = MODEL_FORMAT_GGUF; return ST_OK;
    case CLAIM_FOREIGN:
        return err_at(e, ST_MODEL_MAGIC, "container", "foreign-format", 0,
                      "this is %s, a format of others that assay does "
                      "not read",
                      foreign);
    case CLAIM_NONE: break;
    }
    return err_at(e, ST_MODEL_MAGIC, "container", NULL, 0,
                  "nothing in it claims to be a model (SLM1 or GGUF)");
}

static enum status feed(struct probe *p, int fd, uint64_t size, struct err *e)
{
    SCOPED(buf_release) struct buf piece = BUF_EMPTY;
    struct sink to = probe_sink(p);
    uint8_t *bytes = buf_space(&piece, PIECE);
    if (bytes == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a file");
    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;
        enum status st = cli_alive(e);
        if (st == ST_OK)
            st = io_read_at(fd, bytes, n, at, e);
        if (st == ST_OK)
            st = to.write(to.ctx, SPAN(bytes, n), e);
        if (st == ST_CANCELLED) { /* the parser has made up its mind */
            *e = ERR_NONE;
            return ST_OK;
        }
        if (st != ST_OK)
            return st;
        at += n;
    }
    return ST_OK;
}

static void budget_text(struct buf *out, const struct budget *b)
{
    const struct {
        const char *label;
        uint64_t bytes;
    } lines[] = {{"transfer", b->transfer}, {"weights", b->weights}, {"scratch", b->scratch},
                 {"kv cache", b->kv},       {"logits", b->logits},   {"tables", b->tables},
                 {"total", b->total}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        put_field(out, lines[i].label, "%llu bytes", (unsigned long long)lines[i].bytes);
}

static enum status tell_facts(struct cli *c, const char *path, const struct probe_result *r,
                              struct err *e)
{
    const struct model_facts *f = &r->facts;
    struct budget budget;
    enum status st = budget_of(f, &budget, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        budget_json(&budget, &text);
        struct json_out j = answer_open(c, "assay.inspect/1");
        member_text(&j, "path", path);
        json_key(&j, "facts");
        facts_write(f, &j);
        member_digest(&j, "tokenizer_sha256", &r->tokenizer);
        json_key(&j, "budget");
        json_raw(&j, buf_span(&text));
        answer_close(c, &j);
        return buf_status(&text);
    }
    put_field(&c->out, "file", "%s, %llu bytes", path, (unsigned long long)f->file_bytes);
    put_field(&c->out, "format", "%s %u, family %s", format_name(f->format), f->format_version,
              f->family);
    put_field(&c->out, "weights", "%s, %llu parameters in %u tensors", f->quantization,
              (unsigned long long)f->parameters, f->tensors);
    put_field(&c->out, "shape",
              "vocabulary %u, hidden %u, layers %u, heads %u/%u of %u, ffn %u, context %u%s",
              f->shape.vocab, f->shape.hidden, f->shape.layers, f->shape.heads, f->shape.kv_heads,
              f->shape.head_dim, f->shape.ffn, f->shape.context, f->shape.tied ? ", tied" : "");
    put_field(&c->out, "tokenizer", "%s", f->tokenizer);
    if (f->license[0] != '\0')
        put_field(&c->out, "license", "%s", f->license);
    buf_text(&c->out, "to run it needs:\n");
    budget_text(&c->out, &budget);
    return ST_OK;
}

enum status cmd_inspect(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(probe_scope) struct probe *probe = NULL;
    SCOPED(probe_result_release) struct probe_result result = {0};
    const char *path = c->word[0];
    enum model_format format = MODEL_FORMAT_NONE;
    uint64_t size = 0;
    struct stat facts;
    enum status st =
        io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e); /* a pipe may wait */
    if (st == ST_OK && fstat(fd, &facts) != 0)
        st = err_sys(e, errno, "look at", path);
    if (st == ST_OK && !S_ISREG(facts.st_mode))
        st = err_set(e, ST_USAGE, "words", "it is no regular file");
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st == ST_OK)
        st = claim_of(fd, path, size, &format, e);
    if (st == ST_OK)
        st = probe_start(format, size, &probe, e);
    if (st == ST_OK)
        st = feed(probe, fd, size, e);
    if (st == ST_OK)
        st = probe_finish(probe, &result, e);
    if (st == ST_OK && !result.accepted) {
        *e = result.refusal;
        st = e->status;
    }
    if (st == ST_OK)
        st = tell_facts(c, path, &result, e);
    return st != ST_OK ? err_subject(e, "%s", path) : ST_OK;
}

static enum status read_text(struct cli *c, struct buf *out, struct err *e)
{
    const char *prompt = c->args.value[OPT_PROMPT], *path = c->args.value[OPT_TEXT];
    if (prompt != NULL && path != NULL)
        return err_set(e, ST_USAGE, "words",
                       "the text comes from --prompt or from --text, not from both");
    if (prompt != NULL)
        buf_text(out, prompt);
    if (path != NULL) {
        enum status st = file_read(AT_FDCWD, path, TEXT_MAX, out, e);
        return st != ST_OK ? err_subject(e, "%s", path) : ST_OK;
    }
    for (size_t got = 1; prompt == NULL && got > 0;) {
        uint8_t bytes[4096];
        enum status st = cli_read(STDIN_FILENO, bytes, sizeof bytes, &got, e);
        if (st == ST_OK && out->n + got > TEXT_MAX)
            st = err_set(e, ST_INVALID_LENGTH, "text", "standard input has more than %u bytes",
                         TEXT_MAX);
        if (st != ST_OK)
            return st;
        buf_append(out, SPAN(bytes, got));
    }
    return buf_status(out);
}

static void tell_tokens(struct cli *c, const struct tokenizer *t, struct span ids)
{
    size_t count = ids.n / sizeof(uint32_t);
    struct json_out j;
    if (c->json) {
        j = answer_open(c, "assay.tokenize/1");
        json_key(&j, "tokens");
        json_array(&j);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t id;
        memcpy(&id, ids.p + i * sizeof id, sizeof id);
        struct span piece = tokenizer_piece(t, id, i == 0);
        if (c->json) {
            json_object(&j);
            member_u64(&j, "id", id);
            json_key(&j, "text");
            json_text(&j, piece);
            json_close(&j);
            continue;
        }
        buf_fmt(&c->out, "%6u  ", id);
        text_escape(&c->out, piece, false);
        buf_byte(&c->out, '\n');
    }
    if (c->json) {
        json_close(&j);
        member_u64(&j, "count", count);
        answer_close(c, &j);
    }
}

enum status cmd_tokenize(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(model_scope) struct model *model = NULL;
    enum status st = file_read(AT_FDCWD, c->word[0], model_limits_default.file_bytes, &file, e);
    if (st == ST_OK)
        st = model_open(buf_span(&file), NULL, true, &model, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    st = read_text(c, &text, e);
    if (st == ST_OK)
        st = tokenizer_encode(model_tokenizer(model), buf_span(&text), true, &ids, e);
    if (st != ST_OK)
        return err_subject(e, "the text");
    tell_tokens(c, model_tokenizer(model), buf_span(&ids));
    return ST_OK;
}
