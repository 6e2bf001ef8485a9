#include "base/text.h"
#include "verify/browser_run.h"
#include <string.h>

static bool take(struct gate_checks *checks, const struct gate_check *c)
{
    if (checks_find(checks, c->name) != NULL)
        return false;
    checks_add(checks, c->name, false, "%s", c->message);
    struct gate_check *kept = checks_find(checks, c->name);
    if (kept != NULL)
        *kept = *c;
    return true;
}

static void refuse(struct gate_checks *checks, const char *why)
{
    checks_add(checks, "answer", false, "%s", why);
}

/* What a run that came to its end cannot have left out. */
static const char *missing(const struct gate_checks *checks)
{
    static const char *const required[] = {"digest page", "digest model", "page", "console errors"};
    static const char *const once_started[] = {"tokens simd",     "tokens scalar", "protocol simd",
                                               "protocol scalar", "isolation",     "memory",
                                               "outside requests"};
    const struct gate_check *page = checks_find(checks, "page");
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (checks_find(checks, required[i]) == NULL)
            return required[i];
    if (page->verdict != VERDICT_PASS)
        return NULL;
    for (size_t i = 0; i < sizeof once_started / sizeof *once_started; i++)
        if (checks_find(checks, once_started[i]) == NULL)
            return once_started[i];
    return NULL;
}

static void put(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

/* One record a generation: the scalar module's follow the SIMD module's. */
static void put_lines(const char *lines, struct buf *cases)
{
    for (size_t i = 0; *lines != '\0' && i < 2 * TRACE_LINES; i++) {
        size_t n = strcspn(lines, "\n");
        struct json_out j = json_out(cases);
        json_object(&j);
        put(&j, "module", i < TRACE_LINES ? "simd" : "scalar");
        put(&j, "prompt", trace_prompts[i % TRACE_PROMPTS]);
        put(&j, "sampling", i % TRACE_LINES < TRACE_PROMPTS ? "greedy" : "drawn");
        json_key(&j, "tokens");
        json_text(&j, SPAN(lines, n));
        json_close(&j);
        buf_byte(cases, '\n');
        lines += n + (lines[n] == '\n');
    }
}

static bool base64_like(const char *s)
{
    return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")] ==
           '\0';
}

void browser_read(struct span answer, struct gate_checks *checks, struct gate_result *result)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err e = ERR_NONE;
    enum status st = json_parse(answer, BROWSER_ANSWER, &v, &e);
    checks->failed = checks->failed || st == ST_NO_MEMORY; /* ours, no word about the browser */
    if (st != ST_OK) {
        refuse(checks, "what came from beside the browser is not usable");
        return;
    }
    const struct json *list = json_get(v, "checks");
    for (size_t i = 0; i < json_count(list); i++) {
        struct gate_check c;
        if (check_read(json_at(list, i), &c, &e) != ST_OK || !take(checks, &c)) {
            refuse(checks, "a check came from beside the browser that makes no sense");
            return;
        }
    }
    const struct gate_check *browser = checks_find(checks, "browser");
    const char *shot = json_as_string(json_get(v, "screenshot"));
    const char *lines = json_as_string(json_get(v, "lines"));
    const char *version = json_as_string(json_get(v, "version"));
    const char *level = json_as_string(json_get(v, "level"));
    if (browser == NULL || shot == NULL || lines == NULL || version == NULL || level == NULL ||
        !base64_like(shot) || strlen(version) > 40 || strlen(level) >= sizeof result->sandbox) {
        refuse(checks, "something was left out beside the browser");
        return;
    }
    const char *absent = browser->verdict == VERDICT_PASS ? missing(checks) : NULL;
    if (absent != NULL)
        checks_add(checks, "answer", false, "\"%s\" was left out beside the browser", absent);
    text_fmt(result->sandbox, sizeof result->sandbox, "%s", level);
    if (version[0] != '\0')
        text_fmt(result->browser, sizeof result->browser, "chromium %s", version);
    put_lines(lines, &result->cases);
    struct json_out j = json_out(&result->cases);
    json_object(&j);
    put(&j, "screenshot", shot);
    json_close(&j);
    buf_byte(&result->cases, '\n');
}
