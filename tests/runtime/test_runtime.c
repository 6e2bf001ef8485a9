#include "runtime/runtime.h"

#include "base/heap.h"
#include "runtime/diagnostics.h"
#include "tests/support/ascii_model.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct runtime *started(void)
{
    struct runtime *r = runtime_create();
    cr_assert_not_null(r);
    cr_assert_eq(runtime_init(r), ABI_OK);
    return r;
}

/* The model's bytes in a block of the runtime's own. */
static void *transfer(struct runtime *r, struct buf file)
{
    void *p = runtime_alloc(r, file.n);
    cr_assert_not_null(p);
    memcpy(p, file.p, file.n);
    return p;
}

static unsigned load_ascii(struct runtime *r)
{
    SCOPED(buf_release) struct buf file = make_ascii_slm1(&(struct make){.kv_heads = 2});
    void *p = transfer(r, file);
    unsigned code = runtime_load_model(r, p, file.n);
    runtime_dealloc(r, p, file.n); /* as hosts of the reference do */
    return code;
}

Test(runtime, every_call_before_init_is_refused)
{
    SCOPED(runtime_scope) struct runtime *r = runtime_create();
    cr_assert_eq(runtime_state(r), RUNTIME_UNINITIALIZED);
    cr_assert_eq(load_ascii(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_set_sampling_config(r, 0.0f, 1, 1.0f, 1), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_generate(r, "a", 1, 1), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_free_model(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_state(r), RUNTIME_UNINITIALIZED);
}

Test(runtime, states_follow_the_calls)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    cr_assert_eq(runtime_state(r), RUNTIME_INITIALIZED);
    cr_assert_eq(runtime_generate(r, "a", 1, 1), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_begin(r, "a", 1), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_generate_next_token(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_cancel(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_reset_context(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_free_model(r), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_state(r), RUNTIME_INITIALIZED);
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
    cr_assert_eq(runtime_init(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_READY, "init does nothing once initialized");
    cr_assert_eq(runtime_generate_next_token(r), ABI_GENERATION_FAILED);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
    cr_assert_eq(runtime_generate(r, "a", 1, 4), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_CONTINUATION_READY);
    cr_assert_eq(runtime_generate_next_token(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_CONTINUATION_READY);
    cr_assert_eq(runtime_generate(r, "a", 1, 0), 2);
    cr_assert_eq(runtime_state(r), RUNTIME_RECOVERABLE_ERROR);
    cr_assert_eq(runtime_last_result(r)->text.n, 0);
    cr_assert_eq(runtime_generate_next_token(r), ABI_GENERATION_FAILED);
    cr_assert_eq(runtime_generate(r, "a", 1, 4), ABI_OK);
    cr_assert_eq(runtime_reset_context(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
    cr_assert_eq(runtime_begin(r, "a", 1), ABI_OK);
    cr_assert_eq(runtime_cancel(r), ABI_CANCELLED);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
    cr_assert_eq(runtime_free_model(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_FREED);
    cr_assert_eq(runtime_generate(r, "a", 1, 4), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
}

Test(runtime, a_prompt_can_be_left_half_way)
{
    static const char text[] = "a text of more than forty-eight tokens, cut in two";
    SCOPED(runtime_scope) struct runtime *r = started();
    size_t left = 0;
    cr_assert_eq(runtime_start(r, text, sizeof text - 1, &left), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(runtime_prefill(r, &left), ABI_MODEL_NOT_LOADED);
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_prefill(r, &left), ABI_GENERATION_FAILED);
    cr_assert_eq(runtime_start(r, text, sizeof text - 1, &left), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_READY);
    cr_assert_eq(runtime_prefill(r, &left), ABI_OK);
    cr_assert_gt(left, 0);
    cr_assert_eq(runtime_generate_next_token(r), ABI_GENERATION_FAILED, "not before all of it");
    cr_assert_eq(runtime_cancel(r), ABI_CANCELLED);
    cr_assert_eq(runtime_start(r, "\xff", 1, &left), 3);
    cr_assert_eq(runtime_state(r), RUNTIME_RECOVERABLE_ERROR);
    cr_assert_eq(runtime_start(r, text, sizeof text - 1, &left), ABI_OK);
    while (left > 0)
        cr_assert_eq(runtime_prefill(r, &left), ABI_OK);
    cr_assert_eq(runtime_state(r), RUNTIME_CONTINUATION_READY);
    cr_assert_eq(runtime_generate_next_token(r), ABI_OK);
}

Test(runtime, steps_give_what_one_generation_gives)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 12), ABI_OK);
    char want[12], got[12];
    cr_assert_eq(runtime_last_result(r)->text.n, 12);
    memcpy(want, runtime_last_result(r)->text.p, 12);
    cr_assert_eq(runtime_begin(r, "The", 3), ABI_OK);
    for (size_t i = 0; i < 12; i++) {
        cr_assert_eq(runtime_generate_next_token(r), ABI_OK);
        cr_assert_eq(runtime_last_result(r)->text.n, 1);
        got[i] = (char)runtime_last_result(r)->text.p[0];
    }
    cr_assert_arr_eq(want, got, 12);
}

Test(runtime, a_failed_replacement_keeps_the_model_and_its_generation)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 6), ABI_OK);
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){0});
    file.p[4] = 9; /* the version */
    void *p = transfer(r, file);
    cr_assert_eq(runtime_load_model(r, p, file.n), 5);
    runtime_dealloc(r, p, file.n);
    cr_assert_eq(runtime_load_model(r, "nonsense", 8), 4);
    cr_assert_eq(runtime_load_model(r, NULL, 8), 1);
    cr_assert_eq(runtime_state(r), RUNTIME_CONTINUATION_READY);
    cr_assert_eq(runtime_generate_next_token(r), ABI_OK);
    for (uint64_t nth = 1;; nth++) { /* and so does one that finds no memory */
        SCOPED(buf_release) struct buf good = make_slm1(&(struct make){0});
        heap_fail_at(nth, 0);
        unsigned code = runtime_load_model(r, good.p, good.n);
        heap_fail_at(0, 0);
        if (code == ABI_OK) {
            cr_assert_gt(nth, 8);
            runtime_free_model(r); /* the bytes were borrowed */
            break;
        }
        cr_assert_eq(runtime_generate(r, "The", 3, 2), ABI_OK);
    }
}

Test(runtime, a_model_can_be_replaced_from_its_own_block)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    SCOPED(buf_release) struct buf file = make_ascii_slm1(&(struct make){0});
    void *p = transfer(r, file);
    cr_assert_eq(runtime_load_model(r, p, file.n), ABI_OK);
    cr_assert_eq(runtime_load_model(r, p, file.n), ABI_OK);
    runtime_dealloc(r, p, file.n);
    cr_assert_eq(runtime_generate(r, "a", 1, 3), ABI_OK);
    cr_assert_eq(runtime_load_model(r, p, file.n), ABI_OK, "given back, yet still the model's");
    cr_assert_eq(runtime_generate(r, "a", 1, 3), ABI_OK);
}

Test(runtime, transfers_have_limits)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    cr_assert_null(runtime_alloc(r, 0));
    cr_assert_null(runtime_alloc(r, RUNTIME_ALLOC_MAX + 1));
    void *p[RUNTIME_BLOCKS_MAX];
    for (size_t i = 0; i < RUNTIME_BLOCKS_MAX; i++)
        cr_assert_not_null(p[i] = runtime_alloc(r, 10));
    cr_assert_null(runtime_alloc(r, 10));
    runtime_dealloc(r, p[3], 10);
    runtime_dealloc(r, r, 10); /* not a block: ignored */
    cr_assert_not_null(runtime_alloc(r, 10));
}

