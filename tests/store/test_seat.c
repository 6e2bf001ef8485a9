#include "base/text.h"
#include "store/seat.h"
#include "store/store_inside.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

/* The first defect, after a command in the store's folder. */
static void wrong(const char *command, enum status want, const char *code, const char *subject)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(seat_check(r.s->dir, &e));
    cr_assert_eq(temp_run(&r.t, "cd store && %s", command), 0, "%s", command);
    cr_expect_eq(seat_check(r.s->dir, &e), want, "%s: %s", command, e.detail);
    cr_expect_str_eq(err_code(&e), code, "%s", command);
    cr_expect_str_eq(e.subject, subject, "%s", command);
    room_remove(&r);
}

Test(seat, a_link_a_pipe_or_a_folder_is_no_file_of_the_store)
{
    wrong("mv ledger kept && ln -s kept ledger", ST_CORRUPT, "store-place", "ledger");
    wrong("rm ledger.head && mkfifo -m 600 ledger.head", ST_CORRUPT, "store-place", "ledger.head");
    wrong("rm format && mkdir -m 700 format", ST_CORRUPT, "store-place", "format");
    wrong("mv packs kept && ln -s kept packs", ST_CORRUPT, "store-place", "packs");
    wrong("mv index/data.mdb kept && ln -s ../kept index/data.mdb", ST_CORRUPT, "store-place",
          "index/data.mdb");
}

Test(seat, nobody_else_may_write_to_what_the_store_is_made_of)
{
    wrong("chmod g+w ledger", ST_UNTRUSTED, "store-owner", "ledger");
    wrong("chmod o+w packs", ST_UNTRUSTED, "store-owner", "packs");
    if (geteuid() == 0)
        wrong("chown 4242 index", ST_UNTRUSTED, "store-owner", "index");
}

Test(seat, only_a_file_is_opened_and_what_lies_there_instead_is_named)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    int fd = -1;
    cr_assert_eq(temp_run(&t, "touch file && ln -s file link && mkfifo pipe && mkdir folder"), 0);
    OK(seat_open(t.dir, "file", O_RDONLY, 0, &fd, &e));
    (void)close(fd);
    static const char *const others[] = {"link", "pipe", "folder"};
    for (size_t i = 0; i < 3; i++) {
        e = ERR_NONE;
        cr_expect_eq(seat_open(t.dir, others[i], O_RDONLY, 0, &fd, &e), ST_CORRUPT, "%s",
                     others[i]);
        cr_expect_str_eq(err_code(&e), SEAT_WRONG);
        cr_expect_eq(fd, -1);
    }
    e = ERR_NONE;
    cr_expect_eq(seat_open(t.dir, "nothing", O_RDONLY, 0, &fd, &e), ST_NOT_FOUND);
    temp_remove(&t);
}

static int no_pack(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)fd, (void)bytes;
    return strcmp(call, "fstatat") == 0 && strstr(path, ".pack") != NULL ? EIO : 0;
}

static void ignore(void *ctx, const char *name, const struct err *why)
{
    (void)ctx, (void)name, (void)why;
}

Test(seat, what_cannot_be_looked_at_is_named_with_its_folder)
{
    struct err e = ERR_NONE;
    struct content c;
    struct store_room r = room_make();
    SCOPED(buf_release) struct buf bytes = room_bytes(100, 1);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    io_watch(no_pack, NULL);
    cr_expect_eq(seat_each(r.s->dir, ignore, NULL, &e), ST_IO);
    io_watch(NULL, NULL);
    cr_expect_str_eq(e.subject, "packs/0000000000000001.pack");
    room_remove(&r);
}

/* The calls that move something aside: the rename, and the sync of its folder behind it. */
struct story {
    bool renamed, synced;
};

static int follow(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct story *s = ctx;
    (void)path, (void)fd, (void)bytes;
    s->renamed |= strcmp(call, "rename") == 0;
    s->synced |= s->renamed && strcmp(call, "fsync") == 0;
    return 0;
}

static void count(void *ctx, const char *name, const struct err *why)
{
    (void)why;
    *(unsigned *)ctx += strcmp(name, "ledger.head") == 0;
}

Test(seat, what_was_moved_aside_is_synced_before_that_is_told)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story s = {false, false};
    unsigned told = 0;
    cr_assert_eq(temp_run(&r.t, "cd store && rm ledger.head && mkfifo -m 600 ledger.head"), 0);
    io_watch(follow, &s);
    OK(seat_aside(r.s->dir, count, &told, &e));
    io_watch(NULL, NULL);
    cr_expect(s.renamed && s.synced);
    cr_expect_eq(told, 1);
    cr_expect_eq(temp_run(&r.t, "test -p store/ledger.head.aside"), 0);
    room_remove(&r);
}
