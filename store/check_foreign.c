/* Files in the store's folder that are none of ours. */
#include "base/text.h"
#include "store/check_inside.h"
#include "store/quarantine_facts.h"
#include "store/seat.h"

static void remark(struct check *c, const char *folder, const char *name, const char *what)
{
    struct err why = ERR_NONE;
    char object[160];
    text_fmt(object, sizeof object, "%s%s%.120s", folder, folder[0] != '\0' ? "/" : "", name);
    why.code = "foreign-file";
    text_fmt(why.detail, sizeof why.detail, "%s", what);
    check_tell(c, &why, object, NULL);
}

static enum status in_store(void *ctx, const char *name, struct err *e)
{
    (void)e;
    if (!seat_ours(name) && !text_begins(name, ".pending.") && !text_begins(name, "index.new.") &&
        !text_begins(name, "index.old."))
        remark(ctx, "", name, "not of the store; it is left alone");
    return ST_OK;
}

static enum status in_packs(void *ctx, const char *name, struct err *e)
{
    struct check *c = ctx;
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct catalog_pack p = {0};
    struct catalog_mark now;
    uint64_t id = 0;
    bool known = false;
    if (!pack_name_parse(name, &id)) {
        remark(c, STORE_PACKS, name, "no pack; it is left alone");
        return ST_OK;
    }
    enum status st = index_view_open(c->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &now, e);
    if (st == ST_OK)
        st = catalog_pack_from(v, id, &known, &p, e);
    if (st == ST_OK && (!known || p.id != id) && id < now.next_pack && now.drops == 0)
        remark(c, STORE_PACKS, name,
               "a pack that the index does not know; `assay fsck --rebuild-index` takes it in");
    return st;
}

static enum status in_quarantine(void *ctx, const char *name, struct err *e)
{
    (void)e;
    if (!quarantine_id_valid(name) && !text_begins(name, ".pending."))
        remark(ctx, STORE_QUARANTINE, name, "nothing that was quarantined; it is left alone");
    return ST_OK;
}

enum status check_foreign_part(struct check *c, struct err *e)
{
    enum status st = folder_each(c->s->dir, ".", in_store, c, e);
    if (st == ST_OK)
        st = folder_each(c->s->packs, ".", in_packs, c, e);
    if (st == ST_OK && c->s->quarantine >= 0)
        st = folder_each(c->s->quarantine, ".", in_quarantine, c, e);
    return st;
}
