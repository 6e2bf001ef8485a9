#include "tests/support/verify_room.h"
#include "tests/support/ascii_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum status st, const char *what, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "verify room: %s: %s (%s): %s: %s\n", what, status_slug(st), err_code(e),
            e->subject, e->detail);
    abort();
}

struct verify_room verify_room_make(void)
{
    struct err e = ERR_NONE;
    struct verify_room v = {.r = room_make()};
    struct public_key keys[ROLE_COUNT];
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    memset(keys, 0, sizeof keys);
    for (int role = ROLE_NONE; role < ROLE_COUNT; role++) {
        v.keys[role] =
            temp_key(&v.r.t, role == ROLE_NONE ? "stranger" : role_name((enum role)role));
        if (role != ROLE_NONE)
            keys[role] = *signer_public(v.keys[role]);
    }
    v.now = clock_now(&v.r.clock);
    must(trust_single(keys, "tester", v.now + 86400, v.keys[ROLE_ROOT], &envelope, &e),
         "trust_single", &e);
    struct digest first = digest_of(buf_span(&envelope));
    room_found(&v.r, &first);
    must(trust_install(v.r.s, buf_span(&envelope), v.r.clock, v.r.log, &e), "trust_install", &e);
    must(trust_load(v.r.s, &v.trust, &e), "trust_load", &e);
    v.admit = (struct admit_keys){
        .publisher = v.keys[ROLE_PUBLISHER], .log = v.r.log, .clock = v.r.clock};
    return v;
}

void verify_room_remove(struct verify_room *v)
{
    trust_free(v->trust);
    for (int role = ROLE_NONE; role < ROLE_COUNT; role++)
        signer_close(v->keys[role]);
    room_remove(&v->r);
}

void one_file(struct one_file *f, const char *label, struct span bytes)
{
    *f = (struct one_file){.source = {.left = bytes}};
    const char *slash = strrchr(label, '/');
    f->file = (struct admit_file){.path = slash != NULL ? slash + 1 : label,
                                  .from = source_over(&f->source)};
    f->request = (struct admit_request){.label = label, .given = &f->file, .given_count = 1};
}

enum status verify_room_add(struct verify_room *v, struct one_file *f, struct admit_result *out,
                            struct err *e)
{
    /* The struct may have been copied since it was made. */
    f->file.from = source_over(&f->source);
    f->request.given = &f->file;
    return admit(v->r.s, v->trust, &v->admit, &f->request, NULL, out, e);
}

struct artifact verify_room_model(struct verify_room *v)
{
    struct err e = ERR_NONE;
    struct one_file f;
    struct artifact a;
    SCOPED(admit_result_release) struct admit_result added = {0};
    SCOPED(buf_release) struct buf model = make_ascii_slm1(&(struct make){.dtype = MAKE_F32});
    one_file(&f, "tiny.slm", buf_span(&model));
    f.request.version = "1";
    must(verify_room_add(v, &f, &added, &e), "admit", &e);
    must(artifact_find(v->r.s, v->trust, "tiny@1", v->now, &a, &e), "artifact_find", &e);
    return a;
}

static enum status count_one(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    (void)f;
    (void)e;
    ++*(size_t *)ctx;
    return ST_OK;
}

size_t verify_room_quarantined(struct verify_room *v)
{
    struct err e = ERR_NONE;
    size_t n = 0;
    must(quarantine_each(v->r.s, count_one, &n, &e), "quarantine_each", &e);
    return n;
}
