/* eval: how likely a text is. Parts are split at separator lines, stripped, scored each alone. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/print.h"
#include "runtime/session.h"
#include "runtime/team.h"
#include <fcntl.h>
#include <math.h>
#include <string.h>

#define TEXT_MAX (256u << 20)

struct tally {
    uint64_t parts, tokens, bytes;
    double log_likelihood;
};

static bool is_space(uint8_t b)
{
    return b == ' ' || (b >= '\t' && b <= '\r');
}

static struct span stripped(struct span s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Takes the next part off *rest: up to a line that equals the separator (its end, \n or \r\n,
 * aside), or all of it. */
static struct span next_part(struct span *rest, const char *separator)
{
    struct span part = {rest->p, 0};
    for (size_t at = 0; separator != NULL && at < rest->n;) {
        const uint8_t *end = memchr(rest->p + at, '\n', rest->n - at);
        size_t stop = end != NULL ? (size_t)(end - rest->p) : rest->n;
        size_t next = end != NULL ? stop + 1 : rest->n;
        size_t length = stop - at;
        if (length > 0 && rest->p[stop - 1] == '\r')
            length--;
        if (span_equal(SPAN(rest->p + at, length), span_text(separator))) {
            part.n = at;
            *rest = SPAN(rest->p + next, rest->n - next);
            return part;
        }
        at = next;
    }
    part.n = rest->n;
    *rest = SPAN(rest->p + rest->n, 0);
    return part;
}

static enum status score(struct cli *c, struct session *session, struct span text,
                         struct tally *sum, struct err *e)
{
    SCOPED(progress_scope)
    struct progress *progress = progress_start("eval", "B", text.n, c->quiet);
    while (text.n > 0) {
        size_t before = text.n;
        struct span part = stripped(next_part(&text, c->args.value[OPT_SEPARATOR]));
        double log_likelihood = 0;
        uint64_t tokens = 0;
        enum status st = cli_alive(e);
        if (part.n > 0 && st == ST_OK) {
            st = session_score(session, part, &log_likelihood, &tokens, e);
            sum->parts++;
            sum->tokens += tokens;
            sum->bytes += part.n;
            sum->log_likelihood += log_likelihood;
        }
        if (st != ST_OK)
            return err_subject(e, "part %llu of the text", (unsigned long long)sum->parts);
        progress_add(progress, before - text.n);
    }
    if (sum->tokens == 0)
        return err_set(e, ST_INVALID_LENGTH, "text-empty",
                       "the text has no part with a token in it");
    return ST_OK;
}

static void tell(struct cli *c, const struct artifact *a, const struct tally *sum)
{
    double nats = -sum->log_likelihood;
    double per_token = nats / (double)sum->tokens, per_byte = nats / log(2) / (double)sum->bytes;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.eval/1");
        member_text(&j, "name", a->manifest.name);
        member_text(&j, "version", a->manifest.version);
        member_digest(&j, "artifact", &a->digest);
        member_u64(&j, "parts", sum->parts);
        member_u64(&j, "tokens", sum->tokens);
        member_u64(&j, "bytes", sum->bytes);
        json_key(&j, "nats_per_token");
        json_fixed(&j, per_token, 6);
        json_key(&j, "bits_per_byte");
        json_fixed(&j, per_byte, 6);
        answer_close(c, &j);
        return;
    }
    buf_fixed(&c->out, per_token, 4);
    buf_text(&c->out, " nats a token, ");
    buf_fixed(&c->out, per_byte, 4);
    buf_fmt(&c->out, " bits a byte (%llu parts, %llu tokens, %llu bytes)\n",
            (unsigned long long)sum->parts, (unsigned long long)sum->tokens,
            (unsigned long long)sum->bytes);
}

enum status cmd_eval(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(loaded_scope) struct loaded *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    struct tally sum = {0};
    const char *path = c->args.value[OPT_TEXT];
    if (path == NULL)
        return err_set(e, ST_USAGE, "no-text", "which text? say --text FILE");
    uint64_t threads = 1;
    enum status st = opt_u64(&c->args, OPT_THREADS, 1, TEAM_MAX, &threads, e);
    if (st != ST_OK)
        return st;
    st = given_read(path, TEXT_MAX, &text, e);
    if (st != ST_OK)
        return err_subject(e, "%s", path);
    st = cli_artifact(c, c->word[0], true, &a, e);
    if (st == ST_OK)
        st = artifact_load(c->store, &a, &model, NULL, e);
    if (st == ST_OK)
        st = session_open(loaded_model(model), &session, e);
    if (st == ST_OK)
        st = session_threads(session, (unsigned)threads, e);
    if (st == ST_OK)
        st = score(c, session, buf_span(&text), &sum, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell(c, &a, &sum);
    return ST_OK;
}
