/* The safety gate's static part: looked at in a sandbox, judged here. */
#include "base/files.h"
#include "base/text.h"
#include "verify/attestation.h"
#include "verify/exam.h"
#include "verify/lint.h"
#include "verify/sandbox.h"
#include <string.h>
#include <sys/mman.h>

#define ANSWER  (64u << 10)
#define SECONDS 120u

/* ---- in the child ------------------------------------------------------------------------- */

static int child(void *ctx, int in, int out)
{
    const uint64_t *bytes = ctx;
    struct err e = ERR_NONE;
    struct linted found;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    void *map = mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    if (lint_model(SPAN(map, (size_t)*bytes), &found, &e) != ST_OK)
        return 3;
    struct json_out j = json_out(&text);
    lint_write(&found, &j);
    return buf_status(&text) == ST_OK && io_write(out, buf_span(&text), &e) == ST_OK ? 0 : 4;
}

/* ---- in the parent ------------------------------------------------------------------------ */

/* One model; `why` says what is wrong with the child or its answer, "" nothing. */
static enum status look(const struct gate_subject *s, const struct artifact *a,
                        const struct manifest_file *file, struct linted *out, char level[64],
                        char why[256], struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    SCOPED(json_scope) struct json *v = NULL;
    struct err lie = ERR_NONE;
    uint64_t bytes = file->bytes;
    struct sandbox_limits limits = {
        .cpu_seconds = SECONDS, .wall_ms = SECONDS * 2000, .output_bytes = ANSWER};
    /* The digest library reads its configuration at first use, which the child may not. */
    struct digest warm = digest_of((struct span){0});
    (void)warm;
    why[0] = '\0';
    enum status st = store_content_memory(s->store, &file->sha256, &fd, e);
    if (st == ST_OK)
        st = exam_memory(&a->manifest.model, bytes, &limits.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&limits, child, &bytes, fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st != ST_OK)
        return st;
    text_fmt(level, 64, "%s", o.level);
    if (o.ending != SANDBOX_RETURNED)
        text_fmt(why, 256, "the linting child %s", o.message);
    else if (json_parse(buf_span(&o.answer), ANSWER, &v, &lie) != ST_OK ||
             lint_read(v, out, &lie) != ST_OK)
        text_fmt(why, 256, "what the linting child told is not usable: %.180s", lie.detail);
    return ST_OK;
}

struct head {
    uint8_t bytes[MODEL_SNIFF_BYTES];
    size_t n;
};

static enum status take_head(void *ctx, struct span bytes, struct err *e)
{
    struct head *h = ctx;
    size_t n = sizeof h->bytes - h->n < bytes.n ? sizeof h->bytes - h->n : bytes.n;
    memcpy(h->bytes + h->n, bytes.p, n);
    h->n += n;
    return h->n < sizeof h->bytes ? ST_OK : err_set(e, ST_CANCELLED, "enough", "the head is read");
}

/* The other files: how they begin, and what they are called. The manifest's own texts. */
static enum status look_around(const struct gate_subject *s, struct linted *l, struct err *e)
{
    const struct manifest *m = &s->artifact->manifest;
    lint_value(l, "licence", span_text(m->license));
    lint_value(l, "source revision", span_text(m->source_revision));
    for (size_t i = 0; i < m->file_count; i++) {
        struct head head = {.n = 0};
        struct err why = ERR_NONE;
        if (&m->files[i] == s->file)
            continue;
        lint_value(l, "file name", span_text(m->files[i].path));
        enum status st =
            store_content_read(s->store, &m->files[i].sha256,
                               (struct sink){.write = take_head, .ctx = &head}, NULL, &why);
        if (st != ST_OK && st != ST_CANCELLED) {
            *e = why;
            return st;
        }
        lint_bytes(l, m->files[i].path, SPAN(head.bytes, head.n), true);
    }
    return ST_OK;
}

/* ---- judged ------------------------------------------------------------------------------- */

