/* What the law keeps: artifacts that hold a channel, and former holders a rollback may need. */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include "cli/cli.h"
#include "store/evict.h"

struct kept {
    struct cli *c;
    uint64_t retain; /* former holders of a channel that stay */
};
/* Reads the law in force; without one every former holder stays. */
enum status kept_open(struct cli *c, struct kept *out, struct err *e) MUST_CHECK;
/* For evict_options. */
enum status kept_protects(void *kept, const struct evict_candidate *a, char out[EVICT_WHY],
                          struct err *e);

#endif
