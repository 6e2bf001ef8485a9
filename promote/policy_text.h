/* A policy in words: one sentence a rule, under a name that stays the same from policy to policy,
 * so that two policies can be held against each other. */
#ifndef PROMOTE_POLICY_TEXT_H
#define PROMOTE_POLICY_TEXT_H

#include "promote/policy.h"

#define POLICY_RULES     256
#define POLICY_RULE_NAME 96
#define POLICY_RULE_TEXT 240

struct policy_rule {
    char name[POLICY_RULE_NAME]; /* "stable / approvals" */
    char value[120];             /* "2 people with the role release, 14 d": for a comparison */
    char text[POLICY_RULE_TEXT]; /* a sentence */
};
struct policy_rules {
    struct policy_rule *rule; /* [count], in a fixed order */
    size_t count;
};
void policy_rules_release(struct policy_rules *r);
enum status policy_rules(const struct policy *p, struct policy_rules *out,
                         struct err *e) MUST_CHECK;
/* The rule of that name, NULL when the policy has none. */
const struct policy_rule *policy_rules_find(const struct policy_rules *r, const char *name);

#endif
