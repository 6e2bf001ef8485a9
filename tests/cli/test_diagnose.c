/* Each of the thirteen stages made to fail for real; the incident that the run kept names it, with
 * the store at hand and without. */
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "store/install.h"
#include "tests/support/model_make.h"
#include "tests/support/store_room.h"
#include "verify/artifact.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define INDEX_MAP    (UINT64_C(64) << 30) /* address space that the store's index takes */
#define CONTEXT_WIDE (1u << 22)           /* 2 GiB of keys and values */

static struct temp room;
static char store_path[300];

/* ---- a store, and programs over it -------------------------------------------------------- */

/* What stands in a child's way. */
struct limit {
    int resource;
    uint64_t most; /* 0: nothing */
};

static int run_into(char **line, const struct limit *limit, const char *into)
{
    int argc = 0, ended = 0;
    while (line[argc] != NULL)
        argc++;
    pid_t child = fork();
    if (child == 0) {
        int out = open(into, O_RDWR | O_CREAT | O_TRUNC, 0600), nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        if (limit != NULL && limit->most > 0) {
            struct rlimit r = {limit->most, limit->most};
            signal(SIGXFSZ, SIG_IGN);
            if (setrlimit((__rlimit_resource_t)limit->resource, &r) != 0)
                _exit(250);
        }
        _exit(cli_main(argc, line));
    }
    cr_assert_eq(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

#define RUN(...) run_into((char *[]){"assay", __VA_ARGS__, NULL}, NULL, "said")

static void setup(void)
{
    char path[300];
    room = temp_make();
    cr_assert_eq(chdir(room.path), 0);
    text_fmt(store_path, sizeof store_path, "%s/store", room.path);
    setenv("ASSAY_STORE", store_path, 1);
    text_fmt(path, sizeof path, "%s/keys", room.path);
    setenv("ASSAY_KEYS", path, 1);
    text_fmt(path, sizeof path, "%s/incidents", room.path);
    setenv("ASSAY_INCIDENTS", path, 1);
    unsetenv("ASSAY_TIME");
    cr_assert_eq(RUN("init", "-q", "--lab", "--no-passphrase"), 0);
}

static void teardown(void)
{
    temp_remove(&room);
}

TestSuite(diagnose, .init = setup, .fini = teardown, .timeout = 300);

static void add(struct span bytes, char *name)
{
    char file[64];
    text_fmt(file, sizeof file, "%s.slm", name);
    temp_write(&room, file, bytes);
    cr_assert_eq(RUN("add", file, "--name", name, "--version", "1"), 0, "%s", name);
}

static void add_made(const struct make *how, char *name)
{
    SCOPED(buf_release) struct buf model = make_slm1(how);
    add(buf_span(&model), name);
}

/* ---- an artifact that no admission let in -------------------------------------------------- */

static void member(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

static void facts_of(const struct manifest *m, const char *content, const char *envelope,
                     struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "bytes");
    json_u64(&j, m->files[0].bytes);
    member(&j, "content", content);
    member(&j, "format", "slm1");
    member(&j, "manifest", envelope);
    member(&j, "name", m->name);
    json_key(&j, "self_signed");
    json_bool(&j, true);
    json_key(&j, "stored_bytes");
    json_u64(&j, m->files[0].bytes);
    member(&j, "time", "2026-01-01T00:00:00Z");
    member(&j, "version", m->version);
    json_close(&j);
}

static void must(enum status st, const struct err *e)
{
    cr_assert_eq(st, ST_OK, "%s: %s", err_code(e), e->detail);
}

/* As whoever holds the publisher's and the log's key could, or a program that is less strict: signs
 * a manifest that calls `bytes` a model of the shape of `like`, and installs it as NAME@1. */
static void forge(struct span bytes, const char *like, const char *name)
{
    struct err e = ERR_NONE;
    char content[DIGEST_TEXT], artifact[DIGEST_TEXT], envelope[DIGEST_TEXT], key[STORE_KEY_MAX];
    SCOPED(store_scope) struct store *s = NULL;
    SCOPED(signer_scope) struct signer *publisher = NULL;
    SCOPED(signer_scope) struct signer *log = NULL;
    SCOPED(artifact_release) struct artifact good = {0};
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release)
    struct buf payload = BUF_EMPTY, signed_text = BUF_EMPTY, facts = BUF_EMPTY,
               installed = BUF_EMPTY, set = BUF_EMPTY;
    struct span_source from = {bytes};
    struct content put;
    struct digest d;
    must(store_open(store_path, &s, &e), &e);
    must(signer_open(AT_FDCWD, "keys/publisher.key", NULL, NULL, &publisher, &e), &e);
    must(signer_open(AT_FDCWD, "keys/log.key", NULL, NULL, &log, &e), &e);
    must(artifact_find(s, NULL, like, TRUST_ANY_TIME, &good, &e), &e);
    must(change_begin(s, &c, &e), &e);
    must(change_content(c, source_over(&from), NULL, &put, &e), &e);
    text_fmt(good.manifest.name, sizeof good.manifest.name, "%s", name);
    good.manifest.files[0].sha256 = put.sha256;
    good.manifest.files[0].bytes = put.bytes;
    must(manifest_encode(&good.manifest, &payload, &e), &e);
    must(envelope_sign(MANIFEST_TYPE, buf_span(&payload), publisher, &signed_text, &e), &e);
    must(change_document(c, buf_span(&signed_text), &d, &e), &e);
    digest_text(&d, envelope);
    digest_text(&put.sha256, content);
    d = digest_of(buf_span(&payload));
    digest_text(&d, artifact);
    SCOPED(install_release) struct install i = {.bytes = put.bytes};
    text_fmt(i.name, sizeof i.name, "%s", name);
    buf_append(&i.contents, SPAN(put.sha256.b, DIGEST_BYTES));
    install_encode(&i, &installed);
    facts_of(&good.manifest, content, envelope, &facts);
    struct json_out j = json_out(&set);
    json_object(&j);
    install_key(INSTALL_PREFIX, &d, key);
    json_key(&j, key);
    json_text(&j, buf_span(&installed));
    text_fmt(key, sizeof key, "artifact/%s", artifact);
    json_key(&j, key);
    json_text(&j, buf_span(&facts));
    text_fmt(key, sizeof key, "content/%s/%s", content, artifact);
    member(&j, key, "");
    text_fmt(key, sizeof key, "name/%s@1", name);
    member(&j, key, artifact);
    json_close(&j);
    const struct change_entry entry = {
        .type = "add", .body = span_text("{}"), .set = buf_span(&set), .log = log};
    uint64_t seq;
    must(change_commit(c, &entry, &seq, &e), &e);
}

/* ---- the faults ---------------------------------------------------------------------------- */

/* Flips a byte in the middle of the largest pack, where the newest model's bytes lie. */
static void flip_a_pack(void)
{
    char path[400], largest[400] = "";
    off_t most = 0;
    DIR *d = opendir("store/packs");
    cr_assert_not_null(d);
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
        struct stat facts;
        text_fmt(path, sizeof path, "store/packs/%s", f->d_name);
        if (f->d_name[0] != '.' && stat(path, &facts) == 0 && facts.st_size > most) {
            most = facts.st_size;
            text_fmt(largest, sizeof largest, "%s", path);
        }
    }
    closedir(d);
    uint8_t b;
    chmod(largest, 0600);
    int fd = open(largest, O_RDWR);
    cr_assert_eq(pread(fd, &b, 1, most / 2), 1);
    b ^= 0x10;
    cr_assert_eq(pwrite(fd, &b, 1, most / 2), 1);
    close(fd);
}

