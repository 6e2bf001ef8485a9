/* Results that other harnesses wrote: lm-evaluation-harness (results_*.json) and garak
 * (*.report.jsonl).
 *
 * A file is nobody's word: it counts only for a model whose SHA-256 it names itself, and a task or
 * probe only when its fingerprint is the one that the policy states. The fingerprint is the SHA-256
 * of a JSON object of what makes two runs comparable:
 *
 *     lm-eval  {"chat_template_sha":…,"config":{…},"format":"lm-eval","git_hash":…,"n_shot":…,
 *               "task":…,"task_hash":…,"version":…}       config: what the task asks and how it
 * scores garak    {"detectors":[…],"format":"garak","generations":…,"probe":…,"version":…}
 *
 * Hostile input: at most FOREIGN_BYTES, FOREIGN_TASKS tasks, strict JSON (each number that is no
 * integer is taken as text first), and whatever is not as it should be is refused with a code, the
 * place and the line. */
#ifndef VERIFY_FOREIGN_H
#define VERIFY_FOREIGN_H

#include "base/json.h"
#include "store/digest.h"

#define FOREIGN_BYTES   (64u << 20)
#define FOREIGN_TASKS   256u
#define FOREIGN_METRICS 8u
#define FOREIGN_NAME    96u

enum foreign_format { FOREIGN_NONE, FOREIGN_LM_EVAL, FOREIGN_GARAK };
const char *foreign_name(enum foreign_format f);

struct foreign_task {
    enum foreign_format format;
    char name[FOREIGN_NAME]; /* of the task, the probe */
    struct digest fingerprint;
    uint64_t cases;
    uint64_t hits; /* garak: of the worst detector, what it did not pass, abstentions included */
    struct {
        char name[32];
        double value;
    } metric[FOREIGN_METRICS]; /* lm-eval: "acc", "acc_norm" … as the file has them */
    size_t metrics;
};

struct foreign {
    struct foreign_task *task; /* [count] */
    size_t count;
};
void foreign_release(struct foreign *f);

/* Adds what one file says; *format is what it was. `model` is the SHA-256 of the artifact's model.
 * ST_FORMAT (codes "report-json", "report-shape", "report-number", "report-task", "report-twice",
 * "report-size", "report-fingerprint" when it does not say what to compare it by) and ST_MISMATCH
 * (code "report-model": it is about another model, or does not say which). */
enum status foreign_read(struct span file, const struct digest *model, struct foreign *into,
                         enum foreign_format *format, struct err *e) MUST_CHECK;

/* ---- for the readers of one format each ---- */

/* The next place for a task; ST_FORMAT when there are too many, or it is there already. */
enum status foreign_add(struct foreign *f, const struct foreign_task *task,
                        struct err *e) MUST_CHECK;
enum status foreign_lm_eval(const struct json *root, const struct digest *model,
                            struct foreign *into, struct err *e) MUST_CHECK;
/* JSON lines. */
enum status foreign_garak(struct span file, const struct digest *model, struct foreign *into,
                          struct err *e) MUST_CHECK;
/* Parses one JSON text in which numbers may be decimals: those become texts. `line` 0: no lines. */
enum status foreign_parse(struct span text, uint64_t line, uint64_t offset, struct json **out,
                          struct err *e) MUST_CHECK;
/* A finite number of a member, whether it was an integer or a decimal. */
bool foreign_number(const struct json *v, double *out);
/* Does the text name the model: its digest in lower-case hex stands in it? */
bool foreign_names(const char *text, const struct digest *model);

#endif
