#include "promote/basis.h"
#include "base/json_write.h"
#include "base/text.h"

/* ---- write ---- */

static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    json_key(j, key);
    json_string(j, digest_is_zero(d) ? NULL : hex);
}

static void put_list(struct json_out *j, const char *key, const struct digest *d, size_t n)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < n; i++) {
        char hex[DIGEST_TEXT];
        digest_text(&d[i], hex);
        json_string(j, hex);
    }
    json_close(j);
}

/* Zero ones are left out. */
static void put_gates(struct json_out *j, const char *key, const struct digest d[GATE_COUNT])
{
    json_key(j, key);
    json_object(j);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (!digest_is_zero(&d[g]))
            put_digest(j, gate_name(g), &d[g]);
    }
    json_close(j);
}

void basis_write(const struct basis *b, struct json_out *j)
{
    json_object(j);
    put_list(j, "approvals", b->approvals, b->approval_count);
    json_key(j, "attestations");
    json_object(j);
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        if (!digest_is_zero(&b->attestations[a]))
            put_digest(j, attestation_name(a), &b->attestations[a]);
    }
    json_close(j);
    put_gates(j, "baselines", b->baseline);
    put_gates(j, "evidence", b->evidence);
    json_key(j, "frozen");
    json_string(j, b->frozen);
    put_digest(j, "program", &b->program);
    put_digest(j, "runtime", &b->runtime);
    put_digest(j, "source", &b->source);
    put_digest(j, "trust", &b->trust);
    put_list(j, "waivers", b->waivers, b->waiver_count);
    json_close(j);
}

/* ---- read ---- */

/* null reads as zero. */
static bool get_digest(const struct json *v, const char *key, struct digest *out)
{
    const struct json *d = json_get(v, key);
    const char *hex = json_as_string(d);
    *out = (struct digest){{0}};
    return hex != NULL ? digest_parse(hex, out) : d != NULL && json_kind(d) == JSON_NULL;
}

static bool get_list(const struct json *v, const char *key, struct digest *out, size_t cap,
                     size_t *n)
{
    const struct json *list = json_get(v, key);
    *n = json_count(list);
    if (json_kind(list) != JSON_ARRAY || *n > cap)
        return false;
    for (size_t i = 0; i < *n; i++) {
        const char *hex = json_as_string(json_at(list, i));
        if (hex == NULL || !digest_parse(hex, &out[i]))
            return false;
    }
    return true;
}

static bool get_gates(const struct json *v, const char *key, struct digest out[GATE_COUNT])
{
    const struct json *map = json_get(v, key);
    for (size_t i = 0; i < json_count(map); i++) {
        const struct json *value = NULL;
        const char *name = json_member(map, i, &value);
        enum gate g = gate_parse(name);
        if (g == GATE_NONE || !get_digest(map, name, &out[g]))
            return false;
    }
    return json_kind(map) == JSON_OBJECT;
}

static bool get_attestations(const struct json *v, struct basis *out)
{
    const struct json *map = json_get(v, "attestations");
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        const char *name = attestation_name(a);
        if (json_get(map, name) != NULL && !get_digest(map, name, &out->attestations[a]))
            return false;
    }
    return json_kind(map) == JSON_OBJECT;
}

bool basis_read(const struct json *v, struct basis *out)
{
    const char *frozen = json_as_string(json_get(v, "frozen"));
    *out = (struct basis){.approval_count = 0};
    return frozen != NULL && text_fmt(out->frozen, FROZEN_MAX, "%s", frozen) < FROZEN_MAX &&
           get_list(v, "approvals", out->approvals, BASIS_APPROVALS, &out->approval_count) &&
           get_attestations(v, out) && get_gates(v, "baselines", out->baseline) &&
           get_gates(v, "evidence", out->evidence) && get_digest(v, "program", &out->program) &&
           get_digest(v, "runtime", &out->runtime) && get_digest(v, "source", &out->source) &&
           get_digest(v, "trust", &out->trust) &&
           get_list(v, "waivers", out->waivers, BASIS_WAIVERS, &out->waiver_count);
}