static void evicted(void)
{
    add_made(&(struct make){.layers = 3}, "m");
    cr_assert_eq(RUN("evict", "m@1"), 0);
    cr_assert_eq(RUN("gc"), 0);
}

static void whole(void)
{
    add_made(&(struct make){.dtype = MAKE_F32}, "m");
}

static void flipped(void)
{
    whole();
    flip_a_pack();
}

static void bad_version(void)
{
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_F32});
    add(buf_span(&model), "good");
    put_le32(model.p + 4, 9);
    make_resum(&model);
    forge(buf_span(&model), "good@1", "m");
}

static void bad_dtype(void)
{
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_F32});
    add(buf_span(&model), "good");
    put_le32(model.p + get_le64(model.p + 80) + 64 + 8, 77);
    make_resum(&model);
    forge(buf_span(&model), "good@1", "m");
}

static void wide(void)
{
    add_made(&(struct make){.context = CONTEXT_WIDE}, "m");
}

/* Every other weight as large as a float can be: finite, and so admitted, but nothing can be
 * computed. */
static void overflowing(void)
{
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_F32});
    const uint8_t *directory = model.p + get_le64(model.p + 80);
    for (uint32_t t = 1; t < get_le32(model.p + 88); t++) { /* the embeddings as they are */
        uint64_t at = get_le64(directory + 64 * t + 32), n = get_le64(directory + 64 * t + 40) / 4;
        for (uint64_t i = 0; i < n; i++)
            put_le32(model.p + at + 4 * i, i % 3 == 0 ? 0xff7fffffu : 0x7f7fffffu);
    }
    make_resum(&model);
    add(buf_span(&model), "m");
}

