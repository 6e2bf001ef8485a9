/* A look into a model file, taken by a sandboxed child that maps it; nothing goes into a store. The
 * child's answer is as hostile as the file: bounded, parsed, its texts escaped by whoever prints
 * them. */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include "base/json.h"
#include "cli/cli.h"

struct look {
    enum {
        LOOK_FACTS,  /* → JSON: refusal, facts, tokenizer_sha256, template_sha256, metadata… */
        LOOK_TENSOR, /* → JSON: refusal, tensor */
        LOOK_ENCODE, /* → for each token: u32 id, u32 length, the bytes it stands for */
        LOOK_DECODE  /* → the text's bytes */
    } what;
    const char *tensor; /* its name */
    struct span text;   /* to encode */
    bool specials;      /* with BOS and EOS as the vocabulary has them */
    struct span ids;    /* u32 each, to decode */
};

/* *json for the first two, *bytes for the others. What the child refuses comes back as its refusal;
 * ST_USAGE for what is no regular file, ST_MODEL_MAGIC for what claims to be no model. */
enum status look_at(const char *path, const struct look *what, struct json **json,
                    struct buf *bytes, struct err *e) MUST_CHECK;

#endif
