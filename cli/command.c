#include "cli/command.h"
#include "base/text.h"
#include "cli/table.h"
#include <assert.h>
#include <string.h>

static const struct command_table *const tables[] = {
    &table_store,   &table_room,    &table_trust, &table_gate,
    &table_approve, &table_promote, &table_model, &table_self,
};

const struct command *command_at(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        if (i < tables[t]->count)
            return &tables[t]->rows[i];
        i -= tables[t]->count;
    }
    return NULL;
}

const char *command_group(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        if (i == 0)
            return tables[t]->title;
        if (i < tables[t]->count)
            return NULL;
        i -= tables[t]->count;
    }
    return NULL;
}

bool command_global(enum opt id)
{
    return id == OPT_STORE || id == OPT_JSON || id == OPT_QUIET || id == OPT_AT || id == OPT_HELP;
}

bool command_takes(const struct command *c, enum opt id)
{
    for (size_t i = 0; i < c->option_count; i++) {
        if (c->options[i] == id)
            return true;
    }
    return command_global(id);
}

static const struct option_note *note_of(const struct command *c, enum opt id)
{
    for (size_t i = 0; i < c->note_count; i++) {
        if (c->notes[i].id == id)
            return &c->notes[i];
    }
    return NULL;
}

struct opt_shape command_option(const struct command *c, enum opt id)
{
    struct opt_shape shape = opt_shapes[id];
    const struct option_note *note = note_of(c, id);
    if (note != NULL && note->arg != NULL)
        shape.arg = note->arg;
    if (note != NULL && note->help != NULL)
        shape.help = note->help;
    return shape;
}

/* Does `name` ("key new") begin with the word? */
static bool is_family(const char *name, const char *word)
{
    size_t n = strlen(word);
    return strncmp(name, word, n) == 0 && name[n] == ' ';
}

bool command_family(const char *word)
{
    const struct command *k;
    bool family = false;
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (strcmp(k->name, word) == 0)
            return false; /* a command that others are named after tells of itself */
        family = family || is_family(k->name, word);
    }
    return family;
}

static enum status family_member(char *const *word, size_t words, struct err *e)
{
    const struct command *k;
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (is_family(k->name, word[0]))
            buf_fmt(&list, "%s%s", list.n > 0 ? ", " : "", k->name + strlen(word[0]) + 1);
    }
    buf_byte(&list, 0);
    if (buf_status(&list) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a message");
    if (words < 2)
        return err_set(e, ST_USAGE, "command-unknown", "%s what? One of: %s", word[0],
                       (char *)list.p);
    return err_set(e, ST_USAGE, "command-unknown", "there is no %s %s; there is: %s", word[0],
                   word[1], (char *)list.p);
}

/* The command that the words name, by as many of them as there is one for: "bench store" before
 * "bench". */
static const struct command *named(char *const *word, size_t words, size_t *used)
{
    const struct command *k;
    for (*used = words > 1 ? 2 : 1; *used > 0; --*used) {
        for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
            bool two = is_family(k->name, word[0]);
            if (*used == 2 ? two && strcmp(strchr(k->name, ' ') + 1, word[1]) == 0
                           : strcmp(k->name, word[0]) == 0)
                return k;
        }
    }
    return NULL;
}

enum status command_find(char *const *word, size_t words, const struct command **out, size_t *used,
                         struct err *e)
{
    assert(words > 0);
    const char *near = NULL;
    size_t distance = 3;
    const struct command *k = named(word, words, used);
    *out = k;
    if (k != NULL)
        return ST_OK;
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (is_family(k->name, word[0]))
            return family_member(word, words, e);
        size_t d = opt_distance(word[0], k->name);
        if (d < distance) {
            distance = d;
            near = k->name;
        }
    }
    if (near != NULL)
        return err_set(e, ST_USAGE, "command-unknown", "there is no command %s; did you mean %s?",
                       word[0], near);
    return err_set(e, ST_USAGE, "command-unknown", "there is no command %s; assay help lists them",
                   word[0]);
}

/* The option of the command whose name is nearest to a foreign one's. */
static enum status not_taken(const struct command *c, enum opt id, struct err *e)
{
    const char *near = NULL;
    size_t distance = 3;
    for (size_t i = 0; i < c->option_count; i++) {
        size_t d = opt_distance(opt_shapes[id].name, opt_shapes[c->options[i]].name);
        if (d < distance) {
            distance = d;
            near = opt_shapes[c->options[i]].name;
        }
    }
    if (near != NULL)
        return err_set(e, ST_USAGE, "option-unknown", "%s takes no --%s; did you mean --%s?",
                       c->name, opt_shapes[id].name, near);
    return err_set(e, ST_USAGE, "option-unknown", "%s takes no --%s", c->name, opt_shapes[id].name);
}

/* Options that mean nothing without another, to whatever command. */
static const struct {
    enum opt id, with;
} pairs[] = {
    {OPT_FORCE, OPT_OUTPUT},
    {OPT_AGAINST, OPT_VERIFY},
    {OPT_STREAM, OPT_JSON},
    {OPT_FROM, OPT_REPAIR},
};

/* And those that contradict each other. */
static const struct {
    enum opt id, rival;
} rivals[] = {
    {OPT_CSV, OPT_JSON},
    {OPT_INDEX, OPT_REPAIR},
    {OPT_INDEX, OPT_REBUILD_INDEX},
    {OPT_REPAIR, OPT_REBUILD_INDEX},
    {OPT_FILE, OPT_DIGEST},
};

static enum status goes_with(const struct args *a, enum opt id, enum opt with, struct err *e)
{
    if (!opt_given(a, id) || opt_given(a, with))
        return ST_OK;
    return err_set(e, ST_USAGE, "option-pair", "--%s goes with --%s", opt_shapes[id].name,
                   opt_shapes[with].name);
}

static enum status check_pairs(const struct command *c, const struct args *a, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < sizeof pairs / sizeof *pairs; i++)
        st = goes_with(a, pairs[i].id, pairs[i].with, e);
    for (size_t i = 0; st == ST_OK && i < c->note_count; i++) {
        if (c->notes[i].with != 0)
            st = goes_with(a, c->notes[i].id, c->notes[i].with, e);
    }
    for (size_t i = 0; st == ST_OK && i < sizeof rivals / sizeof *rivals; i++) {
        if (opt_given(a, rivals[i].id) && opt_given(a, rivals[i].rival))
            st = err_set(e, ST_USAGE, "option-pair", "--%s or --%s, not both",
                         opt_shapes[rivals[i].id].name, opt_shapes[rivals[i].rival].name);
    }
    return st;
}

enum status command_check(const struct command *c, const struct args *a, size_t words,
                          struct err *e)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        if (opt_given(a, (enum opt)i) && !command_takes(c, (enum opt)i))
            return not_taken(c, (enum opt)i, e);
    }
    if (words < c->least)
        return err_set(e, ST_USAGE, "words", "%s needs %s", c->name, c->words);
    if (words > c->most && c->most == 0)
        return err_set(e, ST_USAGE, "words", "%s takes no words", c->name);
    if (words > c->most)
        return err_set(e, ST_USAGE, "words", "%s takes only %s", c->name, c->words);
    return check_pairs(c, a, e);
}
