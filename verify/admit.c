#include "verify/admit.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/install.h"
#include "verify/admission.h"
#include "verify/artifact.h"
#include "verify/publisher.h"
#include <stdlib.h>
#include <string.h>

void admit_result_release(struct admit_result *r)
{
    manifest_release(&r->manifest);
    quarantine_facts_release(&r->quarantine);
}

static void admission_release(struct admission *a)
{
    if (a->change != NULL)
        change_release(a->change);
    heap_free(a->files);
    envelope_release(&a->given);
    manifest_release(&a->stated);
    manifest_release(&a->manifest);
    probe_result_release(&a->probe);
}

static enum status list_files(struct admission *a, struct err *e)
{
    struct manifest *m = &a->manifest;
    const size_t n = a->file_count;
    m->files = heap_zero(n, sizeof *m->files);
    if (m->files == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a manifest of %zu files", n);
    m->file_count = n;
    for (size_t i = 0; i < n; i++) {
        struct manifest_file *f = &m->files[i];
        f->bytes = a->files[i].content.bytes;
        f->sha256 = a->files[i].content.sha256;
        memcpy(f->path, a->files[i].path, sizeof f->path);
    }
    a->content = a->files[0].content.sha256;
    return a->request->folder ? manifest_content(m, &a->content, e) : ST_OK;
}

/* Totals over the files, named by the content digest of the whole. */
static struct content totals(const struct admission *a)
{
    struct content sum = {.sha256 = a->content};
    for (size_t i = 0; i < a->file_count; i++) {
        const struct content *c = &a->files[i].content;
        sum.bytes += c->bytes;
        sum.new_bytes += c->new_bytes;
        sum.stored_bytes += c->stored_bytes;
        sum.chunks += c->chunks;
        sum.healed += c->healed;
    }
    return sum;
}

/* ---- refusing ----------------------------------------------------------------------------- */

static struct quarantine_file file_of(const struct admitted *f)
{
    return (struct quarantine_file){f->path, f->content.sha256, f->content.bytes};
}

/* A folder has all its files in quarantine. */
static enum status keep_folder(struct admission *a, const struct quarantine_reject *what,
                               const struct change_entry *how, struct quarantine_facts *out,
                               struct err *e)
{
    struct quarantine_file *files = heap_zero(a->file_count, sizeof *files);
    if (files == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a refusal");
    for (size_t i = 0; i < a->file_count; i++)
        files[i] = file_of(&a->files[i]);
    enum status st = quarantine_put_folder(a->change, files, a->file_count, what, how, out, e);
    heap_free(files);
    return st;
}

/* What was handed in goes to quarantine, whole. */
static enum status keep(struct admission *a, struct quarantine_facts *out, struct err *e)
{
    const struct admit_request *r = a->request;
    const struct admit_whole *whole = &r->whole;
    const struct change_entry how = {.type = "quarantine",
                                     .body = span_text("{}"),
                                     .set = span_text("{}"),
                                     .clock = a->keys->clock,
                                     .log = a->keys->log};
    SCOPED(buf_release) struct buf claimed = BUF_EMPTY;
    const struct digest artifact = digest_of(buf_span(&a->given.payload));
    struct quarantine_file culprit;
    struct quarantine_reject what = {.name = r->label,
                                     .kind = whole->from.read != NULL ? whole->kind
                                             : r->folder              ? QUARANTINE_FOLDER
                                                                      : QUARANTINE_FILE,
                                     .why = &a->why,
                                     .parsed = buf_span(&a->probe.parsed)};
    enum status st = admit_claimed(r, a->given.payload.n > 0 ? &artifact : NULL, &claimed, e);
    if (st != ST_OK)
        return st;
    what.claimed = buf_span(&claimed);
    if (r->folder && a->culprit < a->file_count) {
        culprit = file_of(&a->files[a->culprit]);
        what.inside = &culprit;
    }
    if (what.kind == QUARANTINE_FILE)
        return quarantine_put(a->change, &a->content, &what, &how, out, e);
    if (what.kind == QUARANTINE_FOLDER)
        return keep_folder(a, &what, &how, out, e);
    return quarantine_take(a->change, whole->from, whole->bytes, &what, &how, out, e);
}

/* Quarantines what was refused and tells both why and where it is. */
static enum status refuse(struct admission *a, struct admit_result *out, struct err *e)
{
    const struct admit_request *r = a->request;
    if (r->folder && a->culprit < a->file_count)
        err_subject(&a->why, "%s: %s", r->label, a->files[a->culprit].path);
    err_subject(&a->why, "%s", r->label);
    if (!r->held) {
        enum status st = keep(a, &out->quarantine, e);
        if (st == ST_QUOTA || st == ST_NO_SPACE) { /* the verdict stands, wherever the bytes are */
            out->unkept = *e;
            *e = a->why;
            return e->status;
        }
        if (st != ST_OK)
            return st;
        out->quarantined = true;
    }
    out->content = totals(a);
    /* Whoever reads the exit code learns of a signature what it says of the signature. */
    if (status_exit(a->why.status) == status_exit(ST_QUARANTINED))
        a->why.status = ST_QUARANTINED;
    *e = a->why;
    return e->status;
}

enum status admit_refuse(struct store *s, const struct admit_keys *keys,
                         const struct admit_request *request, struct admit_result *out,
                         struct err *e)
{
    SCOPED(admission_release)
    struct admission a = {.store = s, .keys = keys, .request = request, .why = *e};
    ENSURE(request->whole.from.read != NULL);
    *out = (struct admit_result){0};
    *e = ERR_NONE;
    enum status st = change_begin(s, &a.change, e);
    return st == ST_OK ? refuse(&a, out, e) : st;
}

/* ---- committing --------------------------------------------------------------------------- */

struct admit_texts {
    char artifact[DIGEST_TEXT], content[DIGEST_TEXT], envelope[DIGEST_TEXT];
    char name_key[STORE_KEY_MAX];
    char installed_key[STORE_KEY_MAX], evicted_key[STORE_KEY_MAX], removed_key[STORE_KEY_MAX];
    bool removed;         /* the name was this artifact's before, and comes back to it */
    struct digest holder; /* of the name, when it is another */
};

static struct admit_texts texts_of(const struct admission *a, const struct digest *artifact)
{
    struct admit_texts t = {.envelope = ""};
    digest_text(artifact, t.artifact);
    digest_text(&a->content, t.content);
    text_fmt(t.name_key, sizeof t.name_key, "name/%s@%s", a->manifest.name, a->manifest.version);
    text_fmt(t.removed_key, sizeof t.removed_key, INSTALL_REMOVED "%s@%s", a->manifest.name,
             a->manifest.version);
    install_key(INSTALL_PREFIX, artifact, t.installed_key);
    install_key(INSTALL_EVICTED, artifact, t.evicted_key);
    return t;
}

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void count(struct json_out *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_u64(j, n);
}

static const char *format_of(const struct admission *a)
{
    return a->manifest.model.present ? a->manifest.model.format : "opaque";
}

/* The value of artifact/HEX. */
static void write_facts(const struct admission *a, const struct admit_texts *t, struct buf *out)
{
    const struct content sum = totals(a);
    char time[TIME_TEXT_MAX];
    time_format(clock_now(&a->keys->clock), time);
    struct json_out j = json_out(out);
    json_object(&j);
    count(&j, "bytes", sum.bytes);
    member(&j, "content", t->content);
    member(&j, "format", format_of(a));
    member(&j, "manifest", t->envelope);
    member(&j, "name", a->manifest.name);
    json_key(&j, "self_signed");
    json_bool(&j, a->trust == NULL || trust_facts(a->trust).self_signed);
    count(&j, "stored_bytes", sum.stored_bytes);
    member(&j, "time", time);
    member(&j, "version", a->manifest.version);
    json_close(&j);
}

static void write_body(const struct admission *a, const struct admit_texts *t, struct buf *out)
{
    const struct content sum = totals(a);
    struct json_out j = json_out(out);
    json_object(&j);
    member(&j, "artifact", t->artifact);
    count(&j, "bytes", sum.bytes);
    member(&j, "content", t->content);
    member(&j, "format", format_of(a));
    member(&j, "label", a->request->label);
    member(&j, "manifest", t->envelope);
    member(&j, "name", a->manifest.name);
    json_key(&j, "publisher_manifest");
    json_bool(&j, a->signed_by_other);
    member(&j, "version", a->manifest.version);
    json_close(&j);
}

/* The member that keeps the artifact's contents. */
static enum status write_installed(const struct admission *a, const struct admit_texts *t,
                                   struct json_out *j)
{
    SCOPED(install_release) struct install i = {.bytes = totals(a).bytes};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    text_fmt(i.name, sizeof i.name, "%s", a->manifest.name);
    for (size_t n = 0; n < a->file_count; n++)
        buf_append(&i.contents, SPAN(a->files[n].content.sha256.b, DIGEST_BYTES));
    install_encode(&i, &value);
    json_key(j, t->installed_key);
    json_text(j, buf_span(&value));
    return buf_status(&i.contents) == ST_OK ? buf_status(&value) : ST_NO_MEMORY;
}

static enum status write_set(const struct admission *a, const struct admit_texts *t,
                             struct buf *out)
{
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf facts = BUF_EMPTY;
    struct json_out j = json_out(out);
    write_facts(a, t, &facts);
    json_object(&j);
    enum status st = write_installed(a, t, &j);
    if (t->removed)
        member(&j, t->removed_key, NULL);
    text_fmt(key, sizeof key, "artifact/%s", t->artifact);
    json_key(&j, key);
    json_text(&j, buf_span(&facts));
    text_fmt(key, sizeof key, "content/%s/%s", t->content, t->artifact);
    member(&j, key, "");
    member(&j, t->name_key, t->artifact);
    json_close(&j);
    return st != ST_OK || buf_status(&facts) != ST_OK ? ST_NO_MEMORY : buf_status(out);
}

static enum status commit(struct admission *a, const struct admit_texts *t, struct err *e)
{
    uint64_t seq = 0;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    const struct expect unbound[] = {
        {.key = t->name_key, .value = NULL},
        {.key = t->removed_key, .value = t->removed ? t->artifact : NULL}};
    write_body(a, t, &body);
    if (write_set(a, t, &set) != ST_OK || buf_status(&body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = "add",
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .expects = unbound,
                                       .expect_count = 2,
                                       .clock = a->keys->clock,
                                       .log = a->keys->log};
    return change_commit(a->change, &entry, &seq, e);
}

/* The same bytes again bring back what was evicted, and heal what was damaged or had gone: that has
 * to last, too. */
static enum status commit_again(struct admission *a, const struct admit_texts *t,
                                struct admit_result *out, bool sealed, struct err *e)
{
    const struct content sum = totals(a);
    uint64_t seq = 0;
    bool there = false;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    enum status st = install_there(a->store, &out->artifact, &there, e);
    if (st != ST_OK || (there && sum.healed == 0 && sum.new_bytes == 0 && !sealed))
        return st;
    const struct expect held = {.key = t->name_key, .value = t->artifact};
    struct json_out s = json_out(&set);
    json_object(&s);
    if (!there) {
        st = write_installed(a, t, &s);
        member(&s, t->evicted_key, NULL);
    }
    json_close(&s);
    struct json_out j = json_out(&body);
    json_object(&j);
    member(&j, "artifact", t->artifact);
    count(&j, "chunks", sum.healed);
    count(&j, "new_bytes", sum.new_bytes);
    json_close(&j);
    if (st != ST_OK || buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = there ? "heal" : "reload",
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .expects = &held,
                                       .expect_count = 1,
                                       .clock = a->keys->clock,
                                       .log = a->keys->log};
    st = change_commit(a->change, &entry, &seq, e);
    out->brought_back = st == ST_OK && !there;
    return st;
}

/* All zero, which is no artifact, when the state says nonsense. */
static void read_holder(const struct buf *value, struct digest *out)
{
    char hex[DIGEST_TEXT];
    text_fmt(hex, sizeof hex, "%.*s", (int)value->n, (const char *)value->p);
    if (!digest_parse(hex, out))
        *out = (struct digest){{0}};
}

/* Who holds the name now: nobody (ST_NOT_FOUND), this artifact (ST_OK), another one (ST_EXISTS). */
static enum status name_holder(struct admission *a, struct admit_texts *t, struct err *e)
{
    struct err quiet = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = store_get(a->store, t->name_key, &value, &quiet);
    if (st != ST_OK) {
        if (st != ST_NOT_FOUND)
            *e = quiet;
        return st;
    }
    if (span_equal(buf_span(&value), span_text(t->artifact)))
        return ST_OK;
    read_holder(&value, &t->holder);
    err_set(e, ST_EXISTS, "name-bound",
            "%s is bound to artifact %.*s already; this is %.12s (content sha256:%.12s). A version "
            "never "
            "changes its bytes: give another --version",
            t->name_key + strlen("name/"), value.n < 12 ? (int)value.n : 12, (const char *)value.p,
            t->artifact, t->content);
    return err_subject(e, "%s", a->request->label);
}

/* One publisher admits; when the trust asks for more, the others sign what lies in the store. */
static enum status check_seal(struct admission *a, const struct envelope *v, struct err *e)
{
    unsigned needed = 0;
    int64_t now = clock_now(&a->keys->clock);
    return trust_signers(a->trust, ROLE_PUBLISHER, v, &needed) > 0
               ? trust_alive(a->trust, now, e)
               : trust_check(a->trust, ROLE_PUBLISHER, v, now, e);
}

/* A removed artifact keeps its name: nobody else gets it. */
static enum status former_holder(struct admission *a, struct admit_texts *t, struct err *e)
{
    struct err quiet = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = store_get(a->store, t->removed_key, &value, &quiet);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = quiet;
        return st;
    }
    t->removed = true;
    if (span_equal(buf_span(&value), span_text(t->artifact)))
        return ST_OK;
    read_holder(&value, &t->holder);
    err_set(
        e, ST_EXISTS, "name-bound",
        "%s was artifact %.*s, which was removed; this is %.12s. Only the same comes back: bytes, "
        "file names and labels; else give another --version",
        t->name_key + strlen("name/"), value.n < 12 ? (int)value.n : 12, (const char *)value.p,
        t->artifact);
    return err_subject(e, "%s", a->request->label);
}

/* The envelope that goes into the store: the publisher's own, or one that our publisher key signs.
 */
static enum status seal(struct admission *a, struct span payload, struct digest *envelope,
                        struct err *e)
{
    if (a->signed_by_other)
        return change_document(a->change, a->request->manifest_envelope, envelope, e);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = envelope_sign(MANIFEST_TYPE, payload, a->keys->publisher, &text, e);
    if (st != ST_OK)
        return st;
    if (a->trust != NULL) {
        SCOPED(envelope_release) struct envelope v = {0};
        st = envelope_parse(buf_span(&text), &v, e);
        if (st == ST_OK)
            st = check_seal(a, &v, e);
        if (st != ST_OK)
            return err_subject(e, "the publisher key");
    }
    return change_document(a->change, buf_span(&text), envelope, e);
}

/* The artifact is there, and its manifest perhaps damaged. The same payload and key make the same
 * envelope; another one would be no help and is not kept. */
static enum status seal_again(struct admission *a, struct admit_texts *t, struct span payload,
                              bool *sealed, struct err *e)
{
    SCOPED(buf_release) struct buf facts = BUF_EMPTY;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    struct err why = ERR_NONE;
    struct digest want, got;
    char key[STORE_KEY_MAX];
    text_fmt(key, sizeof key, "artifact/%s", t->artifact);
    enum status st = store_get(a->store, key, &facts, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&facts), facts.n, &v, e);
    if (st != ST_OK)
        return st;
    const char *hex = json_as_string(json_get(v, "manifest"));
    if (hex == NULL || !digest_parse(hex, &want))
        return ST_OK;
    st = store_document(a->store, &want, &bytes, &why);
    if (st != ST_CORRUPT && st != ST_NOT_FOUND) { /* what cannot be read just now is no damage */
        *e = why;
        return st;
    }
    st = seal(a, payload, &got, e);
    *sealed = st == ST_OK && digest_equal(&got, &want);
    return st;
}

/* The artifact is there: a given manifest may bring signatures that the store has not. */
static enum status record_given(struct admission *a, struct admit_result *out, struct err *e)
{
    SCOPED(artifact_release) struct artifact held = {0};
    SCOPED(envelope_release) struct envelope have = {0};
    struct digest where;
    uint64_t seq = 0;
    enum status st = artifact_open(a->store, NULL, &out->artifact, TRUST_ANY_TIME, &held, e);
    if (st == ST_OK)
        st = publisher_envelope(a->store, &held.digest, &held.envelope, &have, e);
    const struct publisher_record r = {.artifact = &held.digest,
                                       .manifest = &held.manifest,
                                       .have = &have,
                                       .bytes = a->request->manifest_envelope,
                                       .clock = a->keys->clock,
                                       .log = a->keys->log};
    return st == ST_OK ? publisher_record(a->store, a->trust, &r, &out->signatures, &where, &seq, e)
                       : st;
}

/* Binds the name. ST_EXISTS: another artifact has it, *holder. */
static enum status bind(struct admission *a, struct admit_result *out, struct digest *holder,
                        struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    struct digest envelope;
    bool sealed = false;
    enum status st = manifest_encode(&a->manifest, &payload, e);
    if (st != ST_OK)
        return err_subject(e, "%s", a->request->label);
    out->artifact = digest_of(buf_span(&payload));
    struct admit_texts t = texts_of(a, &out->artifact);
    st = name_holder(a, &t, e);
    if (st == ST_OK) {
        out->existed = true;
        st = seal_again(a, &t, buf_span(&payload), &sealed, e);
        if (st == ST_OK)
            st = commit_again(a, &t, out, sealed, e);
        return st == ST_OK && a->signed_by_other ? record_given(a, out, e) : st;
    }
    *holder = t.holder;
    if (st != ST_NOT_FOUND)
        return st;
    st = former_holder(a, &t, e);
    *holder = t.holder;
    if (st == ST_OK)
        st = seal(a, buf_span(&payload), &envelope, e);
    if (st != ST_OK)
        return st;
    digest_text(&envelope, t.envelope);
    st = commit(a, &t, e);
    if (st != ST_CONFLICT)
        return st;
    /* Another process bound the name meanwhile: to the same artifact, which is as good, or not. */
    *e = ERR_NONE;
    st = name_holder(a, &t, e);
    *holder = t.holder;
    out->existed = st == ST_OK;
    return st == ST_NOT_FOUND ? err_set(e, ST_CONFLICT, NULL, "the name changed hands meanwhile")
                              : st;
}

static enum status finish(struct admission *a, struct admit_result *out, struct err *e)
{
    struct digest holder = {{0}};
    enum status st = bind(a, out, &holder, e);
    if (st == ST_EXISTS && admit_same(a, &holder, e) == ST_OK) {
        out->as_before = true;
        st = bind(a, out, &holder, e);
    }
    if (st != ST_OK)
        return st;
    out->content = totals(a);
    out->manifest = a->manifest;
    a->manifest = (struct manifest){0};
    return ST_OK;
}

enum status admit(struct store *s, const struct trust *t, const struct admit_keys *keys,
                  const struct admit_request *request, struct progress *progress,
                  struct admit_result *out, struct err *e)
{
    static enum admit_step (*const judges[])(struct admission *, struct err *) = {
        admit_judge_claims, admit_judge_kind, admit_judge_structure, admit_judge_manifest};
    SCOPED(admission_release)
    struct admission a = {
        .store = s, .trust = t, .keys = keys, .request = request, .why = ERR_NONE};
    *out = (struct admit_result){0};
    enum status st = change_begin(s, &a.change, e);
    if (st == ST_OK)
        st = admit_stage(&a, progress, e);
    if (st == ST_OK)
        st = list_files(&a, e);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++) {
        enum admit_step step = judges[i](&a, e);
        if (step == ADMIT_REFUSED)
            return refuse(&a, out, e);
        if (step == ADMIT_FAILED)
            return err_subject(e, "%s", request->label);
    }
    return finish(&a, out, e);
}
