/* What is allocated is what the budget said, and a load that fails half way changes nothing. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/runtime.h"
#include "tests/support/heap_count.h"
#include "tests/support/model_make.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static void read_file(const char *folder, const char *name, struct buf *out)
{
    char path[1024];
    struct err e = ERR_NONE;
    text_fmt(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(file_read(AT_FDCWD, path, 1 << 30, out, &e), ST_OK, "%s: %s", path, e.detail);
}

static void check_budget(const char *folder, const char *name)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    struct model *m = NULL;
    struct session *s = NULL;
    struct budget b;
    struct err e = ERR_NONE;
    read_file(folder, name, &file);
    heap_count_start();
    cr_assert_eq(model_open(buf_span(&file), NULL, true, &m, &e), ST_OK, "%s: %s", name, e.detail);
    cr_assert_eq(session_open(m, &s, &e), ST_OK, "%s: %s", name, e.detail);
    const uint64_t live = heap_count_live();
    cr_assert_eq(budget_of(model_facts(m), &b, &e), ST_OK);
    cr_expect_not(b.estimated);
    cr_expect_eq(live, b.total - b.transfer, "%s: %llu bytes are allocated, the budget says %llu",
                 name, (unsigned long long)live, (unsigned long long)(b.total - b.transfer));
    session_close(s);
    model_close(m);
    cr_expect_eq(heap_count_live(), 0, "%s", name);
    heap_count_stop();
}

/* A check of each model in a folder. */
struct checking {
    const char *folder;
    void (*check)(const char *folder, const char *name);
    unsigned checked;
};

static enum status check_one(void *ctx, const char *name, struct err *e)
{
    struct checking *c = ctx;
    (void)e;
    if (strstr(name, ".slm") == NULL && strstr(name, ".gguf") == NULL)
        return ST_OK;
    c->check(c->folder, name);
    c->checked++;
    return ST_OK;
}

static unsigned check_folder(const char *folder, void (*check)(const char *, const char *))
{
    SCOPED(fd_release) int dir = -1;
    struct checking c = {.folder = folder, .check = check};
    struct err e = ERR_NONE;
    cr_assert_eq(io_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &dir, &e), ST_OK, "%s",
                 folder);
    cr_assert_eq(folder_each(dir, ".", check_one, &c, &e), ST_OK);
    return c.checked;
}

static void check_corpus(void (*check)(const char *, const char *))
{
    const char *corpus = getenv("ASSAY_CORPUS");
    char path[512];
    if (corpus == NULL)
        cr_skip_test("ASSAY_CORPUS names no corpus");
    text_fmt(path, sizeof path, "%s/gguf", corpus);
    cr_expect_geq(check_folder(path, check), 3);
    text_fmt(path, sizeof path, "%s/synth", corpus);
    cr_expect_geq(check_folder(path, check), 5);
}

Test(held, what_a_model_and_a_session_allocate_is_what_the_budget_says)
{
    cr_expect_geq(check_folder("testdata/models", check_budget), 12);
    cr_expect_geq(check_folder("testdata/tinyworld", check_budget), 3);
}

Test(held, the_budget_holds_for_the_files_of_others)
{
    check_corpus(check_budget);
}

static void check_says(struct runtime *r, const uint32_t *want, size_t count, uint64_t n)
{
    cr_assert_eq(runtime_generate(r, "The ", 4, 6), 0, "after allocation %d failed", (int)n);
    const struct generation *g = runtime_last_result(r);
    cr_assert_eq(g->token_count, count);
    cr_assert_arr_eq(g->token_ids, want, count * sizeof *want, "after allocation %d failed",
                     (int)n);
}

/* Every allocation of a load fails once: the model that was there goes on, and nothing is lost. */
static void sweep(const char *name, struct span new)
{
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    SCOPED(runtime_scope) struct runtime *r = runtime_create();
    uint32_t want[6];
    read_file("testdata/tinyworld", "tinyworld-1.0.slm", &old);
    cr_assert_eq(runtime_init(r), 0);
    cr_assert_eq(runtime_load_model(r, old.p, old.n), 0);
    cr_assert_eq(runtime_generate(r, "The ", 4, 6), 0);
    const size_t count = runtime_last_result(r)->token_count;
    memcpy(want, runtime_last_result(r)->token_ids, count * sizeof *want);
    heap_count_start();
    for (uint64_t n = 1;; n++) {
        heap_fail_at(n, 0);
        unsigned code = runtime_load_model(r, new.p, new.n);
        heap_fail_at(0, 0);
        if (code == 0) {
            cr_assert_gt(n, 8, "%s", name);
            break;
        }
        cr_assert_eq(heap_count_live(), 0, "%s: allocation %d failed and something stayed", name,
                     (int)n);
        check_says(r, want, count, n);
        heap_count_start(); /* generating may grow the prompt's tokens */
    }
    heap_count_stop();
}

static void sweep_made(const struct make *how, bool gguf)
{
    SCOPED(buf_release) struct buf new = gguf ? make_gguf(how) : make_slm1(how);
    sweep("a made one", buf_span(&new));
}

static void sweep_file(const char *folder, const char *name)
{
    SCOPED(buf_release) struct buf new = BUF_EMPTY;
    read_file(folder, name, &new);
    sweep(name, buf_span(&new));
}

Test(held, a_load_that_runs_out_anywhere_keeps_the_model_that_was_there)
{
    sweep_made(&(struct make){.tiny = true, .dtype = MAKE_Q4_0, .bpe = true}, false);
    sweep_made(&(struct make){.tiny = true, .biases = true, .freqs = true}, true);
    sweep_made(&(struct make){.tiny = true, .gpt2 = true}, true);
    sweep_made(&(struct make){.dtype = MAKE_Q8_0}, true); /* laid out a second time for products */
}

Test(held, so_does_a_load_of_the_files_of_others)
{
    check_corpus(sweep_file);
}
