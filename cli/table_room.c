/* Commands: how much is kept, and where. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "quota",
     .words = "",
     .summary = "how much there is, and how much may be",
     .about =
         "Without options: what is used of each limit. With them, sets limits: of the whole store, "
         "with\n"
         "--name of one name's installed artifacts, with --quarantine of what was rejected. N "
         "takes "
         "K, M, G\n"
         "or T (1024 each) behind it; `none` takes a limit away. The store's bytes are those of "
         "its "
         "packs,\n"
         "staging, quarantine and the reserve that sweeping needs; they are reserved before a byte "
         "is\n"
         "written and never exceeded. What would not fit is refused, exit 8.",
     .examples = "assay quota\nassay quota --set-bytes 200G --set-count 1000\n"
                 "assay quota --name tiny --set-bytes 10G\nassay quota --quarantine --set-bytes "
                 "none",
     .run = cmd_quota,
     OPTIONS(OPT_SET_BYTES, OPT_SET_COUNT, OPT_NAME, OPT_QUARANTINE),
     NOTES({OPT_NAME, .help = "the limits of this name"})},
    {.name = "pin",
     .words = "REF…",
     .least = 1,
     .most = ANY,
     .summary = "keep artifacts from being evicted",
     .about = "A pinned artifact is neither evicted nor removed until it is unpinned.",
     .examples = "assay pin tiny@1 --reason \"the baseline of all comparisons\"",
     .run = cmd_pin,
     OPTIONS(OPT_REASON),
     NOTES({OPT_REASON, .help = "why; kept with the pin"})},
    {.name = "unpin",
     .words = "REF…",
     .least = 1,
     .most = ANY,
     .summary = "take the pin out again",
     .about = "From then on the artifact may be evicted like any other.",
     .examples = "assay unpin tiny@1",
     .run = cmd_unpin},
    {.name = "evict",
     .words = "[REF…]",
     .most = ANY,
     .summary = "give up artifacts' bytes, not what is known of them",
     .about =
         "The REFs, or with --bytes as many artifacts as it takes, in this order: retired ones; "
         "those of which\n"
         "a newer version is here; the rest; within each the longest here first. What is pinned, "
         "in "
         "use, in a\n"
         "channel or a retained former holder never goes. Name, manifest and evidence stay: adding "
         "the same\n"
         "bytes brings the artifact back. The disk gets its room with `assay gc`. --dry-run shows "
         "order and\n"
         "reasons and changes nothing.",
     .examples = "assay evict --bytes 10G --dry-run\nassay evict --bytes 10G\nassay evict tiny@1",
     .run = cmd_evict,
     OPTIONS(OPT_BYTES, OPT_DRY_RUN, OPT_REASON),
     NOTES({OPT_DRY_RUN, .help = "show order and reasons; change nothing"})},
    {.name = "rm",
     .words = "REF…",
     .least = 1,
     .most = ANY,
     .summary = "remove artifacts and their names",
     .about =
         "Like evict, and the name goes too: no other artifact ever gets it, the same may come "
         "back. The\n"
         "ledger, manifest and evidence stay. Pinned, used, promoted and retained artifacts "
         "are refused,\n"
         "exit 1, and then none of those asked for goes.",
     .examples = "assay rm tiny@1 --reason \"licence withdrawn\"\nassay rm tiny@1 tiny@2 --dry-run",
     .run = cmd_rm,
     OPTIONS(OPT_REASON, OPT_DRY_RUN),
     NOTES({OPT_DRY_RUN, .help = "say what would go; change nothing"})},
    {.name = "gc",
     .words = "",
     .summary = "give room that nothing needs back to the disk",
     .about =
         "Packs that nothing needs are removed; those of which a quarter or more is free, and many "
         "small\n"
         "ones, are written anew. Others may add and read meanwhile. --dry-run says how many bytes "
         "it would\n"
         "free, exactly. Killed, it goes on with the next run.",
     .examples = "assay gc --dry-run\nassay gc",
     .run = cmd_gc,
     OPTIONS(OPT_DRY_RUN)},
    {.name = "copy",
     .words = "--to PATH | --stay --reason TEXT",
     .summary = "move the store to another place, and fence the old one",
     .about =
         "Copies the store to PATH, checks every byte there and puts it in place; the ledger goes "
         "along and is\n"
         "only extended. From then on the old store can be read but not changed, and says where it "
         "went.\n"
         "Interrupted or killed, the same command goes on. The keys are yours to move.\n"
         "When the new store is lost for good, --stay makes the old one the living one again, by a "
         "signed entry that\n"
         "says why. It is refused while the new one can be seen at its place; one that is "
         "elsewhere, "
         "or not mounted,\n"
         "cannot be seen: then there would be two ledgers that nobody can join.",
     .examples = "assay copy --to /new/disk/store\nassay --store /old/store copy --to "
                 "/mnt/other/store\nassay --store /old/store copy --stay --reason \"the new disk "
                 "died\" --dry-run",
     .run = cmd_copy,
     OPTIONS(OPT_TO, OPT_STAY, OPT_REASON, OPT_DRY_RUN),
     NOTES({OPT_TO, .help = "where the store goes", .arg = "PATH"},
           {OPT_REASON, .help = "why; an entry of the ledger", .with = OPT_STAY},
           {OPT_DRY_RUN, .help = "look whether it may; change nothing", .with = OPT_STAY})},
};

const struct command_table table_room = {"how much is kept", rows, sizeof rows / sizeof *rows};
