#include "tests/faults/stage.h"
#include "cli/cli.h"
#include "tests/faults/steady.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS = 40, LIMIT_MS = 60000 };

/* -- inputs -------------------------------------------------------------------------------------
 */

static void copy_in(const struct stage *s, const char *repository, const char *from, const char *to)
{
    char path[1200];
    struct chk_bytes b;
    (void)snprintf(path, sizeof path, "%s/testdata/%s", repository, from);
    if (!chk_file(path, &b))
        die("%s", path);
    (void)snprintf(path, sizeof path, "%s/%s", s->in, to);
    write_file(path, b.p, b.n, 0644);
    free(b.p);
}

static void noise(const struct stage *s, const char *to, size_t n, uint64_t seed, unsigned mask)
{
    char path[200];
    uint8_t *p = must_alloc(n);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 56 & mask);
    }
    (void)snprintf(path, sizeof path, "%s/%s", s->in, to);
    write_file(path, p, n, 0644);
    free(p);
}

static void make_inputs(const struct stage *s, const char *repository)
{
    char path[200];
    copy_in(s, repository, "models/tiny-q4_0-tied.slm", "tiny.slm");
    copy_in(s, repository, "models/tiny-q4_0-bpe.slm", "two.slm");
    copy_in(s, repository, "models/tiny-f16-tied.gguf", "tiny.gguf");
    copy_in(s, repository, "bad/checksum-wrong.slm", "bad.slm");
    copy_in(s, repository, "bad/magic.slm", "bad2.slm");
    noise(s, "blob", 3000, 1, 255);
    noise(s, "big", 400000, 2, 255);
    noise(s, "soft", 150000, 3, 15);
    (void)snprintf(path, sizeof path, "%s/folder", s->in);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof path, "%s/folder/sub", s->in);
    (void)mkdir(path, 0755);
    noise(s, "folder/a", 700, 4, 255);
    noise(s, "folder/sub/b", 5000, 5, 7);
    noise(s, "folder/c", 1, 6, 255);
}

/* -- the list -----------------------------------------------------------------------------------
 */

static void take_expect(struct try *t)
{
    char *eq = strstr(t->line, " = ");
    if (eq == NULL)
        return;
    t->expect = (int)strtol(eq + 3, NULL, 10);
    *eq = '\0';
}

static struct state *state_named(struct stage *s, const char *name)
{
    for (size_t i = 0; i < s->states; i++) {
        if (strcmp(s->state[i].name, name) == 0)
            return &s->state[i];
    }
    return NULL;
}

static void read_line(struct stage *s, char *line)
{
    char a[40] = "", b[200] = "";
    if (line[0] == '#' || line[0] == '\0')
        return;
    if (line[0] == ' ' && s->states > 0 && s->tries == 0) {
        struct state *st = &s->state[s->states - 1];
        if (st->lines < LINES)
            (void)snprintf(st->line[st->lines++], LINE, "%s", line + strspn(line, " "));
    } else if (sscanf(line, "state %31s %199s", a, b) >= 1 && s->states < STATES) {
        struct state *st = &s->state[s->states++];
        (void)snprintf(st->name, sizeof st->name, "%.31s", a);
        st->from = state_named(s, b);
    } else if (sscanf(line, "try %39s %199[^|]", a, b) == 2 && s->tries < TRIES) {
        struct try *t = &s->try[s->tries++];
        const char *command = strchr(line, '|');
        (void)snprintf(t->name, sizeof t->name, "%s", a);
        (void)snprintf(t->states, sizeof t->states, " %s ", b);
        (void)snprintf(t->line, LINE, "%s", command == NULL ? "" : command + 2);
        take_expect(t);
    } else if (s->knowns < KNOWN &&
               sscanf(line, "known %15s %39s | %119[^|]", s->known[s->knowns].campaign,
                      s->known[s->knowns].begins, s->known[s->knowns].says) == 3) {
        char *says = s->known[s->knowns++].says;
        for (size_t n = strlen(says); n > 0 && says[n - 1] == ' '; n--)
            says[n - 1] = '\0';
    } else {
        die("commands.txt: %s", line);
    }
}

