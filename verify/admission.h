/* One admission while it is under way: what is known of its files, and the judgements that are
 * passed on them in turn. Private to verify/admit*.c.
 *
 * A judgement fills `why` and returns ADMIT_REFUSED when the bytes are refused (they go to
 * quarantine); it returns ADMIT_FAILED with `e` filled when the request or the machine is at fault
 * (nothing is kept). */
#ifndef VERIFY_ADMISSION_H
#define VERIFY_ADMISSION_H

#include "verify/admit.h"
#include "verify/probe.h"

enum admit_step { ADMIT_FINE, ADMIT_REFUSED, ADMIT_FAILED };

/* A file as it went in. */
struct admitted {
    char path[sizeof((struct manifest_file *)NULL)->path];
    struct content content;
    uint8_t head[MODEL_SNIFF_BYTES];
    size_t head_bytes;
};

struct admission {
    struct store *store;
    const struct trust *trust;
    const struct admit_keys *keys;
    const struct admit_request *request;
    struct change *change;
    struct admitted *files; /* [file_count], sorted by path */
    size_t file_count, file_room;
    struct digest content; /* of the whole */
    size_t model;          /* index into files, or file_count: opaque */
    enum model_format format;
    struct envelope given;  /* the publisher's manifest, when there is one */
    struct manifest stated; /* what it says */
    bool signed_by_other;   /* both above are filled */
    struct probe_result probe;
    struct manifest manifest; /* what the bytes say; moves into the result */
    struct err why;           /* of a refusal */
    size_t culprit;           /* the file that is refused; file_count: the whole */
};

/* Stages every file and sorts them by path; at least one, none twice. */
enum status admit_stage(struct admission *a, struct progress *progress, struct err *e) MUST_CHECK;
/* Digest and size as asked for, signature and trust of a given manifest, its files. */
enum admit_step admit_judge_claims(struct admission *a, struct err *e);
/* What kind of file each is; foreign ones refused by name; at most one model. */
enum admit_step admit_judge_kind(struct admission *a, struct err *e);
/* The model's structure, parsed in a sandboxed child. */
enum admit_step admit_judge_structure(struct admission *a, struct err *e);
/* The manifest: what the request, the bytes and a given manifest say, and that they agree. */
enum admit_step admit_judge_manifest(struct admission *a, struct err *e);
/* When the artifact that holds the name has the same files' bytes, in order, and nothing that was
 * asked for contradicts it, this is an admission of it: its manifest, its paths and labels, become
 * ours. ST_EXISTS otherwise; e stays as it was, or tells what contradicts. */
enum status admit_same(struct admission *a, const struct digest *holder, struct err *e) MUST_CHECK;

#endif
