#include "base/text.h"
#include "promote/policy.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char good[] = "schema: assay.policy/1\n"
                           "name: mine\n"
                           "channels:\n"
                           "  preview:\n"
                           "    from: candidate\n"
                           "    gates: [structural]\n";

static enum status parse(const char *yaml, struct policy *out, struct err *e)
{
    *e = ERR_NONE;
    return policy_parse_yaml(span_text(yaml), "p.yaml", out, e);
}

Test(policy_format, reads_the_least_policy_and_what_it_leaves_out_is_not_allowed)
{
    struct err e;
    SCOPED(policy_release) struct policy p = {0};
    cr_assert_eq(parse(good, &p, &e), ST_OK, "%s", e.detail);
    const struct policy_channel *c = policy_channel(&p, "preview");
    cr_assert_not_null(c);
    cr_expect_str_eq(c->from, "candidate");
    cr_expect(c->gates[GATE_STRUCTURAL]);
    cr_expect_not(c->gates[GATE_SMOKE]);
    cr_expect_not(c->allow_self_signed);
    cr_expect_eq(c->evidence_max_age_s, 0);
    cr_expect_null(policy_channel(&p, "stable"));
    cr_expect(span_equal(buf_span(&p.sections[GATE_SMOKE]), span_text("{}")));
}

