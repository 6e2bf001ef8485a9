/* Commands: what other people have to agree to, and exceptions of the law. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "request",
     .words = "REF --to CHANNEL -o FILE",
     .least = 1,
     .most = 1,
     .summary = "ask other people for a channel",
     .about = "Writes one text file with everything they need to agree far away: the artifact's "
              "manifest, the evidence,\n"
              "the policy, the trust, and what the channel holds now. It is signed by the log key "
              "and holds for --days\n"
              "(7). Send it by whatever carries files.",
     .examples = "assay request tiny@1 --to stable -o r.json\n"
                 "assay request tiny@1 --to stable --emergency --reason 'it leaks' -o r.json",
     .run = cmd_request,
     OPTIONS(OPT_TO, OPT_EMERGENCY, OPT_REASON, OPT_DAYS, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_TO, .help = "the channel that is asked for"},
           {OPT_REASON, .help = "why it cannot wait", .with = OPT_EMERGENCY},
           {OPT_DAYS, .help = "how many days the request may be answered (7)"},
           {OPT_OUTPUT, .help = "the request", .arg = "FILE"})},
    {.name = "review",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "what a request asks for, verified here",
     .about = "Needs no store. Every document inside is verified under the trust inside, and the "
              "policy inside is\n"
              "applied to the evidence inside. Whether that trust is the one you mean, only you "
              "can say: compare its\n"
              "digest and its root keys.",
     .examples = "assay review r.json",
     .run = cmd_review},
    {.name = "approve",
     .words = "FILE --key K --reason TEXT -o FILE",
     .least = 1,
     .most = 1,
     .summary = "say yes to a request, or no",
     .about =
         "Reviews the request and signs your answer with your key; needs no store. --reject "
         "says no. The answer\n"
         "holds for this artifact, this channel as it is held now, this policy and this trust.",
     .examples = "assay approve r.json --key release --reason 'read the transcripts' -o ben.json\n"
                 "assay approve r.json --key release --reject --reason 'no source' -o ben.json",
     .run = cmd_approve,
     OPTIONS(OPT_KEY, OPT_REASON, OPT_REJECT, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_REASON, .help = "why; signed into the answer"},
           {OPT_OUTPUT, .help = "the answer", .arg = "FILE"})},
    {.name = "approvals add",
     .words = "FILE…",
     .least = 1,
     .most = ANY,
     .summary = "take approvals into the store",
     .about =
         "Each is verified and recorded in the ledger. One that cannot count any more is refused: "
         "of another store,\n"
         "by a key that the trust does not know, expired, or asked for under another policy, "
         "trust or holder.",
     .examples = "assay approvals add ben.json",
     .run = cmd_approvals_add,
     NOTES({OPT_JSON, .help = "one JSON object a FILE"})},
    {.name = "approvals ls",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "who said what about an artifact",
     .about = "Every approval in the store, and why one does not count any more.",
     .examples = "assay approvals ls tiny@1",
     .run = cmd_approvals_ls},
    {.name = "waive",
     .words = "REF [--gate G --check C --until TIME --reason TEXT]",
     .least = 1,
     .most = 1,
     .summary = "let one check of one artifact pass for a while",
     .about = "Needs the approvals that the policy asks for waivers, and the key of the role "
              "policy. With -o it only\n"
              "writes the request for them; the same without -o then waives. With REF alone: what "
              "is waived, and until when.",
     .examples = "assay waive tiny@1 --gate smoke --check 'load time' --until 2026-02-01 --reason "
                 "'slow disk' -o w.json\n"
                 "assay waive tiny@1 --gate smoke --check 'load time' --until 2026-02-01 --reason "
                 "'slow disk'",
     .run = cmd_waive,
     OPTIONS(OPT_GATE, OPT_CHECK, OPT_UNTIL, OPT_REASON, OPT_DAYS, OPT_OUTPUT, OPT_FORCE),
     NOTES({OPT_GATE, .help = "the gate whose check it is"},
           {OPT_UNTIL, .help = "when the waiver ends"},
           {OPT_REASON, .help = "why; signed into the waiver"},
           {OPT_DAYS, .help = "how many days the request may be answered (7)", .with = OPT_OUTPUT},
           {OPT_OUTPUT, .help = "write the request for the approvals, waive nothing yet",
            .arg = "FILE"})},
    {.name = "freeze",
     .words = "[NAME, NAME@CHANNEL or @CHANNEL --until TIME --reason TEXT]",
     .most = 1,
     .summary = "let nothing in for a while",
     .about = "Signed by --key, of the role release (the default) or policy. Going back stays "
              "possible: rollback, demote,\n"
              "retire. Without a target: what is frozen.",
     .examples =
         "assay freeze tiny --until 2026-02-01 --reason 'audit'\n"
         "assay freeze @stable --until 2026-01-05T08:00:00Z --reason holidays\nassay freeze",
     .run = cmd_freeze,
     OPTIONS(OPT_UNTIL, OPT_REASON, OPT_KEY),
     NOTES({OPT_UNTIL, .help = "when the freeze ends"},
           {OPT_REASON, .help = "why; signed into the freeze"},
           {OPT_KEY, .help = "the key that signs, of the role release or policy (release)"})},
    {.name = "thaw",
     .words = "NAME, NAME@CHANNEL or @CHANNEL --reason TEXT",
     .least = 1,
     .most = 1,
     .summary = "end a freeze before its time",
     .about = "Signed by --key, of the role policy (the default): anybody who promotes may stop, "
              "not everybody may go on.",
     .examples = "assay thaw tiny --reason 'the audit is done'",
     .run = cmd_thaw,
     OPTIONS(OPT_REASON, OPT_KEY),
     NOTES({OPT_REASON, .help = "why; signed, for the ledger"},
           {OPT_KEY, .help = "the key that signs, of the role policy (policy)"})},
};

const struct command_table table_approve = {"other people's word, and exceptions", rows,
                                            sizeof rows / sizeof *rows};
