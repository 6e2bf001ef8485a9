/* How long a ledger takes to prove: bench_ledger FOLDER ENTRIES
 *
 * In a fresh FOLDER: a store whose ledger has that many signed entries of the shape of evidence,
 * its index folded anew, then the proof of chain, signatures and head three times. The store and
 * the key stay, for `assay --store FOLDER/store log --verify`. */
#include "base/clock.h"
#include "base/files.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/check.h"
#include "store/ledger.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define FLUSH_AT (8u << 20)

static void must(enum status st, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "%s: %s %s\n", err_code(e), e->subject, e->detail);
    exit(1);
}

static void told(const char *what, uint64_t entries, uint64_t begun)
{
    double s = (double)(clock_ticks() - begun) / 1e9;
    printf("%-8s %llu entries in %.3f s, %.0f a second\n", what, (unsigned long long)entries, s,
           (double)entries / s);
}

/* What `gate` writes: a body and one key of the state. */
static void shape(uint64_t i, struct buf *body, struct buf *set)
{
    struct digest d = digest_of(SPAN(&i, sizeof i)), artifact = digest_of(span_text("artifact"));
    char hex[DIGEST_TEXT], name[DIGEST_TEXT];
    digest_text(&d, hex);
    digest_text(&artifact, name);
    body->n = set->n = 0;
    buf_fmt(body,
            "{\"artifact\":\"%s\",\"evidence\":\"%s\",\"gate\":\"smoke\",\"verdict\":\"pass\"}",
            name, hex);
    buf_fmt(set, "{\"evidence/%s/smoke/%016llu\":\"%s\"}", name, (unsigned long long)i, hex);
}

static void fill(const char *store, const struct signer *log, uint64_t entries)
{
    struct err e = ERR_NONE;
    SCOPED(store_scope) struct store *s = NULL;
    SCOPED(fd_release) int dir = -1;
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct store_facts f;
    uint64_t at = 0;
    must(store_open(store, &s, &e), &e);
    must(store_facts(s, &f, &e), &e);
    must(io_open(AT_FDCWD, store, O_RDONLY | O_DIRECTORY, 0, &dir, &e), &e);
    must(io_open(dir, "ledger", O_RDWR, 0, &fd, &e), &e);
    must(io_size(fd, &at, &e), &e);
    for (uint64_t i = f.seq + 1; i <= entries; i++) {
        line.n = 0;
        shape(i, &body, &set);
        must(ledger_encode(i, &f.head, "evidence", "2126-01-02T03:04:05Z", buf_span(&body),
                           buf_span(&set), log, &line, &f.head, &e),
             &e);
        buf_append(&text, buf_span(&line));
        if (text.n < FLUSH_AT && i < entries)
            continue;
        must(io_write_at(fd, buf_span(&text), at, &e), &e);
        at += text.n;
        text.n = 0;
    }
    must(pending_file(dir, "ledger.head", 0600, buf_span(&line), true, &e), &e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int dir = -1;
    SCOPED(signer_scope) struct signer *log = NULL;
    SCOPED(store_scope) struct store *s = NULL;
    struct public_key key;
    char path[4096];
    if (argc != 3) {
        fprintf(stderr, "usage: bench_ledger FOLDER ENTRIES\n");
        return 2;
    }
    uint64_t entries = strtoull(argv[2], NULL, 10), begun = 0;
    text_fmt(path, sizeof path, "%s/store", argv[1]);
    must(folder_make(argv[1], &e), &e);
    must(io_open(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY, 0, &dir, &e), &e);
    must(key_generate(dir, "log", NULL, &key, &e), &e);
    must(signer_open_file(dir, "log.key", NULL, NULL, &log, &e), &e);
    const struct store_birth birth = {.log = log, .clock = CLOCK_REAL};
    must(store_create(path, &birth, &s, &e), &e);
    must(store_publish(store_take(&s), &e), &e);
    begun = clock_ticks();
    fill(path, log, entries);
    told("write", entries, begun);
    begun = clock_ticks();
    must(index_rebuild(path, NULL, &e), &e);
    told("fold", entries, begun);
    must(store_open(path, &s, &e), &e);
    for (int i = 0; i < 3; i++) {
        struct check_report report;
        begun = clock_ticks();
        must(check_ledger(s, NULL, NULL, NULL, &report, &e), &e);
        told("verify", report.entries, begun);
        if (report.findings > 0 || report.entries != entries)
            return 1;
    }
    return 0;
}
