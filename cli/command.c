#include "cli/command.h"
#include "base/text.h"
#include <assert.h>
#include <string.h>

#define ANY 4096 /* words */

#define OPTIONS(...) \
    .options = {__VA_ARGS__}, .option_count = sizeof((enum opt[]){__VA_ARGS__}) / sizeof(enum opt)

const struct command commands[] = {
    {.name = "init",
     .words = "",
     .summary = "make a store, its keys and its trust",
     .about =
         "Makes the store, a key for each role (root, publisher, gate, release, policy) and one "
         "that signs the\n"
         "ledger, a single-person trust, and installs the policy preview-basic. A passphrase for "
         "the roles' keys\n"
         "is asked for on the terminal; without one, or with --no-passphrase, they have none, and "
         "the answer says\n"
         "so. The ledger's key never has one.\n"
         "All of it appears at once or not at all. Safe to repeat: what is there is kept and said.",
     .examples = "assay init\nassay --store ./s init --no-passphrase\nassay init --lab --at "
                 "2026-01-01T00:00:00Z",
     .run = cmd_init,
     OPTIONS(OPT_LAB, OPT_NO_PASSPHRASE)},
    {.name = "add",
     .words = "PATH…",
     .least = 1,
     .most = ANY,
     .summary = "admit files or folders",
     .about = "Each PATH is a file, a folder (one artifact of several files) or - for standard "
              "input. It is hashed,\n"
              "checked and parsed before it becomes visible; what claims to be a model and is not "
              "goes to\n"
              "quarantine (exit 7). With several PATHs --json prints one object a line. Archives "
              "are stored as\n"
              "they are, not taken apart.",
     .examples = "assay add model.slm\nassay add --name tiny --version 1 --license MIT model.gguf\n"
                 "assay add --expect sha256:HEX model.slm\ncurl -s URL | assay add --name tiny "
                 "--format gguf -",
     .run = cmd_add,
     OPTIONS(OPT_NAME, OPT_VERSION, OPT_LICENSE, OPT_SOURCE, OPT_REVISION, OPT_EXPECT, OPT_FORMAT,
             OPT_MANIFEST)},
    {.name = "ls",
     .words = "",
     .summary = "list the artifacts",
     .about = "Every artifact with its state.",
     .examples = "assay ls\nassay ls --json",
     .run = cmd_ls},
    {.name = "show",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "everything known about an artifact",
     .about = "Facts, channels and evidence. With --why, rule by rule, what stands between it and "
              "the next channel.",
     .examples = "assay show tiny@1\nassay show --why tiny@1\nassay show 3f1c09ab --json",
     .run = cmd_show,
     OPTIONS(OPT_WHY)},
    {.name = "get",
     .words = "REF -o PATH",
     .least = 1,
     .most = 1,
     .summary = "restore an artifact, checked",
     .about = "Every byte is hashed again on the way out; PATH appears whole or not at all. -o - "
              "writes a single\n"
              "file to standard output.",
     .examples = "assay get tiny@1 -o model.slm\nassay get tiny@preview -o model.slm --force",
     .run = cmd_get,
     OPTIONS(OPT_OUTPUT, OPT_FORCE, OPT_UNPROVEN)},
    {.name = "verify",
     .words = "[REF…]",
     .most = ANY,
     .summary = "hash everything again and check signatures",
     .about = "With REFs those artifacts, else (or with --all) the whole store: every pack, the "
              "ledger, the index,\n"
              "quarantine. Damage is named and exits 7; adding the same bytes again heals it.",
     .examples = "assay verify\nassay verify tiny@1 other@2\nassay verify --all --json",
     .run = cmd_verify,
     OPTIONS(OPT_ALL)},
    {.name = "key new",
     .words = "NAME",
     .least = 1,
     .most = 1,
     .summary = "make a key pair",
     .about = "NAME.key and NAME.pub in the key folder, in minisign's formats. Its passphrase is "
              "asked for on the\n"
              "terminal; without one, or with --no-passphrase, it has none, and the answer says "
              "so.",
     .examples = "assay key new release-2\nassay key new ci --no-passphrase",
     .run = cmd_key_new,
     OPTIONS(OPT_NO_PASSPHRASE)},
    {.name = "key ls",
     .words = "",
     .summary = "list the keys of the key folder",
     .about = "Names and ids; secrets stay where they are.",
     .examples = "assay key ls",
     .run = cmd_key_ls},
    {.name = "key export",
     .words = "NAME",
     .least = 1,
     .most = 1,
     .summary = "print a public key",
     .about = "In minisign's format: minisign -V -p takes it.",
     .examples = "assay key export publisher > my.pub",
     .run = cmd_key_export},
    {.name = "trust show",
     .words = "",
     .summary = "who may sign what, and until when",
     .about = "The trust in force: roles, keys, thresholds and days left.",
     .examples = "assay trust show\nassay trust show --json",
     .run = cmd_trust_show},
    {.name = "trust add",
     .words = "ROLE KEYFILE --owner WHO",
     .least = 2,
     .most = 2,
     .summary = "give a key a role",
     .about =
         "KEYFILE is a public key (assay key export). The next version of the trust is signed with "
         "--key (root)\n"
         "and comes into force at once if that is enough. Where several people have to sign, -o "
         "writes it as a\n"
         "proposal: each adds a signature with trust sign, and trust install takes it when the "
         "thresholds of the\n"
         "present version and of the next are both met. --proposal goes on with one, so that one "
         "version may hold\n"
         "several changes; signatures made until then are dropped.",
     .examples = "assay trust add gate ci.pub --owner ci\n"
                 "assay trust add root ben.pub --owner ben --threshold 2 -o trust-2.json",
     .run = cmd_trust_add,
     OPTIONS(OPT_OWNER, OPT_THRESHOLD, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE)},
    {.name = "trust rotate",
     .words = "[ROLE]",
     .most = 1,
     .summary = "issue the next version of the trust",
     .about = "With a new expiry (--days, else 365), and for ROLE perhaps another threshold or one "
              "key less. The\n"
              "present version's root and the next one's must both sign: assay help trust add says "
              "how several people do.",
     .examples = "assay trust rotate --days 90\nassay trust rotate root --remove 0123456789ABCDEF "
                 "-o trust-3.json",
     .run = cmd_trust_rotate,
     OPTIONS(OPT_THRESHOLD, OPT_REMOVE, OPT_DAYS, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE)},
    {.name = "trust revoke",
     .words = "ID",
     .least = 1,
     .most = 1,
     .summary = "take a lost key out of every role, for good",
     .about =
         "Nothing that only this key signed counts any more, whenever it was signed: a thief can "
         "write any date.\n"
         "All of that is listed; what is marked as since (--since, else now) may be the thief's, "
         "the "
         "rest can be\n"
         "signed again as it is. The key never comes back. --dry-run lists and changes nothing. If "
         "too "
         "few keys would\n"
         "be left for a threshold, lower that first with trust rotate.",
     .examples = "assay trust revoke 0123456789ABCDEF --since 2026-01-31T00:00:00Z --dry-run\n"
                 "assay trust revoke 0123456789ABCDEF --key root",
     .run = cmd_trust_revoke,
     OPTIONS(OPT_SINCE, OPT_DRY_RUN, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE)},
    {.name = "trust sign",
     .words = "FILE --key K -o PATH",
     .least = 1,
     .most = 1,
     .summary = "add a signature to a proposed trust",
     .about = "Needs no store. Says what the document holds and how many root signatures it has; "
              "read it before\nyou sign.",
     .examples = "assay trust sign trust-2.json --key root -o trust-2.signed.json",
     .run = cmd_trust_sign,
     OPTIONS(OPT_KEY, OPT_OUTPUT, OPT_FORCE)},
    {.name = "trust install",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "put a signed trust into force",
     .about = "It must be the next version, signed under the thresholds of the present one and its "
              "own. Never backwards.",
     .examples = "assay trust install trust-2.signed.json",
     .run = cmd_trust_install},
    {.name = "sign",
     .words = "REF --key K",
     .least = 1,
     .most = 1,
     .summary = "sign an artifact's manifest",
     .about = "Adds a publisher's signature by K to the manifest of REF and records it.",
     .examples = "assay sign tiny@1 --key publisher",
     .run = cmd_sign,
     OPTIONS(OPT_KEY)},
    {.name = "manifest",
     .words = "REF -o DIR",
     .least = 1,
     .most = 1,
     .summary = "publish an artifact's manifest",
     .about =
         "Writes manifest.json (canonical: its SHA-256 is the artifact), manifest.dsse.json (with "
         "the signature of\n"
         "every publisher who signed it here) and manifest.json.minisig, made now with --key "
         "(publisher), which\n"
         "minisign -V accepts. Whoever trusts the publishers admits with assay add --manifest only "
         "what it says.",
     .examples = "assay manifest tiny@1 -o published\nminisign -V -p publisher.pub -m "
                 "published/manifest.json\n"
                 "assay add model.slm --manifest published/manifest.dsse.json",
     .run = cmd_manifest,
     OPTIONS(OPT_OUTPUT, OPT_KEY, OPT_FORCE)},
    {.name = "policy check",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "check a policy file",
     .about = "Says line and column of what is wrong, or the digest the policy would have.",
     .examples = "assay policy check policies/preview-basic.yaml",
     .run = cmd_policy_check},
    {.name = "policy set",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "install a policy",
     .about = "Signs it with the key of the role policy, stores it by digest and records it in the "
              "ledger. FILE may\n"
              "be the name of a built-in policy: preview-basic.",
     .examples = "assay policy set policies/preview-basic.yaml\nassay policy set preview-basic",
     .run = cmd_policy_set},
    {.name = "policy show",
     .words = "",
     .summary = "print the installed policy",
     .about = "The law that gate and promote apply, with its digest.",
     .examples = "assay policy show --json",
     .run = cmd_policy_show},
    {.name = "gate",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "run the gates over an artifact",
     .about = "Runs the gates that the policy asks for, each in a sandboxed child, and keeps one "
              "signed piece of\n"
              "evidence for each. Fresh evidence with the same identities is not measured again. "
              "Exit: 1 if any\n"
              "failed, else 3 if any could not be measured, else 4 if any was inconclusive.",
     .examples = "assay gate tiny@1\nassay gate tiny@1 --only structural,smoke --again",
     .run = cmd_gate,
     OPTIONS(OPT_ONLY, OPT_AGAIN)},
    {.name = "evidence",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "read the evidence about an artifact",
     .about = "Each signed result with its checks: measured, limit, and why.",
     .examples = "assay evidence tiny@1\nassay evidence tiny@1 --gate smoke --json",
     .run = cmd_evidence,
     OPTIONS(OPT_GATE)},
    {.name = "promote",
     .words = "REF --to CHANNEL",
     .least = 1,
     .most = 1,
     .summary = "ask for a channel",
     .about = "Applies the installed policy to the evidence, rule by rule, and records the "
              "decision, granted or\n"
              "refused (exit 1). With --dry-run nothing is recorded.",
     .examples = "assay promote tiny@1 --to preview\nassay promote tiny@1 --to preview --dry-run",
     .run = cmd_promote,
     OPTIONS(OPT_TO, OPT_DRY_RUN)},
    {.name = "rollback",
     .words = "NAME@CHANNEL --reason TEXT",
     .least = 1,
     .most = 1,
     .summary = "go back to a former holder",
     .about = "By default to the last one; --to names another.",
     .examples = "assay rollback tiny@preview --reason 'wrong licence'\n"
                 "assay rollback tiny@preview --to tiny@1 --reason regression",
     .run = cmd_rollback,
     OPTIONS(OPT_TO, OPT_REASON)},
    {.name = "channels",
     .words = "[NAME@CHANNEL]",
     .most = 1,
     .summary = "who holds what, and who did",
     .about = "All channels, or one with its former holders, newest first.",
     .examples = "assay channels\nassay channels tiny@preview",
     .run = cmd_channels},
    {.name = "log",
     .words = "",
     .summary = "read the ledger, or prove it",
     .about =
         "One line an entry, oldest first. With --verify: the chain, every signature and the head.",
     .examples = "assay log\nassay log --name tiny --since 2026-01-01\nassay log --verify --json",
     .run = cmd_log,
     OPTIONS(OPT_VERIFY, OPT_NAME, OPT_SINCE)},
    {.name = "quarantine ls",
     .words = "",
     .summary = "list what was rejected",
     .about = "Rejected bytes with the stage and the exact defect.",
     .examples = "assay quarantine ls --json",
     .run = cmd_quarantine_ls},
    {.name = "quarantine show",
     .words = "ID",
     .least = 1,
     .most = 1,
     .summary = "look at rejected bytes",
     .about =
         "Stage, code and byte offset, the bytes around it in hex, and what was parsed until then.",
     .examples = "assay quarantine show 12-0a1b2c3d4e5f",
     .run = cmd_quarantine_show},
    {.name = "run",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "generate text",
     .about = "Loads the verified bytes of REF and streams what the model says. The defaults take "
              "the likeliest\n"
              "token each time; for draws give --temperature and --top-k.",
     .examples = "assay run tiny@preview --prompt 'Once upon a time'\n"
                 "assay run tiny@1 --temperature 0.8 --top-k 40 --seed 7 --max-new-tokens "
                 "100\nassay run tiny@1 --json",
     .run = cmd_run,
     OPTIONS(OPT_PROMPT, OPT_MAX_NEW_TOKENS, OPT_TEMPERATURE, OPT_TOP_K, OPT_TOP_P, OPT_SEED,
             OPT_STREAM, OPT_UNPROVEN)},
    {.name = "eval",
     .words = "REF --text FILE",
     .least = 1,
     .most = 1,
     .summary = "how likely is a text",
     .about = "Log-likelihood of a text, each part alone: nats a token and bits a byte. Parts end "
              "at lines that\n"
              "equal LINE; white space at both ends is dropped, and so are empty parts.",
     .examples = "assay eval tiny@1 --text sample.txt --separator '<|endoftext|>'",
     .run = cmd_eval,
     OPTIONS(OPT_TEXT, OPT_SEPARATOR, OPT_UNPROVEN)},
    {.name = "inspect",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "look into a model file",
     .about = "What it claims to be, its facts and what it would need, without a store. A bad file "
              "exits 7.",
     .examples = "assay inspect model.gguf\nassay inspect model.slm --json",
     .run = cmd_inspect},
    {.name = "tokenize",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "turn text into token ids",
     .about = "With the vocabulary of the model FILE; the text comes from --prompt, --text or "
              "standard input.",
     .examples = "assay tokenize model.slm --prompt 'the cat'\nassay tokenize model.gguf --text "
                 "a.txt --json",
     .run = cmd_tokenize,
     OPTIONS(OPT_PROMPT, OPT_TEXT)},
    {.name = "pack",
     .words = "FOLDER -o FILE",
     .least = 1,
     .most = 1,
     .summary = "make an SLM1 file from raw tensors",
     .about = "FOLDER holds one little-endian f32 file a tensor (layers.0.wq.weight.f32), perhaps "
              "a BPE1 section\n"
              "as tokenizer.bin (else bytes are the tokens), and shape.json: vocab_size, "
              "hidden_size, layer_count,\n"
              "head_count, kv_head_count, head_dim, ffn_size, max_context; rope_theta and "
              "rms_norm_epsilon as text;\n"
              "tied. All tensors, norms too, are of the type asked for.",
     .examples = "assay pack tensors -o model.slm\nassay pack tensors -o model.slm --dtype q8_0",
     .run = cmd_pack,
     OPTIONS(OPT_OUTPUT, OPT_SHAPE, OPT_DTYPE, OPT_FORCE)},
    {.name = "fsck",
     .words = "--rebuild-index",
     .summary = "fold the index again from packs and ledger",
     .about = "The index is only a fold of packs and ledger: this makes it anew and swaps it in.",
     .examples = "assay fsck --rebuild-index",
     .run = cmd_fsck,
     OPTIONS(OPT_REBUILD_INDEX)},
    {.name = "completion",
     .words = "bash",
     .least = 1,
     .most = 1,
     .summary = "print the shell's completion",
     .about = "For bash.",
     .examples = "eval \"$(assay completion bash)\"",
     .run = cmd_completion},
    {.name = "version",
     .words = "",
     .summary = "which program this is",
     .about = "Version and its own SHA-256.",
     .examples = "assay version --json",
     .run = cmd_version},
    {.name = "help",
     .words = "[COMMAND]",
     .most = 2,
     .summary = "what a command does, with examples",
     .about = "Without a COMMAND, all of them.",
     .examples = "assay help\nassay help add\nassay key new --help",
     .run = cmd_help},
};
const size_t command_count = sizeof commands / sizeof *commands;

