#include "verify/browser_run.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/browser_judge.h"
#include "verify/webdriver.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define START_MS    30000 /* for the browser to come */
#define CALL_MS     30000 /* for it to do one small thing */
#define PATIENCE_MS 20000 /* for the page to start */

/* ---- what is served ----------------------------------------------------------------------- */

static enum status find(void *ctx, const char *path, struct web_answer *out, struct err *e)
{
    const struct browser_job *job = ctx;
    char wanted[96], hex[DIGEST_TEXT];
    digest_text(&job->sha256, hex);
    text_fmt(wanted, sizeof wanted, "/artifact/%s", hex);
    if (text_equal(path, "/models.json")) {
        out->type = web_type(path);
        out->bytes = job->listing;
        out->lasting = true;
        return ST_OK;
    }
    if (!text_equal(path, wanted))
        return web_bundle_answer(job->bundle, path, out, e);
    out->type = "application/octet-stream";
    out->size = job->bytes;
    out->digest = job->sha256;
    out->immutable = true;
    out->fd = fcntl(job->model, F_DUPFD_CLOEXEC, 3);
    return out->fd >= 0 ? ST_OK : err_sys(e, errno, "duplicate a descriptor", NULL);
}

/* ---- driving ------------------------------------------------------------------------------ */

#define ARGS_MAX 32

struct arguments {
    const char *list[ARGS_MAX];
    char profile[300];
};

/* The proxy is one that refuses: what does not go to this host's own server goes nowhere, whether
 * there is a network or not. What page and Workers ask for is counted in the page; what the browser
 * asks for on its own account is none of theirs. */
static void arguments(struct arguments *a, const struct browser_room *room)
{
    static const char unwanted[] =
        "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,"
        "CertificateTransparencyComponentUpdater";
    static const char *const always[] = {"--headless=new",
                                         "--disable-gpu",
                                         "--disable-dev-shm-usage",
                                         "--disable-quic",
                                         "--no-first-run",
                                         "--no-default-browser-check",
                                         "--no-pings",
                                         "--disable-background-networking",
                                         "--disable-component-update",
                                         "--disable-default-apps",
                                         "--disable-domain-reliability",
                                         "--disable-client-side-phishing-detection",
                                         "--disable-extensions",
                                         "--disable-sync",
                                         "--metrics-recording-only",
                                         unwanted,
                                         "--hide-scrollbars",
                                         "--window-size=1280,1000"};
    size_t n = 0;
    for (; n < sizeof always / sizeof *always; n++)
        a->list[n] = always[n];
    if (geteuid() == 0)
        a->list[n++] = "--no-sandbox"; /* it refuses to run as root with it */
    text_fmt(a->profile, sizeof a->profile, "--user-data-dir=%s/profile", room->folder);
    a->list[n++] = a->profile;
    a->list[n++] = "--proxy-server=127.0.0.1:9";
    a->list[n] = NULL;
}

static void put_plan(struct buf *out, const struct browser_job *job, const char *step)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "step");
    json_string(&j, step);
    digest_text(&job->bundle->digest, hex);
    json_key(&j, "bundle");
    json_string(&j, hex);
    digest_text(&job->sha256, hex);
    json_key(&j, "sha256");
    json_string(&j, hex);
    json_key(&j, "bytes");
    json_u64(&j, job->bytes);
    json_key(&j, "tokens");
    json_u64(&j, job->tokens);
    json_key(&j, "patience_ms");
    json_u64(&j, PATIENCE_MS);
    json_key(&j, "prompts");
    json_array(&j);
    for (size_t i = 0; i < TRACE_PROMPTS; i++)
        json_string(&j, trace_prompts[i]);
    json_close(&j);
    json_key(&j, "paths");
    json_array(&j);
    for (size_t i = 0; i < browser_parts(job); i++) {
        char path[160];
        browser_part_path(job, i, path);
        json_string(&j, path);
    }
    json_close(&j);
    json_close(&j);
}