#define LONG_TEXT "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"

/* Each: what is done to the store, how it is run, what stands in the way; what must be named. */
static const struct injection {
    const char *stage, *recovery;
    void (*prepare)(void);
    char *line[10]; /* behind `run m@1` */
    struct limit limit;
    const char *replay; /* where the replay ends; "" it goes through */
} injections[] = {
    {"fetch", "restore-bytes", evicted, {NULL}, {0, 0}, "fetch"},
    {"transfer", "reload-model", whole, {NULL}, {RLIMIT_FSIZE, 12288}, "decode"},
    {"provenance", "restore-bytes", flipped, {NULL}, {0, 0}, "provenance"},
    {"admission", "quarantine", bad_version, {NULL}, {0, 0}, "admission"},
    {"tensors", "quarantine", bad_dtype, {NULL}, {0, 0}, "tensors"},
    {"scratch-kv",
     "make-room",
     wide,
     {NULL},
     {RLIMIT_AS, INDEX_MAP + (UINT64_C(1) << 30)},
     "decode"},
    {"utf8-transfer", "correct-request", whole, {"--prompt", "\xff\xfe"}, {0, 0}, "utf8-transfer"},
    {"sampling",
     "correct-request",
     whole,
     {"--temperature", "0.5", "--top-k", "2000"},
     {0, 0},
     "sampling"},
    {"tokenization", "correct-request", whole, {"--max-new-tokens", "0"}, {0, 0}, "tokenization"},
    {"context", "correct-request", whole, {"--prompt", LONG_TEXT}, {0, 0}, "context"},
    {"forward",
     "make-room",
     whole,
     {"--threads", "64"},
     {RLIMIT_AS, INDEX_MAP + (UINT64_C(350) << 20)},
     "decode"},
    {"sampling-step", "quarantine", overflowing, {NULL}, {0, 0}, "sampling-step"},
    {"decode", "retry", whole, {NULL}, {0, 0}, "decode"},
};
#define INJECTIONS (sizeof injections / sizeof injections[0])

/* The one incident there is. */
static void incident_path(char out[400])
{
    DIR *d = opendir("incidents");
    SCOPED(buf_release) struct buf said = BUF_EMPTY;
    temp_read(&room, "said", &said);
    out[0] = '\0';
    cr_assert_not_null(d, "no incident was kept: %.*s", (int)said.n, (const char *)said.p);
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d))
        if (f->d_name[0] != '.')
            text_fmt(out, 400, "incidents/%s", f->d_name);
    closedir(d);
    cr_assert_neq(out[0], '\0');
}

