/* serve: the page, its parts and the promoted models, on the loopback interface. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/serve_site.h"
#include <poll.h>

#define SERVE_PORT 8117
#define ALIVE_MS   500 /* between two looks whether to go on */

static enum status tell(struct cli *c, const struct serve_site *site, uint16_t port, struct err *e)
{
    char url[64];
    text_fmt(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.serve/1");
        member_text(&j, "url", url);
        member_u64(&j, "port", port);
        member_digest(&j, "bundle", &site->bundle.digest);
        answer_close(c, &j);
    } else {
        buf_fmt(&c->out, "%s\n", url);
        cli_note(c, "serving what the channels hand out; Ctrl-C ends it");
    }
    return cli_flush(c, e);
}

enum status cmd_serve(struct cli *c, struct err *e)
{
    SCOPED(serve_site_release) struct serve_site site = {0};
    SCOPED(web_host_scope) struct web_host *host = NULL;
    uint64_t port = SERVE_PORT;
    enum status st = opt_u64(&c->args, OPT_PORT, 0, UINT16_MAX, &port, e);
    if (st == ST_OK)
        st = cli_trust(c, e);
    if (st == ST_OK)
        st = serve_site_open(&site, c, e);
    if (st != ST_OK)
        return st;
    const struct web_site what = {.find = serve_site_find, .ctx = &site};
    st = web_host_start(&what, (uint16_t)port, &host, e);
    if (st == ST_OK)
        st = tell(c, &site, web_host_port(host), e);
    /* From here on the store is the host's thread's; this one only waits. */
    while (st == ST_OK && (st = cli_alive(e)) == ST_OK)
        (void)poll(NULL, 0, ALIVE_MS);
    if (st != ST_INTERRUPTED)
        return st;
    *e = ERR_NONE; /* being stopped is how it ends */
    c->answered = true;
    return ST_OK;
}
