#include "store/envelope_join.h"
#include "base/base64.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

static bool holds(const struct envelope *v, const uint8_t sig[KEY_SIGNATURE_BYTES])
{
    for (size_t i = 0; i < v->count; i++) {
        if (memcmp(v->signatures[i].sig, sig, KEY_SIGNATURE_BYTES) == 0)
            return true;
    }
    return false;
}

enum status envelope_join(struct envelope *to, const struct envelope *from, struct err *e)
{
    if (!text_equal(to->type, from->type) ||
        !span_equal(buf_span(&to->payload), buf_span(&from->payload)))
        return err_set(e, ST_FORMAT, "envelope-payload", "the signatures are about something else");
    for (size_t i = 0; i < from->count; i++) {
        if (holds(to, from->signatures[i].sig))
            continue;
        if (to->count == ENVELOPE_SIGNATURES)
            return err_set(e, ST_INVALID_LENGTH, "envelope-signatures",
                           "an envelope holds at most %d signatures", ENVELOPE_SIGNATURES);
        to->signatures[to->count++] = from->signatures[i];
    }
    return ST_OK;
}

enum status envelope_write(const struct envelope *v, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    base64_encode(&payload, buf_span(&v->payload));
    struct json_out j = json_out(&json);
    json_object(&j);
    json_key(&j, "payload");
    json_text(&j, buf_span(&payload));
    json_key(&j, "payloadType");
    json_string(&j, v->type);
    json_key(&j, "signatures");
    json_array(&j);
    for (size_t i = 0; i < v->count; i++) {
        char text[96];
        struct buf b = buf_over(text, sizeof text);
        base64_encode(&b, SPAN(v->signatures[i].sig, KEY_SIGNATURE_BYTES));
        json_object(&j);
        json_key(&j, "keyid");
        json_string(&j, v->signatures[i].keyid);
        json_key(&j, "sig");
        json_text(&j, buf_span(&b));
        json_close(&j);
    }
    json_close(&j);
    json_close(&j);
    if (buf_status(&payload) != ST_OK || buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an envelope");
    return canon_text(buf_span(&json), out, e);
}
