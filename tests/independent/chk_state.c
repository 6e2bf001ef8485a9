/* What the state refers to: contents by their recipes, documents, quarantined bytes. */
#include "tests/independent/chk.h"
#include "tests/independent/chk_json.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- contents -----------------------------------------------------------------------------------
 */

static bool page(struct chk *c, const uint8_t digest[32], uint64_t want, EVP_MD_CTX *whole,
                 uint64_t *chunks)
{
    size_t n = 0;
    uint8_t *p = chk_record(c, 2, digest, &n);
    uint32_t count = p != NULL && n >= 8 ? chk_le32(p + 4) : 0;
    uint64_t bytes = 0;
    bool ok = p != NULL && n == 8 + (size_t)count * 36 && memcmp(p, "RPG1", 4) == 0;
    for (uint32_t i = 0; i < count && ok; i++) {
        const uint8_t *e = p + 8 + (size_t)i * 36;
        size_t got = 0;
        uint8_t *chunk = chk_record(c, 1, e, &got);
        ok = chunk != NULL && got == chk_le32(e + 32);
        if (ok)
            (void)EVP_DigestUpdate(whole, chunk, got);
        bytes += got;
        free(chunk);
    }
    free(p);
    *chunks += count;
    return (ok && bytes == want) || chk_fail(c, "I4: a recipe page is not what its root says");
}

static bool walk(struct chk *c, const uint8_t *root, size_t n, const uint8_t content[32],
                 uint64_t *bytes)
{
    uint32_t pages = n >= 56 ? chk_le32(root + 4) : 0;
    uint64_t chunks = 0, sum = 0;
    uint8_t hash[32] = {0};
    EVP_MD_CTX *whole = EVP_MD_CTX_new();
    bool ok = whole != NULL && n == 56 + (size_t)pages * 40 && memcmp(root, "RRT1", 4) == 0 &&
              memcmp(root + 8, content, 32) == 0 &&
              EVP_DigestInit_ex(whole, EVP_sha256(), NULL) == 1;
    for (uint32_t i = 0; i < pages && ok; i++) {
        const uint8_t *ref = root + 56 + (size_t)i * 40;
        ok = page(c, ref, chk_le64(ref + 32), whole, &chunks);
        sum += chk_le64(ref + 32);
    }
    ok = ok && EVP_DigestFinal_ex(whole, hash, NULL) == 1 && memcmp(hash, content, 32) == 0 &&
         sum == chk_le64(root + 40) && chunks == chk_le64(root + 48);
    EVP_MD_CTX_free(whole);
    *bytes = sum;
    return ok || chk_fail(c, "I4: a content's recipe does not make the content");
}

bool chk_content(struct chk *c, const uint8_t content[32], uint64_t *bytes)
{
    char hex[65];
    size_t n = 0;
    chk_hex_text(content, 32, hex);
    const struct chk_pair *p = chk_map_get(&c->recipes, content, 32);
    if (p == NULL)
        return chk_fail(c, "I4: content %s has no recipe", hex);
    uint8_t *root = chk_record(c, 3, p->value, &n);
    bool ok = root != NULL && walk(c, root, n, content, bytes);
    free(root);
    return ok;
}

/* -- documents ----------------------------------------------------------------------------------
 */

static uint8_t *document(struct chk *c, struct chk_view hex_text, size_t *n)
{
    uint8_t digest[32];
    if (!chk_json_digest(hex_text, digest)) {
        (void)chk_fail(c, "I3: a reference to a document is no digest");
        return NULL;
    }
    return chk_record(c, 4, digest, n);
}

static bool document_there(struct chk *c, struct chk_view hex_text)
{
    size_t n = 0;
    uint8_t *p = document(c, hex_text, &n);
    free(p);
    return p != NULL;
}

/* A value that is nothing but a digest. */
static bool bare_document(struct chk *c, struct chk_view value)
{
    uint8_t digest[32];
    size_t n = 0;
    if (value.n != 64 || !chk_hex(value.p, 64, digest))
        return chk_fail(c, "I3: a reference to a document is no digest");
    uint8_t *p = chk_record(c, 4, digest, &n);
    free(p);
    return p != NULL;
}

/* The files a manifest names. */
static bool manifest_files(struct chk *c, struct chk_view manifest)
{
    struct chk_view files = chk_json_member(manifest, "files"), file;
    size_t at = 0, seen = 0;
    while (chk_json_element(files, &at, &file)) {
        uint8_t digest[32];
        uint64_t bytes = 0;
        if (!chk_json_digest(chk_json_member(file, "sha256"), digest))
            return chk_fail(c, "I3: a manifest names no digest");
        if (!chk_content(c, digest, &bytes))
            return false;
        if (bytes != chk_json_number(chk_json_member(file, "bytes")))
            return chk_fail(c, "I3: a file is not as long as its manifest says");
        c->content_bytes += bytes;
        seen++;
    }
    return seen > 0 || chk_fail(c, "I3: a manifest names no file");
}