/* One measured number: all finds of `from`…`to`, explained by the first of them. */
static void tell(const struct linted *l, const char *name, enum lint from, enum lint to,
                 struct gate_checks *checks)
{
    uint64_t count = 0;
    int first = -1;
    for (int i = (int)from; i <= (int)to; i++) {
        count += l->of[i].count;
        if (first < 0 && l->of[i].count > 0)
            first = i;
    }
    checks_measure_u64(checks, name, count, "", name);
    struct gate_check *c = checks_find(checks, name);
    if (first < 0)
        checks_explain(c, "nothing of that kind");
    else
        checks_explain(c, "%s in %s: \"%s\"", lint_name((enum lint)first), l->of[first].where,
                       l->of[first].sample);
}

/* Did somebody attest a review, under the trust in force? */
static enum status reviewed(const struct gate_subject *s, bool *out, struct err *e)
{
    SCOPED(trust_scope) struct trust *trust = NULL;
    struct attested_record r;
    struct err why = ERR_NONE;
    enum status st = trust_load(s->store, &trust, &why);
    if (st == ST_OK)
        st = attestation_newest(s->store, trust, ATTEST_REVIEW, &s->artifact->digest,
                                TRUST_ANY_TIME, &r, &why);
    *out = st == ST_OK;
    if (st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_IO) {
        *e = why;
        return st;
    }
    return ST_OK;
}

/* Templates are code: one that nobody has seen before is looked at by somebody, or not let through.
 */
static enum status judge_template(const struct gate_subject *s, const struct linted *mine,
                                  const struct linted *theirs, struct gate_checks *checks,
                                  struct err *e)
{
    const char *asked = section_word(s->section, GATE_SAFETY, "chat_template");
    char hex[DIGEST_TEXT];
    bool seen = false;
    digest_text(&mine->chat_template, hex);
    bool same = mine->has_template == theirs->has_template &&
                digest_equal(&mine->chat_template, &theirs->chat_template);
    if (!mine->has_template || text_equal(asked, "any") || (s->against != NULL && same)) {
        checks_add(checks, "chat template", true, "%s",
                   !mine->has_template          ? "there is none"
                   : s->against != NULL && same ? "the same as the channel's holder has"
                                                : "any is allowed");
        return ST_OK;
    }
    enum status st = text_equal(asked, "reviewed") ? reviewed(s, &seen, e) : ST_OK;
    if (st == ST_OK)
        checks_add(checks, "chat template", seen,
                   seen ? "template-changed: %.12s, and somebody attested a review"
                        : "template-changed: %.12s is not what the channel's holder has%s",
                   hex,
                   text_equal(asked, "reviewed")
                       ? "; read it, then: assay attest REF --type review --reason …"
                       : "");
    return st;
}

enum status lint_gate(const struct gate_subject *s, struct gate_checks *checks,
                      struct gate_result *result, struct err *e)
{
    struct linted mine = {0}, theirs = {0};
    char why[256];
    if (json_get(s->section, "static") == NULL)
        return ST_OK;
    enum status st = look(s, s->artifact, s->file, &mine, result->sandbox, why, e);
    if (st == ST_OK && why[0] == '\0' && s->against != NULL)
        st = look(s, s->against->artifact, s->other, &theirs, result->sandbox, why, e);
    if (st == ST_OK)
        st = look_around(s, &mine, e);
    if (st != ST_OK)
        return st;
    checks_add(checks, "lint", why[0] == '\0', "%s",
               why[0] == '\0' ? "the linting child came back" : why);
    if (why[0] != '\0')
        return ST_OK;
    tell(&mine, "urls", LINT_URL, LINT_URL, checks);
    tell(&mine, "control characters", LINT_CONTROL, LINT_CONTROL, checks);
    tell(&mine, "embedded files", LINT_EXECUTABLE, LINT_ENCODED, checks);
    tell(&mine, "template findings", LINT_TEMPLATE_CODE, LINT_TEMPLATE_URL, checks);
    return judge_template(s, &mine, &theirs, checks, e);
}