static void read_list(struct stage *s, const char *repository)
{
    char path[1200], line[1024];
    (void)snprintf(path, sizeof path, "%s/tests/faults/commands.txt", repository);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        die("%s", path);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        read_line(s, line);
    }
    (void)fclose(f);
}

struct stage *stage_open(const char *repository)
{
    struct stage *s = must_alloc(sizeof *s);
    const char *room = getenv("TMPDIR");
    (void)snprintf(s->root, sizeof s->root, "%.40s/battery.XXXXXX",
                   room == NULL ? "/dev/shm" : room);
    if (mkdtemp(s->root) == NULL)
        die("%s", s->root);
    (void)snprintf(s->live, sizeof s->live, "%s/live", s->root);
    (void)snprintf(s->in, sizeof s->in, "%s/in", s->root);
    (void)snprintf(s->store, sizeof s->store, "%s/store", s->live);
    (void)mkdir(s->in, 0755);
    (void)mkdir(s->live, 0700);
    make_inputs(s, repository);
    read_list(s, repository);
    s->out = memfd_create("out", MFD_CLOEXEC);
    s->err = memfd_create("err", MFD_CLOEXEC);
    (void)setenv("ASSAY_STORE", "store", 1);
    (void)setenv("ASSAY_KEYS", "keys", 1);
    (void)setenv("ASSAY_TIME", "2026-03-01T00:00:00Z", 1);
    return s;
}

void stage_close(struct stage *s)
{
    for (size_t i = 0; i < s->states; i++) {
        tree_free(&s->state[i].tree);
        chk_free(s->state[i].chk);
    }
    tree_wipe(s->root);
    free(s);
}

/* -- running ------------------------------------------------------------------------------------
 */

/* The first id under quarantine/ in the live store; minisign's text of a key's id. */
static void fill_in(const struct stage *s, const char *what, char *out, size_t cap)
{
    char path[300], line[300] = "";
    out[0] = '\0';
    if (strncmp(what, "{id:", 4) == 0) {
        (void)snprintf(path, sizeof path, "%s/keys/%.*s.pub", s->live, (int)strcspn(what + 4, "}"),
                       what + 4);
        FILE *f = fopen(path, "re");
        if (f == NULL)
            return;
        if (fgets(line, sizeof line, f) != NULL && strlen(line) > 17)
            (void)snprintf(out, cap, "%.16s", line + strlen(line) - 17);
        (void)fclose(f);
        return;
    }
    struct chk *c = chk_read(s->store);
    for (size_t i = 0; i < c->state.n; i++) {
        const struct chk_pair *p = &c->state.pair[i];
        if (p->key_n > 11 && memcmp(p->key, "quarantine/", 11) == 0 && p->value[8] == 1)
            (void)snprintf(out, cap, "%.*s", (int)p->key_n - 11, (const char *)p->key + 11);
    }
    chk_free(c);
}

static char words_text[WORDS][300];
static char *words[WORDS + 1];

static int split(const struct stage *s, const char *line)
{
    int n = 0;
    words[n] = words_text[n];
    (void)snprintf(words_text[n++], 300, "assay");
    words[n] = words_text[n];
    (void)snprintf(words_text[n++], 300, "--json");
    while (*line != '\0' && n < WORDS) {
        size_t len = strcspn(line, " ");
        char *to = words_text[n];
        if (line[0] == '@')
            (void)snprintf(to, 300, "../in/%.*s", (int)len - 1, line + 1);
        else if (line[0] == '{')
            fill_in(s, line, to, 300);
        else
            (void)snprintf(to, 300, "%.*s", (int)len, line);
        words[n++] = to;
        line += len;
        line += strspn(line, " ");
    }
    words[n] = NULL;
    return n;
}

struct call_line {
    const struct stage *s;
    int words;
};

static int body(void *ctx)
{
    const struct call_line *c = ctx;
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || chdir(c->s->live) != 0)
        return 126;
    return cli_main(c->words, words);
}

struct trace_job stage_job(struct stage *s, const char *line)
{
    static struct call_line call;
    call = (struct call_line){.s = s, .words = split(s, line)};
    return (struct trace_job){
        .body = body, .ctx = &call, .limit_ms = LIMIT_MS, .out = s->out, .err = s->err};
}

