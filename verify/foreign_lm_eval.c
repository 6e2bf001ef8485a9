/* results_*.json of lm-evaluation-harness, as its versions 0.4 write it. */
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/foreign.h"
#include <string.h>

/* Members of a task's configuration that decide what is asked and how it is scored. Others name
 * places and functions of the machine it ran on. */
static const char *const decisive[] = {
    "dataset_name", "dataset_path",      "doc_to_choice", "doc_to_target", "doc_to_text",
    "filter_list",  "generation_kwargs", "metric_list",   "num_fewshot",   "output_type"};

static enum status shape(struct err *e, const char *what, const char *task)
{
    return err_at(e, ST_FORMAT, "report", "report-shape", ERR_NO_OFFSET, "%s%s%.80s%s", what,
                  task != NULL ? " of \"" : "", task != NULL ? task : "", task != NULL ? "\"" : "");
}

/* "pretrained=x,sha256=HEX", or metadata.sha256, or an object of arguments with such a member. */
static bool names_model(const struct json *root, const struct digest *model)
{
    const struct json *config = json_get(root, "config");
    const struct json *args = json_get(config, "model_args");
    return foreign_names(json_as_string(args), model) ||
           foreign_names(json_as_string(json_get(args, "sha256")), model) ||
           foreign_names(json_as_string(json_get(json_get(config, "metadata"), "sha256")), model);
}

/* A member's value, or null, in canonical form. */
static void put_value(struct json_out *j, const char *key, const struct json *v, bool *fine)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct err why = ERR_NONE;
    json_key(j, key);
    if (v == NULL) {
        json_null(j);
        return;
    }
    *fine = *fine && canon_write(v, &text, &why) == ST_OK;
    if (*fine)
        json_raw(j, buf_span(&text));
    else
        json_null(j);
}

static enum status fingerprint(const struct json *root, const char *task, struct digest *out,
                               struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    const struct json *config = json_get(json_get(root, "configs"), task);
    const char *hash = json_as_string(json_get(json_get(root, "task_hashes"), task));
    bool fine = true;
    if (hash == NULL || hash[0] == '\0')
        return err_set(e, ST_FORMAT, "report-fingerprint",
                       "it has no task_hash of \"%.80s\"; run lm_eval with --log_samples", task);
    if (json_kind(config) != JSON_OBJECT)
        return shape(e, "it has no configs entry", task);
    struct json_out j = json_out(&text);
    json_object(&j);
    put_value(&j, "chat_template_sha", json_get(root, "chat_template_sha"), &fine);
    json_key(&j, "config");
    json_object(&j);
    for (size_t i = 0; i < sizeof decisive / sizeof *decisive; i++)
        put_value(&j, decisive[i], json_get(config, decisive[i]), &fine);
    json_close(&j);
    json_key(&j, "format");
    json_string(&j, "lm-eval");
    put_value(&j, "git_hash", json_get(root, "git_hash"), &fine);
    put_value(&j, "n_shot", json_get(json_get(root, "n-shot"), task), &fine);
    json_key(&j, "task");
    json_string(&j, task);
    json_key(&j, "task_hash");
    json_string(&j, hash);
    put_value(&j, "version", json_get(json_get(root, "versions"), task), &fine);
    json_close(&j);
    if (!fine || buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a fingerprint");
    *out = digest_of(buf_span(&text));
    return ST_OK;
}

/* "acc,none": the metric and the filter it went through. Only the first filter's is taken. */
static enum status read_metrics(const struct json *entry, struct foreign_task *t, struct err *e)
{
    for (size_t i = 0; i < json_count(entry) && t->metrics < FOREIGN_METRICS; i++) {
        const struct json *v = NULL;
        const char *key = json_member(entry, i, &v);
        const char *comma = strchr(key, ',');
        const size_t n = comma != NULL ? (size_t)(comma - key) : 0;
        bool known = n == 0 || n >= sizeof t->metric[0].name || strstr(key, "_stderr") != NULL;
        for (size_t k = 0; !known && k < t->metrics; k++)
            known = strlen(t->metric[k].name) == n && strncmp(t->metric[k].name, key, n) == 0;
        if (known)
            continue;
        if (!foreign_number(v, &t->metric[t->metrics].value))
            return err_set(e, ST_FORMAT, "report-number",
                           "\"%.40s\" of \"%.80s\" is no finite number", key, t->name);
        text_fmt(t->metric[t->metrics].name, sizeof t->metric[0].name, "%.*s", (int)n, key);
        t->metrics++;
    }
    return t->metrics > 0 ? ST_OK : shape(e, "there is no metric", t->name);
}

static enum status read_task(const struct json *root, const char *task, const struct json *entry,
                             struct foreign *into, struct err *e)
{
    struct foreign_task t = {.format = FOREIGN_LM_EVAL};
    const struct json *samples = json_get(json_get(root, "n-samples"), task);
    if (text_fmt(t.name, sizeof t.name, "%s", task) >= sizeof t.name || task[0] == '\0')
        return err_set(e, ST_FORMAT, "report-task", "a task's name has 1 to %u bytes",
                       FOREIGN_NAME - 1);
    if (json_kind(entry) != JSON_OBJECT)
        return shape(e, "the results are no object", task);
    if (!json_as_u64(json_get(samples, "effective"), &t.cases))
        return shape(e, "it has no n-samples", task);
    enum status st = read_metrics(entry, &t, e);
    if (st == ST_OK)
        st = fingerprint(root, task, &t.fingerprint, e);
    return st == ST_OK ? foreign_add(into, &t, e) : st;
}

enum status foreign_lm_eval(const struct json *root, const struct digest *model,
                            struct foreign *into, struct err *e)
{
    const struct json *results = json_get(root, "results");
    const struct json *groups = json_get(root, "group_subtasks");
    enum status st = ST_OK;
    if (json_kind(results) != JSON_OBJECT || json_count(results) == 0)
        return shape(e, "it has no results: neither lm-eval's nor garak's", NULL);
    if (!names_model(root, model))
        return err_set(e, ST_MISMATCH, "report-model",
                       "it does not say that it measured this model; run lm_eval with sha256=… of "
                       "the model's file among --model_args");
    for (size_t i = 0; st == ST_OK && i < json_count(results); i++) {
        const struct json *entry = NULL;
        const char *task = json_member(results, i, &entry);
        if (json_count(json_get(groups, task)) == 0) /* a group's mean is nobody's measurement */
            st = read_task(root, task, entry, into, e);
    }
    return st;
}
