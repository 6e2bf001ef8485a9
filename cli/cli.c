#include "cli/cli.h"
#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/fail.h"
#include "cli/refs.h"
#include "store/install.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum status cli_flush(struct cli *c, struct err *e)
{
    enum status st = buf_status(&c->out);
    if (st != ST_OK)
        return err_set(e, st, "answer", "no memory for the answer");
    st = c->out.n > 0 ? io_write(STDOUT_FILENO, buf_span(&c->out), e) : ST_OK;
    c->out.n = 0;
    return st != ST_OK ? err_subject(e, "standard output") : ST_OK;
}

/* Standard error is the last resort: nobody is left to be told that it cannot be written. */
static void tell(struct span text)
{
    struct err ignored = ERR_NONE;
    if (io_write(STDERR_FILENO, text, &ignored) != ST_OK)
        return;
}

void cli_hint(struct cli *c, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(text, sizeof text, fmt, ap);
    va_end(ap);
    text_escape(&c->hints, span_text(text), false);
    buf_byte(&c->hints, '\n');
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
    if (c->quiet)
        return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(text, sizeof text, fmt, ap);
    va_end(ap);
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    text_escape(&line, span_text(text), true);
    buf_byte(&line, '\n');
    tell(buf_span(&line));
}

enum status cli_alive(struct err *e)
{
    return process_interrupted() ? err_set(e, ST_INTERRUPTED, NULL, "stopped by a signal") : ST_OK;
}

enum status cli_watch(void *ctx, struct span bytes, struct err *e)
{
    (void)ctx;
    (void)bytes;
    return cli_alive(e);
}

/* io_read goes on after EINTR, so wait for bytes in turns of half a second and ask in between. */
enum status cli_read(int fd, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    enum status st = cli_alive(e);
    while (st == ST_OK && poll(&wait, 1, 500) <= 0)
        st = cli_alive(e);
    return st != ST_OK ? st : io_read(fd, p, cap, got, e);
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file we open, and the answer be
 * written into the store: fill it with something that fails instead. */
static void hold_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        struct err ignored = ERR_NONE;
        int held = -1;
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        enum status st = io_open(AT_FDCWD, "/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY, 0,
                                 &held, &ignored);
        assert(st != ST_OK || held == fd);
    }
}

/* Is help wanted for a family of commands, as in `assay key --help`? */
static bool asks_family(const struct cli *c)
{
    return opt_given(&c->args, OPT_HELP) && c->args.words == 1 && command_family(c->args.word[0]);
}

static enum status choose(struct cli *c, struct err *e)
{
    static char help[] = "help";
    char *ask[] = {help};
    size_t used = 0;
    enum status st = ST_OK;
    if (c->args.words == 0 && !opt_given(&c->args, OPT_HELP))
        return err_set(e, ST_USAGE, "no-command", "which command? assay help lists them");
    if (asks_family(c)) { /* then its name is the word that help is asked about */
        c->word = c->args.word;
        c->words = 1;
    }
    if (c->args.words == 0 || c->words > 0)
        return command_find(ask, 1, &c->command, &used, e);
    st = command_find(c->args.word, c->args.words, &c->command, &used, e);
    if (st != ST_OK)
        return st;
    c->word = c->args.word + used;
    c->words = c->args.words - used;
    return opt_given(&c->args, OPT_HELP) ? ST_OK : command_check(c->command, &c->args, c->words, e);
}

/* An option's argument is missing: named as the command calls it, when that is known by then. */
static enum status name_argument(const struct cli *c, struct err *e)
{
    const struct command *command = NULL;
    struct err unknown = ERR_NONE;
    size_t used = 0;
    if (c->args.words == 0 ||
        command_find(c->args.word, c->args.words, &command, &used, &unknown) != ST_OK)
        return e->status;
    const struct opt_shape shape = command_option(command, c->args.lacks.id);
    *e = ERR_NONE;
    return opt_lacking(&shape, c->args.lacks.empty, e);
}

