#include "base/files.h"
#include "store/index.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

static void put(struct index_write *w, const char *key, const char *value)
{
    struct err e = ERR_NONE;
    OK(index_put(w, INDEX_STATE, span_text(key), span_text(value), &e));
}

static bool holds(struct index *x, const char *key, const char *value)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf got = BUF_EMPTY;
    bool found = false;
    OK(index_get(x, INDEX_STATE, span_text(key), &got, &found, &e));
    return value == NULL ? !found : found && span_equal(buf_span(&got), span_text(value));
}

Test(index, what_was_committed_is_there_and_what_was_not_is_not)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    OK(index_open(t.path, true, &x, &e));
    OK(index_begin(x, &w, &e));
    put(w, "a", "1");
    OK(index_commit(w, &e));
    OK(index_begin(x, &w, &e));
    put(w, "a", "2");
    put(w, "b", "3");
    index_abort(w);
    cr_assert(holds(x, "a", "1"));
    cr_assert(holds(x, "b", NULL));
    index_close(x);
    OK(index_open(t.path, false, &x, &e));
    cr_assert(holds(x, "a", "1"));
    index_close(x);
    temp_remove(&t);
}

Test(index, a_view_stays_at_its_moment)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    struct index_view *v = NULL;
    uint64_t n = 9;
    OK(index_open(t.path, true, &x, &e));
    OK(index_view_open(x, &v, &e));
    OK(index_begin(x, &w, &e));
    put(w, "a", "1");
    OK(index_commit(w, &e));
    OK(index_view_count(v, INDEX_STATE, &n, &e));
    cr_assert_eq(n, 0);
    index_view_close(v);
    cr_assert(holds(x, "a", "1"));
    index_close(x);
    temp_remove(&t);
}

/* KiB of the index's file that are mapped into us just now. */
static unsigned long mapped_kib(void)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[4500];
    unsigned long sum = 0, n = 0;
    bool ours = false;
    cr_assert_not_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strchr(line, '/') != NULL)
            ours = strstr(line, "/data.mdb") != NULL;
        else if (ours && sscanf(line, "Rss: %lu kB", &n) == 1)
            sum += n;
    }
    (void)fclose(f);
    return sum;
}

/* Keys far apart, so that each is on a page of its own. */
static void put_scattered(struct index_write *w, unsigned from, unsigned to, unsigned step)
{
    struct err e = ERR_NONE;
    uint8_t value[400] = {0};
    for (unsigned i = from; i < to; i += step) {
        uint8_t key[4];
        put_le32(key, i * 2654435761u);
        OK(index_put(w, INDEX_CHUNKS, SPAN(key, 4), SPAN(value, sizeof value), &e));
    }
}

Test(index, neither_readers_nor_a_writer_keep_the_map_resident)
{
    enum { KEYS_IN = 60000, EACH = 16, HELD = 8 << 10 };
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    unsigned long read = 0, written = 0;
    OK(index_open(t.path, true, &x, &e));
    OK(index_begin(x, &w, &e));
    put_scattered(w, 0, KEYS_IN, 1);
    OK(index_commit(w, &e));
    for (unsigned i = 0; i < KEYS_IN; i += EACH) {
        SCOPED(buf_release) struct buf got = BUF_EMPTY;
        uint8_t key[4];
        bool found = false;
        put_le32(key, i * 2654435761u);
        OK(index_get(x, INDEX_CHUNKS, SPAN(key, 4), &got, &found, &e));
        cr_assert(found);
        unsigned long now = i % 1024 == 0 ? mapped_kib() : 0;
        read = now > read ? now : read;
    }
    OK(index_begin(x, &w, &e));
    for (unsigned i = 0; i < KEYS_IN; i += KEYS_IN / 20) {
        put_scattered(w, i, i + KEYS_IN / 20, EACH);
        unsigned long now = mapped_kib();
        written = now > written ? now : written;
    }
    OK(index_commit(w, &e));
    cr_assert_leq(read, HELD, "a reader holds %lu KiB", read);
    cr_assert_leq(written, HELD, "a writer holds %lu KiB", written);
    index_close(x);
    temp_remove(&t);
}

