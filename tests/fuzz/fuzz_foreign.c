/* Any bytes as a report of another harness: refused with a code, or tasks whose numbers are finite.
 */
#include "base/ensure.h"
#include "tests/fuzz/fuzz_target.h"
#include "verify/foreign.h"
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    SCOPED(foreign_release) struct foreign f = {0};
    struct digest model;
    enum foreign_format format;
    ENSURE(
        digest_parse("228e98133f86f5c0df78f45ce8983efc540df3b9f6d1b0ca235edd60db39b031", &model));
    enum status st = foreign_read(SPAN(data, size), &model, &f, &format, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT || st == ST_MISMATCH);
    ENSURE(st == ST_OK || (e.code != NULL && strncmp(e.code, "report-", 7) == 0));
    for (size_t i = 0; i < f.count; i++) {
        ENSURE(f.task[i].hits <= f.task[i].cases && f.task[i].metrics <= FOREIGN_METRICS);
        for (size_t k = 0; k < f.task[i].metrics; k++)
            ENSURE(isfinite(f.task[i].metric[k].value));
    }
    return 0;
}
