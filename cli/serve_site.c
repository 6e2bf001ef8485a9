#include "cli/serve_site.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/web_model.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum status serve_site_open(struct serve_site *s, struct cli *c, struct err *e)
{
    *s = (struct serve_site){.c = c};
    for (size_t i = 0; i < SERVE_KEPT; i++)
        s->kept[i].fd = -1;
    return web_bundle_make(&s->bundle, e);
}

void serve_site_release(struct serve_site *s)
{
    for (size_t i = 0; i < SERVE_KEPT; i++)
        fd_release(&s->kept[i].fd);
    web_bundle_release(&s->bundle);
    buf_release(&s->text);
}

/* The trust of this moment: a key revoked while the server runs counts at once. */
static enum status fresh_promoter(const struct serve_site *s, struct trust **trust,
                                  struct promoter *by, struct err *e)
{
    enum status st = trust_load(s->c->store, trust, e);
    *by = (struct promoter){.store = s->c->store, .trust = *trust, .clock = s->c->clock};
    return st;
}

/* A holder, proven and opened; code and text of *e say why not. */
static enum status open_holder(const struct promoter *by, const struct holder *h,
                               struct artifact *a, struct err *e)
{
    enum status st = decision_prove(by, h, e);
    return st != ST_OK
               ? st
               : artifact_open(by->store, by->trust, &h->artifact, clock_now(&by->clock), a, e);
}

/* ---- the list ----------------------------------------------------------------------------- */

struct listing {
    const struct promoter *by;
    struct json_out *j;
};

static void find_evidence(const struct promoter *by, struct web_model *m)
{
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        SCOPED(evidence_release) struct evidence v = {0};
        struct err none = ERR_NONE;
        if (evidence_newest(by->store, by->trust, &m->artifact->digest, (enum gate)g,
                            clock_now(&by->clock), &v, &none) != ST_OK)
            continue;
        m->evidence[g].verdict = v.verdict;
        m->evidence[g].digest = v.digest;
        m->evidence[g].ended = v.ended;
    }
}

/* One that cannot be proven is listed with the reason, as long as its manifest can be read. */
static enum status list_holder(void *ctx, const struct holder *h, struct err *e)
{
    struct listing *l = ctx;
    SCOPED(artifact_release) struct artifact a = {0};
    struct err why = ERR_NONE, none = ERR_NONE;
    struct web_model m = {.artifact = &a, .name = h->name, .channel = h->channel};
    (void)e;
    if (open_holder(l->by, h, &a, &why) != ST_OK) {
        m.problem = why.detail;
        artifact_release(&a);
        if (artifact_open(l->by->store, NULL, &h->artifact, clock_now(&l->by->clock), &a, &none) !=
            ST_OK)
            return ST_OK;
    }
    if (artifact_model_file(l->by->store, &a, &m.file, &none) != ST_OK)
        return ST_OK;
    find_evidence(l->by, &m);
    web_models_add(l->j, &m);
    return ST_OK;
}

static enum status find_models(struct serve_site *s, struct web_answer *out, struct buf *text,
                               struct err *e)
{
    SCOPED(trust_scope) struct trust *trust = NULL;
    struct promoter by;
    buf_release(text);
    enum status st = fresh_promoter(s, &trust, &by, e);
    struct json_out j = web_models_open(text);
    struct listing l = {.by = &by, .j = &j};
    if (st == ST_OK)
        st = channel_each(s->c->store, false, list_holder, &l, e);
    web_models_close(&j);
    if (st == ST_OK && buf_status(text) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of models");
    out->type = web_type("models.json");
    out->bytes = buf_span(text);
    return st;
}

/* ---- bytes -------------------------------------------------------------------------------- */

struct wanted {
    const struct promoter *by;
    const struct digest *content;
    bool found;  /* some holder has it */
    bool proven; /* and may hand it out */
    uint64_t bytes;
    struct err *why; /* else */
};

static enum status want_holder(void *ctx, const struct holder *h, struct err *e)
{
    struct wanted *w = ctx;
    SCOPED(artifact_release) struct artifact a = {0};
    struct err none = ERR_NONE, why = ERR_NONE;
    const struct manifest_file *file = NULL;
    (void)e;
    if (artifact_open(w->by->store, NULL, &h->artifact, clock_now(&w->by->clock), &a, &none) !=
            ST_OK ||
        artifact_model_file(w->by->store, &a, &file, &none) != ST_OK ||
        !digest_equal(&file->sha256, w->content))
        return ST_OK;
    SCOPED(artifact_release) struct artifact again = {0};
    w->found = true;
    w->bytes = file->bytes;
    w->proven = open_holder(w->by, h, &again, &why) == ST_OK;
    if (!w->proven)
        *w->why = why;
    return w->proven ? ST_CANCELLED : ST_OK;
}

/* A descriptor of its own onto the kept memory file, which may be let go of meanwhile. */
static enum status keep_file(struct serve_site *s, const struct digest *content, uint64_t bytes,
                             int *fd, struct err *e)
{
    size_t place = 0;
    for (size_t i = 0; i < SERVE_KEPT; i++) {
        if (s->kept[i].fd >= 0 && digest_equal(&s->kept[i].content, content)) {
            place = i;
            break;
        }
        if (s->kept[i].used < s->kept[place].used)
            place = i;
    }
    if (s->kept[place].fd < 0 || !digest_equal(&s->kept[place].content, content)) {
        fd_release(&s->kept[place].fd);
        s->kept[place].fd = -1;
        s->kept[place].used = 0;
        enum status st = store_content_memory(s->c->store, content, &s->kept[place].fd, e);
        if (st != ST_OK)
            return st;
        s->kept[place].content = *content;
        s->kept[place].bytes = bytes;
    }
    s->kept[place].used = ++s->uses;
    *fd = fcntl(s->kept[place].fd, F_DUPFD_CLOEXEC, 3);
    return *fd >= 0 ? ST_OK : err_sys(e, errno, "duplicate a descriptor", NULL);
}

static enum status find_artifact(struct serve_site *s, const char *hex, struct web_answer *out,
                                 struct err *e)
{
    SCOPED(trust_scope) struct trust *trust = NULL;
    struct promoter by;
    struct digest content;
    struct err why = ERR_NONE;
    if (strlen(hex) != DIGEST_TEXT - 1 || !digest_parse(hex, &content))
        return err_set(e, ST_NOT_FOUND, "no-artifact", "a model is asked for by its SHA-256");
    enum status st = fresh_promoter(s, &trust, &by, e);
    struct wanted w = {.by = &by, .content = &content, .why = &why};
    if (st == ST_OK)
        st = channel_each(s->c->store, false, want_holder, &w, e);
    if (st == ST_CANCELLED)
        st = ST_OK;
    if (st != ST_OK)
        return st;
    if (!w.found)
        return err_set(e, ST_NOT_FOUND, "not-promoted", "no channel hands these bytes out now");
    if (!w.proven) {
        *e = why;
        return e->status;
    }
    out->type = "application/octet-stream";
    out->size = w.bytes;
    out->digest = content;
    out->immutable = true;
    return keep_file(s, &content, w.bytes, &out->fd, e);
}

enum status serve_site_find(void *site, const char *path, struct web_answer *out, struct err *e)
{
    struct serve_site *s = site;
    static const char artifact[] = "/artifact/";
    if (text_equal(path, "/models.json"))
        return find_models(s, out, &s->text, e);
    if (strncmp(path, artifact, sizeof artifact - 1) == 0)
        return find_artifact(s, path + sizeof artifact - 1, out, e);
    return web_bundle_answer(&s->bundle, path, out, e);
}
