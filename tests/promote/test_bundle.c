#include "base/files.h"
#include "base/text.h"
#include "promote/bundle.h"
#include "tests/support/law_room.h"
#include "verify/evidence.h"
#include "verify/identity.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

/* -- reading -------------------------------------------------------------------------------------
 */

/* An archive's files, out of memory. */
struct file {
    const char *path;
    struct span bytes;
};

struct archive {
    struct file files[8];
    size_t count, next;
    struct span_source now;
};

static enum status next_file(void *ctx, struct admit_file *out, bool *more, struct err *e)
{
    struct archive *a = ctx;
    (void)e;
    *more = a->next < a->count;
    if (!*more)
        return ST_OK;
    a->now.left = a->files[a->next].bytes;
    *out = (struct admit_file){.path = a->files[a->next].path, .from = source_over(&a->now)};
    a->next++;
    return ST_OK;
}

static void put(struct archive *a, const char *path, struct span bytes)
{
    a->files[a->count++] = (struct file){path, bytes};
}

/* A manifest's envelope, and a list that names it and its artifact. */
struct sample {
    struct temp t;
    struct buf manifest, list;
    struct bundle bundle;
};

static void relist(struct sample *s)
{
    struct err e = ERR_NONE;
    const struct log_head head = {.store = "0123456789abcdef0123456789abcdef", .seq = 1};
    s->list.n = 0;
    OK(bundle_encode(&s->bundle, &head, &s->list, &e));
}

static void listed(struct sample *s, const char *path, struct span bytes)
{
    struct bundle_document *d = &s->bundle.documents[s->bundle.count++];
    text_fmt(d->path, sizeof d->path, "%s", path);
    d->sha256 = digest_of(bytes);
}

static void sample_open(struct sample *s)
{
    struct err e = ERR_NONE;
    *s = (struct sample){.t = temp_make(), .manifest = BUF_EMPTY, .list = BUF_EMPTY};
    struct signer *key = temp_key(&s->t, "publisher");
    OK(envelope_sign(MANIFEST_TYPE, span_text("{}"), key, &s->manifest, &e));
    signer_close(key);
    s->bundle.artifact = digest_of(span_text("{}"));
    text_fmt(s->bundle.name, sizeof s->bundle.name, "tiny");
    text_fmt(s->bundle.version, sizeof s->bundle.version, "1");
    listed(s, "manifest.dsse.json", buf_span(&s->manifest));
    listed(s, "evidence/smoke.dsse.json", span_text("evidence"));
    relist(s);
}

static void sample_close(struct sample *s)
{
    buf_release(&s->manifest);
    buf_release(&s->list);
    temp_remove(&s->t);
}

static struct archive archive_of(const struct sample *s)
{
    struct archive a = {.count = 0};
    put(&a, "bundle.json", buf_span(&s->list));
    put(&a, "manifest.dsse.json", buf_span(&s->manifest));
    put(&a, "evidence/smoke.dsse.json", span_text("evidence"));
    put(&a, "files/model", span_text("bytes"));
    return a;
}

static void refused(struct archive *a, const char *code, const char *words)
{
    struct err e = ERR_NONE;
    struct bundle_reader r;
    cr_expect_eq(bundle_read(&r, (struct admit_stream){next_file, a}, &e), ST_FORMAT, "%s", words);
    cr_expect(r.refused, "%s", words);
    cr_expect_str_eq(err_code(&e), code, "%s", e.detail);
    cr_expect_not_null(strstr(e.detail, words), "%s: %s", words, e.detail);
    bundle_release(&r.bundle);
}

