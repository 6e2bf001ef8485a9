/* What is past. */
#ifndef CLI_PAST_H
#define CLI_PAST_H

#include "cli/cli.h"

/* The whole answer of channels [NAME@CHANNEL] --at T. */
enum status channels_at(struct cli *c, struct err *e) MUST_CHECK;
/* A moment as a date or a time; ST_USAGE naming the option. */
enum status read_moment(const char *option, const char *text, int64_t *out,
                        struct err *e) MUST_CHECK;

#endif
