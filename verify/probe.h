/* A probe: a model container parsed in a sandboxed child, facts and verdict brought back.
 *
 *     probe_start → every byte of the file into probe_sink → probe_finish
 *
 * Admission and the structural gate look at a file through the same probe, so both refuse the same
 * bytes with the same words. A child that crashes, hangs, floods or answers nonsense refuses its
 * file: code "parser-crash", "parser-deadline", "parser-flood", "parser-answer" … */
#ifndef VERIFY_PROBE_H
#define VERIFY_PROBE_H

#include "base/stream.h"
#include "verify/facts.h"

struct probe_result {
    bool accepted; /* false: `refusal` says why */
    bool unread;   /* by no fault of the file: memory or a pipe failed here or in the child;
                    * probe_finish fails then, with `refusal` */
    struct err refusal;
    struct model_facts facts; /* when accepted */
    struct digest tokenizer;  /* when accepted */
    struct buf parsed;        /* JSON object: the facts as far as they were read; may be empty */
    char level[64];           /* of the sandbox */
};
void probe_result_release(struct probe_result *r);

struct probe;
enum status probe_start(enum model_format format, uint64_t file_bytes, struct probe **out,
                        struct err *e) MUST_CHECK;
/* Where the file's bytes go. Fails with ST_CANCELLED once the child has made up its mind: that is
 * no failure of the probe, go on to probe_finish. */
struct sink probe_sink(struct probe *p);
/* ST_OK whether accepted or refused; an error says nothing about the file. */
enum status probe_finish(struct probe *p, struct probe_result *out, struct err *e) MUST_CHECK;
/* What a child answered about a file of that format and length; hostile. Anything but one
 * well-formed and consistent answer is a refusal, code "parser-answer". */
void probe_read(struct span answer, enum model_format format, uint64_t file_bytes,
                struct probe_result *out);
void probe_free(struct probe *p);
SCOPE_OF(probe, struct probe, probe_free)

#endif