static bool has(const struct chk *c, const char *prefix, const uint8_t *name, size_t n)
{
    char key[600];
    int at = snprintf(key, sizeof key, "%s%.*s", prefix, (int)n, (const char *)name);
    const struct chk_pair *p = chk_map_get(&c->state, key, (size_t)at);
    return p != NULL && p->value[8] == 1;
}

static bool artifact(struct chk *c, const uint8_t *hex, size_t hex_n, struct chk_view value)
{
    size_t n = 0, body_n = 0, text_n = 0;
    uint8_t id[32], hash[32];
    if (hex_n != 64 || !chk_hex(hex, 64, id))
        return chk_fail(c, "I3: an artifact's key is no digest");
    uint8_t *envelope = document(c, chk_json_member(value, "manifest"), &n);
    if (envelope == NULL)
        return false;
    struct chk_view payload = chk_json_member((struct chk_view){envelope, n}, "payload");
    uint8_t *text = chk_json_string(payload, &text_n);
    uint8_t *body = text == NULL ? NULL : chk_base64(text, text_n, &body_n);
    bool ok = body != NULL;
    if (ok) {
        chk_sha256(body, body_n, hash);
        ok = memcmp(hash, id, 32) == 0 || chk_fail(c, "I3: an artifact's manifest is another's");
        if (ok && has(c, "installed/", hex, hex_n))
            ok = manifest_files(c, (struct chk_view){body, body_n});
        else if (ok && !has(c, "evicted/", hex, hex_n))
            ok = chk_fail(c, "I6: an artifact is neither kept nor evicted");
    }
    free(envelope);
    free(text);
    free(body);
    return ok || chk_fail(c, "I3: an artifact's manifest cannot be read");
}

static bool quarantined(struct chk *c, const uint8_t *id, size_t n, struct chk_view value)
{
    char path[900];
    struct chk_bytes b;
    uint8_t hash[32], want[32];
    (void)snprintf(path, sizeof path, "%s/quarantine/%.*s", c->path, (int)n, (const char *)id);
    if (!chk_file(path, &b))
        return chk_fail(c, "I4: quarantined bytes %.*s are gone", (int)n, (const char *)id);
    chk_sha256(b.p, b.n, hash);
    bool ok = b.n == chk_json_number(chk_json_member(value, "bytes")) &&
              chk_json_digest(chk_json_member(value, "sha256"), want) &&
              memcmp(hash, want, 32) == 0;
    free(b.p);
    return ok || chk_fail(c, "I4: quarantined bytes %.*s are damaged", (int)n, (const char *)id);
}

/* -- the state ----------------------------------------------------------------------------------
 */

static bool begins(const struct chk_pair *p, const char *prefix)
{
    size_t n = strlen(prefix);
    return p->key_n > n && memcmp(p->key, prefix, n) == 0;
}

static bool is(const struct chk_pair *p, const char *key)
{
    return p->key_n == strlen(key) && memcmp(p->key, key, p->key_n) == 0;
}

/* Keys whose values refer to nothing. */
static bool plain(const struct chk_pair *p)
{
    static const char *const known[] = {"name/", "content/", "once/",    "installed/", "evicted/",
                                        "pin/",  "lost/",    "removed/", "quota/",     "packs/"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (begins(p, known[i]))
            return true;
    }
    return is(p, "moved");
}

static bool one(struct chk *c, const struct chk_pair *p)
{
    struct chk_view value = {p->value + 9, p->value_n - 9};
    if (p->value[8] == 0)
        return true;
    if (begins(p, "artifact/"))
        return artifact(c, p->key + 9, p->key_n - 9, value);
    if (begins(p, "quarantine/"))
        return quarantined(c, p->key + 11, p->key_n - 11, value);
    if (begins(p, "channel/") || begins(p, "held/"))
        return document_there(c, chk_json_member(value, "decision"));
    if (begins(p, "evidence/") || begins(p, "signature/"))
        return bare_document(c, value);
    if (is(p, "trust"))
        return document_there(c, chk_json_member(value, "digest"));
    if (is(p, "policy"))
        return document_there(c, chk_json_member(value, "envelope"));
    c->unknown += !plain(p);
    return true;
}

bool chk_read_state(struct chk *c)
{
    for (size_t i = 0; i < c->state.n && !c->bad; i++)
        (void)one(c, &c->state.pair[i]);
    return !c->bad;
}
