/* Facts of a model as they travel: out of a sandboxed child as JSON, and into a manifest.
 *
 * What is decoded came from a process that looked at hostile bytes: every member is bounded and
 * checked, texts are kept as they came and escaped by whoever prints them. */
#ifndef VERIFY_FACTS_H
#define VERIFY_FACTS_H

#include "base/json.h"
#include "base/json_write.h"
#include "runtime/model.h"
#include "store/manifest.h"

/* One JSON object; also what quarantine shows as "what was parsed until then". */
void facts_write(const struct model_facts *f, struct json_out *j);
enum status facts_read(const struct json *v, struct model_facts *out, struct err *e) MUST_CHECK;
/* The manifest's account of a model. */
void facts_manifest(const struct model_facts *f, const struct digest *tokenizer,
                    struct manifest_model *out);
/* And back: what a budget asks for, when the model's file has that many bytes. */
struct model_facts facts_of_manifest(const struct manifest_model *m, uint64_t file_bytes);
const char *format_name(enum model_format f); /* "slm1", "gguf"; "none" */
enum model_format format_parse(const char *name);

/* An err as it travels: {"code","detail","offset","stage","status","subject"}. */
void refusal_write(const struct err *why, struct json_out *j);
/* Fills *out. ST_FORMAT into *e when v is not a refusal. Code and stage must be words of lower-case
 * letters, digits and '-'; they are kept for the life of the program, at most 512 different ones.
 */
enum status refusal_read(const struct json *v, struct err *out, struct err *e) MUST_CHECK;

#endif
