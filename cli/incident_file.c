#include "cli/incident_file.h"
#include "base/pending.h"
#include "base/text.h"
#include "cli/target.h"
#include "verify/identity.h"
#include "verify/trail.h"
#include <string.h>

#define KEPT   256 /* files in the folder */
#define SECOND 99  /* incidents of one second and command */

struct incident incident_begin(const struct cli *c, const char *command, const struct artifact *a)
{
    struct incident i = {.time = cli_now(c), .artifact = a->digest, .content = a->content};
    text_fmt(i.command, sizeof i.command, "%s", command);
    text_fmt(i.artifact_name, sizeof i.artifact_name, "%s", a->manifest.name);
    text_fmt(i.version, sizeof i.version, "%s", a->manifest.version);
    text_fmt(i.channel, sizeof i.channel, "%s", a->channel);
    return i;
}

enum status incident_policy(const struct cli *c, enum prompt_policy *out, struct err *e)
{
    const char *text = c->args.value[OPT_PROMPT_POLICY];
    *out = PROMPT_LENGTH;
    if (text == NULL || prompt_policy_parse(text, out))
        return ST_OK;
    return err_set(e, ST_USAGE, "option-value", "--prompt-policy is length, digest or full");
}

/* Ours: 2026-01-02T030405Z-run.json, 2026-01-02T030405Z-run-2.json. */
static bool is_ours(const char *name)
{
    size_t n = strlen(name);
    return n > 23 && strcmp(name + n - 5, ".json") == 0 && name[10] == 'T' && name[17] == 'Z' &&
           name[18] == '-';
}

struct folder {
    int fd;
    size_t count, spare;
};

static enum status count_one(void *ctx, const char *name, struct err *e)
{
    struct folder *f = ctx;
    (void)e;
    f->count += is_ours(name);
    return ST_OK;
}

/* In byte order, and so the oldest first. */
static enum status drop_one(void *ctx, const char *name, struct err *e)
{
    struct folder *f = ctx;
    if (f->spare == 0 || !is_ours(name))
        return ST_OK;
    f->spare--;
    return io_unlink(f->fd, name, false, e);
}

static enum status make_room(int fd, struct err *e)
{
    struct folder f = {.fd = fd};
    enum status st = folder_each(fd, ".", count_one, &f, e);
    f.spare = f.count >= KEPT ? f.count - KEPT + 1 : 0;
    if (st == ST_OK && f.spare > 0)
        st = folder_each(fd, ".", drop_one, &f, e);
    return st;
}

/* Under the first name of its second that is free. */
static enum status publish(int fd, const struct incident *i, struct span text, char name[64],
                           struct err *e)
{
    char time[TIME_TEXT_MAX];
    enum status st = ST_EXISTS;
    time_format(i->time, time);
    for (int k = 1; st == ST_EXISTS && k <= SECOND; k++) {
        char more[8] = "";
        if (k > 1)
            text_fmt(more, sizeof more, "-%d", k);
        /* Without colons, which other systems' names cannot have. */
        text_fmt(name, 64, "%.13s%.2s%.3s-%s%s.json", time, time + 14, time + 17, i->command, more);
        *e = ERR_NONE;
        st = pending_file(fd, name, 0600, text, false, e);
    }
    return st;
}

static enum status save(struct cli *c, const struct incident *i, struct err *e)
{
    char folder[HOME_PATH_MAX], name[64];
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = home_incidents(folder, e);
    if (st != ST_OK || folder[0] == '\0')
        return st;
    incident_write(i, &text);
    st = buf_status(&text);
    if (st != ST_OK)
        return err_set(e, st, NULL, "no memory for the incident");
    st = target_folder(c, folder, &fd, e);
    if (st == ST_OK)
        st = make_room(fd, e);
    if (st == ST_OK)
        st = publish(fd, i, buf_span(&text), name, e);
    if (st == ST_OK)
        text_fmt(c->incident, sizeof c->incident, "%s/%s", folder, name);
    return st;
}

void incident_save(struct cli *c, struct incident *i)
{
    struct err e = ERR_NONE;
    enum status st = identity_program(&i->program, &e);
    if (st == ST_OK)
        st = save(c, i, &e);
    if (st != ST_OK) /* that it failed is what counts, and is told in any case */
        cli_note(c, "its incident could not be kept: %s", e.detail);
}

/* Where a gate's child failed, as its checks tell. */
static enum run_stage stage_of_gate(const struct gate_told *g)
{
    enum run_stage at = STAGE_NONE;
    for (size_t i = 0; i < g->count && at == STAGE_NONE; i++)
        if (g->checks[i].verdict != VERDICT_PASS)
            at = trail_told(g->checks[i].message);
    return at;
}

/* Checks that say how a sandboxed child ended: "child", "PROGRAM child", "hunt". */
static bool is_of_child(const char *name)
{
    const char *last = strrchr(name, ' ');
    return text_equal(last != NULL ? last + 1 : name, "child") || text_equal(name, "hunt");
}

static unsigned number_of_gate(const struct gate_told *g, enum run_stage at)
{
    bool child = false;
    for (size_t i = 0; i < g->count; i++)
        child = child || (is_of_child(g->checks[i].name) && g->checks[i].verdict != VERDICT_PASS);
    if (child)
        return INCIDENT_WORKER_LOST;
    return g->verdict == VERDICT_ERROR ? INCIDENT_NOT_MEASURED
           : at == STAGE_FETCH         ? INCIDENT_FETCH_FAILED
           : at == STAGE_PROVENANCE    ? INCIDENT_DIGEST_MISMATCH
                                       : INCIDENT_GATE_REFUSED;
}

void incident_of_gate(struct cli *c, const struct artifact *a, const struct gate_told *gate,
                      uint64_t elapsed_ms)
{
    SCOPED(incident_release) struct incident i = incident_begin(c, "gate", a);
    const enum run_stage at = stage_of_gate(gate);
    if (gate->verdict != VERDICT_FAIL && gate->verdict != VERDICT_ERROR)
        return;
    incident_number(&i, number_of_gate(gate, at));
    i.stage = at;
    i.elapsed_ms = elapsed_ms;
    i.gate = (struct incident_gate){
        .gate = gate->gate, .verdict = gate->verdict, .evidence = gate->evidence};
    for (size_t k = 0; k < gate->count && i.gate.check_count < INCIDENT_CHECKS; k++)
        if (gate->checks[k].verdict != VERDICT_PASS)
            i.gate.checks[i.gate.check_count++] = gate->checks[k];
    if (i.gate.check_count > 0)
        text_fmt(i.detail, sizeof i.detail, "%s: %s", i.gate.checks[0].name,
                 i.gate.checks[0].message);
    incident_save(c, &i);
    if (c->incident[0] != '\0')
        cli_hint(c, "what is known of gate %s was kept; look into it with: assay diagnose %s",
                 gate_name(gate->gate), c->incident);
    c->incident[0] = '\0'; /* the next gate's is another one */
}
