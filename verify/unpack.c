#include "verify/unpack.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/steady.h"
#include "base/text.h"
#include "base/utf8.h"
#include "verify/facts.h"
#include "verify/sandbox.h"
#include <assert.h>
#include <string.h>

/* What the child says, frame by frame: a letter and a length (u32, little-endian), then so many
 * bytes.
 *
 *     F path    a file begins        D bytes   some of it
 *     P path    a folder             R refusal as JSON, and nothing after it
 *     Z         the archive ended, and nothing after it */
#define FRAME_HEAD 5u
#define FRAME_MAX  (1u << 20)
#define NAME_MAX_  512u
#define NAME_TOLD  200          /* bytes of a name that a refusal tells */
#define MEMORY     (256u << 20) /* address space: zstd's window, libarchive's buffers */
#define SLOWEST    1000000u     /* bytes a second below which an archive counts as hanging */
#define WALL_MOST  2000000u     /* seconds */

typedef char member_path[NAME_MAX_];

struct unpack {
    enum import_kind kind;
    int fd;
    uint64_t size;
    struct steady was; /* the archive when it was begun */
    struct sandbox *sandbox;
    /* The frame that is being read. */
    char letter;
    uint32_t left;
    bool ended, refused;
    bool mute; /* in the child: a frame was cut short, so nothing after it would be understood */
    /* The files so far. */
    member_path *files; /* [MANIFEST_FILES] */
    size_t file_count, entries;
    uint64_t bytes;
};

/* ---- in the child ------------------------------------------------------------------------- */

static enum status child_read(void *ctx, uint64_t offset, uint8_t *p, size_t cap, size_t *got,
                              struct err *e)
{
    const struct unpack *u = ctx;
    uint64_t left = offset < u->size ? u->size - offset : 0;
    *got = left < cap ? (size_t)left : cap;
    return *got == 0 ? ST_OK : io_read_at(0, p, *got, offset, e);
}

static enum status say(struct unpack *u, char letter, struct span bytes, struct err *e)
{
    uint8_t head[FRAME_HEAD] = {(uint8_t)letter};
    put_le32(head + 1, (uint32_t)bytes.n);
    enum status st = io_write(1, SPAN(head, sizeof head), e);
    if (st == ST_OK)
        st = io_write(1, bytes, e);
    u->mute |= st != ST_OK;
    return st;
}

static enum status child_entry(void *ctx, const char *path, bool folder, struct err *e)
{
    return say(ctx, folder ? 'P' : 'F', span_text(path), e);
}

static enum status child_data(void *ctx, struct span bytes, struct err *e)
{
    while (bytes.n > 0) {
        size_t n = bytes.n < FRAME_MAX ? bytes.n : FRAME_MAX;
        enum status st = say(ctx, 'D', SPAN(bytes.p, n), e);
        if (st != ST_OK)
            return st;
        bytes = SPAN(bytes.p + n, bytes.n - n);
    }
    return ST_OK;
}

static int child(void *ctx, int in, int out)
{
    struct unpack *u = ctx;
    struct err e = ERR_NONE, ignored = ERR_NONE;
    const struct import_source from = {child_read, u->size, u};
    const struct import_calls calls = {child_entry, child_data, u};
    assert(in == 0 && out == 1);
    enum status st = import_archive(u->kind, &from, &calls, &e);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    if (st == ST_OK)
        return say(u, 'Z', buf_span(&text), &ignored) == ST_OK ? 0 : 1;
    struct json_out j = json_out(&text);
    refusal_write(&e, &j);
    if (u->mute || buf_status(&text) != ST_OK)
        return 1;
    return say(u, 'R', buf_span(&text), &ignored) == ST_OK ? 0 : 1;
}

/* ---- in the parent ------------------------------------------------------------------------ */