static struct json *diagnosis(char *file)
{
    struct err e = ERR_NONE;
    struct json *v = NULL;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    int code = run_into((char *[]){"assay", "diagnose", file, "--json", NULL}, NULL, "said");
    temp_read(&room, "said", &text);
    cr_assert_eq(code, 0, "%.*s", (int)text.n, (const char *)text.p);
    cr_assert_eq(json_parse(buf_span(&text), 1u << 20, &v, &e), ST_OK, "%s: %.*s", e.detail,
                 (int)text.n, (const char *)text.p);
    return v;
}

static const char *text_of(const struct json *v, const char *key)
{
    const char *s = json_as_string(json_get(v, key));
    return s != NULL ? s : "";
}

static void inject(const struct injection *k)
{
    char *line[16] = {"assay", "run", "m@1", "--prompt-policy", "full"};
    char path[400];
    size_t n = 5;
    for (size_t i = 0; k->line[i] != NULL; i++)
        line[n++] = k->line[i];
    k->prepare();
    int code = run_into(line, &k->limit, "said");
    SCOPED(buf_release) struct buf said = BUF_EMPTY;
    temp_read(&room, "said", &said);
    cr_assert(code > 0 && code < 130, "%s: the run exits %d: %.*s", k->stage, code, (int)said.n,
              (const char *)said.p);
    incident_path(path);
    SCOPED(json_scope) struct json *with = diagnosis(path);
    cr_expect_str_eq(text_of(with, "stage"), k->stage, "%.*s", (int)said.n, (const char *)said.p);
    cr_expect_str_eq(text_of(with, "recovery"), k->recovery, "%s", k->stage);
    cr_expect_str_eq(text_of(json_get(with, "replay"), "stage"), k->replay, "%s: %s", k->stage,
                     text_of(json_get(with, "replay"), "detail"));
    cr_expect_str_eq(text_of(json_at(json_get(with, "identities"), 0), "match"), "same");
    /* And from the file alone, where there is neither store nor home. */
    unsetenv("ASSAY_STORE");
    unsetenv("HOME");
    unsetenv("XDG_DATA_HOME");
    SCOPED(json_scope) struct json *alone = diagnosis(path);
    cr_expect_str_eq(text_of(alone, "stage"), k->stage, "%s, alone", k->stage);
    cr_expect_neq(text_of(alone, "store")[0], '\0');
    cr_expect_eq(json_kind(json_get(alone, "replay")), JSON_NULL);
}

#if defined(__SANITIZE_ADDRESS__)
#define LIMITED true /* address space cannot be limited under it */
#else
#define LIMITED false
#endif