struct trace_end stage_run(struct stage *s, const struct trace_job *job)
{
    if (ftruncate(s->out, 0) != 0 || lseek(s->out, 0, SEEK_SET) != 0 || ftruncate(s->err, 0) != 0 ||
        lseek(s->err, 0, SEEK_SET) != 0)
        die("memory file");
    steady_next();
    return trace_run(job);
}

struct trace_end stage_cli(struct stage *s, const char *line)
{
    struct trace_job job = stage_job(s, line);
    return stage_run(s, &job);
}

const char *stage_said(struct stage *s, bool error)
{
    static char text[2][OUTPUT];
    ssize_t n = pread(error ? s->err : s->out, text[error], OUTPUT - 1, 0);
    text[error][n > 0 ? n : 0] = '\0';
    return text[error];
}

/* An error is an answer too, but acknowledges nothing. */
size_t stage_answers(struct stage *s)
{
    const char *at = stage_said(s, false), *end;
    size_t n = 0;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        const char *error = strstr(at, "\"assay.error/1\"");
        n += error == NULL || error > end;
    }
    return n;
}

/* A command that answers entry by entry promises one a line, any other all with its last. */
size_t stage_promised(struct stage *s, const struct unit *u)
{
    size_t n = stage_answers(s);
    if (u->answers == u->added && n <= u->added)
        return n;
    return n >= u->answers && u->answers > 0 ? u->added : 0;
}

/* -- states and units ---------------------------------------------------------------------------
 */

static bool no_such_command(struct stage *s, const struct trace_end *end)
{
    return end->exit == 2 && (strstr(stage_said(s, false), "\"unknown-command\"") != NULL ||
                              strstr(stage_said(s, true), "no command") != NULL ||
                              strstr(stage_said(s, true), "no option") != NULL);
}

static struct chk *read_store(const struct stage *s)
{
    struct chk *c = chk_read(s->store);
    if (c->there && !c->bad)
        return c;
    if (c->there)
        die("%s: %s", s->store, c->why);
    chk_free(c);
    return NULL;
}

bool stage_make(struct stage *s, struct state *state)
{
    if (state->made)
        return !state->absent;
    state->made = true;
    if (state->from != NULL && !stage_make(s, state->from)) {
        state->absent = true;
        return false;
    }
    struct tree none = {0};
    tree_put(state->from == NULL ? &none : &state->from->tree, s->live);
    steady_begin(state->name, 0);
    for (size_t i = 0; i < state->lines; i++) {
        struct trace_end end = stage_cli(s, state->line[i]);
        if (no_such_command(s, &end)) {
            state->absent = true;
            return false;
        }
        if (end.exit != 0 && end.exit != 7)
            die("state %s: %s: exit %d: %s", state->name, state->line[i], end.exit,
                stage_said(s, true));
    }
    state->tree = tree_load(s->live);
    state->chk = read_store(s);
    return true;
}

bool stage_fits(const struct try *try, const struct state *state)
{
    char name[40];
    (void)snprintf(name, sizeof name, " %s ", state->name);
    return strstr(try->states, " * ") != NULL || strstr(try->states, name) != NULL;
}

bool stage_unit(struct stage *s, struct state *state, const struct try *try, struct unit *out)
{
    *out = (struct unit){.state = state, .try = try};
    if (!stage_make(s, state))
        return !(out->absent = true);
    tree_put(&state->tree, s->live);
    steady_begin(try->name, 0);
    struct trace_end end = stage_cli(s, try->line);
    out->exit = end.exit;
    out->absent = no_such_command(s, &end);
    out->idle = end.exit != try->expect;
    if (out->absent || out->idle)
        return false;
    out->answers = stage_answers(s);
    out->after = read_store(s);
    out->added = (out->after == NULL ? 0 : out->after->entries) -
                 (state->chk == NULL ? 0 : state->chk->entries);
    out->tree = tree_load(s->live);
    out->again = stage_cli(s, try->line).exit;
    return true;
}

void unit_free(struct unit *u)
{
    chk_free(u->after);
    tree_free(&u->tree);
}