#define KEYS 200

/* What a reader makes of a damaged file: 0 all right, 1 told, 2 another value, 3 a key hidden. */
static int read_all(const char *path)
{
    struct err e = ERR_NONE;
    struct index *x = NULL;
    int verdict = 0;
    SCOPED(buf_release) struct buf mark = BUF_EMPTY;
    bool marked = false;
    if (index_open(path, false, &x, &e) != ST_OK)
        return 1;
    /* An older state of the whole index has an older mark, or none, and is folded further. */
    if (index_get(x, INDEX_META, span_text("mark"), &mark, &marked, &e) != ST_OK || !marked)
        return 1;
    for (unsigned i = 0; i < KEYS && verdict == 0; i++) {
        char key[32], value[32];
        SCOPED(buf_release) struct buf got = BUF_EMPTY;
        bool found = false;
        snprintf(key, sizeof key, "key/%03u", i);
        snprintf(value, sizeof value, "value %u", i);
        if (index_get(x, INDEX_STATE, span_text(key), &got, &found, &e) != ST_OK)
            verdict = 1;
        else if (!found)
            verdict = 3;
        else if (!span_equal(buf_span(&got), span_text(value)))
            verdict = 2;
    }
    return verdict; /* not closed: what is damaged may not close either */
}

Test(index, no_changed_bit_gives_another_value)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    unsigned told = 0, same = 0, died = 0, wrong = 0, hidden = 0;
    uint64_t size = 0;
    int fd = openat(t.dir, ".", O_RDONLY | O_DIRECTORY);
    OK(index_open(t.path, true, &x, &e));
    OK(index_begin(x, &w, &e));
    for (unsigned i = 0; i < KEYS; i++) {
        char key[32], value[32];
        snprintf(key, sizeof key, "key/%03u", i);
        snprintf(value, sizeof value, "value %u", i);
        put(w, key, value);
    }
    OK(index_put(w, INDEX_META, span_text("mark"), span_text("1"), &e));
    OK(index_commit(w, &e));
    index_close(x);
    int data = openat(fd, "data.mdb", O_RDWR);
    OK(io_size(data, &size, &e));
    for (uint64_t at = 0; at < size; at += 37) {
        uint8_t was, now;
        OK(io_read_at(data, &was, 1, at, &e));
        now = (uint8_t)(was ^ 1u << (at % 8));
        OK(io_write_at(data, SPAN(&now, 1), at, &e));
        pid_t child = fork();
        if (child == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            signal(SIGSEGV, SIG_DFL);
            signal(SIGBUS, SIG_DFL);
            signal(SIGABRT, SIG_DFL);
            _exit(read_all(t.path));
        }
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        OK(io_write_at(data, SPAN(&was, 1), at, &e));
        if (!WIFEXITED(status))
            died++;
        else if (WEXITSTATUS(status) == 1)
            told++;
        else if (WEXITSTATUS(status) == 0)
            same++;
        else if (WEXITSTATUS(status) == 3)
            hidden++;
        else
            wrong++;
    }
    cr_log_info("%u told, %u the same, %u died, %u hid a key, %u wrong", told, same, died, hidden,
                wrong);
    cr_assert_gt(told, 10);
    cr_assert_gt(same, 10);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(hidden, 0);
    cr_assert_eq(died, 0);
    close(data);
    close(fd);
    temp_remove(&t);
}

static int no_blocks(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)path, (void)fd, (void)bytes;
    return strcmp(call, "fallocate") == 0 ? ENOSPC : 0;
}

