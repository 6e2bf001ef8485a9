#include "verify/web_host.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/late.h"
#include "base/text.h"
#include "verify/web_clients.h"
#include "verify/web_rule.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

static struct {
    enum MHD_Result (*add_response_header)(struct MHD_Response *, const char *, const char *);
    struct MHD_Response *(*create_response_from_buffer)(size_t, void *,
                                                        enum MHD_ResponseMemoryMode);
    struct MHD_Response *(*create_response_from_fd_at_offset64)(uint64_t, int, uint64_t);
    void (*destroy_response)(struct MHD_Response *);
    const union MHD_ConnectionInfo *(*get_connection_info)(struct MHD_Connection *,
                                                           enum MHD_ConnectionInfoType, ...);
    int (*get_connection_values)(struct MHD_Connection *, enum MHD_ValueKind, MHD_KeyValueIterator,
                                 void *);
    const union MHD_DaemonInfo *(*get_daemon_info)(struct MHD_Daemon *, enum MHD_DaemonInfoType,
                                                   ...);
    const char *(*lookup_connection_value)(struct MHD_Connection *, enum MHD_ValueKind,
                                           const char *);
    enum MHD_Result (*queue_response)(struct MHD_Connection *, unsigned, struct MHD_Response *);
    struct MHD_Daemon *(*start_daemon)(unsigned, uint16_t, MHD_AcceptPolicyCallback, void *,
                                       MHD_AccessHandlerCallback, void *, ...);
    void (*stop_daemon)(struct MHD_Daemon *);
} mhd;

static struct late libmicrohttpd = {
    .library = LIBMICROHTTPD,
    .calls = {
        LATE_CALL(mhd.add_response_header, MHD_add_response_header),
        LATE_CALL(mhd.create_response_from_buffer, MHD_create_response_from_buffer),
        LATE_CALL(mhd.create_response_from_fd_at_offset64, MHD_create_response_from_fd_at_offset64),
        LATE_CALL(mhd.destroy_response, MHD_destroy_response),
        LATE_CALL(mhd.get_connection_info, MHD_get_connection_info),
        LATE_CALL(mhd.get_connection_values, MHD_get_connection_values),
        LATE_CALL(mhd.get_daemon_info, MHD_get_daemon_info),
        LATE_CALL(mhd.lookup_connection_value, MHD_lookup_connection_value),
        LATE_CALL(mhd.queue_response, MHD_queue_response),
        LATE_CALL(mhd.start_daemon, MHD_start_daemon),
        LATE_CALL(mhd.stop_daemon, MHD_stop_daemon)}};

struct web_host {
    struct web_site site;
    struct MHD_Daemon *daemon;
    struct web_clients *clients;
    uint16_t port;
    _Atomic uint64_t requests;
};

/* What isolates the page, and what keeps it from loading or telling anything elsewhere. */
static const char *const guards[][2] = {
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src "
     "'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
     "frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

struct request {
    struct web_host *host;
    struct MHD_Connection *connection;
    const char *path;
    bool closing; /* the connection ends with this answer */
};

/* The client that a connection stands for. */
static struct web_client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void header(struct MHD_Response *r, const char *name, const char *value)
{
    (void)mhd.add_response_header(r, name, value); /* fails for lack of memory: then it is absent */
}

static enum MHD_Result send_response(const struct request *q, unsigned code, struct MHD_Response *r)
{
    if (r == NULL)
        return MHD_NO;
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        header(r, guards[i][0], guards[i][1]);
    if (q->closing)
        header(r, "Connection", "close");
    enum MHD_Result sent = mhd.queue_response(q->connection, code, r);
    mhd.destroy_response(r);
    return sent;
}

/* An error as the command line tells it. */
static enum MHD_Result send_error(const struct request *q, unsigned code, const struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "schema");
    json_string(&j, "assay.error/1");
    json_key(&j, "exit");
    json_i64(&j, status_exit(e->status));
    json_key(&j, "code");
    json_string(&j, err_code(e));
    json_key(&j, "stage");
    json_string(&j, e->stage != NULL ? e->stage : "http");
    json_key(&j, "message");
    json_string(&j, e->detail);
    json_close(&j);
    buf_byte(&text, '\n');
    if (buf_status(&text) != ST_OK)
        return MHD_NO;
    void *copy = (void *)(uintptr_t)text.p; /* copied before it returns */
    struct MHD_Response *r = mhd.create_response_from_buffer(text.n, copy, MHD_RESPMEM_MUST_COPY);
    if (r != NULL) {
        header(r, "Content-Type", "application/json");
        header(r, "Cache-Control", "no-store");
        if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
            header(r, "Allow", "GET, HEAD");
    }
    return send_response(q, code, r);
}