#define STAGE_TEST(number, name)                                       \
    Test(diagnose, name##_is_named)                                    \
    {                                                                  \
        if (LIMITED && injections[number].limit.resource == RLIMIT_AS) \
            cr_skip_test("no limits of address space here");           \
        inject(&injections[number]);                                   \
    }

STAGE_TEST(0, fetch)
STAGE_TEST(1, transfer)
STAGE_TEST(2, provenance)
STAGE_TEST(3, admission)
STAGE_TEST(4, tensors)
STAGE_TEST(5, scratch_kv)
STAGE_TEST(6, utf8_transfer)
STAGE_TEST(7, sampling)
STAGE_TEST(8, tokenization)
STAGE_TEST(9, context)
STAGE_TEST(10, forward)
STAGE_TEST(11, sampling_step)
STAGE_TEST(12, decode)

Test(diagnose, every_stage_has_its_injection)
{
    for (int s = STAGE_FETCH; s < STAGE_COUNT; s++) {
        bool there = false;
        for (size_t i = 0; i < INJECTIONS; i++)
            there = there || text_equal(injections[i].stage, stage_name((enum run_stage)s));
        cr_expect(there, "%s", stage_name((enum run_stage)s));
    }
}

Test(diagnose, another_text_than_the_incidents_is_refused)
{
    char path[400];
    whole();
    cr_assert_neq(RUN("run", "m@1", "--prompt", LONG_TEXT, "--prompt-policy", "digest"), 0);
    incident_path(path);
    cr_expect_eq(RUN("diagnose", path, "--prompt", LONG_TEXT), 0);
    cr_expect_eq(RUN("diagnose", path, "--prompt", "something else"), 7);
}

Test(diagnose, no_incident_is_kept_where_none_is_wanted_and_the_run_fails_as_before)
{
    whole();
    setenv("ASSAY_INCIDENTS", "none", 1);
    cr_expect_eq(RUN("run", "m@1", "--max-new-tokens", "0"), 2);
    setenv("ASSAY_INCIDENTS", "/proc/nowhere", 1);
    cr_expect_eq(RUN("run", "m@1", "--max-new-tokens", "0"), 2);
    cr_expect_neq(access("incidents", F_OK), 0);
}

Test(diagnose, the_folder_keeps_the_newest_256)
{
    whole();
    cr_assert_eq(mkdir("incidents", 0700), 0);
    temp_write(&room, "incidents/mine.json", span_text("{}"));
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "incidents/2020-01-01T%06dZ-run.json", i);
        temp_write(&room, name, span_text("{}"));
    }
    cr_expect_eq(RUN("run", "m@1", "--max-new-tokens", "0"), 2);
    size_t count = 0;
    DIR *d = opendir("incidents");
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d))
        count += f->d_name[0] != '.';
    closedir(d);
    cr_expect_eq(count, 257u, "256 of ours and one of somebody else's: %zu", count);
    cr_expect_eq(access("incidents/mine.json", F_OK), 0);
    cr_expect_neq(access("incidents/2020-01-01T000044Z-run.json", F_OK), 0, "the oldest went");
    cr_expect_eq(access("incidents/2020-01-01T000045Z-run.json", F_OK), 0);
}

/* ---- gates --------------------------------------------------------------------------------- */

/* The process below `top` that has no child of its own, 0 when `top` has none. */
static pid_t deepest(pid_t top)
{
    pid_t at = top;
    for (bool deeper = true; deeper;) {
        deeper = false;
        DIR *d = opendir("/proc");
        cr_assert_not_null(d);
        for (struct dirent *f = readdir(d); f != NULL && !deeper; f = readdir(d)) {
            char path[300], line[512] = "";
            long parent = 0;
            snprintf(path, sizeof path, "/proc/%s/stat", f->d_name);
            FILE *file = f->d_name[0] >= '0' && f->d_name[0] <= '9' ? fopen(path, "r") : NULL;
            if (file != NULL) {
                const char *end =
                    fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
                deeper = end != NULL && sscanf(end, ") %*c %ld", &parent) == 1 && parent == at;
                fclose(file);
            }
            if (deeper)
                at = (pid_t)strtol(f->d_name, NULL, 10);
        }
        closedir(d);
    }
    return at != top ? at : 0;
}

