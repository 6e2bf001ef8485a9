#include "promote/place.h"

enum status place_read(struct store *s, const char *key, struct digest *envelope, uint64_t *seq,
                       struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct err why = ERR_NONE;
    *envelope = (struct digest){{0}};
    enum status st = store_get_seq(s, key, &value, seq, &why);
    if (st == ST_NOT_FOUND) {
        *seq = 0;
        return ST_OK;
    }
    buf_byte(&value, '\0');
    if (st == ST_OK && buf_status(&value) != ST_OK)
        st = err_set(&why, ST_NO_MEMORY, NULL, "no memory for a value of the state");
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    return digest_parse((const char *)value.p, envelope)
               ? ST_OK
               : err_set(e, ST_CORRUPT, "state-value", "the state key %s names no document", key);
}
