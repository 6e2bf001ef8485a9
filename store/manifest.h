/* Manifests: what an artifact is, in canonical JSON. The SHA-256 of the canonical payload is the
 * artifact's identity; it holds no recipe and no time, so two machines agree.
 *
 *     {"files":[{"bytes":N,"path":"model.slm","sha256":HEX}],"license":"CC0-1.0",
 *      "model":{"family":…,"format":"slm1","format_version":1,"internal_checksum":HEX16|null,
 *               "parameters":N,"quantization":"q8_0","shape":{…},"tokenizer":{"kind":…,"sha256":HEX}},
 *      "name":…,"schema":"assay.manifest/1","source":{"kind":…,"revision":…,"uri":…},"version":…}
 *
 * An opaque artifact has "model":null. Absent texts are "". The content digest of an artifact is
 * its file's SHA-256, and for more than one file the SHA-256 of their `sha256sum` listing, sorted
 * by path (in-toto's dirHash). */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "base/json.h"
#include "store/digest.h"

#define MANIFEST_TYPE     "application/vnd.assay.manifest+json"
#define MANIFEST_FILES    4096
#define MANIFEST_NAME_MAX 129 /* [a-z0-9][a-z0-9._-]{0,127} and a NUL */

struct manifest_file {
    char path[512]; /* relative, '/' between components, no "." or ".." */
    uint64_t bytes;
    struct digest sha256;
};

struct manifest_model {
    bool present;    /* false: opaque */
    char format[16]; /* "slm1", "gguf" */
    uint32_t format_version;
    char family[64];
    char quantization[16];
    uint64_t parameters;
    char internal_checksum[17]; /* 16 hex digits, "" none */
    char tokenizer_kind[32];
    struct digest tokenizer_sha256;
    uint32_t vocab, hidden, layers, heads, kv_heads, head_dim, ffn, context;
};

struct manifest {
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX];
    char license[128];
    char source_uri[1024], source_revision[256], source_kind[32];
    struct manifest_model model;
    struct manifest_file *files; /* [file_count], sorted by path; from heap_alloc */
    size_t file_count;
};
void manifest_release(struct manifest *m);

bool manifest_name_valid(const char *s);
enum status manifest_encode(const struct manifest *m, struct buf *canonical,
                            struct err *e) MUST_CHECK;
enum status manifest_decode(struct span canonical, struct manifest *out, struct err *e) MUST_CHECK;
/* The first member in which two manifests differ ("model.quantization"), NULL when they agree. */
const char *manifest_difference(const struct manifest *a, const struct manifest *b);
/* ST_NO_MEMORY. */
enum status manifest_content(const struct manifest *m, struct digest *out,
                             struct err *e) MUST_CHECK;

#endif
