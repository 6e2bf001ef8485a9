/* Keys, and the passphrases that open them. */
#include "base/files.h"
#include "base/text.h"
#include "cli/cli.h"
#include "store/key.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool cli_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* A terminal whose echo is off, and goes on again however the scope ends. */
struct silent {
    int fd;
    struct termios before;
};

static void silent_release(struct silent *s)
{
    if (s->fd >= 0)
        tcsetattr(s->fd, TCSAFLUSH, &s->before);
}

/* A line without its end. */
static enum status read_line(int fd, char out[PASSPHRASE_MAX], struct err *e)
{
    size_t n = 0;
    for (;;) {
        uint8_t b = 0;
        size_t got = 0;
        enum status st = cli_read(fd, &b, 1, &got, e);
        if (st != ST_OK)
            return st;
        if (got == 0 || b == '\n')
            break;
        if (n + 1 >= PASSPHRASE_MAX)
            return err_set(e, ST_USAGE, "passphrase", "a passphrase has at most %d bytes",
                           PASSPHRASE_MAX - 1);
        out[n++] = (char)b;
    }
    out[n] = '\0';
    return n > 0 ? ST_OK
                 : err_set(e, ST_USAGE, "passphrase",
                           "an empty passphrase; for none, say --no-passphrase");
}

static enum status ask_once(int tty, const char *prompt, char out[PASSPHRASE_MAX], struct err *e)
{
    SCOPED(silent_release) struct silent quiet = {.fd = -1};
    struct termios mode;
    if (tcgetattr(tty, &mode) != 0)
        return err_sys(e, errno, "read the terminal's mode", "/dev/tty");
    quiet.before = mode;
    mode.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &mode) != 0)
        return err_sys(e, errno, "silence the terminal", "/dev/tty");
    quiet.fd = tty;
    enum status st = io_write(tty, span_text(prompt), e);
    if (st == ST_OK)
        st = read_line(tty, out, e);
    struct err ignored = ERR_NONE;
    enum status newline = io_write(tty, span_text("\n"), &ignored);
    return st != ST_OK ? st : newline;
}

enum status cli_passphrase(const char *prompt, bool twice, char out[PASSPHRASE_MAX], struct err *e)
{
    SCOPED(fd_release) int tty = -1;
    enum status st = io_open(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY, 0, &tty, e);
    if (st == ST_OK)
        st = ask_once(tty, prompt, out, e);
    if (st != ST_OK || !twice)
        return st;
    char again[PASSPHRASE_MAX];
    st = ask_once(tty, "the same again: ", again, e);
    bool same = st == ST_OK && strcmp(out, again) == 0;
    explicit_bzero(again, sizeof again);
    if (st == ST_OK && !same)
        st = err_set(e, ST_USAGE, "passphrase", "the two passphrases differ; nothing was made");
    return st;
}

/* Asked for at most once a run: the keys that init makes share one. */
static enum status ask_for_key(void *ctx, const char *path, char *out, size_t cap, struct err *e)
{
    struct cli *c = ctx;
    if (c->passphrase[0] == '\0') {
        if (!cli_terminal())
            return err_set(e, ST_SIGNATURE, "key-encrypted",
                           "the key %s is encrypted and there is no terminal to "
                           "ask for its passphrase",
                           path);
        char prompt[HOME_PATH_MAX];
        text_fmt(prompt, sizeof prompt, "passphrase of %s: ", path);
        enum status st = cli_passphrase(prompt, false, c->passphrase, e);
        if (st != ST_OK)
            return st;
    }
    size_t n = strlen(c->passphrase);
    if (n >= cap)
        return err_set(e, ST_USAGE, "passphrase", "a passphrase has at most %zu bytes", cap - 1);
    memcpy(out, c->passphrase, n + 1);
    return ST_OK;
}

bool key_name_plain(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && n < 56 && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

static enum status open_key(struct cli *c, const char *name, struct signer **out, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    char file[72];
    if (!key_name_plain(name))
        return err_set(e, ST_USAGE, "key-name",
                       "a key's name has letters, digits, dot, dash and underscore: %s", name);
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = home_keys(&c->home, false, &dir, e);
    if (st != ST_OK)
        return st;
    text_fmt(file, sizeof file, "%s.key", name);
    /* $ASSAY_SIGNER speaks for people's roles; the ledger's key is the store's own. */
    st = strcmp(name, "log") == 0 ? signer_open_file(dir, file, ask_for_key, c, out, e)
                                  : signer_open(dir, file, ask_for_key, c, out, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "no-key", "there is no key %s in %s", file, c->home.keys);
    }
    return st != ST_OK ? err_subject(e, "%s/%s", c->home.keys, file) : ST_OK;
}

enum status cli_key(struct cli *c, const char *name, const struct signer **out, struct err *e)
{
    size_t i = 0;
    while (i < CLI_KEYS && c->keys[i].signer != NULL) {
        if (strcmp(c->keys[i].name, name) == 0) {
            *out = c->keys[i].signer;
            return ST_OK;
        }
        i++;
    }
    assert(i < CLI_KEYS); /* no command uses more keys than there are roles */
    enum status st = open_key(c, name, &c->keys[i].signer, e);
    if (st != ST_OK)
        return st;
    text_fmt(c->keys[i].name, sizeof c->keys[i].name, "%s", name);
    *out = c->keys[i].signer;
    return ST_OK;
}