Test(index, a_lock_file_has_its_blocks_before_it_is_mapped)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct stat lock;
    io_watch(no_blocks, NULL);
    cr_expect_eq(index_open(t.path, true, &x, &e), ST_NO_SPACE, "%s", e.detail);
    io_watch(NULL, NULL);
    e = ERR_NONE;
    OK(index_open(t.path, true, &x, &e));
    cr_assert_eq(fstatat(t.dir, "lock.mdb", &lock, 0), 0);
    cr_expect_geq(lock.st_blocks * 512, lock.st_size);
    index_close(x);
    io_watch(no_blocks, NULL); /* it has what the first readers need */
    cr_assert_eq(temp_run(&t, "truncate -s 0 lock.mdb; printf x >lock.mdb"), 0);
    OK(index_open(t.path, false, &x, &e));
    io_watch(NULL, NULL);
    index_close(x);
    temp_remove(&t);
}

Test(index, a_file_that_was_cut_is_refused_before_it_is_mapped)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    OK(index_open(t.path, true, &x, &e));
    index_close(x);
    cr_assert_eq(temp_run(&t, "truncate -s -1 data.mdb"), 0);
    cr_assert_eq(index_open(t.path, false, &x, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "index-cut");
    cr_assert_eq(temp_run(&t, "rm data.mdb"), 0);
    cr_assert_eq(index_open(t.path, false, &x, &e), ST_NOT_FOUND);
    temp_remove(&t);
}

Test(index, a_page_size_that_no_file_has_is_refused_before_anything_is_divided_by_it)
{
    static const uint32_t sizes[] = {0, 511, 768, 131072};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct err e = ERR_NONE;
        struct temp t = temp_make();
        struct index *x = NULL;
        uint8_t size[4];
        put_le32(size, sizes[i]);
        OK(index_open(t.path, true, &x, &e));
        index_close(x);
        SCOPED(fd_release) int fd = openat(t.dir, "data.mdb", O_RDWR | O_CLOEXEC);
        OK(io_write_at(fd, SPAN(size, sizeof size), 40, &e));
        cr_assert_eq(index_open(t.path, false, &x, &e), ST_CORRUPT);
        cr_assert_not_null(strstr(e.detail, "damaged page size"), "%s", e.detail);
        temp_remove(&t);
    }
}

/* -- where it lies ------------------------------------------------------------------------------
 */

static unsigned long pretended; /* type of file system; 0: what it is */

/* Stands before libc's: a network file system cannot be had in a test. */
int statfs(const char *path, struct statfs *out)
{
    const int rc = (int)syscall(SYS_statfs, path, out);
    if (rc == 0 && pretended != 0)
        out->f_type = (__fsword_t)pretended;
    return rc;
}

Test(index, on_a_network_file_system_it_is_neither_made_nor_opened)
{
    static const unsigned long remote[] = {0x6969,     0x517B,     0xFF534D42, 0xFE534D42,
                                           0x01021997, 0x00C36400, 0x5346414F, 0x73757245,
                                           0x0BD00BD0, 0x7461636F, 0x01161970};
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    OK(index_open(t.path, true, &x, &e));
    index_close(x);
    for (size_t i = 0; i < 2 * sizeof remote / sizeof *remote; i++) {
        pretended = remote[i / 2];
        cr_expect_eq(index_open(t.path, i % 2 == 0, &x, &e), ST_UNSUPPORTED, "%lx", pretended);
        cr_expect_str_eq(err_code(&e), "network-file-system");
        cr_expect_str_eq(e.subject, t.path);
    }
    pretended = 0xEF53; /* ext4 */
    OK(index_open(t.path, false, &x, &e));
    index_close(x);
    temp_remove(&t);
}

/* -- readers that died --------------------------------------------------------------------------
 */

/* A process that looks at the index through so many views, or all there may be, until it is killed.
 */