static enum status run(struct cli *c, int argc, char **argv, struct err *e)
{
    char ask[] = "version"; /* what everybody tries, though --version takes an artifact's */
    char *words[] = {argv[0], ask, NULL};
    bool alone = argc == 2 && strcmp(argv[1], "--version") == 0;
    enum status st = args_read(argc, alone ? words : argv, &c->args, e);
    c->json = opt_given(&c->args, OPT_JSON);
    c->quiet = opt_given(&c->args, OPT_QUIET);
    if (st == ST_OK)
        st = choose(c, e);
    else if (c->args.lacks.yes)
        st = name_argument(c, e);
    if (st != ST_OK)
        return st;
    if (opt_given(&c->args, OPT_HELP) && c->command->run != cmd_help)
        return help_answer(c, c->command, e);
    return c->command->run(c, e);
}

void cli_fail(struct cli *c, const struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    fail_text(c, e, &text);
    tell(buf_span(&text));
    if (c->json)
        fail_json(c, e, &c->out);
}

/* Prints the answer or the error; the exit code. */
static int finish(struct cli *c, enum status st, struct err *e)
{
    struct err lost = ERR_NONE;
    if (st == ST_OK || c->answered) {
        if (cli_flush(c, &lost) == ST_OK) {
            if (!c->quiet && c->hints.n > 0)
                tell(buf_span(&c->hints));
            return status_exit(st);
        }
        *e = lost;
        st = lost.status;
    }
    if (e->status == ST_OK) /* whoever failed had nothing to add to its status */
        (void)err_set(e, st, NULL, "%s", status_phrase(st));
    c->out.n = 0; /* an answer that was not finished is none */
    cli_fail(c, e);
    if (lost.status == ST_OK && cli_flush(c, &lost) != ST_OK)
        st = lost.status;
    return status_exit(st);
}

int cli_main(int argc, char **argv)
{
    hold_descriptors();
    SCOPED(cli_release) struct cli c = {0};
    struct err e = ERR_NONE;
    c.umask = umask(077);
    /* Both tell what the failed write tells as well: EPIPE, and EFBIG behind the limit of ulimit
     * -f. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return status_exit(ST_IO);
    process_catch();
    enum status st = run(&c, argc, argv, &e);
    if (st != ST_OK && !c.answered && process_interrupted())
        e.status = st = ST_INTERRUPTED; /* whatever broke on the way, that was why */
    return finish(&c, st, &e);
}

void cli_release(struct cli *c)
{
    if (c->trust != NULL)
        trust_free(c->trust);
    lease_scope(&c->lease);
    if (c->store != NULL)
        store_close(c->store);
    for (size_t i = 0; i < CLI_KEYS; i++) {
        if (c->keys[i].signer != NULL)
            signer_close(c->keys[i].signer);
    }
    explicit_bzero(c->passphrase, sizeof c->passphrase);
    buf_release(&c->out);
    buf_release(&c->hints);
    buf_release(&c->token_ids);
    args_release(&c->args);
}

enum status cli_clock(const struct cli *c, bool *given, struct clock *out, struct err *e)
{
    bool asked = c->command != NULL && c->command->asks_at;
    const char *text = asked ? NULL : c->args.value[OPT_AT];
    if (text == NULL)
        text = getenv("ASSAY_TIME");
    *given = text != NULL && text[0] != '\0';
    *out = CLOCK_REAL;
    if (!*given)
        return ST_OK;
    out->injected = true;
    if (!time_parse(text, &out->fixed))
        return err_set(e, ST_USAGE, "option-value",
                       "%s is no time: one such as 2026-01-02T03:04:05Z is wanted", text);
    return ST_OK;
}

int64_t cli_now(const struct cli *c)
{
    return clock_now(&c->clock);
}

enum status cli_home(struct cli *c, struct err *e)
{
    return c->home.store[0] != '\0' ? ST_OK : home_find(c->args.value[OPT_STORE], &c->home, e);
}