static enum MHD_Result refuse(struct request *q, unsigned code, const char *slug, const char *why)
{
    struct err e = ERR_NONE;
    (void)err_set(&e, ST_USAGE, slug, "%s", why);
    q->closing = true;
    return send_error(q, code, &e);
}

static unsigned code_of(enum status st)
{
    if (st == ST_NOT_FOUND)
        return MHD_HTTP_NOT_FOUND;
    int exit = status_exit(st);
    if (exit == 3)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    return MHD_HTTP_FORBIDDEN;
}

static const char *asked(const struct request *q, const char *name)
{
    return mhd.lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

/* The n bytes of the answer from `from` on. The file, if any, is MHD's from here. */
static struct MHD_Response *body(struct web_answer *a, uint64_t from, uint64_t n)
{
    if (a->fd >= 0) {
        struct MHD_Response *r = mhd.create_response_from_fd_at_offset64(n, a->fd, from);
        if (r != NULL)
            (void)fd_take(&a->fd);
        return r;
    }
    void *p = (void *)(uintptr_t)(a->bytes.p + from);
    return mhd.create_response_from_buffer(
        (size_t)n, p, a->lasting ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
}

static void describe(struct MHD_Response *r, const struct web_answer *a, const char *tag)
{
    header(r, "Content-Type", a->type);
    header(r, "Accept-Ranges", "bytes");
    if (tag[0] == '\0') {
        header(r, "Cache-Control", "no-store");
        return;
    }
    header(r, "ETag", tag);
    header(r, "Cache-Control", a->immutable ? "private, max-age=31536000, immutable" : "no-cache");
}

static enum MHD_Result send_answer(struct request *q, struct web_answer *a)
{
    char tag[DIGEST_TEXT + 2] = "", hex[DIGEST_TEXT], range[96];
    uint64_t from = 0, size = a->fd >= 0 ? a->size : a->bytes.n, n = size;
    static const struct digest none;
    if (!digest_equal(&a->digest, &none)) {
        digest_text(&a->digest, hex);
        text_fmt(tag, sizeof tag, "\"%s\"", hex);
    }
    if (tag[0] != '\0' && web_tag_named(asked(q, "If-None-Match"), tag)) {
        struct MHD_Response *r = mhd.create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (r != NULL)
            describe(r, a, tag);
        return send_response(q, MHD_HTTP_NOT_MODIFIED, r);
    }
    const char *still = asked(q, "If-Range");
    bool ranged = still == NULL || text_equal(still, tag);
    enum web_range part = web_range_of(ranged ? asked(q, "Range") : NULL, size, &from, &n);
    if (part == WEB_UNSATISFIABLE)
        n = 0;
    struct MHD_Response *r = part == WEB_UNSATISFIABLE
                                 ? mhd.create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
                                 : body(a, from, n);
    if (r == NULL)
        return MHD_NO;
    describe(r, a, tag);
    if (part == WEB_UNSATISFIABLE)
        text_fmt(range, sizeof range, "bytes */%llu", (unsigned long long)size);
    else
        text_fmt(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)from,
                 (unsigned long long)(from + n - 1), (unsigned long long)size);
    if (part != WEB_WHOLE)
        header(r, "Content-Range", range);
    web_clients_answer(q->host->clients, client_of(q->connection), n);
    return send_response(q,
                         part == WEB_WHOLE  ? MHD_HTTP_OK
                         : part == WEB_PART ? MHD_HTTP_PARTIAL_CONTENT
                                            : MHD_HTTP_RANGE_NOT_SATISFIABLE,
                         r);
}

/* ---- requests ----------------------------------------------------------------------------- */

struct heads {
    unsigned lines, hosts;
    bool body;
};

static enum MHD_Result count_head(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct heads *h = ctx;
    (void)kind;
    h->lines++;
    if (strcasecmp(name, "Host") == 0)
        h->hosts++;
    if (strcasecmp(name, "Transfer-Encoding") == 0 ||
        (strcasecmp(name, "Content-Length") == 0 && (value == NULL || !text_equal(value, "0"))))
        h->body = true;
    return MHD_YES;
}

/* Whatever is wrong with a request is wrong before anything is looked up; true: it was answered. */
static bool refused(struct request *q, const char *method, const char *version,
                    enum MHD_Result *sent)
{
    struct heads h = {0};
    (void)mhd.get_connection_values(q->connection, MHD_HEADER_KIND, count_head, &h);
    if (!text_equal(version, "HTTP/1.1") && !text_equal(version, "HTTP/1.0"))
        *sent =
            refuse(q, MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, "http-version", "HTTP/1.1 is wanted");
    else if (h.lines > WEB_LINES_MAX)
        *sent = refuse(q, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "http-head",
                       "the request has too many header lines");
    else if (h.hosts != 1 || !web_host_allowed(asked(q, "Host"), q->host->port))
        *sent = refuse(q, MHD_HTTP_MISDIRECTED_REQUEST, "http-host",
                       "this is a loopback server; its only names are localhost, 127.0.0.1 and "
                       "[::1], with its port");
    else if (!text_equal(method, "GET") && !text_equal(method, "HEAD"))
        *sent = refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, "http-method",
                       "this server only reads: GET and HEAD");
    else if (h.body)
        *sent = refuse(q, MHD_HTTP_BAD_REQUEST, "http-body", "a request has no body here");
    else if (q->path[0] != '/')
        *sent = refuse(q, MHD_HTTP_BAD_REQUEST, "http-path", "the path must begin with /");
    else
        return false;
    return true;
}