Test(runtime, refused_sampling_keeps_the_old_and_outlives_a_model)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    cr_assert_eq(runtime_set_sampling_config(r, 1.0f, 40, 0.9f, 7), ABI_OK);
    cr_assert_eq(runtime_set_sampling_config(r, NAN, 40, 0.9f, 7), 2);
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 20), ABI_OK);
    uint32_t ids[20];
    memcpy(ids, runtime_last_result(r)->token_ids, sizeof ids);
    cr_assert_eq(runtime_set_sampling_config(r, 1.0f, 0, 0.9f, 7), 2);
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 20), ABI_OK);
    cr_assert_arr_eq(ids, runtime_last_result(r)->token_ids, sizeof ids);
    cr_assert_eq(runtime_set_sampling_config(r, 1.0f, 40, 0.9f, 8), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 20), ABI_OK);
    cr_assert_neq(memcmp(ids, runtime_last_result(r)->token_ids, sizeof ids), 0,
                  "another seed, another text");
}

Test(runtime, each_number_has_one_name_and_one_message)
{
    static const char *const names[ABI_COUNT] = {
        "Ok",
        "NullPointer",
        "InvalidLength",
        "InvalidUtf8",
        "InvalidModelMagic",
        "UnsupportedModelVersion",
        "InvalidHeader",
        "InvalidTensorDirectory",
        "MissingTensor",
        "ShapeMismatch",
        "UnsupportedDType",
        "ContextExceeded",
        "ModelNotLoaded",
        "GenerationFailed",
        "OutputBufferExceeded",
        "Cancelled",
    };
    for (unsigned i = 0; i < ABI_COUNT; i++) {
        cr_assert_str_eq(abi_name(i), names[i]);
        cr_assert_gt(strlen(abi_message(i)), 3);
    }
    cr_assert_eq(abi_error(ST_OK), 0);
    cr_assert_eq(abi_error(ST_MODEL_SHAPE), 9);
    cr_assert_eq(abi_error(ST_CANCELLED), 15);
    cr_assert_eq(abi_error(ST_NO_MEMORY), 13);
}