static int depth_killed(char **line)
{
    int ended = 0, argc = 0;
    while (line[argc] != NULL)
        argc++;
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        _exit(cli_main(argc, line));
    }
    /* The one that computes is two below: a gate's worker, and the sandboxed child of that. */
    for (int i = 0; i < 600; i++) {
        usleep(20000);
        pid_t worker = deepest(child), at = worker;
        if (i < 15 || at == 0 || kill(at, 0) != 0)
            continue;
        kill(at, SIGKILL);
        break;
    }
    cr_assert_eq(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

/* A law whose one gate is busy for some seconds: with its own generations, a suite's cases, a
 * battery's, or a hunt behind a battery that is none. */
static void long_law(const char *gate, const char *busy)
{
    const bool task = text_equal(gate, "task"), hunt = text_equal(busy, "hunt");
    char hex[DIGEST_TEXT], law[600], parts[600], section[400] = "tokens: 4096, repeats: 16";
    text_fmt(
        parts, sizeof parts,
        task ? "{\"schema\":\"assay.suite/1\",\"name\":\"s\",\"kind\":\"pattern\",\"chance\":"
               "\"0\",\"cases\":1}\n"
               "{\"id\":\"a\",\"prompt\":\"ab\",\"pattern\":\"x\",\"tokens\":%d}\n"
             : "{\"schema\":\"assay.battery/1\",\"name\":\"b\",\"detectors\":[{\"name\":\"any\","
               "\"kind\":\"pattern\",\"pattern\":\".\"}],\"tokens\":%d,\"cases\":1}\n"
               "{\"id\":\"a\",\"hazard\":\"h\",\"prompt\":\"ab\"}\n",
        hunt ? 1 : 4000);
    const struct digest d = digest_of(span_text(parts));
    digest_text(&d, hex);
    temp_write(&room, "parts.jsonl", span_text(parts));
    cr_assert_eq(RUN("add", "parts.jsonl"), 0);
    if (!text_equal(gate, "smoke"))
        text_fmt(section, sizeof section, "%s: {p: {sha256: %s}}%s", task ? "suites" : "batteries",
                 hex, hunt ? ", trigger: {prefixes: 1000000}" : "");
    text_fmt(law, sizeof law,
             "schema: assay.policy/1\nname: busy\ngates: {%s: {%s}}\n"
             "channels: {preview: {from: candidate, gates: [%s], allow_self_signed: true}}\n",
             gate, section, gate);
    temp_write(&room, "law.yaml", span_text(law));
    cr_assert_eq(RUN("policy", "set", "law.yaml"), 0);
}

static void expect_incident(const char *stage, const char *gate)
{
    char path[400];
    incident_path(path);
    SCOPED(json_scope) struct json *said = diagnosis(path);
    cr_expect_str_eq(text_of(said, "stage"), stage, "%s", gate);
    cr_expect_str_eq(text_of(json_get(said, "incident"), "gate"), gate);
    cr_expect_str_eq(text_of(json_get(said, "incident"), "name"), "WorkerLost", "%s", gate);
}

Test(diagnose, a_gate_whose_child_is_killed_while_it_computes_names_forward)
{
    static const char *const rows[][2] = {
        {"smoke", ""}, {"task", ""}, {"safety", "battery"}, {"safety", "hunt"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        teardown();
        setup();
        add_made(&(struct make){.dtype = MAKE_F32, .context = 4200, .layers = 8}, "m");
        long_law(rows[i][0], rows[i][1]);
        cr_expect_eq(depth_killed((char *[]){"assay", "gate", "m@1", NULL}), 1);
        expect_incident("forward", rows[i][0]);
    }
}

Test(diagnose, task_and_safety_children_that_cannot_load_name_the_stage)
{
    static const struct {
        void (*prepare)(void);
        const char *stage;
    } rows[] = {{bad_version, "admission"}, {bad_dtype, "tensors"}};
    static const char *const gates[] = {"task", "safety"};
    for (size_t i = 0; i < 4; i++) {
        teardown();
        setup();
        rows[i % 2].prepare();
        long_law(gates[i / 2], "");
        cr_expect_eq(RUN("gate", "m@1"), 1);
        expect_incident(rows[i % 2].stage, gates[i / 2]);
    }
}

Test(diagnose, a_gate_that_cannot_load_or_generate_names_the_stage)
{
    static const struct {
        void (*prepare)(void);
        const char *stage;
    } rows[] = {{bad_dtype, "tensors"}, {overflowing, "sampling-step"}, {flipped, "provenance"}};
    for (size_t i = 0; i < 3; i++) {
        char path[400];
        teardown();
        setup();
        rows[i].prepare();
        cr_expect_eq(RUN("gate", "m@1", "--only", "smoke"), 1);
        incident_path(path);
        SCOPED(json_scope) struct json *said = diagnosis(path);
        cr_expect_str_eq(text_of(said, "stage"), rows[i].stage);
    }
}
