/* Any bytes as an incident: one that is accepted writes and reads back as the same, and has a stage
 * of the list. */
#include "base/ensure.h"
#include "tests/fuzz/fuzz_target.h"
#include "verify/incident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    struct incident first, second;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    bool agrees;
    enum status st = incident_read(SPAN(data, size), &first, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT);
    if (st != ST_OK)
        return 0;
    ENSURE(incident_stage(&first, &agrees) < STAGE_COUNT);
    incident_write(&first, &text);
    ENSURE(buf_status(&text) == ST_OK);
    ENSURE(incident_read(buf_span(&text), &second, &e) == ST_OK);
    incident_write(&second, &again);
    ENSURE(span_equal(buf_span(&text), buf_span(&again)));
    incident_release(&first);
    incident_release(&second);
    return 0;
}
