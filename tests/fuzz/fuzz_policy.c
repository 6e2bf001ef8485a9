/* Any bytes as a policy in YAML: one that is accepted is accepted again in its canonical form, with
 * the same digest; every refusal says where. */
#include "base/ensure.h"
#include "promote/policy.h"
#include "tests/fuzz/fuzz_target.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    SCOPED(policy_release) struct policy p = {0};
    SCOPED(policy_release) struct policy again = {0};
    enum status st = policy_parse_yaml(SPAN(data, size), "policy", &p, &e);
    ENSURE(st == ST_OK || st == ST_CONFIG);
    ENSURE(st == ST_OK || strncmp(e.detail, "line ", 5) == 0);
    if (st != ST_OK)
        return 0;
    st = policy_decode(buf_span(&p.canonical), &again, &e);
    ENSURE(st == ST_OK && digest_equal(&p.digest, &again.digest));
    return 0;
}