bool command_global(enum opt id)
{
    return id == OPT_STORE || id == OPT_JSON || id == OPT_QUIET || id == OPT_AT || id == OPT_HELP;
}

bool command_takes(const struct command *c, enum opt id)
{
    for (size_t i = 0; i < c->option_count; i++) {
        if (c->options[i] == id)
            return true;
    }
    return command_global(id);
}

/* Does `name` ("key new") begin with the word? */
static bool is_family(const char *name, const char *word)
{
    size_t n = strlen(word);
    return strncmp(name, word, n) == 0 && name[n] == ' ';
}

bool command_family(const char *word)
{
    bool family = false;
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, word) == 0)
            return false; /* a command that others are named after tells of itself */
        family = family || is_family(commands[i].name, word);
    }
    return family;
}

static enum status family_member(char *const *word, size_t words, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    for (size_t i = 0; i < command_count; i++) {
        if (is_family(commands[i].name, word[0]))
            buf_fmt(&list, "%s%s", list.n > 0 ? ", " : "", commands[i].name + strlen(word[0]) + 1);
    }
    buf_byte(&list, 0);
    if (buf_status(&list) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a message");
    if (words < 2)
        return err_set(e, ST_USAGE, "command-unknown", "%s what? One of: %s", word[0],
                       (char *)list.p);
    return err_set(e, ST_USAGE, "command-unknown", "there is no %s %s; there is: %s", word[0],
                   word[1], (char *)list.p);
}

enum status command_find(char *const *word, size_t words, const struct command **out, size_t *used,
                         struct err *e)
{
    assert(words > 0);
    const char *near = NULL;
    size_t distance = 3;
    bool family = false;
    for (size_t i = 0; i < command_count; i++) {
        const char *name = commands[i].name;
        bool two = is_family(name, word[0]);
        family = family || two;
        if (strcmp(name, word[0]) == 0 ||
            (two && words > 1 && strcmp(strchr(name, ' ') + 1, word[1]) == 0)) {
            *out = &commands[i];
            *used = two ? 2 : 1;
            return ST_OK;
        }
        size_t d = opt_distance(word[0], name);
        if (d < distance) {
            distance = d;
            near = name;
        }
    }
    if (family)
        return family_member(word, words, e);
    if (near != NULL)
        return err_set(e, ST_USAGE, "command-unknown", "there is no command %s; did you mean %s?",
                       word[0], near);
    return err_set(e, ST_USAGE, "command-unknown", "there is no command %s; assay help lists them",
                   word[0]);
}

/* The option of the command whose name is nearest to a foreign one's. */
static enum status not_taken(const struct command *c, enum opt id, struct err *e)
{
    const char *near = NULL;
    size_t distance = 3;
    for (size_t i = 0; i < c->option_count; i++) {
        size_t d = opt_distance(opt_shapes[id].name, opt_shapes[c->options[i]].name);
        if (d < distance) {
            distance = d;
            near = opt_shapes[c->options[i]].name;
        }
    }
    if (near != NULL)
        return err_set(e, ST_USAGE, "option-unknown", "%s takes no --%s; did you mean --%s?",
                       c->name, opt_shapes[id].name, near);
    return err_set(e, ST_USAGE, "option-unknown", "%s takes no --%s", c->name, opt_shapes[id].name);
}

enum status command_check(const struct command *c, const struct args *a, size_t words,
                          struct err *e)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        if (opt_given(a, (enum opt)i) && !command_takes(c, (enum opt)i))
            return not_taken(c, (enum opt)i, e);
    }
    if (words < c->least)
        return err_set(e, ST_USAGE, "words", "%s needs %s", c->name, c->words);
    if (words > c->most && c->most == 0)
        return err_set(e, ST_USAGE, "words", "%s takes no words", c->name);
    if (words > c->most)
        return err_set(e, ST_USAGE, "words", "%s takes only %s", c->name, c->words);
    return ST_OK;
}