enum status unpack_start(int fd, const struct stat *facts, enum import_kind kind,
                         struct unpack **out, struct err *e)
{
    const uint64_t size = (uint64_t)facts->st_size;
    SCOPED(unpack_scope) struct unpack *u = heap_zero(1, sizeof *u);
    if (u != NULL)
        u->files = heap_alloc(MANIFEST_FILES * sizeof *u->files);
    if (u == NULL || u->files == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to take an archive apart");
    u->kind = kind;
    u->fd = fd;
    u->size = size;
    u->was = steady_of(facts);
    uint64_t seconds = 120 + size / SLOWEST;
    if (seconds > WALL_MOST)
        seconds = WALL_MOST;
    const struct sandbox_limits limits = {.memory_bytes = MEMORY,
                                          .cpu_seconds = (unsigned)seconds,
                                          .wall_ms = (unsigned)seconds * 1000u,
                                          .output_bytes = 2 * UNPACK_BYTES};
    enum status st = import_ready(e);
    if (st == ST_OK)
        st = sandbox_start(&limits, child, u, fd, &u->sandbox, e);
    import_unready();
    if (st == ST_OK)
        *out = unpack_take(&u);
    return st;
}

void unpack_free(struct unpack *u)
{
    if (u == NULL)
        return;
    sandbox_free(u->sandbox);
    heap_free(u->files);
    heap_free(u);
}

bool unpack_refused(const struct unpack *u)
{
    return u->refused;
}

/* What was found wrong in an archive that somebody writes meanwhile says nothing about it. */
static enum status judge_steady(struct unpack *u, enum status st, struct err *e)
{
    struct err changed = ERR_NONE;
    if (!u->refused || steady_check(&u->was, u->fd, &changed) == ST_OK)
        return st;
    u->refused = false;
    *e = changed;
    return changed.status;
}

uint64_t unpack_bytes(const struct unpack *u)
{
    return u->bytes;
}

static enum status refuse(struct unpack *u, const char *entry, const char *code, const char *what,
                          struct err *e)
{
    const bool longish = strlen(entry) > NAME_TOLD; /* a long name leaves no room for the reason */
    u->refused = true;
    return err_at(e, ST_FORMAT, "archive", code, ERR_NO_OFFSET, "the entry %.*s%s %s", NAME_TOLD,
                  entry, longish ? "…" : "", what);
}

/* The child ended before it said that the archive did. */
static enum status cut_short(struct unpack *u, struct err *e)
{
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    enum status st = sandbox_finish(u->sandbox, &o, e);
    if (st != ST_OK)
        return st;
    u->refused = o.ending != SANDBOX_FAILED; /* it could not even answer: memory, or a pipe */
    return err_at(e, u->refused ? ST_FORMAT : ST_HARNESS, "archive", "archive-reader",
                  ERR_NO_OFFSET, "the sandboxed reader of archives %s before the archive's end",
                  o.message);
}

/* Exactly n bytes of what the child says. */
static enum status hear(struct unpack *u, uint8_t *p, size_t n, struct err *e)
{
    while (n > 0) {
        size_t got = 0;
        enum status st = sandbox_read(u->sandbox, p, n, &got, e);
        if (st != ST_OK || got == 0)
            return st != ST_OK ? st : cut_short(u, e);
        p += got;
        n -= got;
    }
    return ST_OK;
}

static enum status next_frame(struct unpack *u, struct err *e)
{
    uint8_t head[FRAME_HEAD] = {0};
    enum status st = hear(u, head, sizeof head, e);
    if (st != ST_OK)
        return st;
    u->letter = (char)head[0];
    u->left = get_le32(head + 1);
    if (u->left <= FRAME_MAX && strchr("FPDRZ", u->letter) != NULL && u->letter != '\0')
        return ST_OK;
    u->refused = true;
    return err_at(e, ST_FORMAT, "archive", "archive-reader", ERR_NO_OFFSET,
                  "the sandboxed reader of archives answers nonsense");
}

/* The refusal that the child reports becomes ours. */
static enum status relay(struct unpack *u, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    struct err why = ERR_NONE;
    uint8_t *p = buf_space(&text, u->left);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a refusal");
    enum status st = hear(u, p, u->left, e);
    if (st != ST_OK)
        return st;
    st = json_parse(buf_span(&text), FRAME_MAX, &v, &why);
    if (st == ST_NO_MEMORY)
        return err_set(e, st, NULL, "no memory for a refusal");
    u->refused = true;
    if (st != ST_OK || refusal_read(v, e, &why) != ST_OK)
        return err_at(e, ST_FORMAT, "archive", "archive-reader", ERR_NO_OFFSET,
                      "the sandboxed reader of archives answers nonsense");
    const int code = status_exit(e->status);
    if (code == 3 || code == 8)
        u->refused = false; /* the disk, the library or the machine is at fault */
    else if (code != status_exit(ST_FORMAT))
        e->status = ST_FORMAT;
    return e->status;
}

bool unpack_name_safe(const char *path)
{
    size_t depth = 0, n = strlen(path);
    bool plain = n > 0 && n < NAME_MAX_ && utf8_valid(span_text(path));
    for (const char *s = path; plain && *s != '\0'; s++)
        plain = (unsigned char)*s >= 0x20 && *s != 0x7f && *s != '\\';
    for (const char *part = path; plain && part != NULL; depth++) {
        const char *slash = strchr(part, '/');
        size_t k = slash != NULL ? (size_t)(slash - part) : strlen(part);
        plain = k > 0 && !(k == 1 && part[0] == '.') && !(k == 2 && memcmp(part, "..", 2) == 0);
        part = slash != NULL ? slash + 1 : NULL;
    }
    return plain && depth <= UNPACK_DEPTH + 1;
}

/* Is a the same as b, or a folder above it? */
static bool covers(const char *a, const char *b)
{
    size_t n = strlen(a);
    return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/');
}

/* What is wrong with a name that is not safe. */
static const char *name_fault(const char *path)
{
    size_t slashes = 0;
    for (const char *s = path; *s != '\0'; s++)
        slashes += *s == '/';
    _Static_assert(NAME_MAX_ == 512 && UNPACK_DEPTH == 32, "the sentences below");
    if (strlen(path) >= NAME_MAX_)
        return "has a name of more than 511 bytes";
    if (slashes > UNPACK_DEPTH)
        return "lies more than 32 folders deep";
    return "has a name that no artifact takes: relative, without . and .. and controls";
}

static enum status judge_name(struct unpack *u, const char *path, bool folder, struct err *e)
{
    if (!unpack_name_safe(path))
        return refuse(u, path, "archive-name", name_fault(path), e);
    for (size_t i = 0; i < u->file_count; i++) {
        if (text_equal(u->files[i], path))
            return refuse(u, path, "archive-twice", "is there twice", e);
        if (covers(u->files[i], path) || (!folder && covers(path, u->files[i])))
            return refuse(u, path, "archive-twice", "is a file and a folder", e);
    }
    return ST_OK;
}

/* "./a" and "a/" are a; the folder "./" is nothing. */
static const char *tidy(char *path, bool folder)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    size_t n = strlen(path);
    if (folder && n > 0 && path[n - 1] == '/')
        path[n - 1] = '\0';
    return folder && text_equal(path, ".") ? path + 1 : path;
}

