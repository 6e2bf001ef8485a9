/* Commands: the law, decisions, and who holds what. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "policy check",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "check a policy file",
     .about = "Says line and column of what is wrong, or the digest the policy would have.",
     .examples = "assay policy check policies/preview-basic.yaml",
     .run = cmd_policy_check},
    {.name = "policy explain",
     .words = "[FILE]",
     .most = 1,
     .summary = "a policy in plain sentences",
     .about = "Of FILE, or of the law in force.",
     .examples = "assay policy explain\nassay policy explain policies/strict.yaml",
     .run = cmd_policy_explain},
    {.name = "policy diff",
     .words = "FILE [FILE]",
     .least = 1,
     .most = 2,
     .summary = "what changes from one policy to another",
     .about =
         "Rule by rule, old → new: from the first FILE to the second, or from the law in force "
         "to FILE. Exit 0\n"
         "whether or not something changes.",
     .examples = "assay policy diff policies/strict.yaml\nassay policy diff default strict",
     .run = cmd_policy_diff},
    {.name = "policy test",
     .words = "FILE --history",
     .least = 1,
     .most = 1,
     .summary = "what another policy would have decided",
     .about =
         "Decides every past promotion again under FILE, from the evidence, approvals and times "
         "in the store; runs\n"
         "no model and changes nothing. Tells what would have been decided otherwise, and why.",
     .examples = "assay policy test policies/strict.yaml --history",
     .run = cmd_policy_test,
     OPTIONS(OPT_HISTORY)},
    {.name = "policy set",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "install a policy",
     .about =
         "Signs it with the key of the role policy, stores it by digest and records it in the "
         "ledger. FILE may\n"
         "be the name of a policy that comes with the program: preview-basic, default, strict,\n"
         "nightly. Where the trust asks for several signatures, -o FILE only signs it as the next "
         "law\nof this store; each other adds his with policy sign, and policy set FILE puts it "
         "into "
         "force.",
     .examples = "assay policy set policies/preview-basic.yaml\nassay policy set preview-basic\n"
                 "assay policy set strict -o law.json",
     .run = cmd_policy_set,
     OPTIONS(OPT_KEY, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key that signs, of the role policy (policy)"},
           {OPT_OUTPUT, .help = "the signed law, put into force by nobody yet", .arg = "FILE"})},
    {.name = "policy sign",
     .words = "FILE --key K -o PATH",
     .least = 1,
     .most = 1,
     .summary = "add a signature to a policy",
     .about =
         "Needs no store. FILE was written by policy set -o. Says what the policy asks for, of "
         "which store\nand which version of its law; read it before you sign.",
     .examples = "assay policy sign law.json --key policy -o law.signed.json",
     .run = cmd_policy_sign,
     OPTIONS(OPT_KEY, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_KEY, .help = "the key that signs, of the role policy"},
           {OPT_OUTPUT, .help = "the same with one signature more", .arg = "FILE"})},
    {.name = "policy show",
     .words = "",
     .summary = "print the installed policy",
     .about = "The law that gate and promote apply, with its digest.",
     .examples = "assay policy show --json",
     .run = cmd_policy_show},
    {.name = "promote",
     .words = "REF --to CHANNEL",
     .least = 1,
     .most = 1,
     .summary = "ask for a channel",
     .about = "Applies the installed policy to the evidence, rule by rule, and records the "
              "decision, granted or\n"
              "refused (exit 1). With --dry-run nothing is recorded, and what is missing is named "
              "with who could give\n"
              "it and when. --emergency, with its reason, leaves out what the policy lets an "
              "emergency leave out.",
     .examples = "assay promote tiny@1 --to preview\nassay promote tiny@1 --to preview --dry-run",
     .run = cmd_promote,
     OPTIONS(OPT_TO, OPT_DRY_RUN, OPT_EMERGENCY, OPT_REASON),
     NOTES({OPT_TO, .help = "the channel to go to"},
           {OPT_REASON, .help = "why it cannot wait", .with = OPT_EMERGENCY})},
    {.name = "rollback",
     .words = "NAME@CHANNEL --reason TEXT",
     .least = 1,
     .most = 1,
     .summary = "go back to a former holder",
     .about = "By default to the last one; --to names another.",
     .examples = "assay rollback tiny@preview --reason 'wrong licence'\n"
                 "assay rollback tiny@preview --to tiny@1 --reason regression",
     .run = cmd_rollback,
     OPTIONS(OPT_TO, OPT_REASON),
     NOTES({OPT_TO, .help = "the former holder that comes back (the last that was not taken out)",
            .arg = "REF"})},
    {.name = "demote",
     .words = "NAME@CHANNEL --reason TEXT",
     .least = 1,
     .most = 1,
     .summary = "take the holder out of a channel",
     .about = "Nobody holds it then, and nothing is handed out by it until the next promotion or "
              "rollback.",
     .examples = "assay demote tiny@stable --reason 'it leaks'",
     .run = cmd_demote,
     OPTIONS(OPT_REASON)},
    {.name = "retire",
     .words = "REF --reason TEXT",
     .least = 1,
     .most = 1,
     .summary = "take an artifact out of service for good",
     .about =
         "It leaves every channel that it holds and is never promoted or rolled back to again.",
     .examples = "assay retire tiny@1 --reason 'superseded'",
     .run = cmd_retire,
     OPTIONS(OPT_REASON)},
    {.name = "channels",
     .words = "[NAME@CHANNEL] [--at T]",
     .most = 1,
     .summary = "who holds what, and who did",
     .about = "All channels, or one with its former holders, newest first. With --at: who held it "
              "at that time, from\n"
              "the ledger itself, each entry verified; T may be a date.",
     .examples = "assay channels\nassay channels tiny@preview\n"
                 "assay channels tiny@preview --at 2026-01-31",
     .run = cmd_channels,
     .asks_at = true,
     NOTES({OPT_AT, .help = "who held it then: a date, or a time"})},
    {.name = "audit",
     .words = "SEQ",
     .least = 1,
     .most = 1,
     .summary = "decide a ledger entry again",
     .about =
         "A promotion or a refusal, from the policy, trust, evidence and approvals of its time, "
         "all verified anew.\n"
         "Exit 0 when the same comes out, 1 when not.",
     .examples = "assay audit 17",
     .run = cmd_audit},
    {.name = "log",
     .words = "[SEQ -o DIR]",
     .most = 1,
     .summary = "read the ledger, or prove it",
     .about =
         "One line an entry, oldest first. With --name as a report for auditors: what happened to "
         "that artifact and\n"
         "who signed it; --csv is the same for a spreadsheet. With --verify: the chain, every "
         "signature and the head; "
         "and with\n"
         "--against that it goes on from the head that FILE carries, so that a store set back as a "
         "whole is\n"
         "caught (exit 6). FILE: a request, an approval, a bundle, a publication, a copy of "
         "ledger.head, or what\n"
         "log --verify --json printed. With SEQ that entry and the signed documents that it names "
         "are "
         "written\ninto DIR, for other tools to verify.",
     .examples =
         "assay log\nassay log --name tiny --since 2026-01-01\nassay log --csv > ledger.csv\n"
         "assay log 12 -o entry12\n"
         "assay log --verify --json > kept.json\nassay log --verify --against kept.json",
     .run = cmd_log,
     OPTIONS(OPT_VERIFY, OPT_AGAINST, OPT_NAME, OPT_SINCE, OPT_CSV, OPT_OUTPUT, OPT_FORCE),
     NOTES(
         {OPT_NAME, .help = "only what happened to it, and who signed"},
         {OPT_OUTPUT, .help = "with SEQ: the folder for the entry and its documents", .arg = "DIR"},
         {OPT_JSON, .help = "one JSON object a line"})},
};

const struct command_table table_promote = {"the law, decisions, and who holds what", rows,
                                            sizeof rows / sizeof *rows};
