/* Options and words of a command line.
 *
 * Every option has one name and one shape in the whole program, so a command line is read in one
 * pass, before it is known which command it is for: options may stand before or after the words, as
 * `--name value` or `--name=value`, `--` ends them. An empty argument is none: `--name "$UNSET"` is
 * a slip, not a wish. Which command takes which option, and what it means there where the words
 * below would not be true, is cli/command.h's to say. Pure: no printing, no environment. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "base/bytes.h"
#include "base/err.h"

/*    id                  name              letter  argument  what it is for */
#define OPT_LIST(X)                                                                              \
    X(OPT_STORE, "store", 0, "DIR", "the store (else $ASSAY_STORE, else the XDG data folder)")   \
    X(OPT_JSON, "json", 0, NULL, "one JSON object on standard output")                           \
    X(OPT_QUIET, "quiet", 'q', NULL, "no progress and no remarks")                               \
    X(OPT_AT, "at", 0, "TIME", "the time to use, in a store made with --lab (else $ASSAY_TIME)") \
    X(OPT_HELP, "help", 'h', NULL, "what the command does, with examples")                       \
    X(OPT_NAME, "name", 0, "N", "the artifact's name")                                           \
    X(OPT_VERSION, "version", 0, "V", "the artifact's version")                                  \
    X(OPT_LICENSE, "license", 0, "SPDX", "its licence, as an SPDX identifier")                   \
    X(OPT_SOURCE, "source", 0, "URI", "where it comes from")                                     \
    X(OPT_REVISION, "revision", 0, "R", "the revision of its source")                            \
    X(OPT_EXPECT, "expect", 0, "sha256:HEX", "refuse any other bytes")                           \
    X(OPT_FORMAT, "format", 0, "F", "what it must be: slm1, gguf or opaque")                     \
    X(OPT_MANIFEST, "manifest", 0, "FILE",                                                       \
      "a publisher's signed manifest; admit only what it says")                                  \
    X(OPT_OUTPUT, "output", 'o', "PATH", "where to write it")                                    \
    X(OPT_FORCE, "force", 0, NULL, "replace what is there")                                      \
    X(OPT_ALL, "all", 0, NULL, "all of them")                                                    \
    X(OPT_WHY, "why", 0, NULL, "what stands between it and the next channel")                    \
    X(OPT_KEY, "key", 0, "K", "the key: its name in the key folder")                             \
    X(OPT_RECORDS, "records", 0, "FILE", "the per-case records that the evidence names")         \
    X(OPT_KEEP, "keep", 0, "FILE", "write what the hunt found there, as a battery")              \
    X(OPT_FOR, "for", 0, "REF", "the artifact that the reports are about")                       \
    X(OPT_TYPE, "type", 0, "T", "source, review or support")                                     \
    X(OPT_FILE, "file", 0, "FILE", "the file that is meant; its digest is recorded")             \
    X(OPT_DIGEST, "digest", 0, "sha256:HEX", "the digest of what is meant")                      \
    X(OPT_ONLY, "only", 0, "a,b", "only these gates")                                            \
    X(OPT_CASES, "cases", 0, "WHICH", "its cases: flipped, wrong or all")                        \
    X(OPT_TRANSCRIPTS, "transcripts", 0, NULL, "what the model said, and what a hunt found")     \
    X(OPT_SUITE, "suite", 0, "FILE", "the suite whose cases are asked")                          \
    X(OPT_FIRST, "first", 0, "N", "how many of its cases, from the first on (48)")               \
    X(OPT_REPORT, "report", 0, "DIR", "the folder that reports go into")                         \
    X(OPT_SHARD, "shard", 0, "i/n", "only the i-th of n parts, counted from 1")                  \
    X(OPT_AGAIN, "again", 0, NULL, "measure anew even if fresh evidence is there")               \
    X(OPT_GATE, "gate", 0, "G", "only this gate")                                                \
    X(OPT_CORES, "cores", 0, "N", "processors for gates that run side by side (all)")            \
    X(OPT_MEMORY, "memory", 0, "N", "bytes of memory for them (what is free; K, M, G, T)")       \
    X(OPT_TO, "to", 0, "CHANNEL", "the channel")                                                 \
    X(OPT_DRY_RUN, "dry-run", 0, NULL, "say what would happen; record and change nothing")       \
    X(OPT_REASON, "reason", 0, "TEXT", "why, for the ledger")                                    \
    X(OPT_VERIFY, "verify", 0, NULL, "prove the chain, every signature and the head")            \
    X(OPT_AGAINST, "against", 0, "FILE", "a file that carries a head of this ledger")            \
    X(OPT_CSV, "csv", 0, NULL, "comma-separated lines, for a spreadsheet")                       \
    X(OPT_SINCE, "since", 0, "TIME", "only what happened then or later")                         \
    X(OPT_PROMPT, "prompt", 0, "T", "the text to begin with")                                    \
    X(OPT_PROMPT_POLICY, "prompt-policy", 0, "P",                                                \
      "what an incident keeps of the text: length, digest or full (length)")                     \
    X(OPT_MAX_NEW_TOKENS, "max-new-tokens", 0, "N", "generate at most N tokens (256)")           \
    X(OPT_TEMPERATURE, "temperature", 0, "X", "0 takes the likeliest token (0)")                 \
    X(OPT_TOP_K, "top-k", 0, "K", "draw from the K likeliest, 1 to 1024 (1)")                    \
    X(OPT_TOP_P, "top-p", 0, "P", "draw from the mass P, over 0, up to 1 (1)")                   \
    X(OPT_SEED, "seed", 0, "S", "seed of the draws (1)")                                         \
    X(OPT_THREADS, "threads", 0, "N", "threads that share the work, 1 to 64 (1)")                \
    X(OPT_ROUNDS, "rounds", 0, "N", "how often to measure, 1 to 99 (5)")                         \
    X(OPT_TOKENS, "tokens", 0, "N", "tokens a round (64 decoded, 256 of a prompt)")              \
    X(OPT_STREAM, "stream", 0, NULL,                                                             \
      "with --json: a line for each token or event, then the result")                            \
    X(OPT_UNPROVEN, "unproven", 0, NULL, "go on although nothing proves this program for it")    \
    X(OPT_TEXT, "text", 0, "FILE", "the text to read")                                           \
    X(OPT_MIB, "mib", 0, "N", "of so many MiB (256)")                                            \
    X(OPT_SEPARATOR, "separator", 0, "LINE", "split the text at lines that equal LINE")          \
    X(OPT_LAB, "lab", 0, NULL, "a store for experiments, in which the clock may be set")         \
    X(OPT_NO_PASSPHRASE, "no-passphrase", 0, NULL, "keys without a passphrase")                  \
    X(OPT_TENSOR, "tensor", 0, "NAME", "this tensor's values")                                   \
    X(OPT_NO_BOS, "no-bos", 0, NULL, "the text alone, without BOS and EOS")                      \
    X(OPT_DECODE, "decode", 0, NULL, "from ids back to text")                                    \
    X(OPT_SHAPE, "shape", 0, "FILE", "the model's shape as JSON (FOLDER/shape.json)")            \
    X(OPT_DTYPE, "dtype", 0, "T", "f32, q8_0 or q4_0 (f32)")                                     \
    X(OPT_OWNER, "owner", 0, "WHO", "whose key it is")                                           \
    X(OPT_THRESHOLD, "threshold", 0, "N", "how many of the role's keys must sign")               \
    X(OPT_REMOVE, "remove", 0, "ID", "the key that leaves the role")                             \
    X(OPT_DAYS, "days", 0, "N", "how many days it holds")                                        \
    X(OPT_PROPOSAL, "proposal", 0, "FILE", "go on with this proposed document")                  \
    X(OPT_PORT, "port", 0, "P", "the port to listen on, 0 for any (8117)")                       \
    X(OPT_EMERGENCY, "emergency", 0, NULL,                                                       \
      "now, without what the policy lets an emergency leave out")                                \
    X(OPT_REJECT, "reject", 0, NULL, "say no")                                                   \
    X(OPT_CHECK, "check", 0, "C", "the check, by its name in the evidence")                      \
    X(OPT_UNTIL, "until", 0, "TIME", "when it ends")                                             \
    X(OPT_HISTORY, "history", 0, NULL, "decide every past promotion again")                      \
    X(OPT_STAY, "stay", 0, NULL, "the old store is the living one again")                        \
    X(OPT_REPAIR, "repair", 0, NULL, "mend what can be mended, register what is lost")           \
    X(OPT_REBUILD_INDEX, "rebuild-index", 0, NULL, "fold packs and ledger into a new index")     \
    X(OPT_BYTES, "bytes", 0, "N", "how many bytes are to become free (K, M, G, T behind it)")    \
    X(OPT_SET_BYTES, "set-bytes", 0, "N", "the limit in bytes (K, M, G, T behind it), or none")  \
    X(OPT_SET_COUNT, "set-count", 0, "N", "the limit in artifacts, or none")                     \
    X(OPT_QUARANTINE, "quarantine", 0, NULL, "what was rejected, instead of the whole store")    \
    X(OPT_LIMIT, "limit", 0, "N", "at most N of them")                                           \
    X(OPT_AFTER, "after", 0, "REF", "those behind REF: the next page")                           \
    X(OPT_FROM, "from", 0, "PATH", "a good copy: a file, a folder of files, or a store")         \
    X(OPT_INDEX, "index", 0, NULL, "the index against headers and ledger; read no contents")