/* Called once with the head, then again when the (empty) body is over: that one is answered. */
static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static int seen;
    struct web_host *host = ctx;
    struct request q = {.host = host, .connection = connection, .path = path};
    struct web_answer a = {.fd = -1};
    struct err e = ERR_NONE;
    enum MHD_Result sent = MHD_NO;
    (void)upload;
    (void)upload_size;
    if (*state == NULL) {
        *state = &seen;
        atomic_fetch_add(&host->requests, 1);
        return refused(&q, method, version, &sent) ? sent : MHD_YES;
    }
    enum status st = host->site.find(host->site.ctx, path, &a, &e);
    sent = st == ST_OK ? send_answer(&q, &a) : send_error(&q, code_of(st), &e);
    fd_release(&a.fd);
    return sent;
}

/* Paths stay as they were sent: nothing that is served has a '%' in it. */
static size_t keep(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

static void connected(void *ctx, struct MHD_Connection *connection, void **client,
                      enum MHD_ConnectionNotificationCode what)
{
    struct web_host *host = ctx;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        web_clients_leave(host->clients, *client);
        return;
    }
    const union MHD_ConnectionInfo *info =
        mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *client = info != NULL ? web_clients_enter(host->clients, info->connect_fd) : NULL;
}

static void completed(void *ctx, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    struct web_host *host = ctx;
    (void)state;
    (void)how;
    web_clients_answered(host->clients, client_of(connection));
}

/* ---- the host ----------------------------------------------------------------------------- */

void web_host_stop(struct web_host *h)
{
    if (h->daemon != NULL)
        mhd.stop_daemon(h->daemon);
    web_clients_scope(&h->clients);
    heap_free(h);
}

enum status web_host_start(const struct web_site *site, uint16_t port, struct web_host **out,
                           struct err *e)
{
    SCOPED(web_host_scope) struct web_host *h = heap_zero(1, sizeof *h);
    if (h == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a web host");
    h->site = *site;
    enum status st = late_load(&libmicrohttpd, e);
    if (st == ST_OK)
        st = web_clients_open(&h->clients, e);
    if (st != ST_OK)
        return st;
    const struct sockaddr_in loopback = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    h->daemon = mhd.start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, port, NULL, NULL, handle, h,
        MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&loopback, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)WEB_CLIENTS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_HEAD_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 512u, MHD_OPTION_UNESCAPE_CALLBACK, keep, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, connected, h, MHD_OPTION_NOTIFY_COMPLETED, completed, h,
        MHD_OPTION_END);
    if (h->daemon == NULL)
        return errno == EADDRINUSE
                   ? err_set(e, ST_BUSY, "port", "port %u of 127.0.0.1 is taken", (unsigned)port)
                   : err_sys(e, errno, "start a web host", NULL);
    const union MHD_DaemonInfo *info = mhd.get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL)
        return err_set(e, ST_IO, "port", "the web host does not tell its port");
    h->port = info->port;
    *out = web_host_take(&h);
    return ST_OK;
}

uint16_t web_host_port(const struct web_host *h)
{
    return h->port;
}

uint64_t web_host_requests(const struct web_host *h)
{
    return atomic_load(&h->requests);
}
