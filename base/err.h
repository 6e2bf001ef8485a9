/* What went wrong, told where it was first seen.
 *
 * The caller owns the struct (usually one on the stack of the command) and passes it down as the
 * last argument. It is filled once, where the failure is first seen, and only annotated on the way
 * out; it holds no pointers to free and allocates nothing. `code` and `stage` must be string
 * literals. Text in `subject` and `detail` may come from hostile files: it is kept as it came and
 * escaped by whoever prints it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/status.h"
#include <stdint.h>

#define ERR_NO_OFFSET   UINT64_MAX
#define ERR_SUBJECT_MAX 256
#define ERR_DETAIL_MAX  512

struct err {
    enum status status; /* never ST_OK once set */
    int sys;            /* errno, 0 when no system call failed */
    const char *code;   /* the exact defect ("gguf-dims-overflow"), NULL: the status's slug */
    const char *stage;  /* where in the work ("header", "signature"), NULL: not known */
    uint64_t offset;    /* byte offset within the subject, ERR_NO_OFFSET: none */
    char subject[ERR_SUBJECT_MAX]; /* what it is about: a path, a REF, a tensor; "" until annotated
                                    */
    char detail[ERR_DETAIL_MAX];   /* one sentence that explains, with the numbers in it */
};

/* An err with nothing in it. */
#define ERR_NONE ((struct err){.offset = ERR_NO_OFFSET})

/* Fills *e and returns st, so that a failing call reads `return err_set(e, ST_X, "code", "...")`.
 * The format is text_fmt's (base/text.h). */
enum status err_set(struct err *e, enum status st, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with a stage and the byte offset at which the bytes went wrong. */
enum status err_at(struct err *e, enum status st, const char *stage, const char *code,
                   uint64_t offset, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* A failed system call: picks ST_NOT_FOUND, ST_EXISTS, ST_NO_SPACE, ST_QUOTA, ST_NO_MEMORY,
 * ST_BUSY, ST_UNSUPPORTED, ST_INTERRUPTED or ST_IO from the errno value `sys`; `what` says what was
 * tried
 * ("open"). Hosts only. */
enum status err_sys(struct err *e, int sys, const char *what, const char *subject);

/* Annotations: each fills its field only if it is still empty. err_subject replaces an empty
 * subject; err_stage an absent stage. Both return e->status so that they can stand in a return,
 * ST_IO when nobody has filled it. */
enum status err_subject(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum status err_stage(struct err *e, const char *stage);

/* The code to show: e->code, or the status's slug. */
const char *err_code(const struct err *e);

#endif
