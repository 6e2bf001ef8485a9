/* The commands: tables, one a family (cli/table_*.c), that parsing, help and completion are made
 * from. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/cli.h"

#define COMMAND_OPTIONS 14

/* What an option means to one command, where cli/opt.h's words would not be true of it. */
struct option_note {
    enum opt id;
    const char *arg, *help; /* NULL: as everywhere */
    enum opt with;          /* it goes only with that one; 0: with any */
};

struct command {
    const char *name;     /* "add", "key new" */
    const char *words;    /* its words in help: "REF -o PATH" */
    size_t least, most;   /* how many words it takes */
    const char *summary;  /* one line */
    const char *about;    /* a paragraph or more for its own help */
    const char *examples; /* lines that can be typed */
    enum status (*run)(struct cli *c, struct err *e);
    bool asks_at; /* --at is what it is asked about, not the clock */
    size_t option_count;
    enum opt options[COMMAND_OPTIONS]; /* beside the global ones */
    const struct option_note *notes;   /* [note_count] */
    size_t note_count;
};

/* The i-th command in the order of help; NULL past the last. */
const struct command *command_at(size_t i);
/* The title of the group that the i-th command opens; NULL when it opens none. */
const char *command_group(size_t i);

/* Options that every command takes. */
bool command_global(enum opt id);
bool command_takes(const struct command *c, enum opt id);
/* Its name, argument and help as they are to this command. */
struct opt_shape command_option(const struct command *c, enum opt id);

/* Which command the words begin with; *used says how many of them name it. ST_USAGE with the
 * nearest. */
enum status command_find(char *const *word, size_t words, const struct command **out, size_t *used,
                         struct err *e) MUST_CHECK;
/* Is the word the first of several commands' names: "key"? */
bool command_family(const char *word);
/* Does it take these options, together, and that many words? */
enum status command_check(const struct command *c, const struct args *a, size_t words,
                          struct err *e) MUST_CHECK;

enum status cmd_diagnose(struct cli *c, struct err *e);
enum status cmd_init(struct cli *c, struct err *e);
enum status cmd_add(struct cli *c, struct err *e);
enum status cmd_ls(struct cli *c, struct err *e);
enum status cmd_show(struct cli *c, struct err *e);
enum status cmd_get(struct cli *c, struct err *e);
enum status cmd_export(struct cli *c, struct err *e);
enum status cmd_import(struct cli *c, struct err *e);
enum status cmd_verify(struct cli *c, struct err *e);
enum status cmd_key_new(struct cli *c, struct err *e);
enum status cmd_key_ls(struct cli *c, struct err *e);
enum status cmd_key_export(struct cli *c, struct err *e);
enum status cmd_trust_show(struct cli *c, struct err *e);
enum status cmd_trust_add(struct cli *c, struct err *e);
enum status cmd_trust_rotate(struct cli *c, struct err *e);
enum status cmd_trust_revoke(struct cli *c, struct err *e);
enum status cmd_trust_sign(struct cli *c, struct err *e);
enum status cmd_trust_install(struct cli *c, struct err *e);
enum status cmd_sign(struct cli *c, struct err *e);
enum status cmd_manifest(struct cli *c, struct err *e);
enum status cmd_policy_check(struct cli *c, struct err *e);
enum status cmd_policy_set(struct cli *c, struct err *e);
enum status cmd_policy_sign(struct cli *c, struct err *e);
enum status cmd_policy_show(struct cli *c, struct err *e);
enum status cmd_gate(struct cli *c, struct err *e);
enum status cmd_bisect(struct cli *c, struct err *e);
enum status cmd_nightly(struct cli *c, struct err *e);
enum status cmd_evidence(struct cli *c, struct err *e);
enum status cmd_evidence_add(struct cli *c, struct err *e);
enum status cmd_attest(struct cli *c, struct err *e);
enum status cmd_promote(struct cli *c, struct err *e);
enum status cmd_rollback(struct cli *c, struct err *e);
enum status cmd_demote(struct cli *c, struct err *e);
enum status cmd_retire(struct cli *c, struct err *e);
enum status cmd_request(struct cli *c, struct err *e);
enum status cmd_review(struct cli *c, struct err *e);
enum status cmd_approve(struct cli *c, struct err *e);
enum status cmd_approvals_add(struct cli *c, struct err *e);
enum status cmd_approvals_ls(struct cli *c, struct err *e);
enum status cmd_waive(struct cli *c, struct err *e);
enum status cmd_freeze(struct cli *c, struct err *e);
enum status cmd_thaw(struct cli *c, struct err *e);
enum status cmd_audit(struct cli *c, struct err *e);
enum status cmd_policy_explain(struct cli *c, struct err *e);
enum status cmd_policy_diff(struct cli *c, struct err *e);
enum status cmd_policy_test(struct cli *c, struct err *e);
enum status cmd_channels(struct cli *c, struct err *e);
enum status cmd_log(struct cli *c, struct err *e);
enum status cmd_quarantine_ls(struct cli *c, struct err *e);
enum status cmd_quarantine_show(struct cli *c, struct err *e);
enum status cmd_quarantine_add(struct cli *c, struct err *e);
enum status cmd_quarantine_release(struct cli *c, struct err *e);
enum status cmd_quarantine_purge(struct cli *c, struct err *e);
enum status cmd_run(struct cli *c, struct err *e);
enum status cmd_serve(struct cli *c, struct err *e);
enum status cmd_bench(struct cli *c, struct err *e);
enum status cmd_eval(struct cli *c, struct err *e);
enum status cmd_inspect(struct cli *c, struct err *e);
enum status cmd_tokenize(struct cli *c, struct err *e);
enum status cmd_pack(struct cli *c, struct err *e);
enum status cmd_quota(struct cli *c, struct err *e);
enum status cmd_pin(struct cli *c, struct err *e);
enum status cmd_unpin(struct cli *c, struct err *e);
enum status cmd_evict(struct cli *c, struct err *e);
enum status cmd_rm(struct cli *c, struct err *e);
enum status cmd_copy(struct cli *c, struct err *e);
enum status cmd_gc(struct cli *c, struct err *e);
enum status cmd_fsck(struct cli *c, struct err *e);
enum status cmd_bench_store(struct cli *c, struct err *e);
enum status cmd_completion(struct cli *c, struct err *e);
enum status cmd_version(struct cli *c, struct err *e);
enum status cmd_help(struct cli *c, struct err *e);

/* One command's help, or the list of all (command NULL). */
void help_put(const struct command *command, struct buf *out);
/* The same as the answer, with --json as JSON. */
enum status help_answer(struct cli *c, const struct command *command, struct err *e) MUST_CHECK;
/* The commands whose names begin with the word. */
void help_put_family(const char *family, struct buf *out);

#endif