static enum status ask(struct webdriver *w, const struct browser_job *job, const char *step,
                       struct buf *said, struct err *e)
{
    SCOPED(buf_release) struct buf plan = BUF_EMPTY;
    size_t script = web_bundle_find(job->bundle, "gate.js");
    put_plan(&plan, job, step);
    if (buf_status(&plan) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a plan");
    return webdriver_run(w, SPAN(web_files[script].bytes, web_files[script].n), buf_span(&plan),
                         job->script_ms, said, e);
}

/* What one visit leaves. */
struct visit {
    struct gate_checks checks;
    struct buf lines, shot;
    char version[64];
};

static void visit_release(struct visit *v)
{
    checks_release(&v->checks);
    buf_release(&v->lines);
    buf_release(&v->shot);
}

/* A page that could be reached but not driven is the page's failure, not the harness's. */
static enum status drive(struct webdriver *w, const struct browser_job *job, struct visit *v,
                         struct err *e)
{
    SCOPED(buf_release) struct buf digests = BUF_EMPTY;
    SCOPED(buf_release) struct buf said = BUF_EMPTY;
    enum status st = ask(w, job, "digests", &digests, e);
    if (st != ST_OK)
        return st;
    browser_judge_digests(job, buf_span(&digests), &v->checks);
    st = ask(w, job, "everything", &said, e);
    if (st == ST_OK)
        browser_judge_page(job, buf_span(&said), &v->checks, &v->lines);
    if (st == ST_HARNESS && text_equal(err_code(e), "browser-script")) {
        checks_add(&v->checks, "page", false, "%.200s", e->detail);
        *e = ERR_NONE;
        st = ST_OK;
    }
    return st;
}

static void look_back(struct webdriver *w, struct visit *v, struct err *e)
{
    SCOPED(buf_release) struct buf first = BUF_EMPTY;
    size_t lines = 0;
    enum status st = webdriver_console(w, &lines, &first, e);
    if (st == ST_OK)
        st = webdriver_shot(w, &v->shot, e);
    if (st != ST_OK)
        return;
    buf_byte(&first, 0);
    browser_judge_console(lines, first.failed ? "" : (const char *)first.p, &v->checks);
}

/* chromedriver reaches its browser by this name, and says only that there is no session. */
static void explain(struct err *e)
{
    struct addrinfo *found = NULL;
    const size_t n = strlen(e->detail);
    if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
        freeaddrinfo(found);
    else
        text_fmt(e->detail + n, sizeof e->detail - n,
                 "; the name localhost has no address here: /etc/hosts should give it one");
}

static enum status visit(const struct browser_job *job, const struct browser_room *room,
                         struct visit *v, struct err *e)
{
    SCOPED(web_host_scope) struct web_host *host = NULL;
    SCOPED(webdriver_scope) struct webdriver *w = NULL;
    struct arguments args;
    char url[64];
    const struct web_site site = {.find = find, .ctx = (void *)(uintptr_t)job};
    enum status st = web_host_start(&site, 0, &host, e);
    if (st != ST_OK)
        return st;
    arguments(&args, room);
    const struct webdriver_how how = {.port = room->port,
                                      .binary = browser_binary(),
                                      .args = args.list,
                                      .start_ms = START_MS,
                                      .call_ms = CALL_MS};
    text_fmt(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)web_host_port(host));
    st = webdriver_open(&how, &w, e);
    if (st != ST_OK)
        explain(e);
    if (st == ST_OK) {
        text_fmt(v->version, sizeof v->version, "%s", webdriver_version(w));
        st = webdriver_go(w, url, e);
    }
    if (st == ST_OK)
        st = drive(w, job, v, e);
    if (st == ST_OK) {
        look_back(w, v, e);
        st = e->status;
    }
    return st;
}

int browser_run(void *ctx, const struct browser_room *room, int out)
{
    const struct browser_job *job = ctx;
    SCOPED(visit_release) struct visit v = {.version = ""};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct err e = ERR_NONE, lost = ERR_NONE;
    enum status st = visit(job, room, &v, &e);
    browser_judge_end(st, &e, v.version, room->level, &v.checks);
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "checks");
    json_array(&j);
    for (size_t i = 0; i < v.checks.n; i++)
        check_write(&v.checks.p[i], &j);
    json_close(&j);
    json_key(&j, "level");
    json_string(&j, room->level);
    json_key(&j, "lines");
    json_text(&j, buf_span(&v.lines));
    json_key(&j, "screenshot");
    json_text(&j, buf_span(&v.shot));
    json_key(&j, "version");
    json_string(&j, v.version);
    json_close(&j);
    if (v.checks.failed || buf_status(&text) != ST_OK)
        return 1;
    return io_write(out, buf_span(&text), &lost) == ST_OK ? 0 : 1;
}
