#include "tests/independent/chk.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool chk_fail(struct chk *c, const char *fmt, ...)
{
    va_list ap;
    if (c->bad)
        return false;
    c->bad = true;
    va_start(ap, fmt);
    (void)vsnprintf(c->why, sizeof c->why, fmt, ap);
    va_end(ap);
    return false;
}

struct chk *chk_read(const char *store)
{
    struct chk *c = calloc(1, sizeof *c);
    char path[600];
    if (c == NULL)
        abort();
    (void)snprintf(c->path, sizeof c->path, "%s", store);
    (void)snprintf(path, sizeof path, "%s/format", store);
    c->there = chk_file(path, &c->format);
    if (!c->there) {
        (void)chk_fail(c, "no format file in %s", store);
        return c;
    }
    if (chk_read_ledger(c) && chk_read_packs(c))
        (void)chk_read_state(c);
    return c;
}

void chk_free(struct chk *c)
{
    if (c == NULL)
        return;
    chk_map_free(&c->state);
    chk_map_free(&c->records);
    chk_map_free(&c->packs);
    chk_map_free(&c->recipes);
    free(c->format.p);
    free(c->ledger.p);
    free(c->entry);
    free(c);
}

bool chk_follows(struct chk *now, const struct chk *before, const struct chk *after, size_t least,
                 bool apart)
{
    size_t old = before == NULL ? 0 : before->entries;
    size_t end = old == 0 ? 0 : before->entry[old - 1].end;
    if (now->bad)
        return false;
    if (now->entries < old)
        return chk_fail(now, "I1: %zu entries of %zu acknowledged ones", now->entries, old);
    if (end > 0 && memcmp(now->ledger.p, before->ledger.p, end) != 0)
        return chk_fail(now, "I1: what was acknowledged reads otherwise now");
    if (now->entries - old < least)
        return chk_fail(now, "I1: acknowledged, but %zu of %zu entries are there",
                        now->entries - old, least);
    if (after == NULL)
        return true;
    if (now->entries > after->entries)
        return chk_fail(now, "I2: %zu entries, the command makes %zu", now->entries - old,
                        after->entries - old);
    for (size_t i = old, at = old; i < now->entries; i++, at++) {
        while (apart && at < after->entries && now->entry[i].shape != after->entry[at].shape)
            at++;
        if (at >= after->entries || now->entry[i].shape != after->entry[at].shape)
            return chk_fail(now, "I2: entry %zu is not what the command does", i + 1);
    }
    return true;
}

/* -- leftovers ----------------------------------------------------------------------------------
 */

static bool stray(const char *name)
{
    static const char *const known[] = {"format", "lock",  "ledger",     "ledger.head",
                                        "packs",  "index", "quarantine", "staging"};
    if (name[0] == '.')
        return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i]) == 0)
            return false;
    }
    /* what later versions add lies there under plain names; what is being made does not */
    return strncmp(name, "index.", 6) == 0;
}

static bool clean_folder(struct chk *c, const char *sub, bool (*is_stray)(const char *))
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s%s", c->path, sub);
    DIR *d = opendir(path);
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        if (is_stray(e->d_name))
            (void)chk_fail(c, "I9: %s/%.200s is left over", sub, e->d_name);
    }
    if (d != NULL)
        closedir(d);
    return !c->bad;
}

static bool pending(const char *name)
{
    return strncmp(name, ".pending.", 9) == 0;
}

bool chk_clean(struct chk *c)
{
    if (c->torn)
        return chk_fail(c, "I9: the ledger ends with a torn line");
    return clean_folder(c, "", stray) && clean_folder(c, "/staging", pending) &&
           clean_folder(c, "/packs", pending);
}

/* -- room ---------------------------------------------------------------------------------------
 */

static uint64_t folder_bytes(const struct chk *c, const char *sub)
{
    char path[900];
    struct stat st;
    uint64_t sum = 0;
    (void)snprintf(path, sizeof path, "%s/%s", c->path, sub);
    DIR *d = opendir(path);
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        (void)snprintf(path, sizeof path, "%s/%s/%.255s", c->path, sub, e->d_name);
        sum += lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    }
    if (d != NULL)
        closedir(d);
    return sum;
}

bool chk_room(struct chk *c)
{
    char path[600], text[24] = "";
    struct stat st;
    const struct chk_pair *p = chk_map_get(&c->state, "quota/bytes", 11);
    if (c->bad || p == NULL || p->value[8] == 0 || p->value_n - 9 >= sizeof text)
        return !c->bad;
    memcpy(text, p->value + 9, p->value_n - 9);
    const uint64_t quota = strtoull(text, NULL, 10);
    (void)snprintf(path, sizeof path, "%s/reserve", c->path);
    uint64_t sum = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
    sum += folder_bytes(c, "packs") + folder_bytes(c, "staging") + folder_bytes(c, "quarantine");
    return sum <= quota || chk_fail(c, "quota: %llu bytes lie there, %llu may",
                                    (unsigned long long)sum, (unsigned long long)quota);
}
