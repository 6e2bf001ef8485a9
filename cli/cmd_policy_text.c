/* policy explain, policy diff: the law in words. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/policy_file.h"
#include "cli/print.h"
#include "promote/policy_text.h"

enum status cmd_policy_explain(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    SCOPED(policy_rules_release) struct policy_rules r = {.rule = NULL};
    enum status st = policy_file_or_law(c, c->words > 0 ? c->word[0] : NULL, &p, e);
    if (st == ST_OK)
        st = policy_rules(&p, &r, e);
    if (st != ST_OK)
        return st;
    if (!c->json) {
        buf_fmt(&c->out, "The policy %s says:\n", p.name);
        for (size_t i = 0; i < r.count; i++)
            buf_fmt(&c->out, "  %s\n", r.rule[i].text);
        return ST_OK;
    }
    struct json_out j = answer_open(c, "assay.policy-explain/1");
    member_text(&j, "name", p.name);
    member_digest(&j, "sha256", &p.digest);
    json_key(&j, "rules");
    json_array(&j);
    for (size_t i = 0; i < r.count; i++) {
        json_object(&j);
        member_text(&j, "rule", r.rule[i].name);
        member_text(&j, "value", r.rule[i].value);
        member_text(&j, "text", r.rule[i].text);
        json_close(&j);
    }
    json_close(&j);
    answer_close(c, &j);
    return ST_OK;
}

/* ---- diff ---- */

static void tell(struct listing *d, const char *rule, const char *before, const char *after)
{
    if (d->j == NULL) {
        table_cell(&d->table, "%s", before == NULL ? "+" : after == NULL ? "-" : "~");
        table_cell(&d->table, "%s", rule);
        table_cell(&d->table, "%s → %s", before != NULL ? before : "(no such rule)",
                   after != NULL ? after : "(no such rule)");
        return;
    }
    json_object(d->j);
    member_text(d->j, "rule", rule);
    member_text(d->j, "before", before);
    member_text(d->j, "after", after);
    json_close(d->j);
}

static void compare(struct listing *d, const struct policy_rules *a, const struct policy_rules *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct policy_rule *other = policy_rules_find(b, a->rule[i].name);
        if (other == NULL)
            tell(d, a->rule[i].name, a->rule[i].value, NULL);
        else if (!text_equal(a->rule[i].value, other->value))
            tell(d, a->rule[i].name, a->rule[i].value, other->value);
    }
    for (size_t i = 0; i < b->count; i++) {
        if (policy_rules_find(a, b->rule[i].name) == NULL)
            tell(d, b->rule[i].name, NULL, b->rule[i].value);
    }
}

enum status cmd_policy_diff(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy before = {0}, after = {0};
    SCOPED(policy_rules_release) struct policy_rules a = {.rule = NULL}, b = {.rule = NULL};
    SCOPED(listing_release) struct listing d = listing_of(c, 3);
    enum status st = policy_file_or_law(c, c->words > 1 ? c->word[0] : NULL, &before, e);
    if (st == ST_OK)
        st = policy_file_read(c->word[c->words - 1], &after, e);
    if (st == ST_OK)
        st = policy_rules(&before, &a, e);
    if (st == ST_OK)
        st = policy_rules(&after, &b, e);
    if (st != ST_OK)
        return st;
    listing_open(&d, "assay.policy-diff/1");
    if (d.j != NULL) {
        member_digest(d.j, "before", &before.digest);
        member_digest(d.j, "after", &after.digest);
    }
    listing_rows(&d, "changes");
    compare(&d, &a, &b);
    if (d.j == NULL)
        buf_fmt(&c->out, "%s → %s: %zu rules differ\n", before.name, after.name,
                d.table.cell / d.table.columns);
    listing_close(&d);
    return ST_OK;
}
