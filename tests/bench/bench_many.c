/* Makes a store large in number rather than in bytes, fast: bench_many STORE KEYS artifacts|chunks
 * N
 *
 * artifacts: N small opaque artifacts, each with a content, a signed manifest and all the state
 * that admission gives it, two hundred to a ledger entry. chunks: N records of 32 bytes in contents
 * of 8192 each, installed as one artifact. The store is made by `assay init --no-passphrase`. */
#include "base/files.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/change.h"
#include "store/commit.h"
#include "store/envelope.h"
#include "store/install.h"
#include "store/manifest.h"
#include "store/recipe_writer.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 200u

struct bench {
    struct store *s;
    struct signer *log, *publisher;
};

static void must(enum status st, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "%s: %s %s\n", err_code(e), e->subject, e->detail);
    exit(1);
}

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

/* -- artifacts -----------------------------------------------------------------------------------
 */

struct bytes_source {
    struct span left;
};

static enum status read_bytes(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct bytes_source *s = ctx;
    (void)e;
    *got = s->left.n < cap ? s->left.n : cap;
    if (*got > 0)
        memcpy(p, s->left.p, *got);
    s->left = SPAN(s->left.p + *got, s->left.n - *got);
    return ST_OK;
}

static void add_one(struct bench *b, struct change *c, uint64_t i, struct json_out *j)
{
    struct err e = ERR_NONE;
    char text[200], key[STORE_KEY_MAX], hex[DIGEST_TEXT], facts[700], file[DIGEST_TEXT];
    char envelope_hex[DIGEST_TEXT];
    struct manifest_file one = {.path = "file.bin"};
    struct manifest m = {.files = &one, .file_count = 1};
    struct content got;
    struct digest artifact, stored;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(install_release) struct install install = {.name = "model"};
    snprintf(text, sizeof text, "the bytes of artifact %llu", (unsigned long long)i);
    struct bytes_source from = {span_text(text)};
    must(change_content(c, (struct source){read_bytes, &from}, NULL, &got, &e), &e);
    one.bytes = got.bytes;
    one.sha256 = got.sha256;
    snprintf(m.name, sizeof m.name, "model%02u", (unsigned)(i % 100));
    snprintf(m.version, sizeof m.version, "%llu", (unsigned long long)i);
    must(manifest_encode(&m, &payload, &e), &e);
    artifact = digest_of(buf_span(&payload));
    must(envelope_sign(MANIFEST_TYPE, buf_span(&payload), b->publisher, &envelope, &e), &e);
    must(change_document(c, buf_span(&envelope), &stored, &e), &e);
    digest_text(&stored, envelope_hex);
    digest_text(&artifact, hex);
    digest_text(&got.sha256, file);
    snprintf(facts, sizeof facts,
             "{\"bytes\":%llu,\"content\":\"%s\",\"format\":\"opaque\",\"manifest\":\"%s\","
             "\"name\":\"%.80s\",\"self_signed\":true,\"stored_bytes\":100,"
             "\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"%.80s\"}",
             (unsigned long long)got.bytes, file, envelope_hex, m.name, m.version);
    install_key("artifact/", &artifact, key);
    member(j, key, facts);
    snprintf(key, sizeof key, "content/%s/%s", file, hex);
    member(j, key, "");
    install.bytes = got.bytes;
    buf_append(&install.contents, SPAN(got.sha256.b, DIGEST_BYTES));
    install_encode(&install, &value);
    install_key(INSTALL_PREFIX, &artifact, key);
    json_key(j, key);
    json_text(j, buf_span(&value));
    snprintf(key, sizeof key, "name/%.80s@%.80s", m.name, m.version);
    member(j, key, hex);
}

static void commit(struct bench *b, struct change *c, struct span set)
{
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    const struct change_entry entry = {.type = "add", .set = set, .log = b->log};
    must(change_commit(c, &entry, &seq, &e), &e);
}

