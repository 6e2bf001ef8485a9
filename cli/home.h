/* Where things lie: the store and the key folder. From --store, $ASSAY_STORE and $ASSAY_KEYS, else
 * the XDG folders; never from an artifact. */
#ifndef CLI_HOME_H
#define CLI_HOME_H

#include "base/err.h"
#include <stdbool.h>

#define HOME_PATH_MAX 4096

struct home {
    char store[HOME_PATH_MAX];
    char keys[HOME_PATH_MAX];
};

/* `store` may be NULL. ST_CONFIG when neither a variable nor $HOME says where. Empty variables
 * count as absent, relative XDG folders are ignored as their specification asks. */
enum status home_find(const char *store, struct home *out, struct err *e) MUST_CHECK;

/* Opens the key folder (with make, it is created 0700). ST_NOT_FOUND, code "no-keys"; ST_CONFIG
 * when others may write into it. *fd is the caller's. */
enum status home_keys(const struct home *h, bool make, int *fd, struct err *e) MUST_CHECK;

/* Where incidents are kept: $ASSAY_INCIDENTS, else the XDG state folder; "" when that is "none".
 * ST_CONFIG. */
enum status home_incidents(char out[HOME_PATH_MAX], struct err *e) MUST_CHECK;

#endif
