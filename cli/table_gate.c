/* Commands: gates and their evidence. */
#include "cli/table.h"

static const struct command rows[] = {
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
};

const struct command_table table_gate = {"gates and their evidence", rows,
                                         sizeof rows / sizeof *rows};
