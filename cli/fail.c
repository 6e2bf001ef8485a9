#include "cli/fail.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include <inttypes.h>
#include <string.h>

/* By code first, then by status; the first row that fits is told. */
static const struct {
    const char *code; /* NULL: any of the status */
    enum status status;
    const char *advice; /* NULL: the sentence says it already */
} ways_out[] = {
    {"no-store", ST_NOT_FOUND, "or name another store with --store or $ASSAY_STORE"},
    {"no-keys", ST_NOT_FOUND,
     "make the keys with: assay init; or name another folder with $ASSAY_KEYS"},
    {"no-artifact", ST_NOT_FOUND, "see what is there with: assay ls"},
    {"no-holder", ST_NOT_FOUND, "see who holds what with: assay channels"},
    {"no-key", ST_NOT_FOUND,
     "see the keys with: assay key ls; other keys' folder is named by $ASSAY_KEYS"},
    {"key-encrypted", ST_SIGNATURE,
     "run it on a terminal, or set $ASSAY_SIGNER to a signing command"},
    {"key-passphrase", ST_SIGNATURE, "type it again; nothing was changed"},
    {"log-key", ST_SIGNATURE, "name the folder of the store's own keys with $ASSAY_KEYS"},
    {"opaque", ST_USAGE,
     "opaque artifacts are kept and verified, not run: add a .slm or .gguf file"},
    {"clock-not-lab", ST_USAGE, "leave the time out, or make a store with: assay init --lab"},
    {"ledger-head", ST_CORRUPT, "make it again with: assay fsck --repair"},
    {"index-corrupt", ST_CORRUPT, "fold a new index with: assay fsck --rebuild-index"},
    {"head-store", ST_UNPROVEN, "name the store that the file is about with --store"},
    {"evidence-future", ST_UNPROVEN, "look at the clocks of both machines"},
    {"approval-future", ST_EXPIRED, "look at the clocks of both machines"},
    {"approval-early", ST_EXPIRED, "look at the clocks of both machines"},
    {"below-threshold", ST_UNTRUSTED,
     "the others add theirs: assay sign, trust sign or policy sign"},
    {"unknown-signer", ST_UNTRUSTED,
     "if you trust whoever signed it: assay trust add ROLE KEYFILE --owner WHO"},
    {"store-moved", ST_CONFLICT, "name the new place with --store or $ASSAY_STORE"},
    {"trust-gap", ST_UNTRUSTED, "begin again from the trust in force: assay trust show"},
    {"foreign-keys", ST_UNTRUSTED, NULL},
    {"store-owner", ST_UNTRUSTED, "be its owner, or read a copy of your own: cp -r"},
    {"port", ST_BUSY, "name another with --port, or 0 for any"},
    {"holder-changed", ST_CONFLICT, "look with: assay channels; then decide again"},
    {NULL, ST_AMBIGUOUS, "type more digits; assay ls shows them"},
    {NULL, ST_CONFLICT, "nothing was changed; try again"},
    {NULL, ST_UNTRUSTED, "see who may sign what with: assay trust show"},
    {NULL, ST_BUSY, "another process is at work on the store; try again"},
};

/* What a channel holds cannot be proven: some commands may go on all the same. */
static const char *without_proof(const struct cli *c)
{
    return c->command != NULL && command_takes(c->command, OPT_UNPROVEN)
               ? "gate and promote it with this program, or go on with --unproven"
               : "gate and promote it with this program";
}

static const char *find_advice(const struct cli *c, const struct err *e)
{
    if (e->status == ST_UNPROVEN && text_equal(err_code(e), "decision-runtime"))
        return without_proof(c);
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++) {
        bool fits = ways_out[i].status == e->status &&
                    (ways_out[i].code == NULL || text_equal(ways_out[i].code, err_code(e)));
        if (fits)
            return ways_out[i].advice;
    }
    return NULL;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does the sentence name the subject already, as a word of its own? */
static bool mentions(const char *text, const char *subject)
{
    size_t n = strlen(subject);
    for (const char *at = strstr(text, subject); at != NULL; at = strstr(at + 1, subject)) {
        if ((at == text || !is_word(at[-1])) && !is_word(at[n]))
            return true;
    }
    return false;
}

