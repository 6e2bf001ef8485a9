#include "verify/browser_judge.h"
#include "base/text.h"
#include <string.h>

#define SAID_MAX (8u << 20) /* bytes of one answer of the page */

/* ---- digests ------------------------------------------------------------------------------ */

/* 0: the page; then its parts but the template and this gate's own script, which are not loaded
 * from there; then the model. */
size_t browser_parts(const struct browser_job *job)
{
    return job->bundle->count + 2;
}

static const char *part_name(const struct browser_job *job, size_t i)
{
    if (i == 0)
        return "page";
    return i <= job->bundle->count ? web_files[i - 1].name : "model";
}

void browser_part_path(const struct browser_job *job, size_t i, char out[160])
{
    char hex[DIGEST_TEXT];
    if (i == 0) {
        text_fmt(out, 160, "/");
    } else if (i <= job->bundle->count) {
        digest_text(&job->bundle->digest, hex);
        text_fmt(out, 160, "/web/%s/%s", hex, web_files[i - 1].name);
    } else {
        digest_text(&job->sha256, hex);
        text_fmt(out, 160, "/artifact/%s", hex);
    }
}

static const struct digest *part_digest(const struct browser_job *job, size_t i)
{
    if (i == 0)
        return &job->bundle->page_digest;
    return i <= job->bundle->count ? &job->bundle->file[i - 1] : &job->sha256;
}

void browser_judge_digests(const struct browser_job *job, struct span said,
                           struct gate_checks *checks)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err e = ERR_NONE;
    if (json_parse(said, SAID_MAX, &v, &e) != ST_OK)
        v = NULL;
    char bundle[DIGEST_TEXT];
    digest_text(&job->bundle->digest, bundle);
    checks_add(checks, "bundle", true, "page, Worker and modules are sha256:%s", bundle);
    for (size_t i = 0; i < browser_parts(job); i++) {
        char path[160], hex[DIGEST_TEXT], name[64];
        browser_part_path(job, i, path);
        digest_text(part_digest(job, i), hex);
        text_fmt(name, sizeof name, "digest %s", part_name(job, i));
        const char *got = json_as_string(json_get(v, path));
        bool same = got != NULL && text_equal(got, hex);
        if (same)
            checks_add(checks, name, true, "sha256:%s in the page, too", hex);
        else
            checks_add(checks, name, false, "the page got %.64s, sent was sha256:%s",
                       got != NULL ? got : "nothing", hex);
    }
}

/* ---- what the runtimes said --------------------------------------------------------------- */

static struct span next_line(struct span *rest)
{
    const uint8_t *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct span line = SPAN(rest->p, n);
    size_t skip = end != NULL ? n + 1 : n;
    *rest = SPAN(rest->p + skip, rest->n - skip);
    return line;
}

/* Line by line against the native runtime's; the first difference is named. */
static void compare(const struct browser_job *job, const struct json *run, const char *name,
                    struct gate_checks *checks, struct buf *lines)
{
    const struct json *list = json_get(run, "lines");
    struct span rest = job->expected;
    size_t equal = 0, different = TRACE_LINES;
    for (size_t i = 0; i < TRACE_LINES; i++) {
        struct span want = next_line(&rest);
        const char *got = json_as_string(json_at(list, i));
        if (got != NULL && want.n > 0 && span_equal(want, span_text(got)))
            equal++;
        else if (different == TRACE_LINES)
            different = i;
        buf_fmt(lines, "%s\n", got != NULL ? got : "");
    }
    if (equal == TRACE_LINES && json_count(list) == TRACE_LINES)
        checks_add(checks, name, true,
                   "%zu of %d generations have the native tokens and the bits of every logit",
                   equal, TRACE_LINES);
    else
        checks_add(checks, name, false, "generation %zu (after \"%s\") differs from the native one",
                   different + 1, trace_prompts[different % TRACE_PROMPTS]);
}

static void judge_protocol(const struct json *run, const char *name, struct gate_checks *checks)
{
    const struct json *errors = json_get(run, "errors");
    const char *first = json_as_string(json_at(errors, 0));
    bool fine = json_kind(errors) == JSON_ARRAY && json_count(errors) == 0;
    if (fine)
        checks_add(checks, name, true,
                   "load, generate, cancel, reset, free, reload and the refusals of other bytes");
    else
        checks_add(checks, name, false, "%.60s did not come as it should",
                   first != NULL ? first : "an answer");
}

static void measure(const struct json *run, const char *key, const char *name, const char *unit,
                    const char *what, struct gate_checks *checks)
{
    const char *text = json_as_string(json_get(run, key));
    checks_measure(checks, name, text != NULL && strlen(text) < 32 ? text : "", unit, what);
}

