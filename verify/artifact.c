#include "verify/artifact.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/text.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include "verify/publisher.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PREFIX_MIN    8 /* hex digits of a REF */
#define MATCHES_SHOWN 4

void artifact_release(struct artifact *a)
{
    manifest_release(&a->manifest);
}

bool artifact_is_channel(const char *word)
{
    static const char *const channels[] = {"candidate", "preview", "stable", "retired",
                                           "quarantined"};
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        if (text_equal(word, channels[i]))
            return true;
    return false;
}

/* ---- REF to digest ------------------------------------------------------------------------ */

/* What a digest prefix may mean: the artifacts that begin with it and those whose content does. */
struct matches {
    size_t count;
    struct digest found[MATCHES_SHOWN];
    bool more;
};

static void match_add(struct matches *m, const struct digest *d)
{
    for (size_t i = 0; i < m->count; i++)
        if (digest_equal(&m->found[i], d))
            return;
    if (m->count == MATCHES_SHOWN)
        m->more = true;
    else
        m->found[m->count++] = *d;
}

/* Keys artifact/HEX and content/HEX/HEX: the last component is the artifact. */
static enum status match_key(void *ctx, const char *key, struct span value, struct err *e)
{
    struct matches *m = ctx;
    struct digest d;
    (void)value;
    if (!digest_parse(strrchr(key, '/') + 1, &d))
        return err_set(e, ST_CORRUPT, "state-key", "the state key %s holds no digest", key);
    match_add(m, &d);
    return m->more ? ST_CANCELLED : ST_OK;
}

static enum status explain_ambiguous(const struct matches *m, const char *ref, struct err *e)
{
    char list[MATCHES_SHOWN * 18] = "";
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        char hex[DIGEST_TEXT];
        digest_text(&m->found[i], hex);
        n += text_fmt(list + n, sizeof list - n, "%s%.16s", i > 0 ? ", " : "", hex);
    }
    err_set(e, ST_AMBIGUOUS, NULL, "it may mean %s%s; give more digits or NAME@VERSION", list,
            m->more ? " and more" : "");
    return err_subject(e, "%s", ref);
}

static bool hex_prefix(const char *s)
{
    size_t n = 0;
    for (; s[n] != 0; n++)
        if (!((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'f')))
            return false;
    return n >= PREFIX_MIN && n < DIGEST_TEXT;
}

static enum status find_prefix(struct store *s, const char *ref, struct digest *out, struct err *e)
{
    struct matches m = {0};
    const char *hex = strncmp(ref, "sha256:", 7) == 0 ? ref + 7 : ref;
    if (!hex_prefix(hex)) {
        err_set(e, ST_USAGE, "ref",
                "a REF is NAME@CHANNEL, NAME@VERSION or at least %d digits of a digest",
                PREFIX_MIN);
        return err_subject(e, "%s", ref);
    }
    static const char *const roots[] = {"artifact/", "content/"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        char key[STORE_KEY_MAX];
        text_fmt(key, sizeof key, "%s%s", roots[i], hex);
        enum status st = store_scan(s, key, match_key, &m, e);
        if (st != ST_OK)
            return st;
    }
    if (m.count > 1)
        return explain_ambiguous(&m, ref, e);
    if (m.count == 0) {
        err_set(e, ST_NOT_FOUND, "no-artifact",
                "no artifact and no content begins with these digits");
        return err_subject(e, "%s", ref);
    }
    *out = m.found[0];
    return ST_OK;
}

