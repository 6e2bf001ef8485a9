/* The closed list of what a call can come back with.
 *
 * Every fallible call returns one of these and must be checked. A status has a slug (stable, for
 * scripts and tests), a phrase (for people) and an exit code (docs/exit-codes.md). The statuses of
 * the model runtime carry, beside these, the error number of its ABI (runtime/diagnostics.h).
 *
 * A refusal by a gate or a policy is a verdict, not an error: it is a value the call hands out. It
 * becomes ST_REFUSED only at the very end, where a program has to leave with an exit code. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/*    name                  exit  slug                      phrase */
#define STATUS_LIST(X)                                                                       \
    X(ST_OK, 0, "ok", "done")                                                                \
    X(ST_REFUSED, 1, "refused", "a gate or a policy said no")                                \
    X(ST_CONFLICT, 1, "conflict", "something else changed it first")                         \
    X(ST_USAGE, 2, "usage", "the request makes no sense as it stands")                       \
    X(ST_CONFIG, 2, "config", "the configuration is not valid")                              \
    X(ST_AMBIGUOUS, 2, "ambiguous", "more than one thing matches")                           \
    X(ST_EXISTS, 2, "exists", "the name is bound to something else already")                 \
    X(ST_NULL_POINTER, 2, "null-pointer", "a required pointer was null")                     \
    X(ST_INVALID_LENGTH, 2, "invalid-length", "a length or setting is out of range")         \
    X(ST_INVALID_UTF8, 2, "invalid-utf8", "the text is not valid UTF-8")                     \
    X(ST_CONTEXT_EXCEEDED, 2, "context-exceeded", "the model's context has no room for it")  \
    X(ST_MODEL_NOT_LOADED, 2, "model-not-loaded", "no model is loaded")                      \
    X(ST_IO, 3, "io", "an input or output operation failed")                                 \
    X(ST_NO_MEMORY, 3, "no-memory", "memory could not be had")                               \
    X(ST_BUSY, 3, "busy", "another process holds it")                                        \
    X(ST_UNSUPPORTED, 3, "unsupported", "this machine or build cannot do it")                \
    X(ST_HARNESS, 3, "harness", "it could not be measured")                                  \
    X(ST_GENERATION_FAILED, 3, "generation-failed", "generation failed")                     \
    X(ST_OUTPUT_EXCEEDED, 3, "output-exceeded", "the output is larger than its buffer")      \
    X(ST_INCONCLUSIVE, 4, "inconclusive", "too little was measured to decide")               \
    X(ST_SIGNATURE, 5, "signature", "a signature is missing or does not verify")             \
    X(ST_UNTRUSTED, 5, "untrusted", "the signer is not trusted for this")                    \
    X(ST_EXPIRED, 6, "expired", "its time is over")                                          \
    X(ST_SET_BACK, 6, "set-back", "it is older than what was seen before")                   \
    X(ST_UNPROVEN, 6, "unproven", "nothing proves it")                                       \
    X(ST_CORRUPT, 7, "corrupt", "the bytes are damaged")                                     \
    X(ST_MISMATCH, 7, "mismatch", "the bytes are not what was asked for")                    \
    X(ST_FORMAT, 7, "format", "the bytes do not follow their format")                        \
    X(ST_QUARANTINED, 7, "quarantined", "the bytes were put in quarantine")                  \
    X(ST_MODEL_MAGIC, 7, "model-magic", "the bytes are no model of a known kind")            \
    X(ST_MODEL_VERSION, 7, "model-version", "the model's version is not supported")          \
    X(ST_MODEL_HEADER, 7, "model-header", "the model's header is not valid")                 \
    X(ST_MODEL_DIRECTORY, 7, "model-directory", "the model's tensor directory is not valid") \
    X(ST_MODEL_MISSING_TENSOR, 7, "model-missing-tensor", "the model lacks a tensor")        \
    X(ST_MODEL_SHAPE, 7, "model-shape", "a tensor's shape is wrong")                         \
    X(ST_MODEL_DTYPE, 7, "model-dtype", "a tensor's type is not supported")                  \
    X(ST_QUOTA, 8, "quota", "the quota is reached")                                          \
    X(ST_NO_SPACE, 8, "no-space", "the disk is full")                                        \
    X(ST_NOT_FOUND, 9, "not-found", "there is no such thing")                                \
    X(ST_CANCELLED, 130, "cancelled", "it was cancelled")                                    \
    X(ST_INTERRUPTED, 130, "interrupted", "it was interrupted")

enum status {
#define X(name, exit, slug, phrase) name,
    STATUS_LIST(X)
#undef X
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* The stable slug ("not-found"), the phrase for people, the exit code. Static strings. */
const char *status_slug(enum status st);
const char *status_phrase(enum status st);
int status_exit(enum status st);

#endif