/* Decimals are not for the strict reader of base/json.h, so members are looked for as text. */
static bool tells(struct runtime *r, const char *member)
{
    struct span text = runtime_get_diagnostics(r);
    cr_assert_geq(text.n, 2);
    return memmem(text.p, text.n, member, strlen(member)) != NULL;
}

static void check_members(struct runtime *r)
{
    static const char *const keys[] = {
        "schema",
        "state",
        "model_loaded",
        "last_error",
        "load_ms",
        "prompt_tokens",
        "generated_tokens",
        "tokens_per_second",
        "peak_scratch_bytes",
        "kv_bytes",
        "kv_length",
        "logits_bytes",
        "transfer_bytes",
        "quantization",
        "tokenizer",
        "sampling",
        "selected_token",
        "top_candidates",
        "identity",
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\":", keys[i]);
        cr_assert(tells(r, quoted), "%s", quoted);
    }
}

Test(runtime, diagnostics_have_every_member_with_and_without_a_model)
{
    SCOPED(runtime_scope) struct runtime *r = started();
    char selected[40];
    check_members(r);
    cr_assert(tells(r, "\"state\":\"initialized\"") && tells(r, "\"model_loaded\":false"));
    cr_assert_eq(load_ascii(r), ABI_OK);
    cr_assert_eq(runtime_generate(r, "The", 3, 5), ABI_OK);
    check_members(r);
    snprintf(selected, sizeof selected, "\"selected_token\":%u,",
             runtime_last_result(r)->token_ids[4]);
    cr_assert(tells(r, selected));
    cr_assert(tells(r, "\"kv_length\":9,") && tells(r, "\"prompt_tokens\":4,"));
    cr_assert(tells(r, "\"generated_tokens\":5,") && tells(r, "\"model_loaded\":true"));
    cr_assert(tells(r, "\"state\":\"continuation-ready\"") && tells(r, "\"format\":\"slm1\""));
    cr_assert(tells(r, "{\"kind\":\"byte\",\"bos\":256,\"eos\":257,\"pad\":258,\"unk\":259}"));
    cr_assert_eq(runtime_generate(r, "\xff", 1, 5), 3);
    cr_assert(tells(r, "{\"code\":3,\"name\":\"InvalidUtf8\","));
    cr_assert(tells(r, "\"state\":\"recoverable-error\""));
}
