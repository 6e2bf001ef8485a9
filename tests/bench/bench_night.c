/* A night over N artifacts with fresh evidence of five gates each, every signature checked again;
 * then one flipped byte among all the evidence, which the next night has to name.
 *
 * usage: bench_night [ARTIFACTS]     1000 by default; the store lies in $TMPDIR */
#include "base/text.h"
#include "promote/night.h"
#include "promote/report.h"
#include "tests/support/law_room.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUNS 5

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static const char law[] =
    "schema: assay.policy/1\nname: night\n"
    "gates:\n"
    "  structural: {budgets: {transfer_bytes: 1 GiB, scratch_bytes: 1 GiB, kv_bytes: 1 GiB}}\n"
    "  smoke: {limits: {load_ms: 100 s, first_token_ms: 100 s, peak_bytes: 1 GiB}}\n"
    "  task: {suites: {a: {sha256: " ZERO
    ", min_cases: 10, accuracy: 0.9, drop: 0.02, drop_p: 0.01},\n"
    "                  b: {sha256: " ZERO ", min_cases: 10, bits_per_byte: 0.9}}}\n"
    "  safety: {batteries: {c: {sha256: " ZERO ", rate: 0.01}}, static: {urls: 50}}\n"
    "  browser: {limits: {load_ms: 100 s, console_errors: 50}}\n"
    "channels:\n"
    "  preview: {from: candidate, gates: [structural, smoke, task, safety, browser],\n"
    "            allow_self_signed: true}\n"
    "nightly: {gates: [structural, smoke, task, safety, browser], evidence_max_age: 30 d}\n";

static void must(enum status st, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "bench: %s: %s: %s\n", err_code(e), e->subject, e->detail);
    exit(1);
}

static double cpu(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One artifact in preview with good evidence of each gate; the last one's browser evidence. */
static struct digest make_one(struct law_room *l, unsigned i)
{
    struct err e = ERR_NONE;
    char name[32], key[STORE_KEY_MAX];
    struct digest last = {{0}};
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.tiny = true});
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    put_le32(model.p + get_le64(model.p + 92), 0x3f000000u + i); /* one weight */
    make_resum(&model);
    snprintf(name, sizeof name, "model-%u", i);
    struct artifact a = law_admit(l, buf_span(&model), name, "1");
    for (enum gate g = GATE_STRUCTURAL; g <= GATE_BROWSER; g++)
        last = law_evidence(l, &a, g, &(struct law_case){.age = 60, .browser = "chromium 120.0"});
    struct holder h = {.artifact = a.digest, .number = 1};
    text_fmt(h.name, sizeof h.name, "%s", name);
    text_fmt(h.channel, sizeof h.channel, "preview");
    time_format(l->r.clock.fixed, h.since);
    channel_value(&h, false, &value);
    buf_byte(&value, 0);
    channel_key(name, "preview", key);
    must(room_set(&l->r, key, (const char *)value.p, NULL, &e), &e);
    artifact_release(&a);
    return last;
}

static void night(struct law_room *l, struct night *n)
{
    struct err e = ERR_NONE;
    const struct night_plan plan = {.pipeline = {.store = l->r.s,
                                                 .trust = l->trust,
                                                 .policy = &l->policy,
                                                 .gate = l->keys[ROLE_GATE],
                                                 .log = l->r.log,
                                                 .clock = l->r.clock},
                                    .shards = 1};
    must(night_run(&plan, n, &e), &e);
    SCOPED(buf_release) struct buf html = BUF_EMPTY;
    SCOPED(buf_release) struct buf others = BUF_EMPTY;
    must(report_html(n, &plan.pipeline, &html, &e), &e);
    report_junit(n, &others);
    report_sarif(n, &others);
    report_lines(n, &others);
    report_markdown(n, &others);
}

static void measure(struct law_room *l)
{
    double wall[RUNS], work[RUNS];
    for (int i = 0; i < RUNS; i++) {
        struct night n;
        size_t reused = 0, gates = 0;
        uint64_t begin = clock_ticks();
        double before = cpu();
        night(l, &n);
        wall[i] = (double)(clock_ticks() - begin) / 1e9;
        work[i] = cpu() - before;
        for (size_t k = 0; k < n.count; k++) {
            gates += n.items[k].gate_count;
            for (size_t g = 0; g < n.items[k].gate_count; g++)
                reused += n.items[k].gates[g].reused;
        }
        if (night_verdict(&n) != VERDICT_PASS || reused != gates) {
            fprintf(stderr, "bench: the night is not what was made: %zu of %zu reused\n", reused,
                    gates);
            exit(1);
        }
        night_release(&n);
        printf("%zu pieces of evidence used again, five reports: %.2f s, %.2f s of the processor\n",
               gates, wall[i], work[i]);
        fflush(stdout);
    }
}

/* Flips a byte of what the record of a document holds. */
static void flip(struct law_room *l, const struct digest *document)
{
    char file[400];
    for (unsigned k = 1; k < 100000; k++) {
        struct stat facts;
        snprintf(file, sizeof file, "%s/packs/%016x.pack", l->r.path, k);
        int fd = open(file, O_RDWR);
        if (fd < 0)
            continue;
        if (fstat(fd, &facts) != 0)
            exit(1);
        uint8_t *map = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        const uint8_t *at = memmem(map, (size_t)facts.st_size, document->b, DIGEST_BYTES);
        if (at != NULL) {
            uint8_t b = at[200] ^ 1;
            if (pwrite(fd, &b, 1, at - map + 200) == 1)
                printf("one byte of %s flipped\n", file + strlen(l->r.path) + 1);
        }
        munmap(map, (size_t)facts.st_size);
        close(fd);
        if (at != NULL)
            return;
    }
    fprintf(stderr, "bench: the record was not found\n");
    exit(1);
}

int main(int argc, char **argv)
{
    struct law_room l;
    const unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    struct digest victim = {{0}};
    char hex[DIGEST_TEXT];
    size_t named = 0;
    law_make(&l);
    law_set(&l, law);
    for (unsigned i = 0; i < count; i++) {
        struct digest last = make_one(&l, i);
        if (i == count / 2)
            victim = last;
    }
    room_reopen(&l.r);
    measure(&l);
    flip(&l, &victim);
    room_reopen(&l.r);
    struct night n;
    night(&l, &n);
    digest_text(&victim, hex);
    for (size_t i = 0; i < n.count; i++)
        named += strstr(n.items[i].action, hex) != NULL;
    printf("the flipped byte's piece %.12s… is named by %zu item, night: %s\n", hex, named,
           verdict_name(night_verdict(&n)));
    night_release(&n);
    law_remove(&l);
    return named == 1 ? 0 : 1;
}