Test(policy_format, reads_the_policy_that_comes_with_the_program)
{
    struct err e;
    SCOPED(policy_release) struct policy p = {0};
    cr_assert_not_null(policy_builtin("preview-basic"));
    cr_assert_null(policy_builtin("no-such"));
    cr_assert_eq(parse(policy_builtin("preview-basic"), &p, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(p.name, "preview-basic");
    cr_expect_eq(p.retain, 3);
    const struct policy_channel *c = policy_channel(&p, "preview");
    cr_assert_not_null(c);
    cr_expect(c->gates[GATE_STRUCTURAL] && c->gates[GATE_SMOKE] && c->allow_self_signed);
    cr_expect_eq(c->evidence_max_age_s, 30u * 86400u);
    static const char smoke[] =
        "{\"limits\":{\"first_token_ms\":30000,\"load_ms\":60000,\"peak_bytes\":8589934592},"
        "\"repeats\":2,\"tokens\":16}";
    cr_expect(span_equal(buf_span(&p.sections[GATE_SMOKE]), span_text(smoke)), "%.*s",
              (int)p.sections[GATE_SMOKE].n, (char *)p.sections[GATE_SMOKE].p);
}

Test(policy_format, one_law_has_one_digest_however_it_is_written)
{
    struct err e;
    SCOPED(policy_release) struct policy a = {0}, b = {0}, back = {0};
    cr_assert_eq(parse(good, &a, &e), ST_OK);
    cr_assert_eq(
        parse("# other words\nchannels: {preview: {gates: ['structural'], \"from\": candidate}}\n"
              "name: mine\nschema: assay.policy/1\n",
              &b, &e),
        ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&a.digest, &b.digest));
    cr_assert_eq(policy_decode(buf_span(&a.canonical), &back, &e), ST_OK);
    cr_expect(digest_equal(&a.digest, &back.digest));
}

struct bad {
    const char *yaml, *code, *place, *named;
};

#define HEAD "schema: assay.policy/1\nname: mine\n"
#define TAIL "channels: {preview: {from: candidate, gates: [structural]}}\n"

static const struct bad bads[] = {
    {"", "policy-document", "line 1, column 1", "empty"},
    {"- a\n", "policy-type", "line 1, column 1", "mapping"},
    {"a: [\n", "policy-unknown", "line 1, column 1", "schema, name, gates, channels, retention"},
    {HEAD "channels: [\n", "policy-type", "line 3, column 11", "channels"},
    {HEAD "\t x: 1\n", "policy-yaml", "line 3", "not YAML"},
    {HEAD TAIL "chanels: {}\n", "policy-unknown", "line 4, column 1",
     "\"chanels\"; allowed here: schema, name"},
    {HEAD TAIL "name: mine\n", "policy-duplicate", "line 4, column 1", "name"},
    {HEAD TAIL "limits: {}\n", "policy-later", "line 4, column 1", "limits is not supported yet"},
    {HEAD TAIL "emergency: {}\n", "policy-later", "line 4, column 1", "emergency"},
    {HEAD TAIL "gates:\n  task: {}\n", "policy-later", "line 5, column 3", "task"},
    {HEAD TAIL "gates:\n  smok: {}\n", "policy-unknown", "line 5, column 3", "structural, smoke"},
    {HEAD TAIL "gates: {smoke: {repeats: 2, repeats: 2}}\n", "policy-duplicate",
     "line 4, column 29", "repeats"},
    {HEAD TAIL "gates: {smoke: {limits: {load: 2}}}\n", "policy-unknown", "line 4, column 26",
     "load_ms, first_token_ms, peak_bytes, tokens_per_second"},
    {HEAD TAIL "gates: {smoke: {limit: 2}}\n", "policy-unknown", "line 4, column 17",
     "limits, repeats, tokens"},
    {HEAD TAIL "gates: {smoke: {repeats: two}}\n", "policy-type", "line 4, column 26",
     "whole number"},
    {HEAD TAIL "gates: {smoke: {repeats: 1}}\n", "policy-range", "line 4, column 26", "2 to 16"},
    {HEAD TAIL "gates: {smoke: {repeats: 02}}\n", "policy-type", "line 4, column 26", "02"},
    {HEAD TAIL "gates: {smoke: {repeats: -2}}\n", "policy-type", "line 4, column 26", "-2"},
    {HEAD TAIL "gates: {smoke: {repeats: 2.0}}\n", "policy-type", "line 4, column 26", "2.0"},
    {HEAD TAIL "gates: {smoke: {repeats: [2]}}\n", "policy-type", "line 4, column 26",
     "single value"},
    {HEAD TAIL "gates: {smoke: {repeats: 99999999999999999999}}\n", "policy-type",
     "line 4, column 26", "9999"},
    {HEAD TAIL "gates: {smoke: {limits: {load_ms: 1 h}}}\n", "policy-type", "line 4, column 35",
     "ms, s or min"},
    {HEAD TAIL "gates: {structural: {budgets: {kv_bytes: 1 MB}}}\n", "policy-type",
     "line 4, column 42", "KiB"},
    {HEAD TAIL "gates: {structural: {budgets: {kv_bytes: 18446744073709551615 TiB}}}\n",
     "policy-type", "line 4, column 42", "KiB"},
    {HEAD TAIL "gates: {structural: {budgets: {kv_bytes: 0}}}\n", "policy-range",
     "line 4, column 42", "1 to"},
    {HEAD TAIL "retention: {former_holders: yes}\n", "policy-type", "line 4, column 29", "yes"},
    {HEAD TAIL "retention: {former_holders: &a 3}\n", "policy-anchor", "line 4", "anchors"},
    {HEAD TAIL "retention: *a\n", "policy-alias", "line 4", "aliases"},
    {HEAD TAIL "retention: {former_holders: !!int 3}\n", "policy-tag", "line 4", "tags"},
    {HEAD TAIL "retention: !x {former_holders: 3}\n", "policy-tag", "line 4", "tags"},
    {HEAD TAIL "<<: {name: x}\n", "policy-unknown", "line 4, column 1", "<<"},
    {HEAD TAIL "---\nname: second\n", "policy-document", "line 4, column 1", "second document"},
    {"%YAML 1.1\n---\n" HEAD TAIL, "policy-directive", "line 1", "directives"},
    {"schema: assay.policy/2\n", "policy-value", "line 1, column 9", "assay.policy/1"},
    {"schema: assay.policy/1\nname: My Law\n", "policy-value", "line 2, column 7", "name"},
    {HEAD, "policy-missing", "line 3", "channels"},
    {HEAD "channels: {preview: {gates: [smoke]}}\n", "policy-missing", "line 3",
     "preview lacks the key from"},
    {HEAD "channels: {preview: {from: candidate}}\n", "policy-missing", "line 3", "gates"},
    {HEAD "channels: {stable: {from: candidate}}\n", "policy-value", "line 3, column 27",
     "preview"},
    {HEAD "channels: {beta: {}}\n", "policy-unknown", "line 3, column 12", "preview, stable"},
    {HEAD "channels: {preview: {from: candidate, gates: structural}}\n", "policy-type",
     "line 3, column 46", "list"},
    {HEAD "channels: {preview: {from: candidate, gates: [smoke, smoke]}}\n", "policy-duplicate",
     "line 3, column 54", "smoke"},
    {HEAD "channels: {preview: {from: candidate, gates: [task]}}\n", "policy-later",
     "line 3, column 47", "task"},
    {HEAD "channels: {preview: {from: candidate, gates: []}}\n", "policy-value",
     "line 3, column 47", "at least one"},
    {HEAD "channels: {preview: {from: candidate, gates: [none]}}\n", "policy-value",
     "line 3, column 47", "structural"},
    {HEAD "channels: {preview: {approvals: 2}}\n", "policy-later", "line 3, column 22",
     "approvals"},
    {HEAD "channels: {preview: {soak: 7 d}}\n", "policy-later", "line 3, column 22", "soak"},
    {HEAD "channels: {preview: {allow_self_signed: yes}}\n", "policy-type", "line 3, column 41",
     "true or false"},
    {HEAD "channels: {preview: {evidence_max_age: 30}}\n", "policy-type", "line 3, column 40",
     "s, min, h or d"},
    {HEAD "channels: {preview: {evidence_max_age: 1 s}}\n", "policy-range", "line 3, column 40",
     "60"},
    {HEAD "channels: {preview: null}\n", "policy-type", "line 3, column 21", "mapping"},
};

Test(policy_format, refuses_each_defect_with_its_line_column_and_way_out)
{
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct err e;
        SCOPED(policy_release) struct policy p = {0};
        cr_expect_eq(parse(bads[i].yaml, &p, &e), ST_CONFIG, "%s", bads[i].yaml);
        cr_expect_str_eq(err_code(&e), bads[i].code, "%s: %s", bads[i].yaml, e.detail);
        cr_expect_eq(strncmp(e.detail, bads[i].place, strlen(bads[i].place)), 0, "%s: %s",
                     bads[i].yaml, e.detail);
        cr_expect_not_null(strstr(e.detail, bads[i].named), "%s: %s", bads[i].yaml, e.detail);
        cr_expect_str_eq(e.subject, "p.yaml");
    }
}

