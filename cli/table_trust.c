/* Commands: keys, who may sign, and what is published. */
#include "cli/table.h"

static const struct command rows[] = {
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
     OPTIONS(OPT_OWNER, OPT_THRESHOLD, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key of the role root that signs (root)"},
           {OPT_OUTPUT, .help = "write a proposal, put nothing into force", .arg = "FILE"})},
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
     OPTIONS(OPT_THRESHOLD, OPT_REMOVE, OPT_DAYS, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key of the role root that signs (root)"},
           {OPT_DAYS, .help = "how many days from now it holds (365)"},
           {OPT_OUTPUT, .help = "write a proposal, put nothing into force", .arg = "FILE"})},
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
     OPTIONS(OPT_SINCE, OPT_DRY_RUN, OPT_KEY, OPT_PROPOSAL, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_SINCE, .help = "since when it may be in foreign hands (now)"},
           {OPT_DRY_RUN, .help = "list what it voids; change nothing"},
           {OPT_KEY, .help = "the key of the role root that signs (root)"},
           {OPT_OUTPUT, .help = "write a proposal, put nothing into force", .arg = "FILE"})},
    {.name = "trust sign",
     .words = "FILE --key K -o PATH",
     .least = 1,
     .most = 1,
     .summary = "add a signature to a proposed trust",
     .about = "Needs no store. Says what the document holds and how many root signatures it has; "
              "read it before\nyou sign.",
     .examples = "assay trust sign trust-2.json --key root -o trust-2.signed.json",
     .run = cmd_trust_sign,
     OPTIONS(OPT_KEY, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key that signs"},
           {OPT_OUTPUT, .help = "the same with one signature more", .arg = "FILE"})},
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
     .words = "REF|FILE --key K [-o PATH]",
     .least = 1,
     .most = 1,
     .summary = "sign an artifact's manifest",
     .about =
         "Adds a publisher's signature by K to the manifest of REF and records it; it counts "
         "towards the threshold of\n"
         "the role publisher, which K must have. With -o it needs no store: FILE is a published "
         "manifest.dsse.json,\n"
         "PATH the same with one signature more, which assay add --manifest takes where the "
         "artifact is.",
     .examples = "assay sign tiny@1 --key publisher\n"
                 "assay sign published/manifest.dsse.json --key publisher -o signed.json",
     .run = cmd_sign,
     OPTIONS(OPT_KEY, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key that signs, of the role publisher"},
           {OPT_OUTPUT, .help = "FILE with one signature more"})},
    {.name = "manifest",
     .words = "REF -o DIR",
     .least = 1,
     .most = 1,
     .summary = "publish an artifact's manifest",
     .about =
         "Writes manifest.json (canonical: its SHA-256 is the artifact), manifest.dsse.json (with "
         "the signature of\n"
         "every publisher who signed it here), manifest.json.minisig, made now with --key "
         "(publisher), which\n"
         "minisign -V accepts, and head.json, which shows later whether this store was set back "
         "(log --verify\n--against). Whoever trusts the publishers admits with assay add "
         "--manifest only "
         "what it says.",
     .examples = "assay manifest tiny@1 -o published\nminisign -V -p publisher.pub -m "
                 "published/manifest.json\n"
                 "assay add model.slm --manifest published/manifest.dsse.json",
     .run = cmd_manifest,
     OPTIONS(OPT_OUTPUT, OPT_KEY, OPT_FORCE),
     NOTES({OPT_OUTPUT, .help = "the folder for its files", .arg = "DIR"},
           {OPT_KEY, .help = "the key for minisign (publisher)"})},
};

const struct command_table table_trust = {"keys, who may sign, and what is published", rows,
                                          sizeof rows / sizeof *rows};
