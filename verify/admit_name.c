#include "verify/admit_name.h"
#include "base/text.h"
#include "store/import.h"
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static char cleaned(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return is_alnum(c) || c == '.' || c == '_' ? c : '-';
}

void admit_default_name(const char *label, bool folder, char out[MANIFEST_NAME_MAX])
{
    if (text_equal(label, "-"))
        label = "stdin";
    size_t end = strlen(label);
    while (end > 0 && label[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && label[start - 1] != '/')
        start--;
    if (folder) /* an archive goes in as a folder */
        end -= import_ending(label, end);
    for (size_t dot = end; !folder && dot > start + 1; dot--)
        if (label[dot - 1] == '.') {
            end = dot - 1;
            break;
        }
    size_t n = 0;
    for (size_t i = start; i < end && n + 1 < MANIFEST_NAME_MAX; i++) {
        char c = cleaned(label[i]);
        if (n > 0 || is_alnum(c))
            out[n++] = c;
    }
    while (n > 0 && !is_alnum(out[n - 1]))
        n--;
    out[n] = 0;
    if (n == 0)
        text_fmt(out, MANIFEST_NAME_MAX, "unnamed");
}

void admit_default_version(const struct digest *content, char out[MANIFEST_NAME_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(content, hex);
    text_fmt(out, MANIFEST_NAME_MAX, "%.*s", VERSION_DIGITS, hex);
}
