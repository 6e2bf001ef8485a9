#include "cli/log_hand_out.h"
#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/print.h"
#include "cli/target.h"
#include "store/ledger.h"

struct handing {
    struct cli *c;
    uint64_t seq;
    int dir;
    struct json_out *j; /* NULL: text */
};

static enum status put_file(struct handing *h, const char *name, struct span bytes, struct err *e)
{
    const char *folder = h->c->args.value[OPT_OUTPUT];
    enum status st = pending_file(h->dir, name, 0666 & ~h->c->umask, bytes,
                                  opt_given(&h->c->args, OPT_FORCE), e);
    if (st == ST_EXISTS) {
        *e = ERR_NONE;
        return err_set(e, ST_EXISTS, "output",
                       "%s/%s is there already; give another folder or --force", folder, name);
    }
    if (st == ST_OK && h->j != NULL)
        json_string(h->j, name);
    else if (st == ST_OK)
        buf_fmt(&h->c->out, "%s/%s\n", folder, name);
    return st;
}

/* A member that names no document of this store is left out. */
static enum status put_document(struct handing *h, const char *key, const char *hex, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    struct digest d;
    char name[96];
    if (hex == NULL || !digest_parse(hex, &d) ||
        text_fmt(name, sizeof name, "%s.json", key) >= sizeof name || !key_name_plain(key))
        return ST_OK;
    enum status st = store_document(h->c->store, &d, &bytes, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    return put_file(h, name, buf_span(&bytes), e);
}

static enum status put_entry(struct handing *h, const struct ledger_entry *entry, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_append(&text, buf_span(&entry->canonical));
    buf_byte(&text, '\n');
    enum status st = buf_status(&text) == ST_OK
                         ? put_file(h, "entry.json", buf_span(&text), e)
                         : err_set(e, ST_NO_MEMORY, NULL, "no memory for an entry");
    for (size_t i = 0; st == ST_OK && i < json_count(entry->body); i++) {
        const struct json *value = NULL;
        const char *key = json_member(entry->body, i, &value);
        st = put_document(h, key, json_as_string(value), e);
    }
    return st;
}

enum status log_hand_out(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    struct json_out j;
    struct handing h = {.c = c};
    const char *folder = c->args.value[OPT_OUTPUT];
    if (folder == NULL)
        return err_set(e, ST_USAGE, "output", "where to? say -o DIR");
    if (!text_u64(span_text(c->word[0]), &h.seq) || h.seq == 0)
        return err_set(e, ST_USAGE, "words", "%s is no number of an entry", c->word[0]);
    enum status st = cli_store(c, e);
    if (st == ST_OK && h.seq > c->facts.seq)
        st = err_set(e, ST_NOT_FOUND, "no-entry", "the ledger ends with entry %llu",
                     (unsigned long long)c->facts.seq);
    if (st == ST_OK)
        st = store_entry(c->store, h.seq, &entry, e);
    if (st == ST_OK)
        st = target_folder(c, folder, &dir, e);
    if (st != ST_OK)
        return st;
    h.dir = dir;
    if (c->json) {
        j = answer_open(c, "assay.log-files/1");
        member_u64(&j, "seq", h.seq);
        json_key(&j, "files");
        json_array(&j);
        h.j = &j;
    }
    st = put_entry(&h, &entry, e);
    if (st == ST_OK && c->json) {
        json_close(&j);
        answer_close(c, &j);
    }
    return st;
}
