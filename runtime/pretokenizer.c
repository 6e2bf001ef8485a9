#include "runtime/pretokenizer.h"

#include "base/utf8.h"
#include "runtime/unicode.h"

bool pretokenizer_find(struct span name, enum pretokenizer *out)
{
    static const struct {
        const char *name;
        enum pretokenizer how;
    } known[] = {{"gpt-2", PRE_GPT2},
                 {"smollm", PRE_SMOLLM},
                 {"llama-bpe", PRE_LLAMA3},
                 {"llama3", PRE_LLAMA3},
                 {"qwen2", PRE_QWEN2}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_equal(name, span_text(known[i].name))) {
            *out = known[i].how;
            return true;
        }
    return false;
}

/* The character at an offset; n = 0 at the end. */
struct at {
    uint32_t code;
    enum unicode_class class;
    size_t n;
};

static struct at look(struct span s, size_t at)
{
    struct at c = {.n = 0};
    if (at >= s.n)
        return c;
    if (s.p[at] < 0x80) {
        c.code = s.p[at];
        c.n = 1;
    } else {
        c.code = utf8_decode(SPAN(s.p + at, s.n - at), &c.n);
    }
    c.class = unicode_class(c.code);
    return c;
}

/* The end of the run of characters of that class, of at most `most`. */
static size_t run(struct span s, size_t at, enum unicode_class class, size_t most)
{
    for (struct at c; most > 0 && (c = look(s, at)).n > 0 && c.class == class; most--)
        at += c.n;
    return at;
}

static bool is_newline(uint32_t code)
{
    return code == '\r' || code == '\n';
}

/* Without case a long s (U+017F) is an s too. */
static bool is_letter(struct at c, char letter, bool any_case)
{
    uint32_t code = c.code;
    if (any_case && code >= 'A' && code <= 'Z')
        code += 'a' - 'A';
    if (any_case && code == 0x17f)
        code = 's';
    return c.n > 0 && code == (uint32_t)letter;
}

/* The end of 's 't 're 've 'm 'll 'd at `at`, or `at`. */
static size_t contraction(struct span s, size_t at, bool any_case)
{
    static const char *const ends[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (at >= s.n || s.p[at] != '\'')
        return at;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t to = at + 1;
        const char *want = ends[i];
        for (struct at c; *want != '\0' && is_letter(c = look(s, to), *want, any_case); want++)
            to += c.n;
        if (*want == '\0')
            return to;
    }
    return at;
}

/* A run of white space: all of it at the text's end, else all but the last character (that one goes
 * with the next word), which stands alone when there is no other. */
static size_t white_space(struct span s, size_t at)
{
    size_t end = at, last = at;
    for (struct at c; (c = look(s, end)).n > 0 && c.class == UNICODE_SPACE; end += c.n)
        last = end;
    return end == s.n || last == at ? end : last;
}

static size_t word_gpt2(struct span s, size_t at)
{
    size_t to = contraction(s, at, false);
    if (to > at)
        return to;
    struct at first = look(s, at);
    size_t from = first.code == ' ' ? at + 1 : at; /* with the one space before it */
    struct at next = look(s, from);
    if (next.n > 0 && next.class != UNICODE_SPACE)
        return run(s, from, next.class, SIZE_MAX);
    return white_space(s, at);
}

/* White space up to the last line end of its run; `at` when the run has none. */
static size_t lines(struct span s, size_t at)
{
    size_t end = at;
    for (struct at c; (c = look(s, at)).n > 0 && c.class == UNICODE_SPACE;) {
        at += c.n;
        end = is_newline(c.code) ? at : end;
    }
    return end;
}

static size_t word_llama3(struct span s, size_t at, size_t digits)
{
    size_t to = contraction(s, at, true);
    if (to > at)
        return to;
    struct at first = look(s, at), second = look(s, at + first.n);
    if (first.class == UNICODE_LETTER)
        return run(s, at, UNICODE_LETTER, SIZE_MAX);
    if (first.class == UNICODE_NUMBER)
        return run(s, at, UNICODE_NUMBER, digits);
    if (second.n > 0 && second.class == UNICODE_LETTER && !is_newline(first.code))
        return run(s, at + first.n, UNICODE_LETTER, SIZE_MAX);
    size_t from = first.code == ' ' ? at + 1 : at;
    to = run(s, from, UNICODE_OTHER, SIZE_MAX);
    if (to > from) {
        while (to < s.n && is_newline(s.p[to]))
            to++;
        return to;
    }
    to = lines(s, at);
    return to > at ? to : white_space(s, at);
}

static size_t word_smollm(struct pretoken *p)
{
    struct at first = look(p->text, p->at);
    if (first.class == UNICODE_NUMBER)
        return p->at + first.n;
    if (p->limit <= p->at) {
        p->limit = p->at;
        for (struct at c; (c = look(p->text, p->limit)).n > 0 && c.class != UNICODE_NUMBER;)
            p->limit += c.n;
    }
    return word_gpt2(SPAN(p->text.p, p->limit), p->at);
}

struct pretoken pretoken_start(enum pretokenizer how, struct span text)
{
    return (struct pretoken){.how = how, .text = text};
}

struct span pretoken_next(struct pretoken *p)
{
    const size_t at = p->at;
    if (at >= p->text.n)
        return SPAN(NULL, 0);
    switch (p->how) {
    case PRE_GPT2: p->at = word_gpt2(p->text, at); break;
    case PRE_SMOLLM: p->at = word_smollm(p); break;
    case PRE_LLAMA3: p->at = word_llama3(p->text, at, 3); break;
    case PRE_QWEN2: p->at = word_llama3(p->text, at, 1); break;
    }
    return SPAN(p->text.p + at, p->at - at);
}
