/* Reports of a night, each a file that some other program or a person reads. Pure: a night in,
 * bytes out, the same for the same night.
 *
 *     JUnit XML     one test suite a gate of an item, one test case a check; failure = the gate
 * said no, error = it could not measure, inconclusive = skipped with its reason SARIF 2.1.0   one
 * result for each check that did not pass; rule ids and fingerprints stay the same from night to
 * night JSON lines    one event a line, each with the SHA-256 of the line before: sealed by its
 * last Markdown      a job summary: the verdict first, under 1 MiB whatever the night HTML one file
 * that needs nothing else: verdict, tables, trend plots, light and dark
 *
 * Whatever came from a model or a manifest is escaped for the format it goes into. Failure to get
 * memory is the buf's. */
#ifndef PROMOTE_REPORT_H
#define PROMOTE_REPORT_H

#include "promote/night.h"

void report_junit(const struct night *n, struct buf *out);
void report_sarif(const struct night *n, struct buf *out);
void report_lines(const struct night *n, struct buf *out);
#define REPORT_MARKDOWN_MAX (1000u << 10) /* bytes; a job summary may have 1 MiB */
void report_markdown(const struct night *n, struct buf *out);
/* Trends are read from the store while it is written. */
enum status report_html(const struct night *n, const struct pipeline *p, struct buf *out,
                        struct err *e) MUST_CHECK;

/* Text for XML and HTML: the five characters become entities; bytes that are no UTF-8 and what
 * XML 1.0 does not allow become U+FFFD. */
void report_escape(struct buf *out, const char *text);

#endif
