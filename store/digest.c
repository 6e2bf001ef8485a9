#include "store/digest.h"
#include "base/heap.h"
#include "base/text.h"
#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

/* Looked up once: asking OpenSSL for an algorithm by name costs as much as hashing a kilobyte. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static const EVP_MD *algorithm(void)
{
    int failed = pthread_once(&sha256_once, sha256_fetch);
    assert(failed == 0);
    assert(sha256 != NULL); /* an OpenSSL without SHA-256 can prove nothing */
    return sha256;
}

struct digest digest_of(struct span bytes)
{
    struct digest d;
    unsigned n = 0;
    int done = EVP_Digest(bytes.n > 0 ? bytes.p : d.b, bytes.n, d.b, &n, algorithm(), NULL);
    assert(done == 1 && n == DIGEST_BYTES);
    return d;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->b, b->b, DIGEST_BYTES) == 0;
}

void digest_text(const struct digest *d, char out[DIGEST_TEXT])
{
    hex_encode(out, SPAN(d->b, DIGEST_BYTES));
}

bool digest_parse(const char *s, struct digest *out)
{
    static const char prefix[] = "sha256:";
    if (strncmp(s, prefix, sizeof prefix - 1) == 0)
        s += sizeof prefix - 1;
    struct digest d;
    if (strnlen(s, DIGEST_TEXT) != DIGEST_TEXT - 1 || !hex_decode(d.b, DIGEST_BYTES, span_text(s)))
        return false;
    *out = d;
    return true;
}

struct hasher {
    EVP_MD_CTX *ctx;
};

enum status hasher_open(struct hasher **out, struct err *e)
{
    const EVP_MD *md = algorithm();
    struct hasher *h = heap_zero(1, sizeof *h);
    if (h == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a digest");
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1) {
        hasher_close(h);
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a digest");
    }
    *out = h;
    return ST_OK;
}

void hasher_add(struct hasher *h, struct span bytes)
{
    if (bytes.n == 0)
        return;
    int done = EVP_DigestUpdate(h->ctx, bytes.p, bytes.n);
    assert(done == 1);
}

struct digest hasher_end(struct hasher *h)
{
    struct digest d;
    unsigned n = 0;
    int done = EVP_DigestFinal_ex(h->ctx, d.b, &n);
    assert(done == 1 && n == DIGEST_BYTES);
    done = EVP_DigestInit_ex2(h->ctx, algorithm(), NULL);
    assert(done == 1);
    return d;
}

void hasher_close(struct hasher *h)
{
    EVP_MD_CTX_free(h->ctx);
    heap_free(h);
}
