#include "verify/evidence_format.h"
#include "base/canon.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include <string.h>

#define STATEMENT "https://in-toto.io/Statement/v1"
#define PREDICATE "https://in-toto.io/attestation/test-result/v0.1"
#define BOUND     "urn:assay:evidence:bound"
#define CASES     "urn:assay:evidence:cases"
#define CHECKS    "urn:assay:evidence:checks"
#define RECORDED  "urn:assay:evidence:recorded"
#define VERDICT   "urn:assay:evidence:verdict"

/* ---- encode ------------------------------------------------------------------------------- */

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void digest_member(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    member(j, key, hex);
}

/* A ResourceDescriptor: what is meant, by digest. */
static void descriptor(struct json_out *j, const char *name, const struct digest *d)
{
    json_object(j);
    json_key(j, "digest");
    json_object(j);
    digest_member(j, "sha256", d);
    json_close(j);
    member(j, "name", name);
    json_close(j);
}

static void names(struct json_out *j, const char *key, const struct gate_result *r, bool passed)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < r->check_count; i++)
        if ((r->checks[i].verdict == VERDICT_PASS) == passed)
            json_string(j, r->checks[i].name);
    json_close(j);
}

static void write_bound(struct json_out *j, const struct bound *b)
{
    json_key(j, BOUND);
    json_object(j);
    digest_member(j, "artifact", &b->artifact);
    digest_member(j, "content", &b->content);
    member(j, "gate", gate_name(b->gate));
    digest_member(j, "policy_section", &b->policy_section);
    digest_member(j, "program", &b->program);
    digest_member(j, "runtime", &b->runtime);
    json_close(j);
}

static void write_recorded(struct json_out *j, const struct gate_result *r, struct span machine)
{
    static const struct digest none = {{0}};
    json_key(j, RECORDED);
    json_object(j);
    if (!digest_equal(&r->baseline, &none))
        digest_member(j, "baseline", &r->baseline);
    if (r->browser[0] != 0)
        member(j, "browser", r->browser);
    member(j, "ended", r->ended);
    json_key(j, "machine");
    json_raw(j, machine);
    member(j, "sandbox", r->sandbox);
    member(j, "started", r->started);
    json_close(j);
}

static void write_predicate(struct json_out *j, const struct bound *b, const struct gate_result *r,
                            const struct digest *cases, struct span machine)
{
    json_object(j);
    json_key(j, "configuration");
    json_array(j);
    descriptor(j, "policy-section", &b->policy_section);
    descriptor(j, "runtime", &b->runtime);
    descriptor(j, "program", &b->program);
    json_close(j);
    names(j, "failedTests", r, false);
    names(j, "passedTests", r, true);
    json_key(j, "warnedTests");
    json_array(j);
    json_close(j);
    member(j, "result", r->verdict == VERDICT_PASS ? "PASSED" : "FAILED");
    write_bound(j, b);
    if (cases != NULL)
        digest_member(j, CASES, cases);
    else
        member(j, CASES, "");
    json_key(j, CHECKS);
    json_array(j);
    for (size_t i = 0; i < r->check_count; i++)
        check_write(&r->checks[i], j);
    json_close(j);
    write_recorded(j, r, machine);
    member(j, VERDICT, verdict_name(r->verdict));
    json_close(j);
}

