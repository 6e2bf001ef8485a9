/* The generate transaction: clear → encode → prefill → (sample → forward)… → decode → one result.
 */
#include "runtime/diagnostics.h"
#include "runtime/session_state.h"

/* The next positions of the prompt through the model, several at a time; only the last token's
 * logits are wanted. How far it came is the context's length. */
static void prefill_batch(struct session *s)
{
    const size_t count = session_prompt_count(s), i = s->kv.length;
    const size_t n = count - i < FORWARD_BATCH ? count - i : FORWARD_BATCH;
    uint64_t began = diagnostics_ticks();
    session_feed(s, session_prompt(s) + i, n, i + n == count);
    s->prefill_ns += diagnostics_ticks() - began;
    s->has_logits = i + n == count;
    s->continues = i + n == count;
}

static enum status prefill(struct session *s, const struct token_sink *sink, struct err *e)
{
    while (s->kv.length < session_prompt_count(s)) {
        if (sink != NULL && sink->onward != NULL && !sink->onward(sink->ctx))
            return err_set(e, ST_CANCELLED, NULL,
                           "the generation was cancelled after %u tokens of the prompt",
                           s->kv.length);
        prefill_batch(s);
    }
    return ST_OK;
}

/* One EOS at the end goes; a lone BOS stays, even where both are the same token. */
static void drop_eos(struct session *s)
{
    const size_t count = session_prompt_count(s);
    if (count == 0 || (int64_t)session_prompt(s)[count - 1] != s->facts->eos)
        return;
    if (count > 1 || s->facts->bos != s->facts->eos)
        s->prompt.n -= sizeof(uint32_t);
}

/* Up to the prefill: the prompt's ids are there, and there is room for them. */
static enum status encode(struct session *s, struct span prompt, struct err *e)
{
    enum status st = session_encode(s, prompt, false, e);
    if (st != ST_OK)
        return st;
    drop_eos(s);
    const size_t count = session_prompt_count(s);
    if (count == 0)
        return err_set(e, ST_INVALID_LENGTH, "nothing-to-prefill",
                       "the text gives no token to begin with");
    if (count >= s->kv.context)
        return err_set(e, ST_CONTEXT_EXCEEDED, "context-exceeded",
                       "the text has %zu tokens; the context of %u needs room for one more", count,
                       s->kv.context);
    return ST_OK;
}

/* Up to and including the prefill. */
static enum status begin(struct session *s, struct span prompt, const struct token_sink *sink,
                         struct err *e)
{
    enum status st = encode(s, prompt, e);
    return st == ST_OK ? prefill(s, sink, e) : st;
}

/* Does nothing but BOS stand before the next token? */
static bool nothing_before(const struct session *s)
{
    return s->generated_count == 0 && session_prompt_count(s) == 1 &&
           (int64_t)session_prompt(s)[0] == s->facts->bos;
}

/* One token: sampled, recorded, decoded into *text, run. Sets s->stop instead when there is none.
 */
static enum status advance(struct session *s, struct span *text, struct err *e)
{
    *text = SPAN(s->output, 0);
    if (s->kv.length >= s->kv.context) {
        s->stop = STOP_CAPACITY;
        return ST_OK;
    }
    uint32_t id = sampler_draw(&s->sampler, s->logits, s->facts->shape.vocab);
    if (id == SAMPLER_NONE)
        return err_at(e, ST_GENERATION_FAILED, "sampling-step", "logits-not-numbers", ERR_NO_OFFSET,
                      "no logit at position %u is a number", s->kv.length);
    s->selected = id;
    if ((int64_t)id == s->facts->eos) {
        s->stop = STOP_EOS;
        return ST_OK;
    }
    *text = decode_push(&s->decode, tokenizer_piece(s->tokenizer, id, nothing_before(s)));
    s->generated[s->generated_count++] = id;
    forward_token(&s->forward, &s->kv, id, s->logits);
    return ST_OK;
}

static bool told(const struct token_sink *sink, uint32_t id, struct span text)
{
    return sink == NULL || sink->token == NULL || sink->token(sink->ctx, id, text);
}

/* At most `limit` tokens; none after EOS or at capacity, which stay as they are. */
static enum status run(struct session *s, uint32_t limit, const struct token_sink *sink,
                       struct err *e)
{
    s->stop = s->stop == STOP_LIMIT ? STOP_NONE : s->stop;
    for (uint32_t made = 0; s->stop == STOP_NONE; made++) {
        if (made == limit) {
            s->stop = STOP_LIMIT;
            return ST_OK;
        }
        struct span text;
        enum status st = advance(s, &text, e);
        if (st != ST_OK)
            return st;
        if (s->stop == STOP_NONE && !told(sink, s->selected, text))
            return err_set(e, ST_CANCELLED, NULL, "the generation was cancelled after %u tokens",
                           s->generated_count);
        if (s->decode.text.failed)
            return decode_finish(&s->decode, false, e);
    }
    return ST_OK;
}