/* An entry begins: its path is in the frame. */
static enum status begin_entry(struct unpack *u, bool folder, struct err *e)
{
    char raw[2 * NAME_MAX_] = "";
    if (u->left >= sizeof raw) {
        u->refused = true;
        return err_at(e, ST_FORMAT, "archive", "archive-name", ERR_NO_OFFSET,
                      "an entry's name has %u bytes; at most %u will do", u->left, NAME_MAX_ - 1);
    }
    enum status st = hear(u, (uint8_t *)raw, u->left, e);
    u->left = 0;
    if (st != ST_OK)
        return st;
    const char *path = tidy(raw, folder);
    if (folder && path[0] == '\0')
        return ST_OK;
    if (++u->entries > UNPACK_ENTRIES || (!folder && u->file_count == MANIFEST_FILES))
        return refuse(u, path, "archive-entries", "is one more than an artifact may have", e);
    st = judge_name(u, path, folder, e);
    if (st == ST_OK && !folder)
        text_fmt(u->files[u->file_count++], sizeof *u->files, "%s", path);
    return st;
}

static enum status weigh(struct unpack *u, uint32_t more, struct err *e)
{
    const char *path = u->files[u->file_count - 1];
    u->bytes += more;
    if (u->bytes > UNPACK_BYTES)
        return refuse(u, path, "archive-bytes", "makes it too large", e);
    if (u->bytes > UNPACK_RATIO_FREE && (u->bytes - UNPACK_RATIO_FREE) / UNPACK_RATIO > u->size)
        return refuse(u, path, "archive-ratio",
                      "unfolds to so many bytes that the archive must be a bomb", e);
    return ST_OK;
}

