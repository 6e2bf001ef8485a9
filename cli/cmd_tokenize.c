/* tokenize: text to ids and back, with a model file's vocabulary. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/look.h"
#include "cli/print.h"
#include <fcntl.h>
#include <unistd.h>

#define TEXT_MAX (16u << 20)

static enum status read_text(struct cli *c, struct buf *out, struct err *e)
{
    const char *prompt = c->args.value[OPT_PROMPT], *path = c->args.value[OPT_TEXT];
    if (prompt != NULL && path != NULL)
        return err_set(e, ST_USAGE, "words",
                       "the text comes from --prompt or from --text, not from both");
    if (prompt != NULL)
        buf_text(out, prompt);
    if (path != NULL) {
        enum status st = given_read(path, TEXT_MAX, out, e);
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

/* ---- text to ids ---- */

/* The tokenizer would refuse it, too, and the fault would look like the model's. */
static enum status check_text(struct span text, struct err *e)
{
    for (size_t at = 0, n; at < text.n; at += n) {
        n = utf8_sequence(SPAN(text.p + at, text.n - at));
        if (n == 0)
            return err_at(e, ST_INVALID_UTF8, NULL, "invalid-utf8", at, "it is not valid UTF-8");
    }
    return ST_OK;
}

/* One token of the child's answer, taken off *rest; what does not fit there ends it. */
static bool next_token(struct span *rest, uint32_t *id, struct span *piece)
{
    if (rest->n < 8)
        return false;
    *id = get_le32(rest->p);
    const uint32_t n = get_le32(rest->p + 4);
    if (n > rest->n - 8)
        return false;
    *piece = SPAN(rest->p + 8, n);
    *rest = SPAN(piece->p + n, rest->n - 8 - n);
    return true;
}

static void tell_json(struct cli *c, struct span tokens)
{
    uint32_t id;
    uint64_t count = 0;
    struct span piece;
    struct json_out j = answer_open(c, "assay.tokenize/1");
    json_key(&j, "tokens");
    json_array(&j);
    for (; next_token(&tokens, &id, &piece); count++) {
        json_object(&j);
        member_u64(&j, "id", id);
        json_key(&j, "text");
        json_text(&j, piece);
        json_close(&j);
    }
    json_close(&j);
    member_u64(&j, "count", count);
    answer_close(c, &j);
}

static void tell(struct cli *c, struct span tokens)
{
    uint32_t id;
    struct span piece;
    while (next_token(&tokens, &id, &piece)) {
        buf_fmt(&c->out, "%6u  ", id);
        text_escape(&c->out, piece, false);
        buf_byte(&c->out, '\n');
    }
}

/* ---- ids to text ---- */

static bool is_between(uint8_t b)
{
    return b == ',' || b == ' ' || (b >= '\t' && b <= '\r');
}

static enum status read_ids(struct span text, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < text.n;) {
        if (is_between(text.p[i])) {
            i++;
            continue;
        }
        size_t n = 0;
        uint64_t id;
        while (i + n < text.n && !is_between(text.p[i + n]))
            n++;
        if (!text_u64(SPAN(text.p + i, n), &id) || id > UINT32_MAX)
            return err_at(e, ST_INVALID_LENGTH, NULL, "token-id", i,
                          "not a token id: decimal numbers are wanted");
        uint8_t bytes[4];
        put_le32(bytes, (uint32_t)id);
        buf_append(out, SPAN(bytes, 4));
        i += n;
    }
    return buf_status(out);
}

/* A file or pipe gets the bytes as they are, a terminal without what would steer it. */
static void tell_text(struct cli *c, struct span text)
{
    if (c->json) {
        struct json_out j = answer_open(c, "assay.tokenize/1");
        json_key(&j, "text");
        json_text(&j, text);
        answer_close(c, &j);
    } else if (isatty(STDOUT_FILENO)) {
        text_escape(&c->out, text, true);
    } else {
        buf_append(&c->out, text);
    }
}

enum status cmd_tokenize(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(buf_release) struct buf answer = BUF_EMPTY;
    SCOPED(json_scope) struct json *none = NULL;
    const bool back = opt_given(&c->args, OPT_DECODE);
    if (back && opt_given(&c->args, OPT_NO_BOS))
        return err_set(e, ST_USAGE, "words", "--no-bos is for encoding, --decode takes ids");
    enum status st = read_text(c, &text, e);
    if (st == ST_OK && !back)
        st = check_text(buf_span(&text), e);
    if (st == ST_OK && back)
        st = read_ids(buf_span(&text), &ids, e);
    if (st != ST_OK)
        return err_subject(e, "%s", back ? "the ids" : "the text");
    const struct look look = {.what = back ? LOOK_DECODE : LOOK_ENCODE,
                              .text = buf_span(&text),
                              .specials = !opt_given(&c->args, OPT_NO_BOS),
                              .ids = buf_span(&ids)};
    st = look_at(c->word[0], &look, &none, &answer, e);
    if (st != ST_OK)
        return st;
    if (back)
        tell_text(c, buf_span(&answer));
    else if (c->json)
        tell_json(c, buf_span(&answer));
    else
        tell(c, buf_span(&answer));
    return ST_OK;
}
