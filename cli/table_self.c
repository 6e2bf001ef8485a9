/* Commands: the program itself. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "bench store",
     .words = "",
     .summary = "where the store's time goes on this machine",
     .about = "Measures each stage by itself and whole adds, verifications and gets in a temporary "
              "store below -o DIR\n"
              "(else $TMPDIR, else /var/tmp), beside the machine's own limits. Medians of five "
              "rounds.",
     .examples = "assay bench store\nassay bench store --mib 1024 -o /srv/models --json",
     .run = cmd_bench_store,
     OPTIONS(OPT_MIB, OPT_OUTPUT),
     NOTES(
         {OPT_OUTPUT, .help = "measure below this folder ($TMPDIR, else /var/tmp)", .arg = "DIR"})},
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

const struct command_table table_self = {"the program itself", rows, sizeof rows / sizeof *rows};
