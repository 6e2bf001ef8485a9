/* check_store STORE [ENTRIES]: proves a store folder; ENTRIES: how many ledger entries were
 * acknowledged. `check_store --serve [NAME]` reads lines "FOLDER<TAB>ACKS" and answers each with
 * "0" or "1 reason"; the store is FOLDER/NAME. Acknowledgements count ledger entries. The index is
 * compared too when it lies beside; with --truth only format, ledger, packs and quarantine. */
#include "tests/independent/chk.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool truth_only;

static struct chk *judge(const char *store, unsigned long acks)
{
    struct chk *c = chk_read(store);
    if (!c->there && acks == 0)
        c->bad = false; /* nothing was promised yet */
    else if (!c->bad && c->entries < acks)
        (void)chk_fail(c, "I1: %zu entries, %lu were acknowledged", c->entries, acks);
    if (!c->bad && c->there && !truth_only)
        (void)chk_index(c);
    return c;
}

static void serve(const char *name)
{
    char line[4096], path[4400];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *tab = strchr(line, '\t');
        if (tab == NULL)
            break;
        *tab = '\0';
        (void)snprintf(path, sizeof path, "%s/%s", line, name);
        struct chk *c = judge(path, strtoul(tab + 1, NULL, 10));
        (void)(c->bad ? printf("1 %s\n", c->why) : printf("0\n"));
        (void)fflush(stdout);
        chk_free(c);
    }
}

int main(int argc, char **argv)
{
    int at = 1;
    if (at < argc && strcmp(argv[at], "--truth") == 0) {
        truth_only = true;
        at++;
    }
    if (at < argc && strcmp(argv[at], "--serve") == 0) {
        serve(at + 1 < argc ? argv[at + 1] : "store");
        return 0;
    }
    if (at >= argc) {
        (void)fprintf(stderr, "usage: check_store [--truth] STORE [ENTRIES]\n");
        return 2;
    }
    struct chk *c = judge(argv[at], at + 1 < argc ? strtoul(argv[at + 1], NULL, 10) : 0);
    if (c->bad)
        (void)printf("%s\n", c->why);
    else
        (void)printf("%zu entries, %zu packs, %zu records, %zu keys, %zu not known\n", c->entries,
                     c->packs.n, c->records.n, c->state.n, c->unknown);
    int rc = c->bad;
    chk_free(c);
    return rc;
}