/* The digest held by a state key, whose value is hex or an object with the member "artifact". */
static enum status find_key(struct store *s, const char *key, bool object, struct digest *out,
                            struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = store_get(s, key, &value, e);
    if (st != ST_OK)
        return st;
    const char *hex = NULL;
    SCOPED(json_scope) struct json *v = NULL;
    if (object) {
        st = json_parse(buf_span(&value), LEDGER_LINE_MAX, &v, e);
        if (st != ST_OK)
            return st;
        const struct json *holder = json_get(v, "artifact");
        /* A channel that was emptied: its seat is there, nobody sits on it. */
        if (holder != NULL && json_kind(holder) == JSON_NULL)
            return err_set(e, ST_NOT_FOUND, "no-holder", "nobody holds it");
        hex = json_as_string(holder);
    } else {
        buf_byte(&value, 0);
        st = buf_status(&value);
        if (st != ST_OK)
            return err_set(e, st, NULL, "no memory");
        hex = (const char *)value.p;
    }
    if (hex == NULL || !digest_parse(hex, out))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s holds no digest", key);
    return ST_OK;
}

static enum status find_named(struct store *s, const char *ref, const char *at,
                              struct artifact *out, struct err *e)
{
    char name[MANIFEST_NAME_MAX], key[STORE_KEY_MAX];
    const char *what = at + 1;
    size_t n = (size_t)(at - ref);
    if (n < sizeof name)
        text_fmt(name, sizeof name, "%.*s", (int)n, ref);
    if (n >= sizeof name || !manifest_name_valid(name) || !manifest_name_valid(what)) {
        err_set(e, ST_USAGE, "ref", "names, versions and channels read [a-z0-9][a-z0-9._-]*");
        return err_subject(e, "%s", ref);
    }
    bool channel = artifact_is_channel(what);
    text_fmt(key, sizeof key, channel ? "channel/%s/%s" : "name/%s@%s", name, what);
    enum status st = find_key(s, key, channel, &out->digest, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        err_set(e, ST_NOT_FOUND, channel ? "no-holder" : "no-artifact",
                channel ? "nothing named %s is in %s" : "no artifact has name %s and version %s",
                name, what);
        return err_subject(e, "%s", ref);
    }
    if (channel)
        text_fmt(out->channel, sizeof out->channel, "%s", what);
    return st;
}

/* ---- digest to artifact ------------------------------------------------------------------- */

static enum status read_state(struct store *s, const char *hex, struct artifact *a, struct err *e)
{
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    text_fmt(key, sizeof key, "artifact/%s", hex);
    enum status st = store_get(s, key, &value, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&value), LEDGER_LINE_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *manifest = json_as_string(json_get(v, "manifest"));
    const char *content = json_as_string(json_get(v, "content"));
    const char *time = json_as_string(json_get(v, "time"));
    if (manifest == NULL || !digest_parse(manifest, &a->envelope) || content == NULL ||
        !digest_parse(content, &a->content) || time == NULL ||
        !json_as_bool(json_get(v, "self_signed"), &a->self_signed))
        return err_set(e, ST_CORRUPT, "state-value", "the facts of artifact %.12s are damaged",
                       hex);
    text_fmt(a->added, sizeof a->added, "%s", time);
    return ST_OK;
}

/* One publisher at least; how many there are is for artifact_published. */
static enum status count_publishers(const struct trust *t, const struct envelope *v, int64_t now,
                                    struct artifact *a, struct err *e)
{
    a->publishers = trust_signers(t, ROLE_PUBLISHER, v, &a->publishers_needed);
    return a->publishers > 0 ? trust_alive(t, now, e) : trust_check(t, ROLE_PUBLISHER, v, now, e);
}

enum status artifact_published(const struct artifact *a, struct err *e)
{
    if (a->publishers > 0 && a->publishers >= a->publishers_needed)
        return ST_OK;
    return err_at(e, ST_UNTRUSTED, "signature", "below-threshold", ERR_NO_OFFSET,
                  "%u of the %u keys that the role publisher asks for have signed; the others: "
                  "assay sign %s@%s --key K",
                  a->publishers, a->publishers_needed, a->manifest.name, a->manifest.version);
}

/* The envelope is only a way to the payload: what the artifact's name promises is the payload's
 * digest. */
