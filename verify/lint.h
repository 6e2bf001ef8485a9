/* Lint: what lies in a model's own texts and bytes that does no computing: URLs, characters that
 * move a terminal's cursor, programs and archives, and code in its chat template (templates are
 * programs that whoever serves the model runs). Nothing is asked of the model.
 *
 *     url                  a scheme and :// in a text of the metadata
 *     control-character    C0 (but tab and line ends in a value), DEL, C1, bidirectional controls;
 *                          bytes that are no UTF-8
 *     executable           ELF, PE, Mach-O, WebAssembly, a #! line
 *     archive              zip, gzip, xz, zstd, bzip2, 7z, rar, tar; pickle, PDF, SQLite
 *     encoded-file         the same, in base64
 *     template-code        attributes of Python's innards, names that reach out of the sandbox
 *     template-include     include, import, extends
 *     template-condition   asks whether a text stands in a message: says other things to some
 *     template-control, template-url
 *
 * Vocabularies are not looked at as texts: they hold every byte there is. What is found has where
 * (a key), a count and a sample of the first; all of it foreign. */
#ifndef VERIFY_LINT_H
#define VERIFY_LINT_H

#include "base/json_write.h"
#include "verify/gate_run.h"

enum lint {
    LINT_URL,
    LINT_CONTROL,
    LINT_EXECUTABLE,
    LINT_ARCHIVE,
    LINT_ENCODED,
    LINT_TEMPLATE_CODE,
    LINT_TEMPLATE_INCLUDE,
    LINT_TEMPLATE_CONDITION,
    LINT_TEMPLATE_CONTROL,
    LINT_TEMPLATE_URL,
    LINT_COUNT
};
const char *lint_name(enum lint l);

struct linted {
    struct {
        uint64_t count;
        char where[64], sample[64]; /* of the first, escaped to ASCII; UTF-8 to its last byte */
    } of[LINT_COUNT];
    bool has_template;
    struct digest chat_template;
};

/* The parts; each adds to what is there. */
void lint_value(struct linted *l, const char *where, struct span text);
void lint_bytes(struct linted *l, const char *where, struct span bytes, bool head_only);
void lint_template(struct linted *l, struct span text);
/* A whole model file. Runs in the sandbox. */
enum status lint_model(struct span file, struct linted *out, struct err *e) MUST_CHECK;

void lint_write(const struct linted *l, struct json_out *j);
/* Hostile: bounded, every member of its kind. ST_FORMAT. */
enum status lint_read(const struct json *v, struct linted *out, struct err *e) MUST_CHECK;

/* The safety gate's static part: the candidate's files, its template against the baseline's, as
 * checks named in verify/section_table.c. */
enum status lint_gate(const struct gate_subject *s, struct gate_checks *checks,
                      struct gate_result *result, struct err *e) MUST_CHECK;

#endif
