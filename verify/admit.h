/* Admission: the one way in, one transaction.
 *
 *     stage → bytes and SHA-256 as expected → signature and trust → structural parse → commit
 *                        └──────────────── any failure ────────────────┴─→ quarantine
 *
 * What claims to be a model (format asked for, .slm or .gguf, or the magic) and is not goes to
 * quarantine; a known format of others is refused by name, into quarantine as well; what claims
 * nothing is stored as `opaque`, never gateable. The parse runs in a sandboxed child.
 *
 * What goes to quarantine is what was handed in, whole: the archive or bundle that the files came
 * out of, else the folder, else the file. Released from there it is handed in again, as `held`. */
#ifndef VERIFY_ADMIT_H
#define VERIFY_ADMIT_H

#include "store/manifest.h"
#include "store/quarantine.h"
#include "verify/trust.h"

/* One file of what is admitted. */
struct admit_file {
    const char *path; /* in the manifest: relative */
    struct source from;
    uint64_t bytes; /* as it was when it was looked at; 0: not known. Advice only */
};

/* Files that come one by one, as out of an archive: each is read to its end before the next is
 * asked for, and its path is good until then. */
struct admit_stream {
    enum status (*next)(void *ctx, struct admit_file *out, bool *more, struct err *e);
    void *ctx;
};

/* What the stream takes apart: read to its end when it is refused. */
struct admit_whole {
    enum quarantine_kind kind; /* archive or bundle */
    struct source from;        /* read == NULL: there is none, the files are all */
    uint64_t bytes;
};

struct admit_request {
    const char *label;        /* what to call it in messages: the path as given, or "-" */
    struct admit_file *given; /* [given_count] */
    size_t given_count;
    struct admit_stream stream; /* instead of those, when its next is not NULL */
    bool folder;                /* a folder of files (its content digest is the listing's) */
    struct admit_whole whole;
    bool held;                  /* it lies in quarantine already: a refusal keeps nothing */
    const char *name, *version; /* NULL: from the path's stem and the content */
    const char *license, *source_uri, *revision; /* NULL: "" (license: the model's own) */
    const char *format;                          /* NULL or "slm1", "gguf", "opaque" */
    const struct digest *expect;                 /* NULL: none */
    struct span manifest_envelope;               /* a publisher's signed manifest; empty: none */
};

/* Who admits. */
struct admit_keys {
    const struct signer *publisher; /* NULL will do for a given manifest */
    const struct signer *log;
    struct clock clock;
};

struct admit_result {
    struct digest artifact; /* SHA-256 of the canonical manifest */
    struct content content; /* totals over the files; sha256 is the content digest */
    struct manifest manifest;
    bool existed;      /* that very artifact was there before */
    bool as_before;    /* its manifest has other paths or labels than asked for, which stay */
    bool brought_back; /* its bytes had been evicted */
    size_t signatures; /* of publishers, that a given manifest added to one that existed */
    bool quarantined;  /* then `quarantine` is filled and the call returned the refusal */
    struct quarantine_facts quarantine;
    struct err
        unkept; /* why refused bytes could not be put aside; ST_OK: they were, or were none */
};
void admit_result_release(struct admit_result *r);

/* What the request says the bytes are, as a JSON object of what was given: name, version, source,
 * digests. artifact: of the manifest that was given, if it could be read, or NULL. */
enum status admit_claimed(const struct admit_request *r, const struct digest *artifact,
                          struct buf *out, struct err *e) MUST_CHECK;

enum status admit(struct store *s, const struct trust *t, const struct admit_keys *keys,
                  const struct admit_request *request, struct progress *progress,
                  struct admit_result *out, struct err *e) MUST_CHECK;
/* Refuses request->whole, which could not be taken apart for the reason in e: into quarantine, as
 * admit would. Returns the refusal, or why it could not be kept. */
enum status admit_refuse(struct store *s, const struct admit_keys *keys,
                         const struct admit_request *request, struct admit_result *out,
                         struct err *e) MUST_CHECK;

#endif