enum status evidence_encode(const struct bound *bound, const struct gate_result *result,
                            const char *subject, const struct digest *cases, struct buf *canonical,
                            struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf machine = BUF_EMPTY;
    identity_describe(&machine);
    struct json_out j = json_out(&text);
    json_object(&j);
    member(&j, "_type", STATEMENT);
    json_key(&j, "predicate");
    write_predicate(&j, bound, result, cases, buf_span(&machine));
    member(&j, "predicateType", PREDICATE);
    json_key(&j, "subject");
    json_array(&j);
    descriptor(&j, subject, &bound->artifact);
    descriptor(&j, "content", &bound->content);
    json_close(&j);
    json_close(&j);
    if (buf_status(&machine) != ST_OK || buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a statement");
    return canon_text(buf_span(&text), canonical, e);
}

/* ---- decode ------------------------------------------------------------------------------- */

static enum status bad(struct err *e, const char *what)
{
    return err_at(e, ST_FORMAT, "evidence", "evidence", ERR_NO_OFFSET, "the evidence's %s is wrong",
                  what);
}

static bool says(const struct json *v, const char *key, const char *text)
{
    const char *is = json_as_string(json_get(v, key));
    return is != NULL && text_equal(is, text);
}

static bool read_digest(const struct json *v, const char *key, struct digest *out)
{
    const char *hex = json_as_string(json_get(v, key));
    return hex != NULL && strlen(hex) == DIGEST_TEXT - 1 && digest_parse(hex, out);
}

/* The i-th descriptor of a list names exactly this digest. */
static bool describes(const struct json *list, size_t i, const char *name, const struct digest *d)
{
    struct digest is;
    const struct json *v = json_at(list, i);
    return (name == NULL || says(v, "name", name)) &&
           read_digest(json_get(v, "digest"), "sha256", &is) && digest_equal(&is, d);
}

static enum status read_bound(const struct json *predicate, struct bound *b, struct err *e)
{
    const struct json *v = json_get(predicate, BOUND);
    b->gate = gate_parse(json_as_string(json_get(v, "gate")));
    if (b->gate == GATE_NONE || json_count(v) != 6)
        return bad(e, "gate");
    if (!read_digest(v, "artifact", &b->artifact) || !read_digest(v, "content", &b->content) ||
        !read_digest(v, "policy_section", &b->policy_section) ||
        !read_digest(v, "program", &b->program) || !read_digest(v, "runtime", &b->runtime))
        return bad(e, "list of bound identities");
    return ST_OK;
}

static enum status compare_bound(const struct json *root, const struct bound *b, struct err *e)
{
    const struct json *subject = json_get(root, "subject");
    const struct json *configuration = json_get(json_get(root, "predicate"), "configuration");
    if (json_count(subject) != 2 || !describes(subject, 0, NULL, &b->artifact) ||
        !describes(subject, 1, "content", &b->content))
        return bad(e, "subject");
    if (json_count(configuration) != 3 ||
        !describes(configuration, 0, "policy-section", &b->policy_section) ||
        !describes(configuration, 1, "runtime", &b->runtime) ||
        !describes(configuration, 2, "program", &b->program))
        return bad(e, "configuration");
    return ST_OK;
}

static enum status read_checks(const struct json *predicate, struct evidence *out, struct err *e)
{
    const struct json *list = json_get(predicate, CHECKS);
    const size_t n = json_count(list);
    if (json_kind(list) != JSON_ARRAY || n == 0 || n > GATE_CHECKS_MAX)
        return bad(e, "list of checks");
    out->checks = heap_zero(n, sizeof *out->checks);
    if (out->checks == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %zu checks", n);
    for (size_t i = 0; i < n; i++) {
        enum status st = check_read(json_at(list, i), &out->checks[i], e);
        if (st != ST_OK)
            return err_stage(e, "evidence");
        out->check_count++;
    }
    return ST_OK;
}

/* The list of names says of each check what the check says of itself. */
static bool names_agree(const struct json *list, const struct evidence *v, bool passed)
{
    size_t k = 0;
    for (size_t i = 0; i < v->check_count; i++) {
        if ((v->checks[i].verdict == VERDICT_PASS) != passed)
            continue;
        const char *name = json_as_string(json_at(list, k++));
        if (name == NULL || !text_equal(name, v->checks[i].name))
            return false;
    }
    return json_kind(list) == JSON_ARRAY && k == json_count(list);
}

static enum status read_verdict(const struct json *predicate, struct evidence *out, struct err *e)
{
    out->verdict = verdict_parse(json_as_string(json_get(predicate, VERDICT)));
    bool pass = out->verdict == VERDICT_PASS;
    if (out->verdict == VERDICT_NONE || !says(predicate, "result", pass ? "PASSED" : "FAILED") ||
        out->verdict != checks_worst(out->checks, out->check_count))
        return bad(e, "verdict");
    if (!names_agree(json_get(predicate, "passedTests"), out, true) ||
        !names_agree(json_get(predicate, "failedTests"), out, false) ||
        json_kind(json_get(predicate, "warnedTests")) != JSON_ARRAY ||
        json_count(json_get(predicate, "warnedTests")) != 0)
        return bad(e, "list of test names");
    return ST_OK;
}

static bool record(const struct json *v, const char *key, bool optional, char out[64])
{
    const char *text = json_as_string(json_get(v, key));
    if (text == NULL)
        return optional && json_get(v, key) == NULL;
    return text_fmt(out, 64, "%s", text) < 64;
}

static enum status read_recorded(const struct json *predicate, struct evidence *out, struct err *e)
{
    const struct json *v = json_get(predicate, RECORDED);
    const char *started = json_as_string(json_get(v, "started"));
    const char *ended = json_as_string(json_get(v, "ended"));
    int64_t began = 0;
    if (started == NULL || ended == NULL || !time_parse(started, &began) ||
        !time_parse(ended, &out->ended) || out->ended < began)
        return bad(e, "time");
    if (!record(v, "sandbox", false, out->sandbox) || !record(v, "browser", true, out->browser) ||
        (json_get(v, "baseline") != NULL && !read_digest(v, "baseline", &out->baseline)) ||
        json_kind(json_get(v, "machine")) != JSON_OBJECT)
        return bad(e, "record of the run");
    const char *cases = json_as_string(json_get(predicate, CASES));
    if (cases == NULL || (cases[0] != 0 && !read_digest(predicate, CASES, &out->cases)))
        return bad(e, "digest of cases");
    return ST_OK;
}

enum status evidence_decode(struct span statement, struct evidence *out, struct err *e)
{
    enum status st = canon_parse(statement, EVIDENCE_MAX, &out->statement, e);
    if (st != ST_OK)
        return err_stage(e, "evidence");
    const struct json *root = out->statement;
    const struct json *predicate = json_get(root, "predicate");
    if (!says(root, "_type", STATEMENT) || !says(root, "predicateType", PREDICATE))
        return bad(e, "type");
    st = read_bound(predicate, &out->bound, e);
    if (st == ST_OK)
        st = compare_bound(root, &out->bound, e);
    if (st == ST_OK)
        st = read_checks(predicate, out, e);
    if (st == ST_OK)
        st = read_verdict(predicate, out, e);
    if (st == ST_OK)
        st = read_recorded(predicate, out, e);
    out->gate = out->bound.gate;
    return st;
}
