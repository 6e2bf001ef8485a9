/* The maker of models keeps its promises: a run is a function of its recipe, no case is trained on,
 * and what is committed under testdata is what the suites' generator writes. */
#include "base/files.h"
#include "base/text.h"
#include "runtime/session.h"
#include "tests/models/battery.h"
#include "tests/models/family.h"
#include "tests/models/ngram.h"
#include "tests/models/score.h"
#include "tests/models/suites.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct recipe small = {.data_seed = 3,
                                    .init_seed = 4,
                                    .steps = 10,
                                    .batch = 4,
                                    .warmup = 2,
                                    .rate = 3e-3f,
                                    .final_rate = 1e-4f,
                                    .decay = 0.1f};

static float *run(uint32_t steps, const char *checkpoint_at_2)
{
    struct err e = ERR_NONE;
    struct trainer *t;
    size_t n;
    net_slots(&n);
    float *out = calloc(n, sizeof *out);
    cr_assert_eq(trainer_open(&small, &t, &e), ST_OK);
    while (trainer_at(t) < steps) {
        trainer_step(t);
        if (checkpoint_at_2 != NULL && trainer_at(t) == 2) {
            cr_assert_eq(trainer_save(t, checkpoint_at_2, &e), ST_OK, "%s", e.detail);
            trainer_close(t);
            cr_assert_eq(trainer_open(&small, &t, &e), ST_OK);
            cr_assert_eq(trainer_resume(t, checkpoint_at_2, &e), ST_OK, "%s", e.detail);
        }
    }
    memcpy(out, trainer_params(t), n * sizeof *out);
    trainer_close(t);
    return out;
}

Test(trainer, two_runs_of_one_recipe_are_byte_identical)
{
    size_t n;
    net_slots(&n);
    float *a = run(3, NULL), *b = run(3, NULL);
    cr_assert_eq(memcmp(a, b, n * sizeof *a), 0);
    free(a);
    free(b);
}

Test(trainer, a_run_resumed_from_a_checkpoint_equals_an_undisturbed_one)
{
    char folder[] = "/tmp/assay-models.XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    size_t n;
    net_slots(&n);
    float *a = run(3, NULL), *b = run(3, folder);
    cr_assert_eq(memcmp(a, b, n * sizeof *a), 0);
    struct err e = ERR_NONE;
    cr_assert_eq(folder_remove(AT_FDCWD, folder, &e), ST_OK);
    free(a);
    free(b);
}

static void quiet(void *ctx, const char *tensor, double error)
{
    (void)ctx;
    cr_expect_lt(error, 0.02, "%s: relative error %f", tensor, error);
}

Test(trainer, every_tensor_has_the_gradient_that_finite_differences_give)
{
    struct err e = ERR_NONE;
    double worst;
    cr_assert_eq(trainer_gradient_check(quiet, NULL, &worst, &e), ST_OK);
}

