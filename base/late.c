#include "base/late.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t one_loads = PTHREAD_MUTEX_INITIALIZER;

static enum status missing(struct err *e, const struct late *l)
{
    const char *why = dlerror();
    (void)err_set(e, ST_UNSUPPORTED, "library", "%s", why != NULL ? why : "it cannot be loaded");
    return err_subject(e, "%s", l->library);
}

static enum status load(struct late *l, struct err *e)
{
    void *library = dlopen(l->library, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return missing(e, l);
    for (const struct late_call *c = l->calls; c->name != NULL; c++) {
        void *address = dlsym(library, c->name);
        if (address == NULL)
            return missing(e, l);
        memcpy(c->pointer, &address, sizeof address); /* POSIX: a function's address, too */
    }
    l->loaded = true;
    return ST_OK;
}

enum status late_load(struct late *l, struct err *e)
{
    (void)pthread_mutex_lock(&one_loads);
    enum status st = l->loaded ? ST_OK : load(l, e);
    (void)pthread_mutex_unlock(&one_loads);
    return st;
}
