#include "verify/webdriver.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/late.h"
#include "base/text.h"
#include <curl/curl.h>
#include <string.h>

static struct {
    CURL *(*easy_init)(void);
    void (*easy_reset)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    const char *(*easy_strerror)(CURLcode);
    void (*easy_cleanup)(CURL *);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
} curl;

static struct late libcurl = {.library = LIBCURL,
                              .calls = {LATE_CALL(curl.easy_init, curl_easy_init),
                                        LATE_CALL(curl.easy_reset, curl_easy_reset),
                                        LATE_CALL(curl.easy_setopt, curl_easy_setopt),
                                        LATE_CALL(curl.easy_perform, curl_easy_perform),
                                        LATE_CALL(curl.easy_strerror, curl_easy_strerror),
                                        LATE_CALL(curl.easy_cleanup, curl_easy_cleanup),
                                        LATE_CALL(curl.slist_append, curl_slist_append),
                                        LATE_CALL(curl.slist_free_all, curl_slist_free_all)}};

struct webdriver {
    CURL *curl;
    unsigned call_ms;
    char base[64];     /* "http://127.0.0.1:9515" */
    char session[160]; /* "/session/ID"; "" none */
    char version[64];
};

/* ---- one call ----------------------------------------------------------------------------- */

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    struct buf *to = ctx;
    size_t bytes = size * n; /* size is 1, as curl promises */
    if (to->n + bytes > WEBDRIVER_ANSWER)
        return 0;
    buf_append(to, SPAN(p, bytes));
    return to->failed ? 0 : bytes;
}

static enum status perform(struct webdriver *w, const char *method, const char *path,
                           const struct buf *body, unsigned within_ms, struct buf *answer,
                           struct err *e)
{
    char url[256];
    struct curl_slist *json = curl.slist_append(NULL, "Content-Type: application/json");
    text_fmt(url, sizeof url, "%s%s", w->base, path);
    curl.easy_reset(w->curl);
    (void)curl.easy_setopt(w->curl, CURLOPT_URL, url);
    (void)curl.easy_setopt(w->curl, CURLOPT_PROXY, "");
    (void)curl.easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl.easy_setopt(w->curl, CURLOPT_TIMEOUT_MS, (long)within_ms);
    (void)curl.easy_setopt(w->curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl.easy_setopt(w->curl, CURLOPT_HTTPHEADER, json);
    (void)curl.easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl.easy_setopt(w->curl, CURLOPT_WRITEDATA, answer);
    if (body != NULL) {
        (void)curl.easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
        (void)curl.easy_setopt(w->curl, CURLOPT_POSTFIELDS, (const char *)body->p);
    }
    CURLcode code = curl.easy_perform(w->curl);
    curl.slist_free_all(json);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ST_HARNESS, "browser-hung", "the browser did not answer within %u ms",
                       within_ms);
    if (code != CURLE_OK)
        return err_set(e, ST_HARNESS, "browser-gone", "the browser's driver is gone: %s",
                       curl.easy_strerror(code));
    return ST_OK;
}

static const char *first_line(const char *text, char out[256])
{
    size_t n = strcspn(text, "\n");
    text_fmt(out, 256, "%.*s", (int)(n < 250 ? n : 250), text);
    return out;
}

/* The member `value` of the answer; what the driver calls an error is ours. */
static enum status call(struct webdriver *w, const char *method, const char *path,
                        const struct buf *body, unsigned within_ms, struct json **root,
                        struct err *e)
{
    SCOPED(buf_release) struct buf answer = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    enum status st = perform(w, method, path, body, within_ms, &answer, e);
    if (st != ST_OK)
        return st;
    struct err broken = ERR_NONE;
    if (json_parse(buf_span(&answer), WEBDRIVER_ANSWER, &v, &broken) != ST_OK)
        return err_set(e, ST_HARNESS, "browser-answer",
                       "the driver's answer makes no sense: %.200s", broken.detail);
    const struct json *value = json_get(v, "value");
    const char *error = json_as_string(json_get(value, "error"));
    const char *message = json_as_string(json_get(value, "message"));
    char line[256];
    if (error != NULL)
        return err_set(e, ST_HARNESS, "browser-error", "%.60s: %.250s", error,
                       message != NULL ? first_line(message, line) : "");
    *root = json_take(&v);
    return ST_OK;
}