Test(bundle, documents_come_first_and_then_its_files)
{
    struct err e = ERR_NONE;
    struct sample s;
    struct bundle_reader r;
    struct admit_file file;
    bool more = false;
    sample_open(&s);
    struct archive a = archive_of(&s);
    put(&a, "evidence/late.dsse.json", span_text("late"));
    OK(bundle_read(&r, (struct admit_stream){next_file, &a}, &e));
    struct admit_stream files = bundle_files(&r);
    OK(files.next(files.ctx, &file, &more, &e));
    cr_assert(more);
    cr_expect_str_eq(file.path, "model");
    cr_expect_eq(files.next(files.ctx, &file, &more, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "bundle-order");
    cr_expect(r.refused);
    bundle_release(&r.bundle);
    sample_close(&s);
}

Test(bundle, begins_with_its_list)
{
    struct sample s;
    sample_open(&s);
    struct archive none = {.count = 0};
    refused(&none, "bundle", "is not its first file");
    struct archive a = archive_of(&s);
    a.files[0].path = "list.json";
    refused(&a, "bundle", "is not its first file");
    a = archive_of(&s);
    a.files[0].bytes = span_text("{}");
    refused(&a, "bundle", "is not a bundle's list");
    sample_close(&s);
}

Test(bundle, holds_each_document_that_it_lists_and_no_other)
{
    struct sample s;
    sample_open(&s);
    struct archive a = archive_of(&s);
    a.files[2].path = "evidence/task.dsse.json";
    refused(&a, "bundle-document", "is not listed in bundle.json");
    a = archive_of(&s);
    a.files[2].bytes = span_text("Evidence");
    refused(&a, "bundle-document", "evidence/smoke.dsse.json is not what bundle.json lists");
    a = archive_of(&s);
    a.files[2] = a.files[3];
    a.count--;
    refused(&a, "bundle-document", "evidence/smoke.dsse.json is listed and not there");
    a = archive_of(&s);
    a.count--;
    refused(&a, "bundle-files", "has no file");
    sample_close(&s);
}

Test(bundle, holds_no_document_that_is_longer_than_any)
{
    struct sample s;
    SCOPED(buf_release) struct buf large = BUF_EMPTY;
    sample_open(&s);
    cr_assert_not_null(buf_space(&large, ENVELOPE_MAX + 1u));
    s.bundle.documents[1].sha256 = digest_of(buf_span(&large));
    relist(&s);
    struct archive a = archive_of(&s);
    a.files[2].bytes = buf_span(&large);
    refused(&a, "bundle-document", "is too long");
    sample_close(&s);
}

Test(bundle, holds_the_manifest_of_the_artifact_that_it_names)
{
    struct sample s;
    sample_open(&s);
    s.bundle.artifact.b[0] ^= 1;
    relist(&s);
    struct archive a = archive_of(&s);
    refused(&a, "bundle-manifest", "is not the manifest of the artifact");
    s.bundle.artifact.b[0] ^= 1;
    s.bundle.documents[0] = s.bundle.documents[1];
    s.bundle.count = 1;
    relist(&s);
    a = archive_of(&s);
    a.files[1] = a.files[2];
    a.files[2] = a.files[3];
    a.count = 3;
    refused(&a, "bundle-manifest", "is not there");
    sample_close(&s);
}

/* -- writing -------------------------------------------------------------------------------------
 */

static enum status export_of(struct law_room *l, const struct artifact *artifact,
                             struct bundle *out, struct err *e)
{
    SCOPED(fd_release) int fd = openat(l->r.t.dir, "bundle", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const struct bundle_export from = {l->r.s, l->by.trust, artifact};
    return bundle_write(&from, fd, NULL, out, e);
}

Test(bundle, takes_the_decision_of_a_channel_that_the_artifact_holds_and_no_other)
{
    struct err e = ERR_NONE;
    struct law_room l;
    struct decision d;
    struct bundle out;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    OK(export_of(&l, &l.a, &out, &e));
    cr_expect_not_null(bundle_find(&out, "decisions/preview.dsse.json"));
    cr_expect_not_null(bundle_find(&out, "trust.dsse.json"));
    bundle_release(&out);
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    struct artifact other = law_admit(&l, buf_span(&model), "tiny", "2");
    OK(export_of(&l, &other, &out, &e));
    cr_expect_null(bundle_find(&out, "decisions/preview.dsse.json"));
    bundle_release(&out);
    artifact_release(&other);
    law_remove(&l);
}

Test(bundle, takes_the_records_that_a_gates_evidence_names)
{
    struct err e = ERR_NONE;
    struct law_room l;
    struct bundle out;
    struct bound b;
    struct digest d;
    struct gate_check check = {.name = "answers", .verdict = VERDICT_PASS};
    struct gate_result r = {.verdict = VERDICT_PASS,
                            .checks = &check,
                            .check_count = 1,
                            .started = "2026-01-02T03:04:05Z",
                            .ended = "2026-01-02T03:04:05Z",
                            .sandbox = "none"};
    law_make(&l);
    buf_text(&r.cases, "{}\n");
    OK(identity_bind(GATE_TASK, &l.a, span_text("{}"), &b, &e));
    OK(evidence_commit(l.r.s, &b, &r, l.keys[ROLE_GATE], l.r.log, l.r.clock, &d, &e));
    OK(export_of(&l, &l.a, &out, &e));
    const struct bundle_document *records = bundle_find(&out, "evidence/task.records.jsonl");
    cr_assert_not_null(records);
    cr_expect(span_equal(buf_span(&records->bytes), span_text("{}\n")));
    bundle_release(&out);
    buf_release(&r.cases);
    law_remove(&l);
}

/* What bundle_write says of the artifact, were these its files. */
static enum status with_files(struct law_room *l, struct manifest_file *files, size_t count,
                              struct err *e)
{
    struct artifact a = l->a;
    struct bundle out;
    a.manifest.files = files;
    a.manifest.file_count = count;
    enum status st = export_of(l, &a, &out, e);
    bundle_release(&out);
    return st;
}

Test(bundle, that_import_would_refuse_is_not_written)
{
    static struct manifest_file files[MANIFEST_FILES];
    struct err e = ERR_NONE;
    struct law_room l;
    law_make(&l);
    for (size_t i = 0; i < MANIFEST_FILES; i++)
        text_fmt(files[i].path, sizeof files[i].path, "%04zu", i);
    cr_expect_eq(with_files(&l, files, MANIFEST_FILES - 3, &e), ST_NOT_FOUND, "of a content");
    e = ERR_NONE;
    cr_expect_eq(with_files(&l, files, MANIFEST_FILES - 2, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "bundle-limits");
    e = ERR_NONE;
    files[0] = l.a.manifest.files[0];
    memset(files[0].path, 'a', 505);
    files[0].path[505] = '\0';
    OK(with_files(&l, files, 1, &e));
    memset(files[0].path, 'a', 506);
    files[0].path[506] = '\0';
    cr_expect_eq(with_files(&l, files, 1, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "bundle-limits");
    law_remove(&l);
}

Test(bundle, of_a_damaged_content_is_none_and_names_the_file)
{
    struct err e = ERR_NONE;
    struct law_room l;
    struct bundle out;
    char path[256];
    law_make(&l);
    const struct digest model = l.a.manifest.files[0].sha256;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    OK(store_content_read(l.r.s, &model, sink_buf(&bytes), NULL, &e));
    text_fmt(path, sizeof path, "store/packs/0000000000000001.pack");
    room_spoil(&l.r, path);
    cr_expect_eq(export_of(&l, &l.a, &out, &e), ST_CORRUPT);
    bundle_release(&out);
    law_remove(&l);
}
