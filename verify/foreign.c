#include "verify/foreign.h"
#include "base/heap.h"
#include "base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 40u /* characters of one that is no integer */

const char *foreign_name(enum foreign_format f)
{
    return f == FOREIGN_LM_EVAL ? "lm-eval" : f == FOREIGN_GARAK ? "garak" : "none";
}

void foreign_release(struct foreign *f)
{
    heap_free(f->task);
    *f = (struct foreign){0};
}

enum status foreign_add(struct foreign *f, const struct foreign_task *task, struct err *e)
{
    for (size_t i = 0; i < f->count; i++)
        if (text_equal(f->task[i].name, task->name) && f->task[i].format == task->format)
            return err_set(e, ST_FORMAT, "report-twice", "\"%.80s\" stands there twice",
                           task->name);
    if (f->count == FOREIGN_TASKS)
        return err_set(e, ST_FORMAT, "report-size", "there are more than %u tasks or probes",
                       FOREIGN_TASKS);
    if (f->task == NULL)
        f->task = heap_zero(FOREIGN_TASKS, sizeof *f->task);
    if (f->task == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a report");
    f->task[f->count++] = *task;
    return ST_OK;
}

/* ---- numbers ------------------------------------------------------------------------------ */

static bool plain_integer(const uint8_t *p, size_t n)
{
    size_t i = n > 0 && p[0] == '-';
    if (i == n || n - i > 15)
        return false;
    for (; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

/* Copies a JSON text; a number that is no plain integer, and NaN and Infinity as Python writes
 * them, become texts. Nothing else is judged here. */
static void decimals_as_text(struct span in, struct buf *out)
{
    static const char of_words[] = "+-.0123456789eEINafinty";
    for (size_t i = 0; i < in.n;) {
        size_t n = 1;
        const uint8_t *p = in.p + i;
        if (*p == '"') {
            while (i + n < in.n && p[n] != '"')
                n += p[n] == '\\' ? 2 : 1;
            n = n + 1 < in.n - i ? n + 1 : in.n - i;
            buf_append(out, SPAN(p, n));
        } else if (*p == '-' || (*p >= '0' && *p <= '9') || *p == 'N' || *p == 'I') {
            while (i + n < in.n && p[n] != 0 && strchr(of_words, p[n]) != NULL)
                n++;
            const bool whole = plain_integer(p, n);
            buf_text(out, whole ? "" : "\"");
            buf_append(out, SPAN(p, n));
            buf_text(out, whole ? "" : "\"");
        } else {
            buf_byte(out, *p);
        }
        i += n;
    }
}

bool foreign_number(const struct json *v, double *out)
{
    int64_t whole;
    const char *text = json_as_string(v);
    if (json_as_i64(v, &whole)) {
        *out = (double)whole;
        return true;
    }
    if (text == NULL || text[0] == '\0' || strlen(text) > NUMBER_MAX ||
        strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    char *end = NULL;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

bool foreign_names(const char *text, const struct digest *model)
{
    char hex[DIGEST_TEXT];
    digest_text(model, hex);
    return text != NULL && strstr(text, hex) != NULL;
}

/* ---- files -------------------------------------------------------------------------------- */

enum status foreign_parse(struct span text, uint64_t line, uint64_t offset, struct json **out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf plain = BUF_EMPTY;
    struct err why = ERR_NONE;
    decimals_as_text(text, &plain);
    if (buf_status(&plain) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a report");
    enum status st = json_parse(buf_span(&plain), FOREIGN_BYTES * 2u, out, &why);
    if (st == ST_OK || st == ST_NO_MEMORY) {
        if (st != ST_OK)
            *e = why;
        return st;
    }
    return line > 0
               ? err_at(e, ST_FORMAT, "report", "report-json", offset, "line %llu: %.200s",
                        (unsigned long long)line, why.detail)
               : err_at(e, ST_FORMAT, "report", "report-json", why.offset, "%.200s", why.detail);
}

/* garak writes lines, each with an entry_type; the other harness one object. */
static bool is_garak(struct span file)
{
    const uint8_t *end = memchr(file.p, '\n', file.n);
    size_t n = end != NULL ? (size_t)(end - file.p) : file.n;
    return memmem(file.p, n, "\"entry_type\"", 12) != NULL;
}

enum status foreign_read(struct span file, const struct digest *model, struct foreign *into,
                         enum foreign_format *format, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    *format = FOREIGN_NONE;
    if (file.n == 0 || file.n > FOREIGN_BYTES)
        return err_set(e, ST_FORMAT, "report-size", "it has %zu bytes; 1 to %u are read", file.n,
                       FOREIGN_BYTES);
    *format = is_garak(file) ? FOREIGN_GARAK : FOREIGN_LM_EVAL;
    enum status st = ST_OK;
    if (*format == FOREIGN_GARAK)
        return foreign_garak(file, model, into, e);
    st = foreign_parse(file, 0, 0, &root, e);
    return st == ST_OK ? foreign_lm_eval(root, model, into, e) : st;
}