static enum status read_manifest(struct store *s, const struct trust *t, int64_t now,
                                 struct artifact *a, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = publisher_envelope(s, &a->digest, &a->envelope, &v, e);
    if (st != ST_OK)
        return err_stage(e, "manifest");
    struct digest payload = digest_of(buf_span(&v.payload));
    if (!text_equal(v.type, MANIFEST_TYPE) || !digest_equal(&payload, &a->digest))
        return err_at(e, ST_CORRUPT, "manifest", "manifest-digest", ERR_NO_OFFSET,
                      "the stored manifest is not the one that names the artifact");
    if (t != NULL) {
        st = count_publishers(t, &v, now, a, e);
        if (st != ST_OK)
            return err_stage(e, "signature");
    }
    st = manifest_decode(buf_span(&v.payload), &a->manifest, e);
    if (st != ST_OK)
        return err_stage(e, "manifest");
    struct digest content;
    st = manifest_content(&a->manifest, &content, e);
    if (st != ST_OK)
        return st;
    if (!digest_equal(&content, &a->content))
        return err_at(e, ST_CORRUPT, "manifest", "content-digest", ERR_NO_OFFSET,
                      "the manifest names other content than the store's facts");
    return ST_OK;
}

enum status artifact_open(struct store *s, const struct trust *t, const struct digest *digest,
                          int64_t now, struct artifact *out, struct err *e)
{
    char hex[DIGEST_TEXT];
    out->digest = *digest;
    digest_text(digest, hex);
    enum status st = read_state(s, hex, out, e);
    if (st == ST_OK)
        st = read_manifest(s, t, now, out, e);
    if (st != ST_OK)
        return err_subject(e, "artifact %s", hex);
    return ST_OK;
}

/* The state only says where to look: what was found must be what was asked for, by its own manifest
 * and digests. */
static bool answers(const char *ref, const struct artifact *a)
{
    char artifact[DIGEST_TEXT], content[DIGEST_TEXT];
    const char *at = strchr(ref, '@');
    const char *hex = strncmp(ref, "sha256:", 7) == 0 ? ref + 7 : ref;
    if (at != NULL)
        return strlen(a->manifest.name) == (size_t)(at - ref) &&
               strncmp(a->manifest.name, ref, (size_t)(at - ref)) == 0 &&
               (a->channel[0] != '\0' || text_equal(a->manifest.version, at + 1));
    digest_text(&a->digest, artifact);
    digest_text(&a->content, content);
    return strncmp(artifact, hex, strlen(hex)) == 0 || strncmp(content, hex, strlen(hex)) == 0;
}

enum status artifact_find(struct store *s, const struct trust *t, const char *ref, int64_t now,
                          struct artifact *out, struct err *e)
{
    *out = (struct artifact){0};
    const char *at = strchr(ref, '@');
    struct digest digest;
    enum status st;
    if (at != NULL)
        st = find_named(s, ref, at, out, e);
    else
        st = find_prefix(s, ref, &out->digest, e);
    if (st != ST_OK)
        return st;
    digest = out->digest;
    st = artifact_open(s, t, &digest, now, out, e);
    if (st == ST_OK && !answers(ref, out)) {
        artifact_release(out);
        st = err_at(e, ST_CORRUPT, "manifest", "ref-swapped", ERR_NO_OFFSET,
                    "the store's state leads to another artifact than was asked for");
        return err_subject(e, "%s", ref);
    }
    return st;
}

/* ---- its model ---------------------------------------------------------------------------- */

struct head {
    uint8_t bytes[MODEL_SNIFF_BYTES];
    size_t n;
};

static enum status head_sink(void *ctx, struct span bytes, struct err *e)
{
    struct head *h = ctx;
    size_t room = sizeof h->bytes - h->n;
    size_t take = bytes.n < room ? bytes.n : room;
    memcpy(h->bytes + h->n, bytes.p, take);
    h->n += take;
    return h->n == sizeof h->bytes ? err_set(e, ST_CANCELLED, "enough", "the head is read") : ST_OK;
}

