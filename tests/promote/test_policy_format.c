#include "base/text.h"
#include "promote/policy.h"
#include "verify/section.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HEAD "schema: assay.policy/1\nname: mine\n"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define TAIL "channels: {preview: {from: candidate, gates: [structural]}}\n"

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

Test(policy_format, reads_everything_that_a_law_may_say)
{
    struct err e;
    SCOPED(policy_release) struct policy p = {0};
    cr_assert_eq(parse(policy_builtin("strict"), &p, &e), ST_OK, "%s", e.detail);
    const struct policy_channel *c = policy_channel(&p, "stable");
    cr_assert_not_null(c);
    cr_expect_str_eq(c->from, "preview");
    cr_expect(c->gates[GATE_TASK] && c->gates[GATE_SAFETY] && c->gates[GATE_BROWSER]);
    cr_expect_not(c->allow_self_signed);
    cr_expect_eq(c->soak_s, 14u * 86400u);
    cr_expect(c->attestations[ATTEST_SOURCE] && c->attestations[ATTEST_REVIEW] &&
              c->attestations[ATTEST_SUPPORT]);
    cr_expect_eq(c->approvals.role, ROLE_RELEASE);
    cr_expect_eq(c->approvals.threshold, 2);
    cr_expect(c->approvals.people);
    cr_expect_eq(c->approvals.valid_s, 7u * 86400u);
    cr_expect_eq(p.limits.artifact_bytes, UINT64_C(4) << 30);
    cr_expect_eq(p.limits.files, 16);
    cr_expect_eq(p.retain, 10);
    cr_expect_not(p.emergency.present);
    cr_expect_not(p.waivers.present);
    cr_expect(p.nightly.present && p.nightly.demote && p.nightly.gates[GATE_SAFETY]);
    cr_expect(policy_allows_format(&p, "gguf") && !policy_allows_format(&p, "onnx"));
    cr_expect(policy_allows_licence(&p, "MIT") && !policy_allows_licence(&p, ""));
    struct section_walk w = section_limits(GATE_TASK, policy_section(&p, GATE_TASK));
    struct section_limit l;
    unsigned pairs = 0, drop_p = 0;
    while (section_next(&w, &l)) {
        pairs += strncmp(l.check, "tinyworld-pairs ", 16) == 0;
        if (text_equal(l.check, "tinyworld-pairs drop p")) {
            drop_p++;
            cr_expect_eq(l.limit, 10000);
            cr_expect(section_holds(l.member, "0.010000", l.limit));
            cr_expect_not(section_holds(l.member, "0.009999", l.limit));
        }
    }
    cr_expect_eq(pairs, 5);
    cr_expect_eq(drop_p, 1);
}

Test(policy_format, exceptions_of_the_law_are_read_and_absent_ones_allow_nothing)
{
    struct err e;
    SCOPED(policy_release) struct policy p = {0}, bare = {0}, night = {0};
    cr_assert_eq(parse(policy_builtin("default"), &p, &e), ST_OK, "%s", e.detail);
    cr_expect(p.emergency.present && p.emergency.skips_soak && p.emergency.skips_evidence_age);
    cr_expect_eq(p.emergency.approvals.threshold, 2);
    cr_expect(p.waivers.present && p.waivers.never[GATE_STRUCTURAL] &&
              !p.waivers.never[GATE_SMOKE]);
    cr_expect_eq(p.waivers.approvals.role, ROLE_POLICY);
    cr_expect_eq(p.waivers.longest_s, 30u * 86400u);
    cr_expect_not(p.nightly.present);
    cr_assert_eq(parse(policy_builtin("nightly"), &night, &e), ST_OK, "%s", e.detail);
    cr_expect(night.nightly.present && !night.nightly.demote);
    cr_expect(night.emergency.skips_soak && !night.emergency.skips_evidence_age);
    cr_assert_eq(parse(good, &bare, &e), ST_OK);
    cr_expect_not(bare.emergency.present || bare.waivers.present || bare.nightly.present);
    cr_expect_eq(bare.channels[0].approvals.threshold, 0);
}

Test(policy_format, decimals_have_one_shortest_form)
{
    struct err e;
    SCOPED(policy_release) struct policy a = {0}, b = {0};
    cr_assert_eq(parse(HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO
                                 ", accuracy: 0.950, drop: 1.0}}}}\n",
                       &a, &e),
                 ST_OK, "%s", e.detail);
    cr_assert_eq(parse(HEAD TAIL "gates: {task: {suites: {a: {drop: 1, sha256: " ZERO
                                 ", accuracy: \"0.95\"}}}}\n",
                       &b, &e),
                 ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&a.digest, &b.digest));
}

