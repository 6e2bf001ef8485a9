/* Every allocation of a command is made to fail once: the command says so and exits, and the store
 * is as it was. Children do the failing, so that a crash is seen as one. */
#include "base/heap.h"
#include "base/status.h"
#include "base/text.h"
#include "cli/cli.h"
#include "tests/support/model_make.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t *asked; /* shared with the children: allocations that the last one asked for */

/* Runs a command line in a child, whose n-th allocation fails (0: none). Its exit code, −1 for a
 * crash. */
static int run(char **line, uint64_t n)
{
    int argc = 0, ended = 0;
    while (line[argc] != NULL)
        argc++;
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        uint64_t before = heap_count();
        heap_fail_at(n, 0);
        int code = cli_main(argc, line);
        *asked = heap_count() - before;
        _exit(code);
    }
    cr_assert_eq(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

/* A failure that only takes a remark away may be borne; any other is said so, and never ends in a
 * crash. (A signature over what there was no memory for counts as none: exit 5.) */
static void sweep(char **line, uint64_t step)
{
    int good = run(line, 0);
    uint64_t count = *asked;
    cr_assert_gt(count, 0);
    cr_assert(good == 0 || good == 1, "%s exits %d", line[1], good);
    for (uint64_t n = 1; n <= count; n += step) {
        int code = run(line, n);
        cr_expect(code == good || code == status_exit(ST_NO_MEMORY) ||
                      code == status_exit(ST_SIGNATURE),
                  "%s %s exits %d when allocation %d of %d fails", line[1],
                  line[2] != NULL ? line[2] : "", code, (int)n, (int)count);
    }
}

#define LINE(...) ((char *[]){"assay", __VA_ARGS__, NULL})

static struct temp room;

static void setup(void)
{
    char path[300];
    asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(asked, MAP_FAILED);
    room = temp_make();
    cr_assert_eq(chdir(room.path) == 0 ? 0 : 1, 0);
    text_fmt(path, sizeof path, "%s/store", room.path);
    setenv("ASSAY_STORE", path, 1);
    text_fmt(path, sizeof path, "%s/keys", room.path);
    setenv("ASSAY_KEYS", path, 1);
    unsetenv("ASSAY_TIME");
    struct buf model = make_slm1(&(struct make){.tiny = true});
    temp_write(&room, "m.slm", buf_span(&model));
    buf_release(&model);
}

static void teardown(void)
{
    temp_remove(&room);
}

TestSuite(memory, .init = setup, .fini = teardown, .timeout = 300);

Test(memory, every_failed_allocation_of_a_reading_command_is_told)
{
    cr_assert_eq(run(LINE("init", "-q"), 0), 0);
    cr_assert_eq(run(LINE("add", "m.slm", "--name", "m", "--version", "1"), 0), 0);
    sweep(LINE("ls", "--json"), 1);
    sweep(LINE("show", "m@1", "--why"), 5);
    sweep(LINE("promote", "m@1", "--to", "preview", "--dry-run", "--json"), 7);
    sweep(LINE("log", "--json"), 1);
    sweep(LINE("verify", "--all", "--json"), 5);
    sweep(LINE("get", "m@1", "-o", "back", "--force"), 5);
    sweep(LINE("run", "m@1", "--json", "--prompt", "a", "--max-new-tokens", "1", "--quiet"), 5);
    cr_expect_eq(run(LINE("verify", "--all"), 0), 0);
}

Test(memory, a_changing_command_that_runs_out_leaves_the_store_whole)
{
    sweep(LINE("init", "-q"), 61);
    cr_assert_eq(run(LINE("init", "-q"), 0), 0);
    sweep(LINE("add", "m.slm", "--name", "m", "--version", "1"), 23);
    cr_expect_eq(run(LINE("verify", "--all"), 0), 0);
    cr_expect_eq(run(LINE("log", "--verify"), 0), 0);
    cr_expect_eq(run(LINE("get", "m@1", "-o", "back"), 0), 0);
    sweep(LINE("gate", "m@1", "--only", "structural", "--again"), 37);
    cr_expect_eq(run(LINE("verify", "--all"), 0), 0);
}
