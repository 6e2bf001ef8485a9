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

enum status command_find(char *const *word, size_t words, const struct command **out, size_t *used,
                         struct err *e)
{
    assert(words > 0);
    const char *near = NULL;
    size_t distance = 3;
    const struct command *k;
    bool family = false;
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        const char *name = k->name;
        bool two = is_family(name, word[0]);
        family = family || two;
        if (strcmp(name, word[0]) == 0 ||
            (two && words > 1 && strcmp(strchr(name, ' ') + 1, word[1]) == 0)) {
            *out = k;
            *used = two ? 2 : 1;
            return ST_OK;
        }
        size_t d = opt_distance(word[0], name);
        if (d < distance) {
            distance = d;
            near = name;
        }
    }
    if (family)
        return family_member(word, words, e);
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
    return ST_OK;
}
