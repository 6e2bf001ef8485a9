#include "cli/policy_file.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/given.h"
#include "promote/policy_store.h"
#include <string.h>

#define POLICY_FILE_MAX (1u << 20)

enum status policy_file_read(const char *path, struct policy *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = given_read(path, POLICY_FILE_MAX, &text, e);
    if (st == ST_NOT_FOUND && policy_builtin(path) != NULL) {
        *e = ERR_NONE;
        buf_text(&text, policy_builtin(path));
        st = buf_status(&text);
    }
    if (st == ST_NOT_FOUND && strpbrk(path, "./") == NULL) {
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "no-policy-file",
                       "there is no file %s, and no policy of that name comes with the program: "
                       "those are preview-basic, default, strict, nightly",
                       path);
    }
    if (st == ST_OK)
        st = policy_parse_yaml(buf_span(&text), path, out, e);
    return st != ST_OK ? err_subject(e, "%s", path) : ST_OK;
}

enum status policy_file_signed(const char *path, struct buf *out, bool *is, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    struct err why = ERR_NONE, none = ERR_NONE;
    *is = false;
    enum status st = given_read(path, ENACTMENT_MAX, out, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK; /* the name of one that comes with the program */
    if (st != ST_OK) {
        *e = why;
        return err_subject(e, "%s", path);
    }
    if (out->n > 0 && out->p[0] == '{' &&
        json_parse(buf_span(out), ENACTMENT_MAX, &root, &none) == ST_NO_MEMORY) {
        *e = none;
        return ST_NO_MEMORY;
    }
    *is = json_get(root, "payloadType") != NULL; /* what is no such JSON may be YAML */
    return ST_OK;
}

enum status policy_file_or_law(struct cli *c, const char *path, struct policy *out, struct err *e)
{
    if (path != NULL)
        return policy_file_read(path, out, e);
    enum status st = cli_trust(c, e);
    return st == ST_OK ? policy_load(c->store, c->trust, cli_now(c), out, e) : st;
}
