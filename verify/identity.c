#include "verify/identity.h"
#include "base/files.h"
#include "base/json_write.h"
#include "base/text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROC_MAX (1u << 20) /* bytes read of a file in /proc */

static enum status hash_fd(int fd, struct digest *out, struct err *e)
{
    uint8_t block[64u << 10];
    SCOPED(hasher_scope) struct hasher *h = NULL;
    enum status st = hasher_open(&h, e);
    for (size_t got = 1; st == ST_OK && got > 0;) {
        st = io_read(fd, block, sizeof block, &got, e);
        if (st == ST_OK)
            hasher_add(h, SPAN(block, got));
    }
    if (st == ST_OK)
        *out = hasher_end(h);
    return st;
}

enum status identity_program(struct digest *out, struct err *e)
{
    /* The file of a running program cannot change: once is enough. */
    static struct digest known;
    static bool read_once;
    if (!read_once) {
        SCOPED(fd_release) int fd = -1;
        enum status st = io_open(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, &fd, e);
        if (st == ST_OK)
            st = hash_fd(fd, &known, e);
        if (st != ST_OK)
            return err_stage(e, "identity");
        read_once = true;
    }
    *out = known;
    return ST_OK;
}

enum status identity_bind(enum gate g, const struct artifact *a, struct span section,
                          struct bound *out, struct err *e)
{
    *out = (struct bound){.gate = g, .artifact = a->digest, .content = a->content};
    enum status st = identity_program(&out->program, e);
    if (st != ST_OK)
        return st;
    out->runtime = out->program;
    out->policy_section = digest_of(section.n > 0 ? section : span_text("{}"));
    return ST_OK;
}

const char *identity_difference(const struct bound *a, const struct bound *b)
{
    if (a->gate != b->gate)
        return "gate";
    if (!digest_equal(&a->artifact, &b->artifact))
        return "artifact";
    if (!digest_equal(&a->content, &b->content))
        return "content";
    if (!digest_equal(&a->runtime, &b->runtime))
        return "runtime";
    if (!digest_equal(&a->program, &b->program))
        return "program";
    if (!digest_equal(&a->policy_section, &b->policy_section))
        return "policy_section";
    return NULL;
}

/* ---- description -------------------------------------------------------------------------- */

/* A file of /proc or /etc, as far as PROC_MAX; what cannot be read is empty. */
static void slurp(const char *path, struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    if (io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e) != ST_OK)
        return;
    for (;;) {
        uint8_t block[4096];
        size_t got = 0;
        if (io_read(fd, block, sizeof block, &got, &e) != ST_OK || got == 0 ||
            out->n + got > PROC_MAX)
            return;
        buf_append(out, SPAN(block, got));
    }
}

/* The rest of the first line that begins with `key`, after any of " \t:=\"" and without a closing
 * '"'. */
static struct span field(struct span in, const char *key)
{
    const size_t n = strlen(key);
    for (size_t at = 0; at < in.n;) {
        const uint8_t *end = memchr(in.p + at, '\n', in.n - at);
        size_t stop = end == NULL ? in.n : (size_t)(end - in.p);
        if (stop - at >= n && memcmp(in.p + at, key, n) == 0) {
            at += n;
            while (at < stop && strchr(" \t:=\"", in.p[at]) != NULL)
                at++;
            while (stop > at && in.p[stop - 1] == '"')
                stop--;
            return SPAN(in.p + at, stop - at);
        }
        at = stop + 1;
    }
    return SPAN("", 0);
}

static void text_member(struct json_out *j, const char *key, struct span text)
{
    json_key(j, key);
    json_text(j, text);
}

static void describe_cpu(struct json_out *j)
{
    SCOPED(buf_release) struct buf cpu = BUF_EMPTY;
    slurp("/proc/cpuinfo", &cpu);
    text_member(j, "cpu", field(buf_span(&cpu), "model name"));
    text_member(j, "cpu_features", field(buf_span(&cpu), "flags"));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    json_key(j, "cores");
    json_i64(j, cores);
}

void identity_describe(struct buf *out)
{
    struct utsname u;
    SCOPED(buf_release) struct buf os = BUF_EMPTY;
    SCOPED(buf_release) struct buf memory = BUF_EMPTY;
    struct json_out j = json_out(out);
    json_object(&j);
    describe_cpu(&j);
    if (uname(&u) == 0) {
        text_member(&j, "kernel", span_text(u.release));
        text_member(&j, "machine", span_text(u.machine));
    }
    slurp("/proc/meminfo", &memory);
    text_member(&j, "memory", field(buf_span(&memory), "MemTotal"));
    slurp("/etc/os-release", &os);
    text_member(&j, "os", field(buf_span(&os), "PRETTY_NAME"));
    json_close(&j);
}
