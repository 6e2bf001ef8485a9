#include "verify/gate_cost.h"
#include "base/checked.h"
#include "base/files.h"
#include "base/io.h"
#include "base/text.h"
#include "runtime/budget.h"
#include "verify/exam.h"
#include "verify/facts.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#define PROCESS (UINT64_C(24) << 20)  /* resident in a worker or child, beside the model */
#define BROWSER (UINT64_C(640) << 20) /* a browser that shows nothing yet */
#define PROGRAM (UINT64_C(256) << 20) /* of somebody else's */
#define PROBE   (UINT64_C(96) << 20)
#define UNKNOWN (UINT64_C(1) << 30) /* when the machine does not say */

/* ---- the machine -------------------------------------------------------------------------- */

/* The first decimal number behind `key` in a small file of the kernel's. */
static bool number_of(const char *path, const char *key, uint64_t *out)
{
    uint8_t block[4096];
    size_t got = 0;
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    if (io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e) != ST_OK ||
        io_read(fd, block, sizeof block - 1, &got, &e) != ST_OK)
        return false;
    block[got] = '\0';
    const char *at = strstr((const char *)block, key);
    if (at == NULL)
        return false;
    at += strlen(key);
    at += strspn(at, ": \t");
    return text_u64(SPAN(at, strspn(at, "0123456789")), out);
}

struct gate_cost gate_machine(void)
{
    struct gate_cost m = {.cores = 1, .memory = UNKNOWN};
    uint64_t kilobytes = 0, most = 0, used = 0;
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) > 0)
        m.cores = (unsigned)CPU_COUNT(&mine);
    if (number_of("/proc/meminfo", "MemAvailable", &kilobytes))
        m.memory = kilobytes * 1024;
    if (number_of("/sys/fs/cgroup/memory.max", "", &most) &&
        number_of("/sys/fs/cgroup/memory.current", "", &used) && most > used &&
        most - used < m.memory)
        m.memory = most - used;
    return m;
}

/* ---- the gates ---------------------------------------------------------------------------- */

bool gate_wide(enum gate g)
{
    return g == GATE_TASK || g == GATE_SAFETY;
}

/* Resident for one model: its file (shared by its children), and per child what the budget says. */
static enum status model_room(const struct artifact *a, uint64_t *file, uint64_t *child,
                              struct err *e)
{
    struct budget b;
    *file = 0;
    for (size_t i = 0; i < a->manifest.file_count; i++)
        if (digest_equal(&a->manifest.files[i].sha256, &a->content))
            *file = a->manifest.files[i].bytes;
    const struct model_facts facts = facts_of_manifest(&a->manifest.model, *file);
    enum status st = budget_of(&facts, &b, e);
    if (st == ST_OK &&
        (!checked_add(b.total, PROCESS, child) || !checked_add(*file, b.transfer, file)))
        st = err_set(e, ST_INVALID_LENGTH, "model-memory",
                     "the model needs more memory than 64 bits can say");
    return st;
}

static enum status times(uint64_t child, unsigned n, uint64_t file, uint64_t *sum, struct err *e)
{
    uint64_t all = 0;
    return checked_mul(child, n, &all) && checked_add(*sum, all, sum) &&
                   checked_add(*sum, file, sum)
               ? ST_OK
               : err_set(e, ST_INVALID_LENGTH, "model-memory",
                         "the model needs more memory than 64 bits can say");
}

enum status gate_cost(enum gate g, const struct artifact *a, const struct gate_against *against,
                      unsigned cores, struct gate_cost *out, struct err *e)
{
    uint64_t file = 0, child = 0;
    *out = (struct gate_cost){.cores = gate_wide(g) ? cores : 1, .memory = PROCESS};
    if (g == GATE_STRUCTURAL || g == GATE_REPORTS) {
        out->memory += PROBE;
        return ST_OK;
    }
    enum status st = model_room(a, &file, &child, e);
    if (st == ST_OK)
        st = times(child, gate_wide(g) ? cores : g == GATE_BROWSER ? 2 : 1, file, &out->memory, e);
    if (st == ST_OK && gate_wide(g) && against != NULL) {
        st = model_room(against->artifact, &file, &child, e);
        if (st == ST_OK)
            st = times(child, cores, file, &out->memory, e);
    }
    if (g == GATE_BROWSER)
        out->memory += BROWSER;
    if (g == GATE_EXEC)
        out->memory += PROGRAM;
    return st;
}