static pid_t reader(const char *path, unsigned views)
{
    int ready[2];
    char c = 0;
    cr_assert_eq(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct err e = ERR_NONE;
        struct index *x = NULL;
        struct index_view *v = NULL;
        enum status st = index_open(path, false, &x, &e);
        for (unsigned i = 0; i < views && st == ST_OK; i++)
            st = index_view_open(x, &v, &e);
        if ((st == ST_OK || st == ST_BUSY) && write(ready[1], "r", 1) == 1)
            (void)pause();
        _exit(1);
    }
    (void)close(ready[1]);
    cr_assert_eq(read(ready[0], &c, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    int status = 0;
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
}

/* How long the file is after so many commits that each write the same keys anew. */
static uint64_t rewritten(struct index *x, const char *path, unsigned times)
{
    struct err e = ERR_NONE;
    struct index_write *w = NULL;
    struct stat st;
    char key[16], value[64], file[300];
    for (unsigned i = 0; i < times; i++) {
        OK(index_begin(x, &w, &e));
        for (unsigned k = 0; k < 200; k++) {
            snprintf(key, sizeof key, "key%u", k);
            snprintf(value, sizeof value, "a value that is written %u times", i);
            put(w, key, value);
        }
        OK(index_commit(w, &e));
    }
    snprintf(file, sizeof file, "%s/data.mdb", path);
    cr_assert_eq(stat(file, &st), 0);
    return (uint64_t)st.st_size;
}

/* What a reader sees is kept for it, and for its ghost until somebody opens the index or asks. */
Test(index, what_killed_readers_saw_is_room_again_once_they_are_cleared)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    OK(index_open(t.path, true, &x, &e));
    const uint64_t steady = rewritten(x, t.path, 60);
    const pid_t pid = reader(t.path, 1);
    end(pid);
    const uint64_t haunted = rewritten(x, t.path, 60);
    cr_assert_gt(haunted, steady + steady / 2, "the dead reader kept nothing: no test");
    OK(index_clear_readers(x, &e));
    cr_assert_leq(rewritten(x, t.path, 60), haunted + haunted / 10);
    end(reader(t.path, 1));
    index_close(x);
    OK(index_open(t.path, false, &x, &e)); /* opening clears, too */
    const uint64_t then = rewritten(x, t.path, 1);
    cr_assert_leq(rewritten(x, t.path, 60), then + then / 10);
    index_close(x);
    temp_remove(&t);
}

Test(index, a_table_full_of_readers_keeps_others_out_only_while_they_live)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_view *v = NULL;
    OK(index_open(t.path, true, &x, &e));
    const pid_t pid = reader(t.path, UINT_MAX);
    cr_assert_eq(index_view_open(x, &v, &e), ST_BUSY);
    cr_assert_str_eq(err_code(&e), "index-readers");
    end(pid);
    e = ERR_NONE;
    OK(index_view_open(x, &v, &e));
    index_view_close(v);
    index_close(x);
    temp_remove(&t);
}

Test(index, each_defect_of_its_meta_pages_has_its_name)
{
    static const struct {
        const char *spoil, *says;
    } rows[] = {
        {"truncate -s 100 data.mdb", "ends within its meta pages"},
        {"printf x | dd of=data.mdb bs=1 seek=16 conv=notrunc", "has a damaged meta page"},
        {"printf x | dd of=data.mdb bs=1 seek=4112 conv=notrunc", "has a damaged meta page"},
        {"printf x | dd of=data.mdb bs=1 seek=4121 conv=notrunc", "contradict each other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        struct temp t = temp_make();
        struct index *x = NULL;
        OK(index_open(t.path, true, &x, &e));
        index_close(x);
        cr_assert_eq(temp_run(&t, "%s", rows[i].spoil), 0);
        cr_assert_eq(index_open(t.path, false, &x, &e), ST_CORRUPT);
        cr_assert_not_null(strstr(e.detail, rows[i].says), "row %zu: %s", i, e.detail);
        temp_remove(&t);
    }
}
