/* What a model file holds, told as JSON: for whoever looks into one. Meant for a sandboxed child:
 * names and texts are the file's own, cut to a length; whoever reads the JSON escapes them.
 *
 *     "metadata"  [[key, type, value]…]   of GGUF, or SLM1's header fields; numbers as decimal
 * text, floats as the hex digits of their bits (type f32, f64), of an array its length (type "array
 * of u32") "tensors"   [[name, type, [columns, rows], offset, bytes]…] in the order of the file
 *     "template"  bytes of the chat template; null: there is none */
#ifndef RUNTIME_DESCRIBE_H
#define RUNTIME_DESCRIBE_H

#include "base/json_write.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer.h"

#define DESCRIBE_TEXT_MAX 1024u /* bytes of a key or value that are told */

struct description {
    struct span file;
    struct model *model;     /* NULL: the file has a vocabulary and nothing else */
    struct tokenizer *alone; /* that vocabulary */
    struct span chat_template;
    struct front front;
    struct gguf gguf; /* GGUF only */
};
/* Opens a model as model_open does (with its refusals), values checked too, or a GGUF file that is
 * only a vocabulary. `file` is borrowed. */
enum status describe_open(struct span file, struct description *out, struct err *e) MUST_CHECK;
void describe_release(struct description *d);

const struct tokenizer *describe_tokenizer(const struct description *d);
/* Appends the three members to the open object. */
void describe_write(const struct description *d, struct json_out *j);
/* The tensor of that name as the file spells it: an object with "name", "type", "shape", "count",
 * "sum", "squares" (in double, value by value in order; bits as hex), "least", "greatest", "first"
 * (up to 8) and "last" (up to 2) as bits of floats. ST_NOT_FOUND. */
enum status describe_tensor(const struct description *d, struct span name, struct json_out *j,
                            struct err *e) MUST_CHECK;

#endif
