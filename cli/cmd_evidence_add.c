/* evidence add, and evidence -o: evidence that travels. */
#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/evidence_reports.h"
#include "cli/given.h"
#include "cli/hand_out.h"
#include "cli/print.h"
#include "cli/target.h"
#include "store/envelope.h"
#include "verify/evidence_file.h"
#include <fcntl.h>

/* ---- in ---- */

static enum status read_offer(struct cli *c, struct buf *envelope, struct buf *records,
                              struct err *e)
{
    const char *path = c->args.value[OPT_RECORDS];
    enum status st = given_read(c->word[0], ENVELOPE_MAX, envelope, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (path != NULL && (st = given_read(path, STORE_DOCUMENT_MAX, records, e)) != ST_OK)
        return err_subject(e, "%s", path);
    return ST_OK;
}

static void tell_added(struct cli *c, const struct evidence *v, bool existed, uint64_t seq)
{
    char ended[TIME_TEXT_MAX], hex[DIGEST_TEXT];
    time_format(v->ended, ended);
    digest_text(&v->digest, hex);
    if (c->json) {
        struct json_out j = evidence_answer(c, v);
        member_bool(&j, "existed", existed);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s: %s (evidence %.12s, %s%s)\n", gate_name(v->gate),
            verdict_name(v->verdict), hex, ended, existed ? ", was here" : "");
}

enum status cmd_evidence_add(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf records = BUF_EMPTY;
    SCOPED(evidence_release) struct evidence v = {0};
    const struct signer *log = NULL;
    bool existed = false;
    uint64_t seq = 0;
    if (opt_given(&c->args, OPT_FOR))
        return evidence_reports(c, e);
    enum status st = c->words == 1
                         ? cli_trust(c, e)
                         : err_set(e, ST_USAGE, "words",
                                   "one envelope at a time; several files are reports, --for REF");
    if (st == ST_OK)
        st = read_offer(c, &envelope, &records, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st != ST_OK)
        return st;
    const struct evidence_offer offer = {.envelope = buf_span(&envelope),
                                         .cases = buf_span(&records),
                                         .trust = c->trust,
                                         .log = log,
                                         .clock = c->clock};
    st = evidence_accept(c->store, &offer, &v, &existed, &seq, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell_added(c, &v, existed, seq);
    return ST_OK;
}

/* ---- out ---- */

struct handing {
    struct cli *c;
    const struct artifact *a;
    int dir; /* −1 until the first file goes into it */
    struct json_out *j;
    size_t count;
};

static enum status write_document(struct handing *h, const struct digest *d, const char *name,
                                  struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    enum status st = store_document(h->c->store, d, &bytes, e);
    if (st == ST_OK && h->dir < 0)
        st = target_folder(h->c, h->c->args.value[OPT_OUTPUT], &h->dir, e);
    if (st == ST_OK)
        st = pending_file(h->dir, name, 0666 & ~h->c->umask, buf_span(&bytes),
                          opt_given(&h->c->args, OPT_FORCE), e);
    if (st == ST_EXISTS) {
        *e = ERR_NONE;
        return err_set(e, ST_EXISTS, "output",
                       "%s/%s is there already; give another folder or --force",
                       h->c->args.value[OPT_OUTPUT], name);
    }
    if (st != ST_OK)
        return st;
    h->count++;
    if (h->j != NULL)
        json_string(h->j, name);
    else
        buf_fmt(&h->c->out, "%s/%s\n", h->c->args.value[OPT_OUTPUT], name);
    return ST_OK;
}

static enum status hand_out_gate(struct handing *h, enum gate g, struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(evidence_release) struct evidence v = {0};
    struct err why = ERR_NONE;
    char name[64];
    enum status st =
        evidence_newest(h->c->store, h->c->trust, &h->a->digest, g, TRUST_ANY_TIME, &v, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    text_fmt(name, sizeof name, "%s.dsse.json", gate_name(g));
    st = write_document(h, &v.digest, name, e);
    if (st != ST_OK || digest_equal(&v.cases, &none))
        return st;
    text_fmt(name, sizeof name, "%s.records.jsonl", gate_name(g));
    return write_document(h, &v.cases, name, e);
}

enum status evidence_hand_out(struct cli *c, const struct artifact *a, enum gate gate,
                              struct err *e)
{
    const char *folder = c->args.value[OPT_OUTPUT];
    struct json_out j;
    struct handing h = {.c = c, .a = a, .dir = -1};
    enum status st = ST_OK;
    if (c->json) {
        j = answer_open(c, "assay.evidence-files/1");
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "folder", folder);
        json_key(&j, "files");
        json_array(&j);
        h.j = &j;
    }
    for (int k = GATE_STRUCTURAL; st == ST_OK && k < GATE_COUNT; k++) {
        if (gate == GATE_NONE || (int)gate == k)
            st = hand_out_gate(&h, (enum gate)k, e);
    }
    fd_release(&h.dir);
    if (st == ST_OK && h.count == 0)
        st = err_set(e, ST_NOT_FOUND, "no-evidence", "there is no evidence about %s@%s",
                     a->manifest.name, a->manifest.version);
    if (st == ST_OK && c->json) {
        json_close(&j);
        answer_close(c, &j);
    }
    return st;
}