Test(policy_format, recorded_values_hold_or_say_why_not)
{
    struct err e;
    char why[160];
    SCOPED(policy_release) struct policy p = {0};
    cr_assert_eq(parse(HEAD TAIL
                       "recorded: {sandbox: [seccomp, netns], browsers: {chromium: 110}}\n",
                       &p, &e),
                 ST_OK, "%s", e.detail);
    struct evidence v = {.gate = GATE_SMOKE, .sandbox = "seccomp+landlock+netns"};
    cr_expect(policy_allows_run(&p, &v, why));
    v = (struct evidence){.gate = GATE_SMOKE, .sandbox = "seccomp2+netns"};
    cr_expect_not(policy_allows_run(&p, &v, why));
    cr_expect_not_null(strstr(why, "asks for seccomp"), "%s", why);
    v = (struct evidence){.gate = GATE_SMOKE};
    cr_expect_not(policy_allows_run(&p, &v, why));
    v = (struct evidence){.gate = GATE_BROWSER, .browser = "chromium 110.0.1"};
    cr_expect(policy_allows_run(&p, &v, why));
    static const char *const bad[] = {
        "chromium 109.9", "firefox 200.0", "chromium", "chromium x", "",
        "chromium 0x110", "chromiumx 110"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(v.browser, sizeof v.browser, "%s", bad[i]);
        cr_expect_not(policy_allows_run(&p, &v, why), "%s", bad[i]);
    }
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

static const struct bad bads[] = {
    {"", "policy-document", "line 1, column 1", "empty"},
    {"- a\n", "policy-type", "line 1, column 1", "mapping"},
    {"a: [\n", "policy-unknown", "line 1, column 1",
     "schema, name, limits, formats, licences, recorded, gates, channels"},
    {HEAD "channels: [\n", "policy-type", "line 3, column 11", "channels"},
    {HEAD "\t x: 1\n", "policy-yaml", "line 3", "not YAML"},
    {HEAD TAIL "chanels: {}\n", "policy-unknown", "line 4, column 1",
     "\"chanels\"; allowed here: schema, name"},
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
    {HEAD "channels: {preview: {from: candidate, gates: []}}\n", "policy-value",
     "line 3, column 47", "at least one"},
    {HEAD "channels: {preview: {from: candidate, gates: [none]}}\n", "policy-value",
     "line 3, column 47", "structural"},
    {HEAD "channels: {preview: {allow_self_signed: yes}}\n", "policy-type", "line 3, column 41",
     "true or false"},
    {HEAD "channels: {preview: {evidence_max_age: 30}}\n", "policy-type", "line 3, column 40",
     "s, min, h or d"},
    {HEAD "channels: {preview: {evidence_max_age: 1 s}}\n", "policy-range", "line 3, column 40",
     "60"},
    {HEAD "channels: {preview: null}\n", "policy-type", "line 3, column 21", "mapping"},
    {HEAD TAIL "limits: {artifact_bytes: 1 PiB}\n", "policy-type", "line 4, column 26", "TiB"},
    {HEAD TAIL "limits: {files: 0}\n", "policy-range", "line 4, column 17", "1 to"},
    {HEAD TAIL "limits: {file: 1}\n", "policy-unknown", "line 4, column 10",
     "artifact_bytes, files"},
    {HEAD TAIL "formats: slm1\n", "policy-type", "line 4, column 10", "[slm1, …]"},
    {HEAD TAIL "formats: [onnx]\n", "policy-value", "line 4, column 11", "one of slm1, gguf"},
    {HEAD TAIL "formats: [slm1, slm1]\n", "policy-duplicate", "line 4, column 17", "twice"},
    {HEAD TAIL "licences: []\n", "policy-value", "line 4, column 12", "at least one"},
    {HEAD TAIL "licences: [MIT, {a: b}]\n", "policy-type", "line 4, column 17", "single values"},
    {HEAD TAIL "licences: [\"MIT License\"]\n", "policy-value", "line 4, column 12", "SPDX"},
    {HEAD TAIL "recorded: {sandbox: [jail]}\n", "policy-value", "line 4, column 22", "landlock"},
    {HEAD TAIL "recorded: {browsers: {lynx: 2}}\n", "policy-unknown", "line 4, column 23",
     "chromium, firefox"},
    {HEAD TAIL "gates: {task: {suites: {a: {}}}}\n", "policy-missing", "line 4, column 30",
     "suites lacks the key sha256"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: 12}}}}\n", "policy-value", "line 4, column 37",
     "64 lower-case hex"},
    {HEAD TAIL "gates: {task: {suites: {A: {sha256: 12}}}}\n", "policy-unknown",
     "line 4, column 25", "any short lower-case name"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO ", accuracy: 1.1}}}}\n", "policy-range",
     "line 4, column 113", "0 to 1"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO ", accuracy: .9}}}}\n", "policy-type",
     "line 4, column 113", "decimal"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO ", accuracy: 00.9}}}}\n", "policy-type",
     "line 4, column 113", "decimal"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO ", rate: 0}}}}\n", "policy-unknown",
     "line 4, column 103", "accuracy_low"},
    {HEAD TAIL "gates: {task: {suites: {a: {sha256: " ZERO "}, a: {}}}}\n", "policy-duplicate",
     "line 4, column 104", "a stands here twice"},
    {HEAD TAIL "gates: {task: {baseline: candidate}}\n", "policy-value", "line 4, column 26",
     "one of stable, preview"},
    {HEAD TAIL "gates: {safety: {static: {chat_template: maybe}}}\n", "policy-value",
     "line 4, column 42", "reviewed, unchanged, any"},
    {HEAD TAIL "gates: {safety: {static: {sha256: 1}}}\n", "policy-unknown", "line 4, column 27",
     "urls"},
    {HEAD TAIL "gates: {browser: {limits: {outside_requests: 1}}}\n", "policy-range",
     "line 4, column 46", "0 to 0"},
    {HEAD "channels: {preview: {from: candidate, gates: [task]}}\n", "policy-empty",
     "line 3, column 1", "gates.task names no suite"},
    {HEAD "channels: {preview: {from: candidate, gates: [safety]}}\n", "policy-empty",
     "line 3, column 1", "gates.safety names no battery"},
    {HEAD "channels: {stable: {from: preview, gates: [smoke]}}\n", "policy-from",
     "line 3, column 1", "preview, which the policy does not open"},
    {HEAD "channels: {preview: {approvals: 2}}\n", "policy-type", "line 3, column 33", "mapping"},
    {HEAD "channels: {preview: {approvals: {role: release}}}\n", "policy-missing",
     "line 3, column 48", "threshold"},
    {HEAD "channels: {preview: {approvals: {role: boss}}}\n", "policy-value", "line 3, column 40",
     "release"},
    {HEAD "channels: {preview: {approvals: {threshold: 0}}}\n", "policy-range", "line 3, column 45",
     "1 to 16"},
    {HEAD "channels: {preview: {approvals: {threshold: 17}}}\n", "policy-range",
     "line 3, column 45", "1 to 16"},
    {HEAD "channels: {preview: {soak: 7}}\n", "policy-type", "line 3, column 28", "s, min, h or d"},
    {HEAD "channels: {preview: {soak: 0 d}}\n", "policy-range", "line 3, column 28", "1 to"},
    {HEAD "channels: {preview: {attestations: [blessing]}}\n", "policy-value", "line 3, column 37",
     "source, review, support"},
    {HEAD TAIL "emergency: {}\n", "policy-missing", "line 4", "emergency lacks the key skips"},
    {HEAD TAIL "emergency: {skips: [gates]}\n", "policy-value", "line 4, column 21",
     "soak, evidence_age"},
    {HEAD TAIL "waivers: {longest: 1 d}\n", "policy-missing", "line 4",
     "waivers lacks the key approvals"},
    {HEAD TAIL "nightly: {gates: [smoke], failing_stable: ignore}\n", "policy-value",
     "line 4, column 43", "report, demote"},
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
        "{\"channels\":{},\"gates\":{\"task\":{\"suites\":{\"a\":{\"accuracy\":1,\"sha256\":\"" ZERO
        "\"}}}},\"name\":\"a\",\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{},\"gates\":{\"task\":{\"suites\":{\"a\":{\"accuracy\":\"1\"}}}},\"name\":"
        "\"a\","
        "\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{},\"formats\":[\"slm1\",\"slm1\"],\"name\":\"a\",\"schema\":\"assay.policy/"
        "1\"}",
        "{\"channels\":{},\"licences\":[],\"name\":\"a\",\"schema\":\"assay.policy/1\"}",
        "{\"channels\":{},\"name\":\"a\",\"schema\":\"assay.policy/"
        "1\",\"waivers\":{\"longest\":60}}",
        "{\"channels\":{},\"name\":\"a\",\"schema\":\"assay.policy/1\",\"soak\":1}",
        "{\"channels\":{},\"limits\":[],\"name\":\"a\",\"schema\":\"assay.policy/1\"}",
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
