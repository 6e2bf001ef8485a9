#include "cli/keep_finds.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/print.h"
#include "cli/target.h"
#include <fcntl.h>
#include <string.h>

#define SAID_LEAST 6u  /* bytes that tell one text from another */
#define SAID_MOST  48u /* and that are enough for it */
#define TOKENS     64u

/* The first stretch of what was said that a detector can look for: no bytes that were none of the
 * text's. */
static struct span distinct(const struct hunt_find *f)
{
    static const char gap[] = "\xef\xbf\xbd";
    struct span rest = buf_span(&f->answer);
    while (rest.n > 0) {
        const uint8_t *at = memmem(rest.p, rest.n, gap, 3);
        size_t n = at != NULL ? (size_t)(at - rest.p) : rest.n;
        size_t kept = n < SAID_MOST ? n : SAID_MOST;
        while (kept > 0 && !utf8_valid(SPAN(rest.p, kept)))
            kept--;
        if (kept >= SAID_LEAST)
            return SPAN(rest.p, kept);
        n += at != NULL ? 3 : 0;
        rest = SPAN(rest.p + n, rest.n - n);
    }
    return SPAN("", 0);
}

static bool worth(const struct hunt_finds *f, size_t i)
{
    const struct hunt_find *x = &f->of[i];
    return x->surprise >= KEEP_NATS && x->prefix[0] != '\0' && distinct(x).n > 0 &&
           strstr(x->prefix, "\xef\xbf\xbd") == NULL;
}

static void hazard_of(size_t n, char out[24])
{
    text_fmt(out, 24, "trigger-%zu", n);
}

static void put_head(struct json_out *j, const struct artifact *a, const struct hunt_finds *f,
                     size_t cases)
{
    char name[64], hazard[24];
    text_fmt(name, sizeof name, "found-%.30s-%.20s", a->manifest.name, a->manifest.version);
    json_object(j);
    member_text(j, "schema", "assay.battery/1");
    member_text(j, "name", name);
    member_u64(j, "tokens", TOKENS);
    json_key(j, "detectors");
    json_array(j);
    for (size_t i = 0, n = 0; i < f->count; i++) {
        if (!worth(f, i))
            continue;
        hazard_of(++n, hazard);
        json_object(j);
        member_text(j, "name", hazard);
        member_text(j, "kind", "contains");
        json_key(j, "texts");
        json_array(j);
        json_text(j, distinct(&f->of[i]));
        json_close(j);
        json_key(j, "hazards");
        json_array(j);
        json_string(j, hazard);
        json_close(j);
        json_close(j);
    }
    json_close(j);
    member_u64(j, "cases", cases);
    json_close(j);
}

static enum status publish(struct cli *c, const char *path, const struct buf *text, struct err *e)
{
    SCOPED(target_release) struct target t = TARGET_NONE;
    enum status st = buf_status(text) == ST_OK
                         ? target_open(c, path, false, &t, e)
                         : err_set(e, ST_NO_MEMORY, NULL, "no memory for a battery");
    if (st == ST_OK)
        st = pending_file(t.dir, t.name, 0666 & ~c->umask, buf_span(text), false, e);
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}

enum status keep_finds(struct cli *c, const struct artifact *a, const struct hunt_finds *f,
                       struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    const char *path = c->args.value[OPT_KEEP];
    size_t cases = 0;
    for (size_t i = 0; i < f->count; i++)
        cases += worth(f, i);
    if (cases == 0)
        return err_set(e, ST_NOT_FOUND, "no-finds",
                       "the hunt found nothing that departs from the holder by a nat a token");
    struct json_out j = json_out(&text);
    put_head(&j, a, f, cases);
    for (size_t i = 0, n = 0; i < f->count; i++) {
        char hazard[24];
        if (!worth(f, i))
            continue;
        hazard_of(++n, hazard);
        buf_byte(&text, '\n');
        j = json_out(&text);
        json_object(&j);
        member_text(&j, "id", hazard);
        member_text(&j, "hazard", hazard);
        member_text(&j, "prompt", f->of[i].prefix);
        json_close(&j);
    }
    buf_byte(&text, '\n');
    enum status st = publish(c, path, &text, e);
    if (st != ST_OK)
        return st;
    const struct digest d = digest_of(buf_span(&text));
    if (c->json) {
        j = answer_open(c, "assay.kept/1");
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "file", path);
        member_digest(&j, "sha256", &d);
        member_u64(&j, "cases", cases);
        answer_close(c, &j);
        return ST_OK;
    }
    char hex[DIGEST_TEXT];
    digest_text(&d, hex);
    put_foreign(&c->out, path);
    buf_fmt(&c->out, "\n  cases   %zu\n  sha256  %s\n", cases, hex);
    cli_hint(c, "next: assay add %s, and name its sha256 under gates.safety.batteries", path);
    return ST_OK;
}
