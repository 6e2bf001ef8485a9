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
    {.name = "policy set",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "install a policy",
     .about =
         "Signs it with the key of the role policy, stores it by digest and records it in the "
         "ledger. FILE may\n"
         "be the name of a policy that comes with the program: preview-basic, default, strict,\n"
         "nightly.",
     .examples = "assay policy set policies/preview-basic.yaml\nassay policy set preview-basic",
     .run = cmd_policy_set},
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
         "One line an entry, oldest first. With --verify: the chain, every signature and the head; "
         "and with\n"
         "--against that it goes on from the head that FILE carries, so that a store set back as a "
         "whole is\n"
         "caught (exit 6). FILE: a request, an approval, a bundle, a publication, a copy of "
         "ledger.head, or what\n"
         "log --verify --json printed.",
     .examples = "assay log\nassay log --name tiny --since 2026-01-01\n"
                 "assay log --verify --json > kept.json\nassay log --verify --against kept.json",
     .run = cmd_log,
     OPTIONS(OPT_VERIFY, OPT_AGAINST, OPT_NAME, OPT_SINCE)},
};

const struct command_table table_promote = {"the law, decisions, and who holds what", rows,
                                            sizeof rows / sizeof *rows};