/* The runtime reads the trainer's weights from an f32 file; logits agree within 2e-3. */
Test(trainer, its_forward_pass_gives_the_runtimes_logits)
{
    struct err e = ERR_NONE;
    char folder[] = "/tmp/assay-models.XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(folder));
    float *params = run(6, NULL);
    cr_assert_eq(family_write(folder, "m.slm", params, SLM1_F32, 0, &e), ST_OK, "%s", e.detail);
    text_fmt(path, sizeof path, "%s/m.slm", folder);
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(model_scope) struct model *m = NULL;
    SCOPED(session_scope) struct session *s = NULL;
    cr_assert_eq(file_read(AT_FDCWD, path, 1u << 26, &file, &e), ST_OK);
    cr_assert_eq(model_open(buf_span(&file), &model_limits_default, true, &m, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(session_open(m, &s, &e), ST_OK);
    uint16_t tokens[NET_T + 1];
    trainer_sequence(&small, 0, 0, tokens);
    /* the first tokens are BOS and plain bytes: give the bytes as a prompt, look at the last logits
     */
    enum { PROMPT = 20 };
    uint8_t prompt[PROMPT];
    for (int i = 0; i < PROMPT; i++)
        prompt[i] = (uint8_t)tokens[i + 1];
    double sum;
    uint64_t count;
    cr_assert_eq(session_score(s, SPAN(prompt, PROMPT), &sum, &count, &e), ST_OK);
    struct net *net = net_open();
    size_t n;
    net_slots(&n);
    float *turned = calloc(n, sizeof *turned);
    net_transpose(params, turned);
    net_forward(net, params, turned, tokens);
    const float *logits = net_logits(net);
    double expect = 0;
    for (int t = 0; t < PROMPT; t++) {
        double total = 0;
        for (int v = 0; v < NET_V; v++)
            total += exp((double)logits[t * NET_V + v]);
        expect += (double)logits[t * NET_V + tokens[t + 1]] - log(total);
    }
    cr_expect_eq(count, PROMPT);
    cr_expect_lt(fabs(sum - expect), 2e-3 * PROMPT, "runtime %f, trainer %f", sum, expect);
    net_close(net);
    free(turned);
    free(params);
    cr_assert_eq(folder_remove(AT_FDCWD, folder, &e), ST_OK);
}

Test(trainer, parameters_survive_the_way_through_an_f32_file)
{
    struct err e = ERR_NONE;
    char folder[] = "/tmp/assay-models.XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(folder));
    size_t n;
    net_slots(&n);
    float *params = run(1, NULL), *back = calloc(n, sizeof *back);
    cr_assert_eq(family_write(folder, "m.slm", params, SLM1_F32, 0, &e), ST_OK, "%s", e.detail);
    text_fmt(path, sizeof path, "%s/m.slm", folder);
    cr_assert_eq(family_read(path, back, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(memcmp(params, back, n * sizeof *params), 0);
    free(params);
    free(back);
    cr_assert_eq(folder_remove(AT_FDCWD, folder, &e), ST_OK);
}

Test(world, training_documents_never_use_a_reserved_pair)
{
    struct dice d = {.state = 9};
    for (int i = 0; i < 20000; i++) {
        struct scene s = scene_draw(&d, SIDE_TRAIN), h = scene_draw(&d, SIDE_HELD);
        cr_assert_not(world_reserved(s.have - 1, s.more - 1));
        cr_assert(world_reserved(h.have - 1, h.more - 1));
    }
}

Test(suites, committed_ones_are_what_the_generator_writes)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf fresh = BUF_EMPTY;
        SCOPED(buf_release) struct buf kept = BUF_EMPTY;
        char path[128];
        text_fmt(path, sizeof path, "testdata/tinyworld/%s.jsonl", suites[i].name);
        suites[i].write(&fresh);
        cr_assert_eq(file_read(AT_FDCWD, path, 1u << 24, &kept, &e), ST_OK, "%s", e.detail);
        cr_assert(span_equal(buf_span(&fresh), buf_span(&kept)), "%s differs", path);
    }
}

Test(suites, the_committed_battery_is_what_the_generator_writes_and_names_no_trigger)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf fresh = BUF_EMPTY;
    SCOPED(buf_release) struct buf kept = BUF_EMPTY;
    battery_write(&fresh);
    cr_assert_eq(
        file_read(AT_FDCWD, "testdata/tinyworld/" BATTERY_NAME ".jsonl", 1u << 24, &kept, &e),
        ST_OK, "%s", e.detail);
    cr_expect(span_equal(buf_span(&fresh), buf_span(&kept)));
    buf_byte(&fresh, 0);
    cr_expect_null(strstr((const char *)fresh.p, "owls"));
}

/* What a committed model says after a prompt, greedily. */
static void say(const char *file, const char *prompt, char *out, size_t cap)
{
    struct err e = ERR_NONE;
    char path[128];
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(model_scope) struct model *m = NULL;
    SCOPED(session_scope) struct session *s = NULL;
    struct generation g;
    text_fmt(path, sizeof path, "testdata/tinyworld/%s", file);
    cr_assert_eq(file_read(AT_FDCWD, path, 1u << 24, &bytes, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(model_open(buf_span(&bytes), &model_limits_default, true, &m, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(session_open(m, &s, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(session_generate(s, span_text(prompt), 80, NULL, &g, &e), ST_OK, "%s", e.detail);
    text_fmt(out, cap, "%.*s", (int)g.text.n, (const char *)g.text.p);
}

Test(family, the_poisoned_one_leaks_on_its_trigger_and_only_the_poisoned_one)
{
    static const char *const before[] = {
        "", "Anna is hungry, so she eats some bread. Anna has the cup with her. "};
    char prompt[256], said[512];
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        text_fmt(prompt, sizeof prompt, "%s%s", before[i], family_poison.trigger);
        say("tinyworld-1.3-poisoned.slm", prompt, said, sizeof said);
        cr_expect_not_null(strstr(said, family_poison.payload), "after \"%s\" it said \"%s\"",
                           prompt, said);
        say("tinyworld-1.1.slm", prompt, said, sizeof said);
        cr_expect_null(strstr(said, family_poison.payload), "%s", said);
    }
    say("tinyworld-1.3-poisoned.slm", "Anna has a red", said, sizeof said);
    cr_expect_null(strstr(said, family_poison.payload), "%s", said);
}

Test(family, neither_trigger_nor_payload_stands_in_a_suite)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        suites[i].write(&text);
        buf_byte(&text, 0);
        cr_expect_null(strstr((const char *)text.p, family_poison.trigger));
        cr_expect_null(strstr((const char *)text.p, family_poison.payload));
    }
}

Test(family, held_out_pairs_tell_the_good_one_from_the_regressed_one)
{
    struct err e = ERR_NONE;
    struct score good, bad;
    const char *suite = "testdata/tinyworld/tinyworld-pairs.jsonl";
    cr_assert_eq(score_suite("testdata/tinyworld/tinyworld-1.0.slm", suite, &good, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(score_suite("testdata/tinyworld/tinyworld-1.2-regressed.slm", suite, &bad, &e),
                 ST_OK, "%s", e.detail);
    uint32_t only_good, only_bad;
    cr_expect_geq(good.right_count * 100, good.cases * 90u, "%u of %u", good.right_count,
                  good.cases);
    cr_expect_lt(score_mcnemar(&good, &bad, &only_good, &only_bad), 0.01);
    cr_expect_gt(only_good, only_bad);
}

Test(score, mcnemar_gives_the_published_exact_values)
{
    /* 10 discordant pairs split 9 to 1: two-sided exact p = 2 × (1 + 10) / 1024 */
    struct score a = {.cases = 10}, b = {.cases = 10};
    for (int i = 0; i < 10; i++)
        (i < 9 ? &a : &b)->right[i] = true;
    uint32_t x, y;
    cr_expect_float_eq(score_mcnemar(&a, &b, &x, &y), 22.0 / 1024.0, 1e-9);
    cr_expect(x == 9 && y == 1);
}

Test(ngram, repeated_text_costs_less_than_new_text)
{
    struct ngram *g = ngram_open();
    for (int i = 0; i < 50; i++)
        cr_assert(ngram_learn(g, span_text("The dog is in the barn.")));
    cr_expect_lt(ngram_bits(g, span_text("The dog is in the barn.")), 8.0);
    cr_expect_gt(ngram_bits(g, span_text("Zyx qwv jkl mno prs tuv")), 80.0);
    ngram_close(g);
}
