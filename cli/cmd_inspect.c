/* inspect: into a model file without a store. Everything told here came from a sandboxed child. */
#include "base/text.h"
#include "cli/budget_text.h"
#include "cli/command.h"
#include "cli/look.h"
#include "cli/print.h"
#include "verify/facts.h"
#include <stdio.h>
#include <string.h>

/* The bits of a float or double in hex, as a number; false: they are none. */
static bool read_bits(const char *hex, double *out)
{
    uint64_t bits = 0;
    const size_t n = hex != NULL ? strlen(hex) : 0;
    uint8_t bytes[8];
    if ((n != 8 && n != 16) || !hex_decode(bytes, n / 2, SPAN(hex, n)))
        return false;
    for (size_t i = 0; i < n / 2; i++)
        bits = bits << 8 | bytes[i];
    float narrow;
    const uint32_t low = (uint32_t)bits;
    memcpy(&narrow, &low, sizeof narrow);
    memcpy(out, &bits, sizeof *out);
    *out = n == 8 ? (double)narrow : *out;
    return true;
}

/* Enough digits to tell one float, or double, from the next. */
static void show_bits(const char *hex, char out[40])
{
    double v = 0;
    if (!read_bits(hex, &v))
        (void)snprintf(out, 40, "?");
    else
        (void)snprintf(out, 40, strlen(hex) == 8 ? "%.9g" : "%.17g", v);
}

static void number_json(struct json_out *j, const char *hex)
{
    char text[40];
    double v = 0;
    show_bits(hex, text);
    const bool finite = read_bits(hex, &v) && v - v == 0;
    if (finite)
        json_raw(j, span_text(text));
    else
        json_string(j, text);
}

static const char *text_at(const struct json *v, size_t i)
{
    const char *s = json_as_string(json_at(v, i));
    return s != NULL ? s : "";
}

static uint64_t number_at(const struct json *v, size_t i)
{
    uint64_t n = 0;
    (void)json_as_u64(json_at(v, i), &n);
    return n;
}

static bool is_real(const char *type)
{
    return text_equal(type, "f32") || text_equal(type, "f64");
}

/* ---- one tensor ---- */

static void values_text(struct buf *out, const char *label, const struct json *values)
{
    char text[40];
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    for (size_t i = 0; i < json_count(values); i++) {
        show_bits(text_at(values, i), text);
        buf_fmt(&line, i == 0 ? "%s" : " %s", text);
    }
    buf_byte(&line, '\0');
    put_field(out, label, "%s", buf_status(&line) == ST_OK ? (const char *)line.p : "");
}

static void values_json(struct json_out *j, const char *key, const struct json *values)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < json_count(values); i++)
        number_json(j, text_at(values, i));
    json_close(j);
}

static void shape_text(const struct json *shape, char out[64])
{
    const size_t n = json_count(shape);
    text_fmt(out, 64, n > 1 ? "%llu x %llu" : "%llu", (unsigned long long)number_at(shape, 0),
             (unsigned long long)number_at(shape, 1));
}

static const char *const real_members[] = {"sum", "squares", "least", "greatest"};
static const char *const real_labels[] = {"sum", "sum of sq.", "min", "max"};
static const char *const real_keys[] = {"sum", "sum_of_squares", "min", "max"};

static void tell_tensor(struct cli *c, const char *path, const struct json *t)
{
    char text[64];
    if (c->json) {
        struct json_out j = answer_open(c, "assay.inspect-tensor/1");
        member_text(&j, "path", path);
        member_json(&j, "name", json_get(t, "name"));
        member_json(&j, "type", json_get(t, "type"));
        member_json(&j, "shape", json_get(t, "shape"));
        member_json(&j, "count", json_get(t, "count"));
        for (size_t i = 0; i < 4; i++) {
            json_key(&j, real_keys[i]);
            number_json(&j, json_as_string(json_get(t, real_members[i])));
        }
        values_json(&j, "first", json_get(t, "first"));
        values_json(&j, "last", json_get(t, "last"));
        answer_close(c, &j);
        return;
    }
    const char *name = json_as_string(json_get(t, "name")),
               *type = json_as_string(json_get(t, "type"));
    uint64_t count = 0;
    (void)json_as_u64(json_get(t, "count"), &count);
    put_field(&c->out, "tensor", "%s", name != NULL ? name : "");
    put_field(&c->out, "type", "%s", type != NULL ? type : "");
    shape_text(json_get(t, "shape"), text);
    put_field(&c->out, "shape", "%s", text);
    put_field(&c->out, "count", "%llu", (unsigned long long)count);
    for (size_t i = 0; i < 4; i++) {
        show_bits(json_as_string(json_get(t, real_members[i])), text);
        put_field(&c->out, real_labels[i], "%s", text);
    }
    values_text(&c->out, "first", json_get(t, "first"));
    values_text(&c->out, "last", json_get(t, "last"));
}

