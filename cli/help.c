/* help, version and completion: all of them read the one table of commands. */
#include "base/text.h"
#include "base/version.h"
#include "cli/command.h"
#include "cli/print.h"
#include "verify/identity.h"
#include <string.h>

static void put_padded(struct buf *out, const char *text, size_t width)
{
    buf_text(out, text);
    for (size_t n = strlen(text); n < width; n++)
        buf_byte(out, ' ');
}

/* "-o, --output PATH" as it stands in the left column. */
static size_t name_option(const struct opt_shape *shape, char *out, size_t cap)
{
    return text_fmt(out, cap, "%c%c%s--%s%s%s", shape->letter != 0 ? '-' : ' ',
                    shape->letter != 0 ? shape->letter : ' ', shape->letter != 0 ? ", " : "  ",
                    shape->name, shape->arg != NULL ? " " : "",
                    shape->arg != NULL ? shape->arg : "");
}

/* The i-th option in the order of help: its own, then those of every command; false past the last.
 */
static bool option_at(const struct command *c, size_t i, struct opt_shape *out)
{
    if (i < c->option_count) {
        *out = command_option(c, c->options[i]);
        return true;
    }
    i -= c->option_count;
    for (int k = 0; k < OPT_COUNT; k++) {
        if (command_global((enum opt)k) && i-- == 0) {
            *out = command_option(c, (enum opt)k);
            return true;
        }
    }
    return false;
}

static void put_command_options(struct buf *out, const struct command *c)
{
    struct opt_shape shape;
    char text[64];
    size_t width = 0;
    for (size_t i = 0; option_at(c, i, &shape); i++) {
        size_t n = name_option(&shape, text, sizeof text);
        width = n > width ? n : width;
    }
    for (size_t i = 0; option_at(c, i, &shape); i++) {
        name_option(&shape, text, sizeof text);
        buf_text(out, "  ");
        put_padded(out, text, width + 2);
        buf_fmt(out, "%s\n", shape.help);
    }
}

static void put_lines(struct buf *out, const char *indent, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        buf_fmt(out, "%s%.*s\n", indent, (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void put_all(struct buf *out)
{
    const struct command *k;
    buf_text(out, "assay keeps small language models, gates them, and promotes them by policy.\n\n"
                  "usage: assay [--store DIR] [--json] [--quiet] COMMAND …\n\n");
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (command_group(i) != NULL)
            buf_fmt(out, "%s%s:\n", i == 0 ? "" : "\n", command_group(i));
        buf_text(out, "  ");
        put_padded(out, k->name, 20);
        buf_fmt(out, "%s\n", k->summary);
    }
    buf_text(
        out,
        "\nREF is NAME@CHANNEL, NAME@VERSION, or the first eight or more hex digits of a digest.\n"
        "More about each: assay help COMMAND\n");
}

void help_put_family(const char *family, struct buf *out)
{
    const struct command *k;
    size_t n = strlen(family);
    buf_fmt(out, "usage: assay %s COMMAND …\n\n", family);
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (strncmp(k->name, family, n) != 0 || k->name[n] != ' ')
            continue;
        buf_text(out, "  ");
        put_padded(out, k->name, 20);
        buf_fmt(out, "%s\n", k->summary);
    }
    buf_fmt(out, "\nMore about each: assay help %s COMMAND\n", family);
}

/* Commands whose names begin with this one's: "evidence add" of "evidence". */
static void put_relatives(struct buf *out, const struct command *command)
{
    const struct command *k;
    size_t n = strlen(command->name);
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (strncmp(k->name, command->name, n) == 0 && k->name[n] == ' ')
            buf_fmt(out, "\nsee also: assay help %s\n", k->name);
    }
}

void help_put(const struct command *command, struct buf *out)
{
    if (command == NULL) {
        put_all(out);
        return;
    }
    buf_fmt(out, "usage: assay %s%s%s%s\n\n", command->name, command->words[0] != '\0' ? " " : "",
            command->words, command->option_count > 0 ? " [options]" : "");
    put_lines(out, "", command->about);
    buf_text(out, "\noptions:\n");
    put_command_options(out, command);
    buf_text(out, "\nexamples:\n");
    put_lines(out, "  ", command->examples);
    put_relatives(out, command);
}

static enum status answer_text(struct cli *c, const struct buf *text)
{
    if (!c->json) {
        buf_append(&c->out, buf_span(text));
        return buf_status(text);
    }
    struct json_out j = answer_open(c, "assay.help/1");
    json_key(&j, "text");
    json_text(&j, buf_span(text));
    answer_close(c, &j);
    return buf_status(text);
}

