/* Resources that release themselves when their scope ends, in reverse order of declaration.
 *
 *     SCOPED(buf_release) struct buf line = {0};          a value: released by address
 *     SCOPED(json_scope) struct json *doc = NULL;         a pointer: X_scope is made by SCOPE_OF
 *     *out = json_take(&doc);                             ownership leaves by an explicit take
 *
 * Undo is a resource too: a pending file or an open transaction that is released without having
 * been published rolls back. So no function needs a label to jump to. Whatever can fail on the way
 * out (publish, the close after a write) is called and checked, never left to release. */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <stddef.h>

#define SCOPED(release) __attribute__((cleanup(release), unused)) /* its release uses it */

/* Defines NAME_scope (for SCOPED) and NAME_take for an opaque `type *` that `release` frees. */
#define SCOPE_OF(name, type, release)                                 \
    __attribute__((unused)) static inline void name##_scope(type **p) \
    {                                                                 \
        if (*p != NULL)                                               \
            release(*p);                                              \
    }                                                                 \
    __attribute__((unused)) static inline type *name##_take(type **p) \
    {                                                                 \
        type *taken = *p;                                             \
        *p = NULL;                                                    \
        return taken;                                                 \
    }

#endif
