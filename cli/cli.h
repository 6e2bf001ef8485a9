/* One run of the program: what was asked for, what is open, and the answer so far.
 *
 * A command fills `out`, and only when it has come to its end is that written to standard output:
 * so an error's JSON object stands alone there. What streams (run, log, several PATHs) calls
 * cli_flush itself. A verdict is not an error: a command that has given its answer sets `answered`
 * and returns the status whose exit code it wants. Everything here belongs to one thread. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/home.h"
#include "cli/opt.h"
#include "promote/decision.h"
#include "store/lease.h"
#include "verify/trust.h"

#define CLI_KEYS       8
#define PASSPHRASE_MAX 256

struct command;

struct cli {
    const struct command *command; /* NULL until it is known */
    struct args args;
    char **word; /* [words]: after the command's own */
    size_t words;
    bool json, quiet;
    bool answered;       /* the answer is complete although the status is not ST_OK */
    unsigned umask;      /* the user's own, for files that are his (get -o, pack -o) */
    struct buf out;      /* the answer */
    struct buf hints;    /* shown on standard error after it */
    char quarantine[64]; /* id under which the rejected bytes lie, "" none: for the error's text */
    struct err unkept;   /* why rejected bytes could not be put aside, for the error's text */
    char incident[HOME_PATH_MAX + 80]; /* where it was kept, "" none: for the error's text */
    struct buf token_ids;              /* uint32_t each: what was drawn before the run failed */
    struct home home;
    struct clock clock;
    struct store *store; /* NULL until cli_store */
    struct store_facts facts;
    struct trust *trust; /* NULL until cli_trust */
    struct lease *lease; /* NULL until cli_use */
    struct {
        char name[64];
        struct signer *signer;
    } keys[CLI_KEYS];
    char passphrase[PASSPHRASE_MAX]; /* asked for once a run, wiped at its end; "" not asked */
};
void cli_release(struct cli *c);

/* The whole program: reads argv, runs the command, prints the answer or the error. The exit code.
 */
int cli_main(int argc, char **argv);

/* Finds out where things lie, once; a command that needs neither store nor keys never asks. */
enum status cli_home(struct cli *c, struct err *e) MUST_CHECK;
/* Opens the store; sets `clock`. ST_USAGE when a time was given and it is no lab store. */
enum status cli_store(struct cli *c, struct err *e) MUST_CHECK;
/* The store and its trust; whoever only reads is told when it has expired, and goes on. */
enum status cli_trust(struct cli *c, struct err *e) MUST_CHECK;
/* The time asked for with --at or $ASSAY_TIME: *given says whether. */
enum status cli_clock(const struct cli *c, bool *given, struct clock *out,
                      struct err *e) MUST_CHECK;
int64_t cli_now(const struct cli *c);

/* The key NAME of the key folder, opened once a run and closed with it; a passphrase is asked for
 * on the terminal. ST_NOT_FOUND, code "no-key"; ST_SIGNATURE. */
enum status cli_key(struct cli *c, const char *name, const struct signer **out,
                    struct err *e) MUST_CHECK;
/* A key's name is a file's stem: nothing that leads out of the folder. */
bool key_name_plain(const char *name);
/* Asks for a passphrase on the terminal without showing it; twice: until both agree. */
enum status cli_passphrase(const char *prompt, bool twice, char out[PASSPHRASE_MAX],
                           struct err *e) MUST_CHECK;
bool cli_terminal(void); /* can anybody be asked? */

/* Everything a decision is made with, or proven by (keys: also the signers). */
enum status cli_promoter(struct cli *c, bool keys, struct promoter *out, struct err *e) MUST_CHECK;
/* An artifact by REF. One found through a channel is proven again (ST_UNPROVEN unless --unproven)
 * when `handed_out` says that its bytes leave the store or are run. */
enum status cli_artifact(struct cli *c, const char *ref, bool handed_out, struct artifact *out,
                         struct err *e) MUST_CHECK;

/* Its bytes are needed until the end of the run: nobody evicts it meanwhile. ST_NOT_FOUND, code
 * "evicted", when they are not here. */
enum status cli_use(struct cli *c, const struct artifact *a, struct err *e) MUST_CHECK;

/* Writes `out` to standard output and empties it. ST_IO when nobody takes it. */
enum status cli_flush(struct cli *c, struct err *e) MUST_CHECK;
/* Tells one failure among several: to people at once, with --json as an object in `out`. */
void cli_fail(struct cli *c, const struct err *e);
/* A remark for people that is shown after the answer: what to do next. */
void cli_hint(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A remark for people at once, on standard error: nothing with --quiet. Foreign text in it is
 * escaped. */
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ST_INTERRUPTED once SIGINT, SIGTERM or SIGHUP came. */
enum status cli_alive(struct err *e) MUST_CHECK;
/* A sink that keeps nothing and asks cli_alive. */
enum status cli_watch(void *ctx, struct span bytes, struct err *e) MUST_CHECK;
/* Reads from what may be silent for long, a pipe or a terminal; ST_INTERRUPTED as above. */
enum status cli_read(int fd, uint8_t *p, size_t cap, size_t *got, struct err *e) MUST_CHECK;

#endif