Test(policy_format, cut_anywhere_is_refused_or_the_whole_law)
{
    const char *yaml = policy_builtin("preview-basic");
    size_t n = strlen(yaml);
    struct err e;
    SCOPED(policy_release) struct policy whole = {0};
    cr_assert_eq(parse(yaml, &whole, &e), ST_OK);
    for (size_t cut = 0; cut < n; cut += 3) {
        SCOPED(policy_release) struct policy p = {0};
        e = ERR_NONE;
        enum status st = policy_parse_yaml(SPAN(yaml, cut), "p.yaml", &p, &e);
        cr_expect(st == ST_OK || st == ST_CONFIG, "cut at %zu: %s", cut, status_slug(st));
    }
}

Test(policy_format, canonical_form_is_checked_like_the_yaml)
{
    static const char *const rows[] = {
        "{\"channels\":{},\"name\":\"a\",\"schema\":\"assay.policy/1\",\"soak\":1}",
        "{\"channels\":{},\"limits\":{},\"name\":\"a\",\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{},\"name\":\"a\",\"schema\":\"assay.policy/2\"}",
        "{\"channels\":{},\"name\":\"a\"}",
        "{\"channels\":[],\"name\":\"a\",\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{\"preview\":{\"from\":\"candidate\",\"gates\":[]}},\"name\":\"a\","
        "\"schema\":"
        "\"assay.policy/1\"}",
        "{\"channels\":{\"preview\":{\"from\":\"preview\",\"gates\":[\"smoke\"]}},\"name\":\"a\","
        "\"schema\":"
        "\"assay.policy/1\"}",
        "{\"channels\":{\"preview\":{\"from\":\"candidate\",\"gates\":[\"smoke\",\"smoke\"]}},"
        "\"name\":\"a\","
        "\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{},\"gates\":{\"smoke\":{\"repeats\":1}},\"name\":\"a\",\"schema\":\"assay."
        "policy/1\"}",
        "{\"channels\":{},\"gates\":{\"smoke\":{\"repeats\":{}}},\"name\":\"a\",\"schema\":\"assay."
        "policy/1\"}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        SCOPED(policy_release) struct policy p = {0};
        cr_expect_eq(policy_decode(span_text(rows[i]), &p, &e), ST_CONFIG, "%s", rows[i]);
    }
    struct err e = ERR_NONE;
    SCOPED(policy_release) struct policy p = {0};
    cr_expect_eq(policy_decode(span_text("{ }"), &p, &e), ST_FORMAT);
}
