/* Commands: what is kept, and its health. */
#include "cli/table.h"

static const struct command rows[] = {
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
              "quarantine (exit 7). With several PATHs --json prints one object a line.\n"
              "A .tar, .tar.zst or .zip is taken apart in a sandbox: its regular files become one "
              "artifact, like a\n"
              "folder's; links, devices, unsafe names and bombs are refused. --format opaque keeps "
              "it as it is.",
     .examples = "assay add model.slm\nassay add --name tiny --version 1 --license MIT model.gguf\n"
                 "assay add --expect sha256:HEX model.slm\ncurl -s URL | assay add --name tiny "
                 "--format gguf -",
     .run = cmd_add,
     OPTIONS(OPT_NAME, OPT_VERSION, OPT_LICENSE, OPT_SOURCE, OPT_REVISION, OPT_EXPECT, OPT_FORMAT,
             OPT_MANIFEST),
     NOTES({OPT_JSON, .help = "one JSON object a PATH"})},
    {.name = "ls",
     .words = "",
     .summary = "list the artifacts",
     .about = "Every artifact with its state and whether it is pinned, in the order of\n"
              "NAME@VERSION. With --limit a page of them, whose cost does not grow with the\n"
              "store; --after goes on behind one.",
     .examples = "assay ls\nassay ls --json\nassay ls --limit 50 --after tiny@1",
     .run = cmd_ls,
     OPTIONS(OPT_LIMIT, OPT_AFTER)},
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
     OPTIONS(OPT_OUTPUT, OPT_FORCE, OPT_UNPROVEN),
     NOTES({OPT_OUTPUT, .help = "where it goes; - is standard output"})},
    {.name = "export",
     .words = "REF -o FILE",
     .least = 1,
     .most = 1,
     .summary = "an artifact and what speaks for it, as one file",
     .about = "Writes a reproducible tar.zst: the files, the manifest with all its signatures, the "
              "newest evidence\n"
              "of each gate, decisions and trust. A REF by channel is proven first, as for get.",
     .examples = "assay export tiny@1 -o tiny.tar.zst\nassay export tiny@preview -o tiny.tar.zst",
     .run = cmd_export,
     OPTIONS(OPT_OUTPUT, OPT_FORCE, OPT_UNPROVEN),
     NOTES({OPT_OUTPUT, .help = "the bundle, a .tar.zst", .arg = "FILE"})},
    {.name = "import",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "take an exported artifact in, checked",
     .about =
         "The bundle is taken apart in a sandbox and admitted like add --manifest: a publisher "
         "that this store\n"
         "trusts must have signed it. Its evidence is taken like evidence add; decisions are "
         "about another\n"
         "store and count for nothing here.",
     .examples = "assay import tiny.tar.zst",
     .run = cmd_import},
    {.name = "verify",
     .words = "[REF…]",
     .most = ANY,
     .summary = "hash everything again and check signatures",
     .about = "With REFs those artifacts, else (or with --all) the whole store: every pack, the "
              "ledger, the index,\n"
              "quarantine. Damage is named and exits 7; adding the same bytes again heals it.",
     .examples = "assay verify\nassay verify tiny@1 other@2\nassay verify --all --json",
     .run = cmd_verify,
     OPTIONS(OPT_ALL),
     NOTES({OPT_ALL, .help = "the whole store, as without REFs"})},
    {.name = "fsck",
     .words = "",
     .summary = "check the store's health, and mend it",
     .about =
         "Without options the whole store, as verify does: every byte is hashed again, and what is "
         "wrong is\n"
         "named with object, file, chunk, pack and offset; files that are none of ours are told. "
         "With --index\n"
         "no contents are read. --repair mends what it can: ledger.head, the index, heads and "
         "trailers of\n"
         "packs, and from a good copy (--from) damaged contents; what nobody has is registered as "
         "lost, never\n"
         "filled up. --rebuild-index folds the index anew from packs and ledger alone.",
     .examples = "assay fsck\nassay fsck --index\nassay fsck --repair --from "
                 "/backup/model.slm\nassay fsck --repair --from /other/store\nassay fsck "
                 "--rebuild-index",
     .run = cmd_fsck,
     OPTIONS(OPT_INDEX, OPT_REPAIR, OPT_FROM, OPT_REBUILD_INDEX)},
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
     .about = "Stage, code and byte offset, what the bytes were said to be, those around the "
              "offset in hex, and what was\n"
              "parsed until then.",
     .examples = "assay quarantine show 12-0a1b2c3d4e5f",
     .run = cmd_quarantine_show},
    {.name = "quarantine add",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "put a file aside by hand",
     .about = "Keeps the bytes apart, with the reason, for whoever has to look at them.",
     .examples = "assay quarantine add suspect.gguf --reason 'mail of 3 May'",
     .run = cmd_quarantine_add,
     OPTIONS(OPT_REASON),
     NOTES({OPT_REASON, .help = "why; kept with the bytes"})},
    {.name = "quarantine release",
     .words = "ID",
     .least = 1,
     .most = 1,
     .summary = "admit quarantined bytes, if they pass now",
     .about =
         "What was handed in goes through the whole of add or import again, never around it, "
         "as it was\n"
         "said to be, --expect and all; options say otherwise. Then the entry is gone. What is "
         "refused\n"
         "again stays as it is, with the first reason.",
     .examples = "assay quarantine release 12-0a1b2c3d4e5f --name tiny --version 2\n"
                 "assay quarantine release 12-0a1b2c3d4e5f --manifest tiny.manifest.json",
     .run = cmd_quarantine_release,
     OPTIONS(OPT_NAME, OPT_VERSION, OPT_LICENSE, OPT_SOURCE, OPT_REVISION, OPT_EXPECT, OPT_FORMAT,
             OPT_MANIFEST)},
    {.name = "quarantine purge",
     .words = "ID…",
     .most = ANY,
     .summary = "remove quarantined bytes for good",
     .about = "The ledger keeps what they were; the bytes are gone.",
     .examples = "assay quarantine purge 12-0a1b2c3d4e5f\nassay quarantine purge --all",
     .run = cmd_quarantine_purge,
     OPTIONS(OPT_ALL),
     NOTES({OPT_JSON, .help = "one JSON object an ID"},
           {OPT_ALL, .help = "everything in quarantine"})},
};

const struct command_table table_store = {"what is kept, and its health", rows,
                                          sizeof rows / sizeof *rows};