/* Some bytes of the file; *got = 0 at its end, where the next frame is known. */
static enum status read_some(struct unpack *u, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    *got = 0;
    while (u->letter == 'D' && u->left == 0) {
        enum status st = next_frame(u, e);
        if (st == ST_OK && u->letter == 'D')
            st = weigh(u, u->left, e);
        if (st == ST_OK && u->letter == 'R')
            st = relay(u, e);
        if (st != ST_OK)
            return st;
    }
    if (u->letter != 'D')
        return ST_OK;
    size_t n = u->left < cap ? u->left : cap;
    enum status st = hear(u, p, n, e);
    u->left -= (uint32_t)n;
    *got = st == ST_OK ? n : 0;
    return st;
}

static enum status read_file(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct unpack *u = ctx;
    return judge_steady(u, read_some(u, p, cap, got, e), e);
}

static enum status pass_over(struct unpack *u, struct err *e)
{
    uint8_t block[4096];
    size_t got = 1;
    while (got > 0) {
        enum status st = read_file(u, block, sizeof block, &got, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* The archive's end: the child has to agree. */
static enum status finish(struct unpack *u, struct err *e)
{
    uint8_t more;
    size_t got = 0;
    enum status st = sandbox_read(u->sandbox, &more, 1, &got, e);
    if (st == ST_OK && (got > 0 || u->left > 0)) {
        u->refused = true;
        st = err_at(e, ST_FORMAT, "archive", "archive-reader", ERR_NO_OFFSET,
                    "the sandboxed reader of archives answers nonsense");
    }
    if (st == ST_OK)
        st = steady_check(&u->was, u->fd, e);
    u->ended = st == ST_OK;
    return st;
}

static enum status next_one(struct unpack *u, struct admit_file *out, bool *more, struct err *e)
{
    *more = false;
    enum status st = u->ended ? ST_OK : pass_over(u, e);
    if (st == ST_OK && !u->ended && u->letter == '\0')
        st = next_frame(u, e);
    while (st == ST_OK && !u->ended) {
        bool file = u->letter == 'F';
        if (u->letter == 'Z')
            return finish(u, e);
        if (u->letter == 'R')
            return relay(u, e);
        if (u->letter == 'D') {
            u->refused = true;
            return err_at(e, ST_FORMAT, "archive", "archive-reader", ERR_NO_OFFSET,
                          "the sandboxed reader of archives answers nonsense");
        }
        st = begin_entry(u, !file, e);
        if (st == ST_OK && file) {
            u->letter = 'D'; /* an empty piece, so that reading begins */
            *more = true;
            *out = (struct admit_file){.path = u->files[u->file_count - 1],
                                       .from = {.read = read_file, .ctx = u}};
            return ST_OK;
        }
        if (st == ST_OK)
            st = next_frame(u, e);
    }
    return st;
}

static enum status next(void *ctx, struct admit_file *out, bool *more, struct err *e)
{
    struct unpack *u = ctx;
    return judge_steady(u, next_one(u, out, more, e), e);
}

struct admit_stream unpack_stream(struct unpack *u)
{
    return (struct admit_stream){.next = next, .ctx = u};
}
