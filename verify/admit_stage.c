/* Admission's first step: every file of the request into the change, from its first byte to its
 * last.
 */
#include "base/heap.h"
#include "base/text.h"
#include "store/install.h"
#include "store/quota.h"
#include "verify/admission.h"
#include "verify/admit_name.h"
#include "verify/ahead.h"
#include "verify/cuts.h"
#include <stdlib.h>
#include <string.h>

#define CUTS_LEAST (4 * CHUNK_MIN) /* shorter files are not worth a look */

/* Lets a source pass and keeps its first bytes, by which a file's kind is known. */
struct tee {
    struct source from;
    struct admitted *to;
};

static enum status tee_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct tee *t = ctx;
    enum status st = t->from.read(t->from.ctx, p, cap, got, e);
    if (st != ST_OK)
        return st;
    size_t room = sizeof t->to->head - t->to->head_bytes;
    size_t take = *got < room ? *got : room;
    if (take > 0)
        memcpy(t->to->head + t->to->head_bytes, p, take);
    t->to->head_bytes += take;
    return ST_OK;
}

static int by_path(const void *a, const void *b)
{
    const struct admitted *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* Room for one more file of the admission. */
static enum status add_file(struct admission *a, const char *path, struct admitted **out,
                            struct err *e)
{
    if (a->file_count == MANIFEST_FILES)
        return err_set(e, ST_USAGE, "too-many-files", "an artifact has at most %d files",
                       MANIFEST_FILES);
    if (a->file_count == a->file_room) {
        size_t room = a->file_room == 0 ? 1 : a->file_room * 2;
        struct admitted *grown = heap_grow(a->files, room * sizeof *grown);
        if (grown == NULL)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory to admit %zu files", room);
        a->files = grown;
        a->file_room = room;
    }
    struct admitted *f = &a->files[a->file_count];
    *f = (struct admitted){.head_bytes = 0};
    if (text_fmt(f->path, sizeof f->path, "%s", path) >= sizeof f->path) {
        err_set(e, ST_USAGE, "path", "a path may have %zu bytes", sizeof f->path - 1);
        return err_subject(e, "%s", path);
    }
    a->file_count++;
    *out = f;
    return ST_OK;
}

/* The request's files in turn, as a stream. */
struct given_files {
    const struct admit_request *request;
    size_t at;
};

static enum status next_given(void *ctx, struct admit_file *out, bool *more, struct err *e)
{
    struct given_files *g = ctx;
    (void)e;
    *more = g->at < g->request->given_count;
    if (*more)
        *out = g->request->given[g->at++];
    return ST_OK;
}

/* Where a model's tensors begin, from its first bytes. */
static enum status advise(struct ahead *f, const struct admit_file *file, struct buf *cuts,
                          struct err *e)
{
    const char *foreign = NULL;
    enum status st = file->bytes < CUTS_LEAST ? ST_OK : ahead_fill(f, MODEL_SNIFF_BYTES, e);
    if (st != ST_OK || f->bytes.n == 0)
        return st;
    enum model_claim claim = model_sniff(buf_span(&f->bytes), file->path, file->bytes, &foreign);
    if (claim != CLAIM_SLM1 && claim != CLAIM_GGUF)
        return ST_OK;
    st = ahead_fill(f, CUTS_FRONT, e);
    return st == ST_OK ? cuts_of(claim == CLAIM_GGUF ? MODEL_FORMAT_GGUF : MODEL_FORMAT_SLM1,
                                 buf_span(&f->bytes), file->bytes, cuts, e)
                       : st;
}

static enum status stage_file(struct admission *a, const struct admit_file *file,
                              struct progress *progress, struct err *e)
{
    SCOPED(ahead_release) struct ahead ahead = {.from = file->from};
    SCOPED(buf_release) struct buf cuts = BUF_EMPTY;
    struct admitted *to = NULL;
    enum status st = add_file(a, file->path, &to, e);
    if (st == ST_OK)
        st = advise(&ahead, file, &cuts, e);
    if (st != ST_OK)
        return st;
    struct tee tee = {.from = ahead_source(&ahead), .to = to};
    change_cuts(a->change, (const uint64_t *)(const void *)cuts.p, cuts.n / sizeof(uint64_t));
    return change_content(a->change, (struct source){.read = tee_read, .ctx = &tee}, progress,
                          &to->content, e);
}

static enum status stage_all(struct admission *a, struct progress *progress, struct err *e)
{
    struct given_files given = {.request = a->request};
    struct admit_stream stream = a->request->stream;
    if (stream.next == NULL)
        stream = (struct admit_stream){next_given, &given};
    for (;;) {
        struct admit_file file = {0};
        bool more = false;
        enum status st = stream.next(stream.ctx, &file, &more, e);
        if (st != ST_OK || !more)
            return st;
        st = stage_file(a, &file, progress, e);
        if (st != ST_OK)
            return a->request->stream.next != NULL ? st : err_subject(e, "%s", file.path);
    }
}

static enum status sort_files(struct admission *a, struct err *e)
{
    if (a->file_count == 0) {
        err_set(e, ST_USAGE, "empty-folder", "there is no file in it");
        return err_subject(e, "%s", a->request->label);
    }
    qsort(a->files, a->file_count, sizeof *a->files, by_path);
    for (size_t i = 1; i < a->file_count; i++)
        if (text_equal(a->files[i - 1].path, a->files[i].path)) {
            err_set(e, ST_USAGE, "path-twice", "two files have the same path");
            return err_subject(e, "%s", a->files[i].path);
        }
    return ST_OK;
}

/* -- room ----------------------------------------------------------------------------------------
 */

struct bound {
    struct store *s;
    const char *key; /* NULL: any version's */
    bool there;
};

static enum status is_there(void *ctx, const char *key, struct span value, struct err *e)
{
    struct bound *b = ctx;
    char hex[DIGEST_TEXT];
    struct digest artifact;
    text_fmt(hex, sizeof hex, "%.*s", (int)value.n, (const char *)value.p);
    if (b->there || (b->key != NULL && !text_equal(key, b->key)) || !digest_parse(hex, &artifact))
        return ST_OK;
    return install_there(b->s, &artifact, &b->there, e);
}

/* A quota that is reached is told before anything is written. What is here already may come again;
 * whose name only the bytes tell is judged at the commit. */
static enum status may_install(struct admission *a, struct err *e)
{
    const struct admit_request *r = a->request;
    struct bound b = {.s = a->store};
    char name[MANIFEST_NAME_MAX], key[STORE_KEY_MAX];
    uint64_t bytes = 0;
    if (r->manifest_envelope.n > 0)
        return ST_OK;
    if (r->name != NULL)
        text_fmt(name, sizeof name, "%s", r->name);
    else
        admit_default_name(r->label, r->folder, name);
    text_fmt(key, sizeof key, "name/%s@%s", name, r->version != NULL ? r->version : "");
    b.key = r->version != NULL ? key : NULL;
    for (size_t i = 0; i < r->given_count && r->stream.next == NULL; i++)
        bytes += r->given[i].bytes;
    enum status st = store_scan(a->store, key, is_there, &b, e);
    return st == ST_OK && !b.there ? quota_one_more(a->store, name, bytes, e) : st;
}

enum status admit_stage(struct admission *a, struct progress *progress, struct err *e)
{
    enum status st = may_install(a, e);
    if (st == ST_OK)
        st = stage_all(a, progress, e);
    return st == ST_OK ? sort_files(a, e) : st;
}