/* The result of tokens from `first` on and text from `from` on. */
static struct generation result(const struct session *s, uint32_t first, size_t from)
{
    return (struct generation){
        .prompt_ids = session_prompt(s),
        .prompt_count = session_prompt_count(s),
        .token_ids = s->generated + first,
        .token_count = s->generated_count - first,
        .text = SPAN(s->output + from, s->decode.text.n - from),
        .stop = s->stop,
        .prefill_ns = s->prefill_ns,
        .decode_ns = s->decode_ns,
    };
}

/* Goes on by `limit` tokens and publishes. `step`: a character may wait for the next step. */
static enum status go_on(struct session *s, uint32_t limit, bool step,
                         const struct token_sink *sink, struct generation *out, struct err *e)
{
    const uint32_t first = s->generated_count;
    const size_t from = s->decode.text.n;
    uint64_t began = diagnostics_ticks();
    enum status st = run(s, limit, sink, e);
    s->decode_ns += diagnostics_ticks() - began;
    if (st == ST_OK) {
        bool final = s->stop != STOP_LIMIT || (s->decode.strict && !step);
        st = decode_finish(&s->decode, final, e);
    }
    *out = result(s, first, from);
    if (st == ST_OK)
        return ST_OK;
    if (st != ST_INVALID_UTF8)
        *out = (struct generation){.stop = st == ST_CANCELLED ? STOP_CANCELLED : STOP_NONE};
    out->text = SPAN(s->output, 0);
    return st;
}

static enum status no_session(struct err *e)
{
    return err_set(e, ST_NULL_POINTER, NULL,
                   "a generation needs a session and a place for its result");
}

static enum status no_tokens(struct err *e)
{
    return err_set(e, ST_INVALID_LENGTH, "no-new-tokens", "max_new_tokens must be at least 1");
}

enum status session_begin(struct session *s, struct span prompt, struct generation *out,
                          struct err *e)
{
    if (s == NULL || out == NULL)
        return no_session(e);
    *out = (struct generation){0};
    session_clear(s);
    enum status st = begin(s, prompt, NULL, e);
    if (st == ST_OK)
        *out = result(s, 0, 0);
    return session_conclude(s, st);
}

enum status session_start(struct session *s, struct span prompt, size_t *left, struct err *e)
{
    *left = 0;
    if (s == NULL)
        return no_session(e);
    session_clear(s);
    enum status st = encode(s, prompt, e);
    if (st == ST_OK)
        *left = session_prompt_count(s);
    return session_conclude(s, st);
}

enum status session_prefill(struct session *s, size_t *left, struct err *e)
{
    *left = 0;
    if (s == NULL)
        return no_session(e);
    size_t count = session_prompt_count(s);
    if (s->continues || s->kv.length >= count)
        return session_conclude(s, err_set(e, ST_GENERATION_FAILED, "nothing-to-prefill",
                                           "there is no prompt to go on with"));
    prefill_batch(s);
    *left = count - s->kv.length;
    return session_conclude(s, ST_OK);
}

enum status session_generate(struct session *s, struct span prompt, uint32_t max_new_tokens,
                             const struct token_sink *on_token, struct generation *out,
                             struct err *e)
{
    if (s == NULL || out == NULL)
        return no_session(e);
    *out = (struct generation){0};
    session_clear(s);
    enum status st = max_new_tokens > 0 ? begin(s, prompt, on_token, e) : no_tokens(e);
    if (st == ST_OK)
        st = go_on(s, max_new_tokens, false, on_token, out, e);
    return session_conclude(s, st);
}

static enum status resume(struct session *s, uint32_t limit, bool step,
                          const struct token_sink *on_token, struct generation *out, struct err *e)
{
    if (s == NULL || out == NULL)
        return no_session(e);
    *out = (struct generation){0};
    enum status st;
    if (limit == 0)
        st = no_tokens(e);
    else if (!s->continues)
        st = err_set(e, ST_GENERATION_FAILED, "nothing-to-continue",
                     "there is no generation to go on from");
    else
        st = go_on(s, limit, step, on_token, out, e);
    return session_conclude(s, st);
}

enum status session_continue(struct session *s, uint32_t max_new_tokens,
                             const struct token_sink *on_token, struct generation *out,
                             struct err *e)
{
    return resume(s, max_new_tokens, false, on_token, out, e);
}

enum status session_step(struct session *s, struct generation *out, struct err *e)
{
    return resume(s, 1, true, NULL, out, e);
}
