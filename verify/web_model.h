/* What the page is told of a model before it loads it: one member of /models.json. */
#ifndef VERIFY_WEB_MODEL_H
#define VERIFY_WEB_MODEL_H

#include "base/json_write.h"
#include "verify/evidence.h"

struct web_model {
    const struct artifact *artifact;
    const struct manifest_file *file; /* the model among its files; NULL: it has none */
    const char *name;                 /* under which it is handed out */
    const char *channel;              /* "preview" …; "candidate" in a gate */
    const char *problem;              /* why it may not be handed out; NULL: it is proven */
    /* The newest evidence of each gate: verdict NONE where there is none. */
    struct {
        enum verdict verdict;
        struct digest digest;
        int64_t ended;
    } evidence[GATE_COUNT];
};

/* {"schema":"assay.models/1","models":[ … ]}: open, one call a model, close. */
struct json_out web_models_open(struct buf *out);
void web_models_add(struct json_out *j, const struct web_model *m);
void web_models_close(struct json_out *j);

#endif
