/* The policies that are part of the program, made from the policies folder by cmake/policies.cmake.
 */
#ifndef PROMOTE_POLICY_BUILTIN_H
#define PROMOTE_POLICY_BUILTIN_H

struct policy_file {
    const char *name, *text; /* "preview-basic" and its YAML */
};

extern const struct policy_file policy_files[]; /* ends with a NULL name */

#endif
