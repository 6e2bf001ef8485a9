#include "store/tar.h"
#include "base/ensure.h"
#include "base/text.h"
#include <string.h>

/* Where the fields of a ustar header stand. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_TIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_MAJOR = 329,
    AT_MINOR = 337,
    AT_PREFIX = 345,
    NAME_MAX_BYTES = AT_MODE - AT_NAME,
    PREFIX_MAX_BYTES = 155,
};

#define SIZE_MOST UINT64_C(077777777777) /* eleven octal digits: 8 GiB less one */

static void octal(uint8_t *at, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i > 0; i--, value >>= 3)
        at[i - 1] = (uint8_t)('0' + (value & 7));
}

static void number(uint8_t *at, uint64_t value)
{
    octal(at, 6, value);
    at[6] = ' ';
}

static void seal(uint8_t head[TAR_BLOCK])
{
    uint64_t sum = 0;
    memset(head + AT_SUM, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += head[i];
    octal(head + AT_SUM, 6, sum);
    head[AT_SUM + 6] = '\0';
}

/* name: of n ≤ 100 bytes; prefix: of the m ≤ 155 before the '/' that stands between them. */
static void ustar(struct buf *out, struct span prefix, struct span name, char type, uint64_t bytes)
{
    uint8_t head[TAR_BLOCK] = {0};
    memcpy(head + AT_NAME, name.p, name.n);
    if (prefix.n > 0)
        memcpy(head + AT_PREFIX, prefix.p, prefix.n);
    number(head + AT_MODE, 0644);
    number(head + AT_UID, 0);
    number(head + AT_GID, 0);
    octal(head + AT_SIZE, 11, bytes < SIZE_MOST ? bytes : SIZE_MOST);
    head[AT_SIZE + 11] = ' ';
    octal(head + AT_TIME, 11, 0);
    head[AT_TIME + 11] = ' ';
    head[AT_TYPE] = (uint8_t)type;
    memcpy(head + AT_MAGIC, "ustar\00000", 8);
    number(head + AT_MAJOR, 0);
    number(head + AT_MINOR, 0);
    seal(head);
    buf_append(out, SPAN(head, sizeof head));
}

/* Into what fits a header, with as short a prefix as will do. */
static bool split(struct span path, struct span *prefix, struct span *name)
{
    *prefix = SPAN(NULL, 0);
    *name = path;
    if (path.n <= NAME_MAX_BYTES)
        return true;
    for (size_t at = path.n - NAME_MAX_BYTES - 1; at < path.n - 1 && at <= PREFIX_MAX_BYTES; at++)
        if (path.p[at] == '/' && at > 0) {
            *prefix = SPAN(path.p, at);
            *name = SPAN(path.p + at + 1, path.n - at - 1);
            return true;
        }
    *name = SPAN(path.p, NAME_MAX_BYTES);
    return false;
}

static unsigned digits(size_t n)
{
    unsigned d = 1;
    for (; n >= 10; n /= 10)
        d++;
    return d;
}

/* "LENGTH KEY=VALUE\n", whose length counts its own digits. */
static void record(struct buf *out, const char *key, struct span value)
{
    char before[48];
    size_t rest = strlen(key) + value.n + 3, n = rest + digits(rest);
    n = rest + digits(n);
    text_fmt(before, sizeof before, "%zu %s=", n, key);
    buf_text(out, before);
    buf_append(out, value);
    buf_text(out, "\n");
}

size_t tar_padding(uint64_t bytes)
{
    return (size_t)((TAR_BLOCK - bytes % TAR_BLOCK) % TAR_BLOCK);
}

void tar_head(struct buf *out, const char *path, uint64_t bytes)
{
    const struct span whole = span_text(path);
    struct span prefix, name;
    uint8_t room[TAR_PATH_MAX + 80];
    char size[24];
    struct buf more = buf_over(room, sizeof room);
    ENSURE(whole.n > 0 && whole.n <= TAR_PATH_MAX);
    if (!split(whole, &prefix, &name))
        record(&more, "path", whole);
    text_fmt(size, sizeof size, "%llu", (unsigned long long)bytes);
    if (bytes > SIZE_MOST)
        record(&more, "size", span_text(size));
    ENSURE(buf_status(&more) == ST_OK);
    if (more.n > 0) {
        ustar(out, SPAN(NULL, 0), span_text("PaxHeader"), 'x', more.n);
        buf_append(out, buf_span(&more));
        (void)buf_space(out, tar_padding(more.n));
    }
    ustar(out, prefix, name, '0', bytes);
}
