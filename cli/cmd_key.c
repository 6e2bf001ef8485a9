/* key, trust show, sign: who speaks here. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "store/envelope.h"
#include <fcntl.h>
#include <string.h>

#define PUBLIC_FILE 4096 /* bytes of a public key file */

enum status cmd_key_new(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    struct public_key key;
    char id[KEY_ID_TEXT];
    const char *name = c->word[0];
    if (!key_name_plain(name))
        return err_set(e, ST_USAGE, "key-name",
                       "a key's name has letters, digits, dot, dash, underscore: %s", name);
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = home_keys(&c->home, true, &dir, e);
    if (st == ST_OK && cli_terminal() && !opt_given(&c->args, OPT_NO_PASSPHRASE))
        st = cli_passphrase("a passphrase for the new key: ", true, c->passphrase, e);
    if (st == ST_OK)
        st = key_generate(dir, name, c->passphrase[0] != '\0' ? c->passphrase : NULL, &key, e);
    if (st == ST_EXISTS) {
        *e = ERR_NONE;
        return err_set(e, ST_EXISTS, "key-exists",
                       "there is a key %s in %s already; give another name", name, c->home.keys);
    }
    if (st != ST_OK)
        return st;
    key_id_text(&key, id);
    bool sealed = c->passphrase[0] != '\0';
    if (c->json) {
        struct json_out j = answer_open(c, "assay.key/1");
        member_text(&j, "name", name);
        member_text(&j, "id", id);
        member_text(&j, "folder", c->home.keys);
        member_bool(&j, "passphrase", sealed);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s  %s%s\n", name, id, sealed ? "" : "  without a passphrase");
    return ST_OK;
}

static enum status read_public(int dir, const char *file, struct public_key *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = file_read(dir, file, PUBLIC_FILE, &text, e);
    return st == ST_OK ? key_public_parse(buf_span(&text), out, e) : st;
}

static enum status list_key(void *ctx, const char *file, struct err *e)
{
    struct listing *l = ctx;
    const int *dir = l->with;
    struct public_key key;
    struct stat facts;
    char name[256], secret[272], id[KEY_ID_TEXT];
    size_t n = strlen(file);
    if (n < 5 || n >= sizeof name || strcmp(file + n - 4, ".pub") != 0)
        return ST_OK;
    text_fmt(name, sizeof name, "%.*s", (int)(n - 4), file);
    text_fmt(secret, sizeof secret, "%s.key", name);
    enum status st = read_public(*dir, file, &key, e);
    if (st != ST_OK)
        return err_subject(e, "%s/%s", l->c->home.keys, file);
    bool held = fstatat(*dir, secret, &facts, 0) == 0;
    key_id_text(&key, id);
    if (l->j == NULL) {
        table_cell(&l->table, "%s", name);
        table_cell(&l->table, "%s", id);
        table_cell(&l->table, "%s", held ? "secret key here" : "public key only");
        return ST_OK;
    }
    json_object(l->j);
    member_text(l->j, "name", name);
    member_text(l->j, "id", id);
    member_bool(l->j, "secret", held);
    json_close(l->j);
    return ST_OK;
}

enum status cmd_key_ls(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(listing_release) struct listing l = listing_of(c, 3);
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = home_keys(&c->home, false, &dir, e);
    if (st != ST_OK)
        return st;
    l.with = &dir;
    listing_open(&l, "assay.keys/1");
    listing_rows(&l, "keys");
    st = folder_each(dir, ".", list_key, &l, e);
    if (st == ST_OK)
        listing_close(&l);
    return st;
}

enum status cmd_key_export(struct cli *c, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct public_key key;
    char file[72], id[KEY_ID_TEXT];
    if (!key_name_plain(c->word[0]))
        return err_set(e, ST_USAGE, "key-name",
                       "a key's name has letters, digits, dot, dash, underscore: %s", c->word[0]);
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = home_keys(&c->home, false, &dir, e);
    if (st != ST_OK)
        return st;
    text_fmt(file, sizeof file, "%s.pub", c->word[0]);
    st = read_public(dir, file, &key, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "no-key", "there is no key %s in %s", file, c->home.keys);
    }
    if (st != ST_OK)
        return err_subject(e, "%s", file);
    key_id_text(&key, id);
    char comment[64];
    text_fmt(comment, sizeof comment, "minisign public key %s", id);
    key_public_text(&key, comment, &text);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.key/1");
        member_text(&j, "name", c->word[0]);
        member_text(&j, "id", id);
        json_key(&j, "public");
        json_text(&j, buf_span(&text));
        answer_close(c, &j);
    } else {
        buf_append(&c->out, buf_span(&text));
    }
    return buf_status(&text);
}
