/* Commands: gates and their evidence. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "gate",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "run the gates over an artifact",
     .about =
         "Runs the gates that the policy asks for, each in a sandboxed child, and keeps one "
         "signed piece of\n"
         "evidence for each. Fresh evidence with the same identities is not measured again. "
         "Gates run side by\n"
         "side as far as cores and memory allow. Exit: 1 if any failed, else 3 if any could not "
         "be measured, else 4\n"
         "if any was inconclusive.",
     .examples = "assay gate tiny@1\nassay gate tiny@1 --only structural,smoke --again\n"
                 "assay gate tiny@1 --cores 1 --json --stream",
     .run = cmd_gate,
     OPTIONS(OPT_ONLY, OPT_AGAIN, OPT_CORES, OPT_MEMORY, OPT_STREAM)},
    {.name = "evidence add",
     .words = "FILE",
     .least = 1,
     .most = 16,
     .summary = "bring in evidence that was made elsewhere",
     .about =
         "FILE is a signed envelope, as evidence REF -o DIR writes it on another machine. It "
         "counts exactly as\n"
         "much as evidence made here: its signer must have the role gate, the artifact must be in "
         "this store, and\n"
         "it must be newer than the evidence of that gate that is here. --records FILE gives the "
         "per-case records\n"
         "that it names. With --for REF the FILEs are reports: results_*.json of "
         "lm-evaluation-harness, *.report.jsonl\n"
         "of garak. They become evidence of the gate reports, signed here, if they name the model "
         "and have the\n"
         "fingerprints that the policy states; --dry-run shows those (docs/gates.md).",
     .examples = "assay evidence add fromci/smoke.dsse.json\n"
                 "assay evidence add fromci/task.dsse.json --records fromci/task.records.jsonl\n"
                 "assay evidence add results.json garak.report.jsonl --for tiny@1",
     .run = cmd_evidence_add,
     OPTIONS(OPT_RECORDS, OPT_FOR, OPT_DRY_RUN),
     NOTES({OPT_RECORDS, .help = "the per-case records that the evidence names"},
           {OPT_DRY_RUN, .help = "show what the reports say, and their fingerprints"})},
    {.name = "evidence",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "read the evidence about an artifact",
     .about =
         "Each signed result with its checks: measured, limit, and why. With -o DIR the newest "
         "of each gate is\n"
         "written there, GATE.dsse.json and GATE.records.jsonl, for assay evidence add "
         "elsewhere. --cases tells the\n"
         "newest evidence of a gate (task, else --gate) case by case: those in which it differs "
         "from "
         "the channel's\n"
         "holder, the wrong ones, or all; --transcripts what the model said to the safety gate's "
         "prompts, and what\nthe hunt found; --keep FILE writes that as a battery (docs/gates.md).",
     .examples = "assay evidence tiny@1\nassay evidence tiny@1 --gate smoke --json\n"
                 "assay evidence tiny@1 -o out\nassay evidence tiny@2 --cases flipped\n"
                 "assay evidence tiny@2 --transcripts\nassay evidence tiny@2 --keep found.jsonl",
     .run = cmd_evidence,
     OPTIONS(OPT_GATE, OPT_OUTPUT, OPT_FORCE, OPT_CASES, OPT_TRANSCRIPTS, OPT_KEEP),
     NOTES({OPT_OUTPUT, .help = "the folder for the newest evidence of each gate", .arg = "DIR"})},
    {.name = "attest",
     .words = "REF [--type T]",
     .least = 1,
     .most = 1,
     .summary = "record what no gate can measure",
     .about =
         "--type source: the source archive or data set it was made from (--file or --digest, "
         "--source URI), said\n"
         "by the role publisher. --type review: somebody read its transcripts, role gate. --type "
         "support: somebody\n"
         "answers for it in production, role release. The last two need --reason. --key signs "
         "(else the key named\n"
         "like the role). Without --type the newest of each is shown. A policy may ask for any of "
         "them.",
     .examples = "assay attest tiny@1 --type source --file train.tar.zst --source "
                 "https://example.org/train\n"
                 "assay attest tiny@1 --type review --reason 'read 40 transcripts'\n"
                 "assay attest tiny@1",
     .run = cmd_attest,
     OPTIONS(OPT_TYPE, OPT_FILE, OPT_DIGEST, OPT_SOURCE, OPT_REASON, OPT_KEY),
     NOTES({OPT_FILE, .help = "the source; its digest is recorded", .with = OPT_TYPE},
           {OPT_DIGEST, .help = "the digest of the source", .with = OPT_TYPE},
           {OPT_SOURCE, .help = "where the source lies", .with = OPT_TYPE},
           {OPT_REASON, .help = "what was looked at; signed", .with = OPT_TYPE},
           {OPT_KEY, .help = "the key that signs (named like the role)", .with = OPT_TYPE})},
    {.name = "bisect",
     .words = "GOOD BAD",
     .least = 2,
     .most = 2,
     .summary = "name the tensors that carry a loss",
     .about = "Two artifacts of one shape. Each tensor of BAD is put into GOOD in turn, and the "
              "suite's first cases are\n"
              "asked. Named are those that alone cost something, and the fewest of the next "
              "dearest whose\n"
              "restoration brings BAD back. Nothing is copied: hybrids are views of both. The "
              "suite is choice,\n"
              "exact or text.",
     .examples = "assay bisect story@stable story@1.2 --suite pairs.jsonl\n"
                 "assay bisect 3f1c09ab 77aa01be --suite text.jsonl --first 200 --json",
     .run = cmd_bisect,
     OPTIONS(OPT_SUITE, OPT_FIRST)},
    {.name = "nightly",
     .words = "",
     .summary = "the gates again over all channels, with reports",
     .about = "Runs the gates that the policy's nightly section asks for over everything that "
              "holds a channel; fresh\n"
              "evidence is reused after its signature was checked again. --report DIR gets "
              "junit.xml, results.sarif,\n"
              "nightly.jsonl, summary.md and report.html. A killed run leaves no half evidence; "
              "the next one goes on.\n"
              "Exit 1 when a gate said no, else 3 when one could not be measured. docs/nightly.md "
              "has timers and CI jobs.",
     .examples = "assay nightly --report reports\nassay nightly --shard 1/4 --json",
     .run = cmd_nightly,
     OPTIONS(OPT_REPORT, OPT_SHARD, OPT_AGAIN, OPT_CORES, OPT_MEMORY)},
};

const struct command_table table_gate = {"gates and their evidence", rows,
                                         sizeof rows / sizeof *rows};
