/* add: each PATH through admission. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/incoming.h"
#include "cli/print.h"
#include "cli/refs.h"
#include <string.h>

/* Artifacts of the very same bytes that were retired: as REFs, a comma between them. */
struct retired {
    struct buf hex; /* DIGEST_TEXT bytes each */
    struct buf refs;
    size_t count;
};

static void retired_release(struct retired *r)
{
    buf_release(&r->hex);
    buf_release(&r->refs);
}

static enum status keep_artifact(void *ctx, const char *key, struct span value, struct err *e)
{
    struct retired *r = ctx;
    const char *hex = strrchr(key, '/') + 1;
    (void)value;
    buf_append(&r->hex, SPAN(hex, strlen(hex) + 1));
    return r->hex.failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for a list") : ST_OK;
}

static enum status find_retired(struct cli *c, const struct digest *content, struct retired *r,
                                struct err *e)
{
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT], ref[300];
    digest_text(content, hex);
    text_fmt(key, sizeof key, "content/%s/", hex);
    enum status st = store_scan(c->store, key, keep_artifact, r, e);
    for (size_t at = 0; st == ST_OK && at < r->hex.n; at += DIGEST_TEXT) {
        struct digest artifact;
        bool yes = false;
        if (!digest_parse((const char *)r->hex.p + at, &artifact))
            continue;
        st = channel_retired(c->store, &artifact, &yes, e);
        if (st != ST_OK || !yes)
            continue;
        refs_name(c, &artifact, ref, sizeof ref);
        buf_fmt(&r->refs, "%s%s", r->count++ > 0 ? ", " : "", ref);
    }
    buf_byte(&r->refs, '\0');
    if (st == ST_OK && r->refs.failed)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a list");
    return st;
}

enum status incoming_tell(struct cli *c, const struct admit_result *r, struct err *e)
{
    char state[16];
    const char *format = r->manifest.model.present ? r->manifest.model.format : "opaque";
    SCOPED(retired_release) struct retired out = {.count = 0};
    enum status st = channel_state(c->store, &r->artifact, r->manifest.name, state, e);
    if (st == ST_OK)
        st = find_retired(c, &r->content.sha256, &out, e);
    if (st != ST_OK)
        return st;
    if (out.count > 0)
        cli_hint(c, "the same bytes were retired as %s, which is never promoted again",
                 (const char *)out.refs.p);
    if (r->as_before)
        cli_hint(c, "these are the bytes of %s@%s, whose own file names and labels stay",
                 r->manifest.name, r->manifest.version);
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
        member_bool(&j, "as_before", r->as_before);
        member_bool(&j, "brought_back", r->brought_back);
        member_text(&j, "retired", out.count > 0 ? (const char *)out.refs.p : NULL);
        member_u64(&j, "signatures", r->signatures);
        answer_close(c, &j);
        return ST_OK;
    }
    if (r->signatures > 0)
        cli_hint(c, "%zu more of its publishers' signatures recorded", r->signatures);
    buf_fmt(&c->out, "%s@%s  %s  ", r->manifest.name, r->manifest.version, format);
    put_size(&c->out, r->content.bytes);
    buf_text(&c->out, r->brought_back ? ", brought back" : r->existed ? ", was there" : ", new ");
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
    SCOPED(incoming_release) struct incoming in = INCOMING_OF(path);
    SCOPED(admit_result_release) struct admit_result result = {0};
    if (strcmp(path, "-") == 0 && !opt_given(&c->args, OPT_NAME) &&
        !opt_given(&c->args, OPT_MANIFEST))
        return err_set(e, ST_USAGE, "no-name",
                       "standard input has no name: give it one with --name");
    enum status st = incoming_options(c, &in, e);
    if (st == ST_OK)
        st = incoming_open(&in, path, e);
    if (st == ST_OK)
        st = incoming_admit(c, &in, &result, e);
    return st == ST_OK ? incoming_tell(c, &result, e) : st;
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
        c->unkept = ERR_NONE;
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