/* ---- the whole file ---- */

static void metadata_text(struct buf *out, const struct json *pairs)
{
    SCOPED(table_release) struct table t = table_of(3);
    char text[40];
    for (size_t i = 0; i < json_count(pairs); i++) {
        const struct json *p = json_at(pairs, i);
        const char *value = text_at(p, 2);
        if (is_real(text_at(p, 1))) {
            show_bits(value, text);
            value = text;
        }
        table_cell(&t, "  %s", text_at(p, 0));
        table_cell(&t, "%s", text_at(p, 1));
        table_cell(&t, "%s", value);
    }
    table_put(&t, out);
}

static void metadata_json(struct json_out *j, const struct json *pairs)
{
    json_key(j, "metadata");
    json_array(j);
    for (size_t i = 0; i < json_count(pairs); i++) {
        const struct json *p = json_at(pairs, i);
        json_object(j);
        member_text(j, "key", text_at(p, 0));
        member_text(j, "type", text_at(p, 1));
        json_key(j, "value");
        if (is_real(text_at(p, 1)))
            number_json(j, text_at(p, 2));
        else
            json_string(j, text_at(p, 2));
        json_close(j);
    }
    json_close(j);
}

static void tensors_text(struct buf *out, const struct json *tensors)
{
    SCOPED(table_release) struct table t = table_of(5);
    char shape[64];
    for (size_t i = 0; i < json_count(tensors); i++) {
        const struct json *v = json_at(tensors, i);
        shape_text(json_at(v, 2), shape);
        table_cell(&t, "  %s", text_at(v, 0));
        table_cell(&t, "%s", text_at(v, 1));
        table_cell(&t, "%s", shape);
        table_cell(&t, "%llu bytes", (unsigned long long)number_at(v, 4));
        table_cell(&t, "at %llu", (unsigned long long)number_at(v, 3));
    }
    table_put(&t, out);
}

static void tensors_json(struct json_out *j, const struct json *tensors)
{
    json_key(j, "tensors");
    json_array(j);
    for (size_t i = 0; i < json_count(tensors); i++) {
        const struct json *v = json_at(tensors, i);
        json_object(j);
        member_text(j, "name", text_at(v, 0));
        member_text(j, "type", text_at(v, 1));
        member_json(j, "shape", json_at(v, 2));
        member_u64(j, "offset", number_at(v, 3));
        member_u64(j, "bytes", number_at(v, 4));
        json_close(j);
    }
    json_close(j);
}

static void template_text(struct buf *out, const struct json *answer)
{
    const char *text = json_as_string(json_get(answer, "template_text")),
               *digest = json_as_string(json_get(answer, "template_sha256"));
    uint64_t bytes = 0;
    if (!json_as_u64(json_get(answer, "template"), &bytes))
        return;
    put_field(out, "template",
              "%llu bytes, sha256:%s; data, never executed:", (unsigned long long)bytes,
              digest != NULL ? digest : "");
    text_escape(out, span_text(text != NULL ? text : ""), true);
    buf_byte(out, '\n');
}

static void template_json(struct json_out *j, const struct json *answer)
{
    json_key(j, "chat_template");
    if (json_kind(json_get(answer, "template")) != JSON_INTEGER) {
        json_null(j);
        return;
    }
    json_object(j);
    member_json(j, "bytes", json_get(answer, "template"));
    member_json(j, "sha256", json_get(answer, "template_sha256"));
    member_json(j, "text", json_get(answer, "template_text"));
    json_close(j);
}