enum status cli_store(struct cli *c, struct err *e)
{
    if (c->store != NULL)
        return ST_OK;
    bool given = false;
    enum status st = cli_clock(c, &given, &c->clock, e);
    if (st == ST_OK)
        st = cli_home(c, e);
    if (st != ST_OK)
        return st;
    st = store_open(c->home.store, &c->store, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    st = store_facts(c->store, &c->facts, e);
    if (st != ST_OK)
        return st;
    bool moved = false;
    struct err where = ERR_NONE;
    if (store_fence(c->store, &moved, &where) == ST_CONFLICT && moved)
        cli_hint(c, "%s; what is read here is old", where.detail);
    if (given && !c->facts.lab)
        return err_set(e, ST_USAGE, "clock-not-lab",
                       "the store at %s is no lab store: its clock cannot be set", c->home.store);
    return ST_OK;
}

enum status cli_trust(struct cli *c, struct err *e)
{
    enum status st = cli_store(c, e);
    if (st != ST_OK || c->trust != NULL)
        return st;
    st = trust_load(c->store, &c->trust, e);
    struct err over = ERR_NONE;
    if (st == ST_OK && trust_alive(c->trust, cli_now(c), &over) != ST_OK)
        cli_hint(c, "%s; until then nothing can be signed, gated or promoted", over.detail);
    return st;
}

enum status cli_promoter(struct cli *c, bool keys, struct promoter *out, struct err *e)
{
    enum status st = cli_trust(c, e);
    *out = (struct promoter){.store = c->store, .trust = c->trust, .clock = c->clock};
    if (st == ST_OK && keys)
        st = cli_key(c, "release", &out->release, e);
    if (st == ST_OK && keys)
        st = cli_key(c, "log", &out->log, e);
    return st;
}

/* What a channel hands out is proven again each time: this artifact, under the name asked for. What
 * its own manifest calls itself may be promoted as well, and would prove nothing about that name.
 */
static enum status prove(struct cli *c, const char *ref, const struct artifact *a, struct err *e)
{
    char name[MANIFEST_NAME_MAX], channel[16];
    struct holder h;
    struct promoter by;
    enum status st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = refs_channel(ref, name, channel, e);
    if (st == ST_OK)
        st = channel_holder(c->store, name, channel, &h, e);
    if (st == ST_OK && !digest_equal(&h.artifact, &a->digest))
        st =
            err_set(e, ST_CONFLICT, "holder-changed", "the channel's holder has changed meanwhile");
    if (st == ST_OK)
        st = decision_prove(&by, &h, e);
    /* Another runtime may be excused; what the law did not allow may not. */
    if (st == ST_UNPROVEN && text_equal(err_code(e), "decision-runtime") &&
        opt_given(&c->args, OPT_UNPROVEN)) {
        cli_note(c, "going on unproven: %s", e->detail);
        *e = ERR_NONE;
        return ST_OK;
    }
    return st;
}

/* First the lease, then the look: whoever evicts looks the other way round, under one gate. */
enum status cli_use(struct cli *c, const struct artifact *a, struct err *e)
{
    bool gone = false;
    const char *word = c->command != NULL ? c->command->name : "use";
    enum status st = c->lease == NULL ? lease_open(c->store, word, &c->lease, e) : ST_OK;
    if (st == ST_OK)
        st = lease_artifact(c->lease, &a->digest, e);
    if (st == ST_OK)
        st = install_evicted(c->store, &a->digest, &gone, e);
    if (st != ST_OK || !gone)
        return st;
    char hex[DIGEST_TEXT];
    digest_text(&a->content, hex);
    return err_set(e, ST_NOT_FOUND, "evicted",
                   "its bytes were evicted; adding the same again brings it back: sha256:%s%s%s",
                   hex, a->manifest.source_uri[0] != '\0' ? ", from " : "", a->manifest.source_uri);
}

enum status cli_artifact(struct cli *c, const char *ref, bool handed_out, struct artifact *out,
                         struct err *e)
{
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = artifact_find(c->store, c->trust, ref, TRUST_ANY_TIME, out, e);
    if (st == ST_USAGE && strchr(ref, '@') == NULL) {
        struct err which = ERR_NONE;
        if (refs_bare(c, ref, &which) != ST_OK) {
            *e = which;
            return which.status;
        }
    }
    if (st != ST_OK)
        return err_subject(e, "%s", ref);
    if (handed_out && out->channel[0] != '\0')
        st = prove(c, ref, out, e);
    if (st == ST_OK && handed_out)
        st = cli_use(c, out, e);
    if (st != ST_OK) {
        artifact_release(out);
        return err_subject(e, "%s", ref);
    }
    return ST_OK;
}
