#include "cli/opt.h"
#include "base/heap.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64 /* letters that count when names are compared */

const struct opt_shape opt_shapes[OPT_COUNT] = {
#define X(id, name, letter, arg, help) [id] = {name, letter, arg, help},
    OPT_LIST(X)
#undef X
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t opt_distance(const char *a, const char *b)
{
    size_t n = least(strlen(a), WORD_MAX), m = least(strlen(b), WORD_MAX);
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = least(least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

static const char *nearest_option(const char *name)
{
    const char *best = NULL;
    size_t distance = 3; /* farther than this is no slip of the finger */
    for (int i = 0; i < OPT_COUNT; i++) {
        size_t d = opt_distance(name, opt_shapes[i].name);
        if (d < distance && d < strlen(name)) {
            distance = d;
            best = opt_shapes[i].name;
        }
    }
    return best;
}

static enum status unknown(const char *name, const char *typed, struct err *e)
{
    const char *near = nearest_option(name);
    if (near != NULL)
        return err_set(e, ST_USAGE, "option-unknown", "there is no option %s; did you mean --%s?",
                       typed, near);
    return err_set(e, ST_USAGE, "option-unknown", "there is no option %s; see assay help", typed);
}

static enum status keep(struct args *a, enum opt id, const char *value, struct err *e)
{
    if (a->value[id] != NULL)
        return err_set(e, ST_USAGE, "option-twice", "--%s is given twice", opt_shapes[id].name);
    a->value[id] = value;
    return ST_OK;
}

/* A model may be asked to begin from nothing, and an empty line may separate texts. */
static bool may_be_empty(enum opt id)
{
    return id == OPT_PROMPT || id == OPT_SEPARATOR;
}

enum status opt_lacking(const struct opt_shape *shape, bool empty, struct err *e)
{
    return err_set(e, ST_USAGE, "option-argument",
                   empty ? "--%s is empty; its argument is %s" : "--%s needs its argument %s",
                   shape->name, shape->arg);
}

static enum status lack(struct args *a, enum opt id, bool empty, struct err *e)
{
    a->lacks.yes = true;
    a->lacks.empty = empty;
    a->lacks.id = id;
    return opt_lacking(&opt_shapes[id], empty, e);
}

/* The argument of option id: after the = (inlined, may be NULL), else the next word. */
static enum status take(struct args *a, enum opt id, const char *inlined, int argc, char **argv,
                        int *at, struct err *e)
{
    const struct opt_shape *shape = &opt_shapes[id];
    if (shape->arg == NULL) {
        if (inlined != NULL)
            return err_set(e, ST_USAGE, "option-argument", "--%s takes no argument", shape->name);
        return keep(a, id, "", e);
    }
    if (inlined == NULL) {
        if (*at + 1 >= argc)
            return lack(a, id, false, e);
        inlined = argv[++*at];
    }
    if (inlined[0] == '\0' && !may_be_empty(id))
        return lack(a, id, true, e);
    return keep(a, id, inlined, e);
}

static enum status read_long(struct args *a, int argc, char **argv, int *at, struct err *e)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    for (int i = 0; i < OPT_COUNT; i++) {
        if (strlen(opt_shapes[i].name) == length && memcmp(name, opt_shapes[i].name, length) == 0)
            return take(a, (enum opt)i, equals != NULL ? equals + 1 : NULL, argc, argv, at, e);
    }
    char bare[WORD_MAX];
    text_fmt(bare, sizeof bare, "%.*s", (int)least(length, WORD_MAX), name);
    return unknown(bare, argv[*at], e);
}

static enum status read_short(struct args *a, int argc, char **argv, int *at, struct err *e)
{
    const char *typed = argv[*at];
    for (int i = 0; i < OPT_COUNT; i++) {
        if (opt_shapes[i].letter != 0 && opt_shapes[i].letter == typed[1] && typed[2] == '\0')
            return take(a, (enum opt)i, NULL, argc, argv, at, e);
    }
    return unknown(typed + 1, typed, e);
}

static enum status read_one(struct args *out, int argc, char **argv, int *at, bool *options,
                            struct err *e)
{
    const char *word = argv[*at];
    if (*options && strcmp(word, "--") == 0)
        *options = false;
    else if (*options && word[0] == '-' && word[1] == '-')
        return read_long(out, argc, argv, at, e);
    else if (*options && word[0] == '-' && word[1] != '\0')
        return read_short(out, argc, argv, at, e);
    else if (word[0] == '\0')
        return err_set(e, ST_USAGE, "words", "word %zu is empty; was a variable not set?",
                       out->words + 1);
    else
        out->word[out->words++] = argv[*at];
    return ST_OK;
}

enum status args_read(int argc, char **argv, struct args *out, struct err *e)
{
    *out = (struct args){0};
    out->word = heap_zero((size_t)argc + 1, sizeof *out->word);
    if (out->word == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the command line");
    bool options = true;
    enum status st = ST_OK;
    int i = 1;
    for (; st == ST_OK && i < argc; i++)
        st = read_one(out, argc, argv, &i, &options, e);
    for (; st != ST_OK && options && i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->value[OPT_JSON] = "";
    }
    return st;
}

void args_release(struct args *a)
{
    heap_free(a->word);
    a->word = NULL;
    a->words = 0;
}

bool opt_given(const struct args *a, enum opt id)
{
    assert(id < OPT_COUNT);
    return a->value[id] != NULL;
}

enum status opt_u64(const struct args *a, enum opt id, uint64_t low, uint64_t high, uint64_t *out,
                    struct err *e)
{
    const char *text = a->value[id];
    uint64_t v = 0;
    if (text == NULL)
        return ST_OK;
    if (!text_u64(span_text(text), &v) || v < low || v > high)
        return err_set(e, ST_USAGE, "option-value",
                       "--%s %s: a whole number from %" PRIu64 " to %" PRIu64 " is wanted",
                       opt_shapes[id].name, text, low, high);
    *out = v;
    return ST_OK;
}

/* digits [ "." digits ], at most 32 bytes: what every locale's strtod would agree on in "C". */
static bool is_decimal(const char *s)
{
    size_t whole = strspn(s, "0123456789");
    const char *rest = s + whole;
    if (whole == 0 || strlen(s) > 32)
        return false;
    if (*rest == '\0')
        return true;
    size_t places = strspn(rest + 1, "0123456789");
    return *rest == '.' && places > 0 && rest[1 + places] == '\0';
}

enum status opt_decimal(const struct args *a, enum opt id, double *out, struct err *e)
{
    const char *text = a->value[id];
    if (text == NULL)
        return ST_OK;
    if (!is_decimal(text))
        return err_set(e, ST_USAGE, "option-value", "--%s %s: a number such as 0.8 is wanted",
                       opt_shapes[id].name, text);
    *out = strtod(text, NULL); /* the program never leaves the "C" locale */
    return ST_OK;
}
