/* Late: a library that is loaded when it is first needed.
 *
 * Some libraries bring twenty others along, and few starts of the program need them. Such a
 * library's header is included as ever; its functions are called through a struct of pointers that
 * late_load fills:
 *
 *     static struct { CURL *(*easy_init)(void); } curl;
 *     static struct late libcurl = {LIBCURL, false, {LATE_CALL(curl.easy_init, curl_easy_init)}};
 *
 * LIBCURL is the name by which the loader finds it (dlopen(3)); the build takes it from the library
 * that it found. It stays loaded until the program ends. Load before a sandbox is closed. */
#ifndef BASE_LATE_H
#define BASE_LATE_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

#define LATE_MAX 24 /* functions of a library */

struct late {
    const char *library;
    bool loaded;
    struct late_call {
        const char *name;
        void *pointer; /* to the pointer to the function; NULL ends the list */
    } calls[LATE_MAX + 1];
};

/* One of the calls; the compiler compares the pointer's type with the header's. */
#define LATE_CALL(pointer, function)                                   \
    {                                                                  \
#function, &(pointer) + 0 * sizeof(1 ? (pointer) : (function)) \
    }

/* From any thread, again and again. ST_UNSUPPORTED, code "library": it is not there, or lacks a
 * call; the detail says which. */
enum status late_load(struct late *l, struct err *e) MUST_CHECK;

#endif
