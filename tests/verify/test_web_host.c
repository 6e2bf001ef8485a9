#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "tests/support/temp.h"
#include "verify/web_asset.h"
#include "verify/web_rule.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG (4u << 20)

static struct web_bundle bundle;

/* The page's own parts, a text, a file and two kinds of trouble. */
static enum status find(void *ctx, const char *path, struct web_answer *out, struct err *e)
{
    (void)ctx;
    if (text_equal(path, "/letters")) {
        *out = (struct web_answer){.type = "text/plain", .fd = -1};
        out->bytes = span_text("abcdefghij");
        out->digest = digest_of(out->bytes);
        return ST_OK;
    }
    if (text_equal(path, "/big")) {
        static uint8_t zeros[65536];
        out->type = "application/octet-stream";
        enum status st = memory_file("big", &out->fd, e);
        for (size_t i = 0; st == ST_OK && i < BIG / sizeof zeros; i++)
            st = io_write(out->fd, SPAN(zeros, sizeof zeros), e);
        out->size = BIG;
        return st;
    }
    if (text_equal(path, "/unproven"))
        return err_set(e, ST_UNPROVEN, "decision-runtime", "nothing proves \x1b[31m it");
    if (text_equal(path, "/trouble"))
        return err_set(e, ST_IO, NULL, "the disk is gone");
    return web_bundle_answer(&bundle, path, out, e);
}