static void judge_memory(const struct browser_job *job, const struct json *run,
                         struct gate_checks *checks)
{
    uint64_t peak = 0;
    bool told = json_as_u64(json_get(run, "peak_bytes"), &peak);
    checks_measure_u64(checks, "peak memory", peak, "bytes", "the module's memory at its largest");
    checks_add(checks, "memory", told && peak > 0 && peak <= job->memory,
               "%llu bytes; artifact, budget and 16 MiB are %llu", (unsigned long long)peak,
               (unsigned long long)job->memory);
}

static void judge_run(const struct browser_job *job, const struct json *run, const char *module,
                      struct gate_checks *checks, struct buf *lines)
{
    char name[64];
    const char *is = json_as_string(json_get(run, "module"));
    text_fmt(name, sizeof name, "module %s", module);
    checks_add(checks, name, is != NULL && text_equal(is, module), "booted as %.20s",
               is != NULL ? is : "nothing");
    text_fmt(name, sizeof name, "tokens %s", module);
    compare(job, run, name, checks, lines);
    text_fmt(name, sizeof name, "protocol %s", module);
    judge_protocol(run, name, checks);
}

/* What page and Workers asked of other origins, allowed or not; the content policy allows none, so
 * that each stands in the console as well. */
static void judge_outside(const struct json *said, struct gate_checks *checks)
{
    uint64_t sum = 0, n = 0;
    const struct json *runs = json_get(said, "runs");
    bool told = json_as_u64(json_get(said, "foreign"), &sum) && json_count(runs) == 2;
    for (size_t i = 0; told && i < json_count(runs); i++) {
        told = json_as_u64(json_get(json_at(runs, i), "foreign"), &n);
        sum += n;
    }
    if (!told)
        return; /* then it counts as left out */
    checks_measure_u64(checks, "outside requests", sum, "",
                       "requests of page and Workers to another origin");
    struct gate_check *c = checks_find(checks, "outside requests");
    if (c != NULL && sum > 0)
        c->verdict = VERDICT_FAIL;
}

void browser_judge_page(const struct browser_job *job, struct span text, struct gate_checks *checks,
                        struct buf *lines)
{
    SCOPED(json_scope) struct json *said = NULL;
    struct err e = ERR_NONE;
    bool isolated = false, walked = false;
    if (json_parse(text, SAID_MAX, &said, &e) != ST_OK) {
        checks_add(checks, "page", false, "the page's answer makes no sense: %.150s", e.detail);
        return;
    }
    const struct json *runs = json_get(said, "runs"), *simd = json_at(runs, 0);
    const char *shown = json_as_string(json_get(said, "shown"));
    const char *policy = json_as_string(json_get(said, "policy"));
    checks_add(checks, "page", shown != NULL && shown[0] == '\0', "%.200s",
               shown == NULL      ? "it did not start"
               : shown[0] == '\0' ? "it started"
                                  : shown);
    (void)(json_as_bool(json_get(said, "isolated"), &isolated) &&
           json_as_bool(json_get(said, "walked"), &walked)); /* false unless told */
    checks_add(checks, "isolation", isolated,
               "cross-origin isolated, and a SharedArrayBuffer could be made: %s",
               isolated ? "yes" : "no");
    checks_add(checks, "content policy",
               policy != NULL && strncmp(policy, "default-src 'none';", 19) == 0,
               "the page came with: %.120s", policy != NULL ? policy : "nothing");
    judge_run(job, simd, "simd", checks, lines);
    judge_run(job, json_at(runs, 1), "scalar", checks, lines);
    measure(said, "interactive_ms", "interactive", "ms", "from the request to a page that answers",
            checks);
    measure(simd, "load_ms", "load time", "ms", "model parsed and buffers made in", checks);
    measure(simd, "first_token_ms", "first token", "ms", "from the command to the first token",
            checks);
    measure(simd, "tokens_per_second", "tokens per second", "tokens/s", "generated", checks);
    judge_memory(job, simd, checks);
    checks_add(checks, "walk", walked, "loading and generating by the page's own controls");
    judge_outside(said, checks);
}

void browser_judge_console(size_t count, const char *first, struct gate_checks *checks)
{
    checks_measure_u64(checks, "console errors", count, "", "warnings and errors in the console");
    if (count > 0)
        checks_add(checks, "console", false, "%.200s", first);
}

void browser_judge_end(enum status st, const struct err *e, const char *version, const char *level,
                       struct gate_checks *checks)
{
    if (st == ST_OK) {
        checks_add(checks, "browser", true, "Chromium %s, headless, in %s", version, level);
        return;
    }
    checks_add(checks, "browser", false, "%.250s", e->detail);
    struct gate_check *c = checks_find(checks, "browser");
    if (c != NULL)
        c->verdict = VERDICT_ERROR;
}
