/* The tables that cli/command.h's commands come from: one file a family, rows in the order of help.
 * A new command is a row here, a cmd_ function in a cli/cmd_ file, and its prototype in
 * cli/command.h. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/command.h"

struct command_table {
    const char *title; /* of its group in help */
    const struct command *rows;
    size_t count;
};

extern const struct command_table table_store, table_room, table_trust, table_gate, table_approve,
    table_promote, table_model, table_self;

#define ANY 4096 /* words */

#define OPTIONS(...) \
    .options = {__VA_ARGS__}, .option_count = sizeof((enum opt[]){__VA_ARGS__}) / sizeof(enum opt)

#define NOTES(...)                                      \
    .notes = (const struct option_note[]){__VA_ARGS__}, \
    .note_count = sizeof((const struct option_note[]){__VA_ARGS__}) / sizeof(struct option_note)

#endif