static struct web_host *start(void)
{
    struct err e = ERR_NONE;
    struct web_host *h = NULL;
    const struct web_site site = {.find = find};
    cr_assert_eq(web_bundle_make(&bundle, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(web_host_start(&site, 0, &h, &e), ST_OK, "%s", e.detail);
    return h;
}

static void stop(struct web_host *h)
{
    web_host_stop(h);
    web_bundle_release(&bundle);
}

static int dial(const struct web_host *h)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(web_host_port(h)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Everything that comes back until the other side closes or nothing comes for two seconds. */
static void answer_of(int fd, struct buf *out)
{
    for (;;) {
        uint8_t part[4096];
        struct pollfd in = {.fd = fd, .events = POLLIN};
        if (poll(&in, 1, 2000) <= 0)
            break;
        ssize_t n = read(fd, part, sizeof part);
        if (n <= 0)
            break;
        buf_append(out, SPAN(part, n));
    }
    (void)close(fd);
    buf_byte(out, 0);
}

/* Sends one request (%H stands for the right Host line), returns the whole answer as text. */
static const char *ask(const struct web_host *h, const char *request, struct buf *out)
{
    char text[16384];
    const char *mark = strstr(request, "%H");
    *out = BUF_EMPTY;
    if (mark != NULL)
        text_fmt(text, sizeof text, "%.*sHost: 127.0.0.1:%u\r\n%s", (int)(mark - request), request,
                 (unsigned)web_host_port(h), mark + 2);
    else
        text_fmt(text, sizeof text, "%s", request);
    int fd = dial(h);
    (void)!write(fd, text, strlen(text));
    answer_of(fd, out);
    return (const char *)out->p;
}

static unsigned code(const struct web_host *h, const char *request)
{
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    const char *answer = ask(h, request, &out);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (unsigned)(answer[9] - '0') * 100 + (unsigned)(answer[10] - '0') * 10 +
           (unsigned)(answer[11] - '0');
}

#define END "Connection: close\r\n\r\n"

Test(web_host, every_answer_isolates_the_page)
{
    static const char *const wanted[] = {
        "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Cross-Origin-Embedder-Policy: require-corp\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n",
        "Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval';",
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n"};
    static const char *const asks[] = {
        "GET / HTTP/1.1\r\n%H" END, "GET /none HTTP/1.1\r\n%H" END, "POST / HTTP/1.1\r\n%H" END,
        "GET / HTTP/1.1\r\nHost: evil\r\n" END, "GET /big HTTP/1.1\r\n%HRange: bytes=0-1\r\n" END};
    struct web_host *h = start();
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        const char *answer = ask(h, asks[i], &out);
        for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
            cr_assert_not_null(strstr(answer, wanted[k]), "%s\n%s", asks[i], answer);
        cr_assert_null(strstr(answer, "Access-Control"), "%s", answer);
        cr_assert_null(strstr(answer, "Set-Cookie"), "%s", answer);
    }
    stop(h);
}

Test(web_host, a_request_is_answered_by_its_rule)
{
    static const struct {
        const char *request;
        unsigned code;
    } cases[] = {
        {"GET /letters HTTP/1.1\r\n%H" END, 200},
        {"HEAD /letters HTTP/1.1\r\n%H" END, 200},
        {"GET /letters?x=1 HTTP/1.1\r\n%H" END, 200},
        {"GET /letters HTTP/1.1\r\n%HRange: bytes=2-4\r\n" END, 206},
        {"GET /letters HTTP/1.1\r\n%HRange: bytes=10-\r\n" END, 416},
        {"GET /none HTTP/1.1\r\n%H" END, 404},
        {"GET /../letters HTTP/1.1\r\n%H" END, 404},
        {"GET /%2e%2e/etc/passwd HTTP/1.1\r\n%H" END, 404},
        {"GET /unproven HTTP/1.1\r\n%H" END, 403},
        {"GET /trouble HTTP/1.1\r\n%H" END, 500},
        {"GET / HTTP/1.1\r\n" END, 421},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\n" END, 421},
        {"GET / HTTP/1.1\r\n%HHost: evil.example\r\n" END, 421},
        {"POST / HTTP/1.1\r\n%HContent-Length: 3\r\n\r\nabc", 405},
        {"DELETE / HTTP/1.1\r\n%H" END, 405},
        {"OPTIONS * HTTP/1.1\r\n%H" END, 405},
        {"GET / HTTP/1.1\r\n%HContent-Length: 3\r\n\r\nabc", 400},
        {"GET / HTTP/1.1\r\n%HTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET http://evil.example/ HTTP/1.1\r\n%H" END, 400},
    };
    struct web_host *h = start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned got = code(h, cases[i].request);
        /* Without a Host the library itself says 400; either way nothing is handed out. */
        bool fine = got == cases[i].code || (cases[i].code == 421 && got == 400);
        cr_assert(fine, "%s: %u", cases[i].request, got);
    }
    stop(h);
}

Test(web_host, a_part_is_that_part)
{
    struct web_host *h = start();
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    const char *answer = ask(h, "GET /letters HTTP/1.1\r\n%HRange: bytes=2-4\r\n" END, &out);
    cr_assert_not_null(strstr(answer, "Content-Range: bytes 2-4/10\r\n"), "%s", answer);
    cr_assert_not_null(strstr(answer, "\r\n\r\ncde"), "%s", answer);
    cr_assert_eq(strlen(strstr(answer, "\r\n\r\n")), 7);
    stop(h);
}

Test(web_host, what_the_client_has_is_not_sent_again)
{
    struct web_host *h = start();
    char hex[DIGEST_TEXT], request[512];
    const struct digest d = digest_of(span_text("abcdefghij"));
    digest_text(&d, hex);
    text_fmt(request, sizeof request, "GET /letters HTTP/1.1\r\n%%HIf-None-Match: \"%s\"\r\n" END,
             hex);
    cr_assert_eq(code(h, request), 304);
    text_fmt(request, sizeof request,
             "GET /letters HTTP/1.1\r\n%%HRange: bytes=1-1\r\nIf-Range: \"%s\"\r\n" END, hex);
    cr_assert_eq(code(h, request), 206);
    cr_assert_eq(
        code(h, "GET /letters HTTP/1.1\r\n%HRange: bytes=1-1\r\nIf-Range: \"old\"\r\n" END), 200);
    stop(h);
}

Test(web_host, foreign_text_in_an_error_is_escaped)
{
    struct web_host *h = start();
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    const char *answer = ask(h, "GET /unproven HTTP/1.1\r\n%H" END, &out);
    cr_assert_not_null(strstr(answer, "\"code\":\"decision-runtime\""), "%s", answer);
    cr_assert_null(strchr(answer, '\x1b'));
    stop(h);
}

Test(web_host, the_page_names_the_digest_of_each_part_and_only_its_own_parts_exist)
{
    struct web_host *h = start();
    char hex[DIGEST_TEXT], path[256];
    digest_text(&bundle.digest, hex);
    for (size_t i = 0; i < bundle.count; i++) {
        text_fmt(path, sizeof path, "GET /web/%s/%s HTTP/1.1\r\n%%H" END, hex, web_files[i].name);
        cr_assert_eq(code(h, path), 200, "%s", path);
        hex[5] ^= 1;
        text_fmt(path, sizeof path, "GET /web/%s/%s HTTP/1.1\r\n%%H" END, hex, web_files[i].name);
        cr_assert_eq(code(h, path), 404, "%s", path);
        hex[5] ^= 1;
        cr_assert(i == 0 || strcmp(web_files[i - 1].name, web_files[i].name) < 0);
    }
    buf_byte(&bundle.page, 0);
    cr_assert_null(strstr((const char *)bundle.page.p, "@SRI"));
    cr_assert_null(strstr((const char *)bundle.page.p, "@BUNDLE"));
    stop(h);
}

Test(web_host, a_head_longer_than_there_is_room_for_is_refused)
{
    struct web_host *h = start();
    char text[15000];
    int fd = dial(h);
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    size_t n =
        text_fmt(text, sizeof text,
                 "GET /letters HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX: ", (unsigned)web_host_port(h));
    memset(text + n, 'x', sizeof text - n);
    (void)!write(fd, text, sizeof text);
    answer_of(fd, &out);
    cr_assert_null(strstr((const char *)out.p, "HTTP/1.1 200"), "%s", (const char *)out.p);
    cr_assert_eq(code(h, "GET /letters HTTP/1.1\r\n%H" END), 200);
    stop(h);
}

Test(web_host, many_slow_clients_keep_nobody_else_waiting)
{
    enum { SLOW = WEB_CLIENTS + 40 };
    static int slow[SLOW];
    struct web_host *h = start();
    for (size_t i = 0; i < SLOW; i++) {
        slow[i] = dial(h);
        (void)!send(slow[i], "GET / HT", 8, MSG_NOSIGNAL);
    }
    uint64_t began = clock_ticks();
    cr_assert_eq(code(h, "GET /letters HTTP/1.1\r\n%H" END), 200);
    cr_assert_lt(clock_ticks() - began, UINT64_C(2000000000));
    for (size_t i = 0; i < SLOW; i++)
        (void)close(slow[i]);
    stop(h);
}

Test(web_host, whoever_does_not_finish_asking_is_shut_however_it_drips)
{
    struct web_host *h = start();
    int fd = dial(h);
    uint64_t began = clock_ticks();
    ssize_t sent = 1;
    (void)!send(fd, "GET / HTTP/1.1\r\nX: ", 19, MSG_NOSIGNAL);
    while (sent == 1 && clock_ticks() - began < UINT64_C(20000000000)) {
        struct pollfd in = {.fd = fd, .events = POLLIN};
        if (poll(&in, 1, 500) > 0)
            break;
        sent = send(fd, "x", 1, MSG_NOSIGNAL);
    }
    uint64_t took = clock_ticks() - began;
    cr_assert_gt(took, UINT64_C(9000000000));
    cr_assert_lt(took, UINT64_C(14000000000));
    (void)close(fd);
    stop(h);
}

Test(web_host, a_reader_that_takes_nothing_does_not_hold_up_others)
{
    struct web_host *h = start();
    int stuck[8];
    char text[128];
    for (size_t i = 0; i < 8; i++) {
        stuck[i] = dial(h);
        text_fmt(text, sizeof text, "GET /big HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
                 (unsigned)web_host_port(h));
        cr_assert_eq(write(stuck[i], text, strlen(text)), (ssize_t)strlen(text));
    }
    for (int i = 0; i < 20; i++)
        cr_assert_eq(code(h, "GET /letters HTTP/1.1\r\n%H" END), 200);
    for (size_t i = 0; i < 8; i++)
        (void)close(stuck[i]);
    stop(h);
}

Test(web_host, a_taken_port_is_said_to_be_taken)
{
    struct err e = ERR_NONE;
    struct web_host *h = start(), *other = NULL;
    const struct web_site site = {.find = find};
    /* Both want the address for themselves only. */
    cr_assert_eq(web_host_start(&site, web_host_port(h), &other, &e), ST_BUSY, "%s", e.detail);
    stop(h);
}