static void make_artifacts(struct bench *b, uint64_t n)
{
    struct err e = ERR_NONE;
    for (uint64_t i = 0; i < n;) {
        SCOPED(change_scope) struct change *c = NULL;
        SCOPED(buf_release) struct buf set = BUF_EMPTY;
        struct json_out j = json_out(&set);
        json_object(&j);
        must(change_begin(b->s, &c, &e), &e);
        for (uint64_t end = i + BATCH; i < n && i < end; i++)
            add_one(b, c, i, &j);
        json_close(&j);
        commit(b, c, buf_span(&set));
    }
}

/* -- chunks --------------------------------------------------------------------------------------
 */

static enum status unknown(void *ctx, enum pack_kind kind, const struct digest *d, bool *found,
                           struct pack_location *at, struct err *e)
{
    (void)ctx, (void)kind, (void)d, (void)at, (void)e;
    *found = false;
    return ST_OK;
}

static enum status publish(void *ctx, struct pack_writer *pack, struct err *e)
{
    struct bench *b = ctx;
    return commit_pack(b->s, pack, NULL, e);
}

static void make_content(struct ingest *g, int staging, uint64_t first, uint64_t n,
                         struct digest *out)
{
    SCOPED(recipe_writer_release) struct recipe_writer w;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    struct err e = ERR_NONE;
    struct digest root;
    recipe_writer_begin(&w, staging);
    must(hasher_open(&h, &e), &e);
    for (uint64_t i = first; i < first + n; i++) {
        char text[33];
        struct digest d;
        snprintf(text, sizeof text, "chunk %026llu", (unsigned long long)i);
        must(ingest_record(g, PACK_CHUNK, span_text(text), &d, &e), &e);
        must(recipe_writer_add(&w, &d, 32, &e), &e);
        hasher_add(h, span_text(text));
    }
    *out = hasher_end(h);
    must(recipe_writer_end(&w, g, out, &root, &e), &e);
}

static void make_chunks(struct bench *b, uint64_t n)
{
    SCOPED(ingest_scope) struct ingest *g = NULL;
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(install_release) struct install install = {.name = "chunks", .bytes = n * 32};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    const struct ingest_calls calls = {.find = unknown, .sealed = publish, .ctx = b};
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    must(ingest_open(b->s->staging, b->s->packs, &calls, &g, &e), &e);
    for (uint64_t i = 0; i < n; i += 8192) {
        struct digest content;
        make_content(g, b->s->staging, i, n - i < 8192 ? n - i : 8192, &content);
        buf_append(&install.contents, SPAN(content.b, DIGEST_BYTES));
    }
    must(ingest_flush(g, &e), &e);
    install_encode(&install, &value);
    struct digest artifact = digest_of(span_text("chunks"));
    struct json_out j = json_out(&set);
    json_object(&j);
    install_key(INSTALL_PREFIX, &artifact, key);
    json_key(&j, key);
    json_text(&j, buf_span(&value));
    json_close(&j);
    must(change_begin(b->s, &c, &e), &e);
    commit(b, c, buf_span(&set));
}

int main(int argc, char **argv)
{
    struct bench b = {.s = NULL};
    struct err e = ERR_NONE;
    SCOPED(fd_release) int keys = -1;
    uint64_t n = 0;
    if (argc != 5 || !text_u64(span_text(argv[4]), &n)) {
        fprintf(stderr, "usage: bench_many STORE KEYS artifacts|chunks N\n");
        return 2;
    }
    must(io_open(AT_FDCWD, argv[2], O_RDONLY | O_DIRECTORY, 0, &keys, &e), &e);
    must(signer_open_file(keys, "log.key", NULL, NULL, &b.log, &e), &e);
    must(signer_open_file(keys, "publisher.key", NULL, NULL, &b.publisher, &e), &e);
    must(store_open(argv[1], &b.s, &e), &e);
    const uint64_t began = clock_ticks();
    if (strcmp(argv[3], "chunks") == 0)
        make_chunks(&b, n);
    else
        make_artifacts(&b, n);
    store_close(b.s);
    signer_close(b.log);
    signer_close(b.publisher);
    printf("%s %s made in %.1f s\n", argv[4], argv[3], (double)(clock_ticks() - began) / 1e9);
    return 0;
}