enum opt {
#define X(id, name, letter, arg, help) id,
    OPT_LIST(X)
#undef X
        OPT_COUNT
};

struct opt_shape {
    const char *name;
    char letter;     /* 0: none */
    const char *arg; /* what its argument is called, NULL: it takes none */
    const char *help;
};
extern const struct opt_shape opt_shapes[OPT_COUNT];

struct args {
    const char *value[OPT_COUNT]; /* NULL: not given; "" for one without an argument */
    char **word;                  /* [words], in order; borrowed from argv */
    size_t words;
    struct {
        bool yes, empty;
        enum opt id;
    } lacks; /* an option's argument is missing, or empty */
};
void args_release(struct args *a);

/* Reads argv[1…argc). ST_USAGE: an unknown option (with the nearest name), a missing, empty or
 * unwanted argument, an option given twice, an empty word. What was read until then stays in *out,
 * and so does a
 * --json behind it: whoever asked for JSON is told in JSON. */
enum status args_read(int argc, char **argv, struct args *out, struct err *e) MUST_CHECK;
/* That an option's argument is missing, or empty; shape: as the command calls it. */
enum status opt_lacking(const struct opt_shape *shape, bool empty, struct err *e) MUST_CHECK;
bool opt_given(const struct args *a, enum opt id);

/* Strict numbers: decimal digits, for opt_decimal one point with digits on both sides; ST_USAGE
 * naming option and range. An absent option leaves *out alone. */
enum status opt_u64(const struct args *a, enum opt id, uint64_t least, uint64_t most, uint64_t *out,
                    struct err *e) MUST_CHECK;
enum status opt_decimal(const struct args *a, enum opt id, double *out, struct err *e) MUST_CHECK;

/* How many single-letter edits turn a into b; at most 64 bytes of each count. */
size_t opt_distance(const char *a, const char *b);

#endif