static const char *sentence(const struct err *e)
{
    return e->detail[0] != '\0' ? e->detail : status_phrase(e->status);
}

static void put_place(const struct err *e, struct buf *out)
{
    if ((e->stage == NULL && e->offset == ERR_NO_OFFSET && e->code == NULL) ||
        e->status == ST_USAGE)
        return; /* what was typed needs no code to be found */
    const char *comma = "";
    buf_text(out, " (");
    if (e->stage != NULL) {
        buf_fmt(out, "stage %s", e->stage);
        comma = ", ";
    }
    if (e->code != NULL) {
        buf_fmt(out, "%scode %s", comma, e->code);
        comma = ", ";
    }
    if (e->offset != ERR_NO_OFFSET)
        buf_fmt(out, "%sat byte %" PRIu64, comma, e->offset);
    buf_text(out, ")");
}

void fail_text(const struct cli *c, const struct err *e, struct buf *out)
{
    buf_text(out, "assay");
    if (c->command != NULL)
        buf_fmt(out, " %s", c->command->name);
    buf_text(out, ": ");
    if (e->subject[0] != '\0' && !mentions(e->detail, e->subject)) {
        put_foreign(out, e->subject);
        buf_text(out, ": ");
    }
    put_foreign(out, sentence(e));
    put_place(e, out);
    buf_byte(out, '\n');
    if (c->quarantine[0] != '\0')
        buf_fmt(out, "  the bytes are kept apart; look at them with: assay quarantine show %s\n",
                c->quarantine);
    if (c->unkept.status != ST_OK) {
        buf_text(out, "  the bytes could not be kept apart: ");
        put_foreign(out, sentence(&c->unkept));
        buf_fmt(out, " (code %s)\n", err_code(&c->unkept));
    }
    if (c->incident[0] != '\0') {
        buf_text(out, "  what is known of it was kept; look into it with: assay diagnose ");
        put_foreign(out, c->incident);
        buf_byte(out, '\n');
    }
    const char *advice = find_advice(c, e);
    if (advice == NULL && e->status == ST_USAGE && c->command != NULL)
        buf_fmt(out, "  see: assay help %s\n", c->command->name);
    else if (advice != NULL)
        buf_fmt(out, "  %s\n", advice);
}

/* Text that cannot be decoded still has its tokens. */
static void put_ids(struct json_out *j, const struct buf *ids)
{
    json_key(j, "token_ids");
    json_array(j);
    for (size_t at = 0; at + sizeof(uint32_t) <= ids->n; at += sizeof(uint32_t)) {
        uint32_t id;
        memcpy(&id, ids->p + at, sizeof id);
        json_u64(j, id);
    }
    json_close(j);
}

void fail_json(const struct cli *c, const struct err *e, struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    member_text(&j, "schema", "assay.error/1");
    member_u64(&j, "exit", (uint64_t)status_exit(e->status));
    member_text(&j, "code", err_code(e));
    member_text(&j, "stage", e->stage);
    member_text(&j, "subject", e->subject[0] != '\0' ? e->subject : NULL);
    member_offset(&j, "offset", e->offset);
    member_text(&j, "message", sentence(e));
    if (c->quarantine[0] != '\0')
        member_text(&j, "quarantine", c->quarantine);
    if (c->unkept.status != ST_OK) {
        json_key(&j, "not_kept");
        json_object(&j);
        member_u64(&j, "exit", (uint64_t)status_exit(c->unkept.status));
        member_text(&j, "code", err_code(&c->unkept));
        member_text(&j, "message", sentence(&c->unkept));
        json_close(&j);
    }
    if (c->incident[0] != '\0')
        member_text(&j, "incident", c->incident);
    if (find_advice(c, e) != NULL)
        member_text(&j, "advice", find_advice(c, e));
    if (c->token_ids.n > 0)
        put_ids(&j, &c->token_ids);
    json_close(&j);
    buf_byte(out, '\n');
}