static void facts_text(struct buf *out, const char *path, const struct model_facts *f,
                       const struct budget *b)
{
    put_field(out, "file", "%s, %llu bytes", path, (unsigned long long)f->file_bytes);
    put_field(out, "format", "%s %u, family %s", format_name(f->format), f->format_version,
              f->family);
    put_field(out, "weights", "%s, %llu parameters in %u tensors", f->quantization,
              (unsigned long long)f->parameters, f->tensors);
    put_field(out, "shape",
              "vocabulary %u, hidden %u, layers %u, heads %u/%u of %u, ffn %u, context %u%s",
              f->shape.vocab, f->shape.hidden, f->shape.layers, f->shape.heads, f->shape.kv_heads,
              f->shape.head_dim, f->shape.ffn, f->shape.context, f->shape.tied ? ", tied" : "");
    put_field(out, "tokenizer", "%s", f->tokenizer);
    if (f->license[0] != '\0')
        put_field(out, "license", "%s", f->license);
    buf_text(out, "to run it needs:\n");
    budget_text(out, b);
}

static void tell_text(struct cli *c, const char *path, const struct json *answer,
                      const struct model_facts *f, const struct budget *b)
{
    if (f != NULL) {
        facts_text(&c->out, path, f, b);
    } else {
        const struct json *facts = json_get(answer, "facts");
        uint64_t tokens = 0;
        const char *kind = json_as_string(json_get(facts, "tokenizer"));
        (void)json_as_u64(json_get(facts, "vocab"), &tokens);
        put_field(&c->out, "file", "%s", path);
        put_field(&c->out, "format", "gguf, a vocabulary without a model");
        put_field(&c->out, "tokenizer", "%s of %llu tokens", kind != NULL ? kind : "",
                  (unsigned long long)tokens);
    }
    buf_text(&c->out, "metadata:\n");
    metadata_text(&c->out, json_get(answer, "metadata"));
    if (f != NULL)
        buf_text(&c->out, "tensors:\n");
    tensors_text(&c->out, json_get(answer, "tensors"));
    template_text(&c->out, answer);
}

static void tell_json(struct cli *c, const char *path, const struct json *answer,
                      const struct model_facts *f, const struct budget *b)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = answer_open(c, "assay.inspect/1");
    member_text(&j, "path", path);
    member_bool(&j, "model", f != NULL);
    member_json(&j, "facts", json_get(answer, "facts"));
    member_json(&j, "tokenizer_sha256", json_get(answer, "tokenizer_sha256"));
    if (f != NULL) {
        budget_json(b, &text);
        json_key(&j, "budget");
        json_raw(&j, buf_span(&text));
    }
    metadata_json(&j, json_get(answer, "metadata"));
    tensors_json(&j, json_get(answer, "tensors"));
    template_json(&j, answer);
    answer_close(c, &j);
}

static enum status tell_file(struct cli *c, const char *path, const struct json *answer,
                             struct err *e)
{
    struct model_facts facts;
    struct budget budget;
    bool model = false;
    enum status st = ST_OK;
    (void)json_as_bool(json_get(answer, "model"), &model);
    if (model)
        st = facts_read(json_get(answer, "facts"), &facts, e);
    if (st == ST_OK && model)
        st = budget_of(&facts, &budget, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        tell_json(c, path, answer, model ? &facts : NULL, &budget);
    else
        tell_text(c, path, answer, model ? &facts : NULL, &budget);
    return ST_OK;
}

enum status cmd_inspect(struct cli *c, struct err *e)
{
    SCOPED(json_scope) struct json *answer = NULL;
    const char *path = c->word[0], *tensor = c->args.value[OPT_TENSOR];
    const struct look look = {.what = tensor != NULL ? LOOK_TENSOR : LOOK_FACTS, .tensor = tensor};
    enum status st = look_at(path, &look, &answer, NULL, e);
    if (st != ST_OK)
        return st;
    if (tensor == NULL)
        return tell_file(c, path, answer, e);
    tell_tensor(c, path, json_get(answer, "tensor"));
    return ST_OK;
}
