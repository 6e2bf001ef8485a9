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

static void put_option(struct buf *out, enum opt id)
{
    const struct opt_shape *shape = &opt_shapes[id];
    char text[48];
    text_fmt(text, sizeof text, "%c%c%s--%s%s%s", shape->letter != 0 ? '-' : ' ',
             shape->letter != 0 ? shape->letter : ' ', shape->letter != 0 ? ", " : "  ",
             shape->name, shape->arg != NULL ? " " : "", shape->arg != NULL ? shape->arg : "");
    buf_text(out, "  ");
    put_padded(out, text, 28);
    buf_fmt(out, "%s\n", shape->help);
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
    for (size_t i = 0; i < command->option_count; i++)
        put_option(out, command->options[i]);
    for (int i = 0; i < OPT_COUNT; i++) {
        if (command_global((enum opt)i))
            put_option(out, (enum opt)i);
    }
    buf_text(out, "\nexamples:\n");
    put_lines(out, "  ", command->examples);
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
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    if (family)
        help_put_family(c->word[0], &text);
    else
        help_put(about, &text);
    if (!c->json) {
        buf_append(&c->out, buf_span(&text));
        return buf_status(&text);
    }
    struct json_out j = answer_open(c, "assay.help/1");
    json_key(&j, "text");
    json_text(&j, buf_span(&text));
    answer_close(c, &j);
    return buf_status(&text);
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

/* The first words of all commands, or the second words of one family, each once. */
static void put_words(struct buf *out, const char *family)
{
    const struct command *k;
    const char *last = "";
    size_t last_length = 0;
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        const char *name = k->name;
        size_t n = strcspn(name, " ");
        if (family == NULL && (n != last_length || strncmp(name, last, n) != 0))
            buf_fmt(out, " %.*s", (int)n, name);
        if (family != NULL && strlen(family) == n && strncmp(name, family, n) == 0 &&
            name[n] == ' ')
            buf_fmt(out, " %s", name + n + 1);
        last = name;
        last_length = n;
    }
}

static void put_completion(struct buf *out)
{
    const struct command *k;
    buf_text(out, "_assay()\n{\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} command= family= options= words= i\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        case ${COMP_WORDS[i]} in\n"
                  "        --store|--at) i=$((i + 1)) ;;\n"
                  "        -*) ;;\n"
                  "        *) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}\n"
                  "           elif [ -z \"$family\" ]; then family=${COMP_WORDS[i]}; fi ;;\n"
                  "        esac\n    done\n    case \"$command $family\" in\n    ' ') words='");
    put_words(out, NULL);
    buf_text(out, "'; options='");
    put_options(out, NULL);
    buf_text(out, "' ;;\n");
    for (size_t i = 0; (k = command_at(i)) != NULL; i++) {
        const char *name = k->name;
        buf_fmt(out, "    '%s'%s) options='", name, strchr(name, ' ') != NULL ? "" : "' '*");
        put_options(out, k);
        buf_text(out, "' ;;\n");
        size_t n = strcspn(name, " ");
        bool first = i == 0 || strncmp(command_at(i - 1)->name, name, n + 1) != 0;
        if (name[n] == ' ' && first) {
            char family[32];
            text_fmt(family, sizeof family, "%.*s", (int)n, name);
            buf_fmt(out, "    '%s ') words='", family);
            put_words(out, family);
            buf_text(out, "' ;;\n");
        }
    }
    buf_text(out,
             "    esac\n"
             "    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
             "    elif [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "    else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n}\n"
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