enum status help_answer(struct cli *c, const struct command *command, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    help_put(command, &text);
    enum status st = answer_text(c, &text);
    return st == ST_OK ? st : err_set(e, st, NULL, "no memory for help");
}

enum status cmd_help(struct cli *c, struct err *e)
{
    const struct command *about = NULL;
    size_t used = 0;
    bool family = c->words == 1 && command_family(c->word[0]);
    if (c->words > 0 && !family) {
        enum status st = command_find(c->word, c->words, &about, &used, e);
        if (st != ST_OK)
            return st;
        if (used < c->words)
            return err_set(e, ST_USAGE, "words", "help takes one command");
    }
    if (!family)
        return help_answer(c, about, e);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    help_put_family(c->word[0], &text);
    return answer_text(c, &text);
}

enum status cmd_version(struct cli *c, struct err *e)
{
    struct digest program;
    enum status st = identity_program(&program, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.version/1");
        member_text(&j, "version", ASSAY_VERSION);
        member_digest(&j, "program", &program);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_text(&c->out, "assay " ASSAY_VERSION "\n");
    buf_text(&c->out, "program sha256:");
    put_full(&c->out, &program);
    buf_byte(&c->out, '\n');
    return ST_OK;
}

static void put_options(struct buf *out, const struct command *command)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        bool wanted =
            command != NULL ? command_takes(command, (enum opt)i) : command_global((enum opt)i);
        if (wanted)
            buf_fmt(out, " --%s", opt_shapes[i].name);
    }
}

/* Is command i the first of those whose names begin with its first word? */
static bool opens_word(size_t i)
{
    const char *name = command_at(i)->name;
    size_t n = strcspn(name, " ");
    for (size_t k = 0; k < i; k++) {
        const char *other = command_at(k)->name;
        if (strcspn(other, " ") == n && strncmp(other, name, n) == 0)
            return false;
    }
    return true;
}

/* One first word: the commands of two words, then the one that it is by itself, if any. */
static void put_word(struct buf *out, const char *word)
{
    const struct command *k, *alone = NULL;
    SCOPED(buf_release) struct buf seconds = BUF_EMPTY;
    size_t n = strlen(word);
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (strcmp(k->name, word) == 0)
            alone = k;
        if (strncmp(k->name, word, n) != 0 || k->name[n] != ' ')
            continue;
        buf_fmt(&seconds, " %s", k->name + n + 1);
        buf_fmt(out, "    '%s') options='", k->name);
        put_options(out, k);
        buf_text(out, "' ;;\n");
    }
    buf_fmt(out, "    '%s '*) options='", word);
    put_options(out, alone);
    buf_byte(out, '\'');
    if (seconds.n > 0) {
        buf_text(out, "; words='");
        buf_append(out, buf_span(&seconds));
        buf_byte(out, '\'');
    }
    buf_text(out, alone == NULL ? "; files= ;;\n" : " ;;\n");
}

static void put_completion(struct buf *out)
{
    const struct command *k;
    buf_text(out,
             "_assay()\n{\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} command= family= options= words= i\n"
             "    local files=yes\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        case ${COMP_WORDS[i]} in\n"
             "        --store|--at) i=$((i + 1)) ;;\n"
             "        -*) ;;\n"
             "        help) [ -z \"$command\" ] || family=help ;; # what follows is a command\n"
             "        *) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}\n"
             "           elif [ -z \"$family\" ]; then family=${COMP_WORDS[i]}; fi ;;\n"
             "        esac\n    done\n    case \"$command $family\" in\n    ' ') words='");
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        if (opens_word(i))
            buf_fmt(out, " %.*s", (int)strcspn(k->name, " "), k->name);
    }
    buf_text(out, "'; options='");
    put_options(out, NULL);
    buf_text(out, "'; files= ;;\n");
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        char word[32];
        text_fmt(word, sizeof word, "%.*s", (int)strcspn(k->name, " "), k->name);
        if (opens_word(i))
            put_word(out, word);
    }
    buf_text(out,
             "    esac\n"
             "    [ -n \"$family\" ] && words=\n"
             "    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
             "    else COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "        [ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n}\n"
             "complete -o filenames -F _assay assay\n");
}

enum status cmd_completion(struct cli *c, struct err *e)
{
    if (strcmp(c->word[0], "bash") != 0)
        return err_set(e, ST_USAGE, "words", "completion is there for bash only, not for %s",
                       c->word[0]);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    put_completion(&text);
    if (!c->json) {
        buf_append(&c->out, buf_span(&text));
        return buf_status(&text);
    }
    struct json_out j = answer_open(c, "assay.completion/1");
    json_key(&j, "text");
    json_text(&j, buf_span(&text));
    answer_close(c, &j);
    return buf_status(&text);
}
