#include "store/signer_command.h"
#include "base/base64.h"
#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 120000 /* a hardware key may wait for its owner's finger */
#define ANSWER_MAX  4096

struct call {
    char words[SIGNER_COMMAND_MAX]; /* the command, spaces made NUL */
    char *argv[SIGNER_COMMAND_ARGS + 2];
    char keyid[KEY_ID_TEXT];
    int in, out;
};

static enum status split(struct call *c, const char *command, struct err *e)
{
    size_t count = 0;
    const size_t bytes = text_fmt(c->words, sizeof c->words, "%s", command);
    assert(bytes < sizeof c->words); /* as its maker saw to */
    for (char *at = c->words; *at != '\0';) {
        size_t space = strspn(at, " ");
        memset(at, 0, space);
        at += space;
        if (*at == '\0')
            break;
        if (count == SIGNER_COMMAND_ARGS)
            return err_set(e, ST_CONFIG, "signer-command", "ASSAY_SIGNER has more than %d words",
                           SIGNER_COMMAND_ARGS);
        c->argv[count++] = at;
        at += strcspn(at, " ");
    }
    if (count == 0)
        return err_set(e, ST_CONFIG, "signer-command", "ASSAY_SIGNER is set but names no command");
    c->argv[count] = c->keyid;
    return ST_OK;
}

/* Runs in the child. */
static int run(void *ctx)
{
    struct call *c = ctx;
    if (lseek(c->in, 0, SEEK_SET) != 0 || dup2(c->in, STDIN_FILENO) < 0 ||
        dup2(c->out, STDOUT_FILENO) < 0)
        return 126;
    execvp(c->argv[0], c->argv);
    return 127;
}

static enum status collect(struct call *c, int answer, pid_t pid, struct buf *text, struct err *e)
{
    struct process_end end = {0};
    enum status st = process_collect(pid, answer, ANSWER_MAX, DEADLINE_MS, text, &end, e);
    if (st != ST_OK)
        return st;
    if (end.deadline)
        return err_set(e, ST_HARNESS, "signer-deadline", "%s gave no signature within %d seconds",
                       c->argv[0], DEADLINE_MS / 1000);
    if (end.exit_code == 127)
        return err_set(e, ST_CONFIG, "signer-command", "%s could not be run; check ASSAY_SIGNER",
                       c->argv[0]);
    if (end.exit_code != 0)
        return err_set(e, ST_SIGNATURE, "signer-failed", "%s ended with %s %d", c->argv[0],
                       end.signal != 0 ? "signal" : "exit code",
                       end.signal != 0 ? end.signal : end.exit_code);
    return ST_OK;
}

static enum status decode(struct span text, const struct public_key *k, struct span bytes,
                          uint8_t sig[KEY_SIGNATURE_BYTES], struct err *e)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    uint8_t raw[KEY_SIGNATURE_BYTES + 8];
    struct buf b = buf_over(raw, sizeof raw);
    if (!base64_decode(&b, text) || buf_status(&b) != ST_OK || b.n != KEY_SIGNATURE_BYTES)
        return err_set(e, ST_SIGNATURE, "signer-answer",
                       "ASSAY_SIGNER printed no 64-byte signature in base64");
    if (!key_verify(k, bytes, raw))
        return err_set(e, ST_SIGNATURE, "signer-wrong",
                       "what ASSAY_SIGNER printed is no signature by that key over these bytes");
    memcpy(sig, raw, KEY_SIGNATURE_BYTES);
    return ST_OK;
}

enum status signer_command(const char *command, const struct public_key *k, struct span bytes,
                           uint8_t sig[KEY_SIGNATURE_BYTES], struct err *e)
{
    struct call c = {.in = -1, .out = -1};
    key_id_text(k, c.keyid);
    enum status st = split(&c, command, e);
    if (st != ST_OK)
        return st;
    /* The bytes lie in a memory file, so neither side can block the other on a full pipe. */
    SCOPED(fd_release) int in = -1;
    if ((st = memory_file("to-sign", &in, e)) != ST_OK || (st = io_write(in, bytes, e)) != ST_OK)
        return st;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(e, errno, "pipe", "ASSAY_SIGNER");
    SCOPED(fd_release) int answer = ends[0];
    SCOPED(fd_release) int write_end = ends[1];
    c.in = in;
    c.out = write_end;
    pid_t pid = -1;
    if ((st = process_fork(run, &c, &pid, e)) != ST_OK)
        return st;
    fd_release(&write_end);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    st = collect(&c, answer, pid, &text, e);
    return st == ST_OK ? decode(buf_span(&text), k, bytes, sig, e) : st;
}