static enum status session_call(struct webdriver *w, const char *method, const char *path,
                                const struct buf *body, unsigned within_ms, struct json **root,
                                struct err *e)
{
    char where[200];
    if (body != NULL && buf_status(body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a request to the browser");
    text_fmt(where, sizeof where, "%s%s", w->session, path);
    return call(w, method, where, body, within_ms, root, e);
}

/* ---- the session -------------------------------------------------------------------------- */

static void put_options(struct json_out *j, const struct webdriver_how *how)
{
    json_key(j, "goog:chromeOptions");
    json_object(j);
    json_key(j, "binary");
    json_string(j, how->binary);
    json_key(j, "args");
    json_array(j);
    for (const char *const *arg = how->args; *arg != NULL; arg++)
        json_string(j, *arg);
    json_close(j);
    json_close(j);
}

static void put_capabilities(struct buf *out, const struct webdriver_how *how)
{
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "capabilities");
    json_object(&j);
    json_key(&j, "alwaysMatch");
    json_object(&j);
    json_key(&j, "browserName");
    json_string(&j, "chrome");
    json_key(&j, "goog:loggingPrefs");
    json_object(&j);
    json_key(&j, "browser");
    json_string(&j, "ALL");
    json_close(&j);
    put_options(&j, how);
    json_close(&j);
    json_close(&j);
    json_close(&j);
}

/* An id goes into addresses: letters, digits and dashes. */
static bool plain(const char *id)
{
    size_t n = strspn(id, "0123456789abcdefABCDEF-");
    return n > 0 && n <= 64 && id[n] == '\0';
}

static enum status begin(struct webdriver *w, const struct webdriver_how *how, struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    put_capabilities(&body, how);
    enum status st = session_call(w, "POST", "/session", &body, how->start_ms, &root, e);
    if (st != ST_OK)
        return st;
    const struct json *value = json_get(root, "value");
    const char *id = json_as_string(json_get(value, "sessionId"));
    const char *version =
        json_as_string(json_get(json_get(value, "capabilities"), "browserVersion"));
    if (id == NULL || !plain(id) || version == NULL)
        return err_set(e, ST_HARNESS, "browser-answer", "the driver began a session without an id");
    text_fmt(w->session, sizeof w->session, "/session/%s", id);
    text_fmt(w->version, sizeof w->version, "%s", version);
    return ST_OK;
}

enum status webdriver_open(const struct webdriver_how *how, struct webdriver **out, struct err *e)
{
    SCOPED(webdriver_scope) struct webdriver *w = heap_zero(1, sizeof *w);
    enum status st = late_load(&libcurl, e);
    if (st != ST_OK)
        return st;
    if (w == NULL || (w->curl = curl.easy_init()) == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a browser's driver");
    text_fmt(w->base, sizeof w->base, "http://127.0.0.1:%u", (unsigned)how->port);
    w->call_ms = how->call_ms;
    st = begin(w, how, e);
    if (st == ST_OK)
        *out = webdriver_take(&w);
    return st;
}

void webdriver_close(struct webdriver *w)
{
    struct err quiet = ERR_NONE;
    SCOPED(json_scope) struct json *root = NULL;
    if (w->session[0] != '\0') {
        enum status st = session_call(w, "DELETE", "", NULL, 1000, &root, &quiet);
        (void)st; /* whoever started it kills what is left */
    }
    if (w->curl != NULL)
        curl.easy_cleanup(w->curl);
    heap_free(w);
}

const char *webdriver_version(const struct webdriver *w)
{
    return w->version;
}

/* ---- commands ----------------------------------------------------------------------------- */

enum status webdriver_go(struct webdriver *w, const char *url, struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    struct json_out j = json_out(&body);
    json_object(&j);
    json_key(&j, "url");
    json_string(&j, url);
    json_close(&j);
    return session_call(w, "POST", "/url", &body, w->call_ms, &root, e);
}

static enum status set_timeout(struct webdriver *w, unsigned ms, struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    struct json_out j = json_out(&body);
    json_object(&j);
    json_key(&j, "script");
    json_u64(&j, ms);
    json_close(&j);
    return session_call(w, "POST", "/timeouts", &body, w->call_ms, &root, e);
}

enum status webdriver_run(struct webdriver *w, struct span body, struct span plan_json,
                          unsigned within_ms, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf script = BUF_EMPTY;
    SCOPED(buf_release) struct buf request = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    buf_text(&script, "const [plan, done] = arguments;\n(async () => {\n");
    buf_append(&script, body);
    buf_text(&script, "\n})().then((said) => done('+' + said), (e) => done('-' + e));");
    struct json_out j = json_out(&request);
    json_object(&j);
    json_key(&j, "script");
    json_text(&j, buf_span(&script));
    json_key(&j, "args");
    json_array(&j);
    json_raw(&j, plan_json);
    json_close(&j);
    json_close(&j);
    enum status st = set_timeout(w, within_ms, e);
    if (st == ST_OK)
        st = session_call(w, "POST", "/execute/async", &request, within_ms + 2000, &root, e);
    if (st != ST_OK)
        return st;
    const char *said = json_as_string(json_get(root, "value"));
    if (said == NULL || said[0] != '+')
        return err_set(e, ST_HARNESS, "browser-script", "the page could not be driven: %.300s",
                       said != NULL && said[0] == '-' ? said + 1 : "it answered nothing");
    buf_text(out, said + 1);
    return buf_status(out) == ST_OK ? ST_OK
                                    : err_set(e, ST_NO_MEMORY, NULL, "no memory for an answer");
}

enum status webdriver_console(struct webdriver *w, size_t *count, struct buf *first, struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    *count = 0;
    buf_text(&body, "{\"type\":\"browser\"}");
    enum status st = session_call(w, "POST", "/se/log", &body, w->call_ms, &root, e);
    const struct json *lines = json_get(root, "value");
    for (size_t i = 0; st == ST_OK && i < json_count(lines); i++) {
        const char *level = json_as_string(json_get(json_at(lines, i), "level"));
        const char *message = json_as_string(json_get(json_at(lines, i), "message"));
        if (level == NULL || (!text_equal(level, "SEVERE") && !text_equal(level, "WARNING")))
            continue;
        if ((*count)++ == 0 && message != NULL)
            buf_text(first, message);
    }
    return st;
}

enum status webdriver_shot(struct webdriver *w, struct buf *base64, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = session_call(w, "GET", "/screenshot", NULL, w->call_ms, &root, e);
    const char *png = json_as_string(json_get(root, "value"));
    if (st == ST_OK && png == NULL)
        return err_set(e, ST_HARNESS, "browser-answer", "the browser gave no picture");
    if (st == ST_OK)
        buf_text(base64, png);
    return st;
}
