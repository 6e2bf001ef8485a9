#include "base/status.h"

struct row {
    const char *slug, *phrase;
    int exit;
};

static const struct row rows[] = {
#define X(name, exit, slug, phrase) [name] = {slug, phrase, exit},
    STATUS_LIST(X)
#undef X
};

static const struct row *row_of(enum status st)
{
    static const struct row unknown = {"unknown", "an unknown status", 3};
    return (unsigned)st < sizeof rows / sizeof rows[0] ? &rows[st] : &unknown;
}

const char *status_slug(enum status st)
{
    return row_of(st)->slug;
}

const char *status_phrase(enum status st)
{
    return row_of(st)->phrase;
}

int status_exit(enum status st)
{
    return row_of(st)->exit;
}