static enum status is_model(struct store *s, const struct manifest_file *f, bool *out,
                            struct err *e)
{
    struct head head = {.n = 0};
    struct err quiet = ERR_NONE;
    const char *foreign = NULL;
    enum status st = store_content_read(
        s, &f->sha256, (struct sink){.write = head_sink, .ctx = &head}, NULL, &quiet);
    if (st != ST_OK && st != ST_CANCELLED) {
        *e = quiet;
        return st;
    }
    enum model_claim claim = model_sniff(SPAN(head.bytes, head.n), f->path, f->bytes, &foreign);
    *out = claim == CLAIM_SLM1 || claim == CLAIM_GGUF;
    return ST_OK;
}

enum status artifact_model_file(struct store *s, const struct artifact *a,
                                const struct manifest_file **out, struct err *e)
{
    *out = NULL;
    if (!a->manifest.model.present) {
        err_set(e, ST_USAGE, "opaque",
                "it is opaque: stored and verified, but no model that could be run or gated");
        return err_subject(e, "%s@%s", a->manifest.name, a->manifest.version);
    }
    for (size_t i = 0; i < a->manifest.file_count && *out == NULL; i++) {
        bool model = a->manifest.file_count == 1;
        enum status st = model ? ST_OK : is_model(s, &a->manifest.files[i], &model, e);
        if (st != ST_OK)
            return st;
        if (model)
            *out = &a->manifest.files[i];
    }
    if (*out == NULL)
        return err_set(e, ST_CORRUPT, "no-model",
                       "none of the artifact's files is the model its manifest states");
    return ST_OK;
}

struct loaded {
    int fd;
    void *map; /* [bytes] */
    size_t bytes;
    struct model *model;
};

void loaded_close(struct loaded *l)
{
    if (l == NULL)
        return;
    if (l->model != NULL)
        model_close(l->model);
    if (l->map != NULL)
        (void)munmap(l->map, l->bytes);
    fd_release(&l->fd);
    heap_free(l);
}

/* The bytes, verified, sealed and mapped. */
static enum status map_bytes(struct store *s, const struct artifact *a, struct loaded *l,
                             struct err *e)
{
    const struct manifest_file *file = NULL;
    enum status st = artifact_model_file(s, a, &file, e);
    if (st == ST_OK)
        st = store_content_memory(s, &file->sha256, &l->fd, e);
    if (st != ST_OK)
        return st;
    l->bytes = (size_t)file->bytes;
    void *map = mmap(NULL, l->bytes, PROT_READ, MAP_PRIVATE, l->fd, 0);
    if (map == MAP_FAILED)
        return err_sys(e, errno, "mmap", file->path);
    l->map = map;
    return ST_OK;
}

enum status artifact_load(struct store *s, const struct artifact *a, struct loaded **out,
                          enum run_stage *at, struct err *e)
{
    enum run_stage ignored;
    at = at != NULL ? at : &ignored;
    *at = STAGE_NONE;
    SCOPED(loaded_scope) struct loaded *l = heap_zero(1, sizeof *l);
    if (l == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to load a model");
    l->fd = -1;
    enum status st = map_bytes(s, a, l, e);
    if (st != ST_OK) {
        *at = st == ST_USAGE ? STAGE_NONE : stage_of_bytes(e);
        return st;
    }
    /* The bytes are those that admission accepted, values included. */
    st = model_open(SPAN(l->map, l->bytes), &model_limits_default, false, &l->model, e);
    if (st != ST_OK) {
        *at = stage_of_open(e);
        return err_subject(e, "%s@%s", a->manifest.name, a->manifest.version);
    }
    *out = loaded_take(&l);
    return ST_OK;
}

const struct model *loaded_model(const struct loaded *l)
{
    return l->model;
}

int loaded_fd(const struct loaded *l)
{
    return l->fd;
}
