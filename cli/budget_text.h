/* What a model needs, for people. */
#ifndef CLI_BUDGET_TEXT_H
#define CLI_BUDGET_TEXT_H

#include "runtime/budget.h"

/* A line for each part of the budget that is told apart, and the total. */
void budget_text(struct buf *out, const struct budget *b);

#endif
