/* What an artifact is called when nobody says: the file's stem, cleaned, at the first digits of its
 * content. */
#ifndef VERIFY_ADMIT_NAME_H
#define VERIFY_ADMIT_NAME_H

#include "store/manifest.h"

#define VERSION_DIGITS 12

/* The last component of the path without its suffix (a folder keeps it), lower case, what no name
 * may hold turned into '-'. "-" is "stdin"; what is left with nothing is "unnamed". */
void admit_default_name(const char *label, bool folder, char out[MANIFEST_NAME_MAX]);
void admit_default_version(const struct digest *content, char out[MANIFEST_NAME_MAX]);

#endif
