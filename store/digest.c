#define OPENSSL_SUPPRESS_DEPRECATED /* see struct hasher */
#include "store/digest.h"
#include "base/heap.h"
#include "base/text.h"
#include <assert.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

static bool side_by_side; /* this processor can */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    side_by_side = sha256_here();
}

static bool two_at_once(void)
{
    int failed = pthread_once(&once, prepare);
    assert(failed == 0);
    return side_by_side;
}

/* OpenSSL's plain SHA-256 allocates nothing and so cannot fail; behind EVP, which is meant to
 * replace it, every digest takes memory that may not be had. */
struct hasher {
    SHA256_CTX ctx;
    struct sha256 own; /* where the processor does it */
};

struct digest digest_of(struct span bytes)
{
    struct digest d;
    SHA256_CTX ctx;
    int done = SHA256_Init(&ctx);
    if (bytes.n > 0)
        done &= SHA256_Update(&ctx, bytes.p, bytes.n);
    done &= SHA256_Final(d.b, &ctx);
    assert(done == 1);
    return d;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->b, b->b, DIGEST_BYTES) == 0;
}

bool digest_is_zero(const struct digest *d)
{
    const struct digest zero = {{0}};
    return digest_equal(d, &zero);
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

bool digest_listed(struct span list, const struct digest *d)
{
    for (size_t at = 0; at < list.n; at += DIGEST_BYTES)
        if (memcmp(list.p + at, d->b, DIGEST_BYTES) == 0)
            return true;
    return false;
}

unsigned digest_queue_vacant(const struct digest_queue *q)
{
    return q->lanes[0].taken ? 1 : 0;
}

/* Both lanes go on until the shorter message ends. */
static struct digest_lane *run_lanes(struct digest_queue *q)
{
    struct digest_lane *a = &q->lanes[0], *b = &q->lanes[1];
    size_t n = a->left.n < b->left.n ? a->left.n : b->left.n;
    sha256_add_two(&a->state, SPAN(a->left.p, n), &b->state, SPAN(b->left.p, n));
    a->left = SPAN(a->left.p + n, a->left.n - n);
    b->left = SPAN(b->left.p + n, b->left.n - n);
    return a->left.n == 0 ? a : b;
}

static bool leave(struct digest_lane *lane, uint32_t *through, struct digest *out)
{
    sha256_add(&lane->state, lane->left);
    sha256_end(&lane->state, out->b);
    *through = lane->tag;
    lane->taken = false;
    return true;
}

bool digest_queue_put(struct digest_queue *q, uint32_t tag, struct span message, uint32_t *through,
                      struct digest *out)
{
    if (!two_at_once()) {
        *through = tag;
        *out = digest_of(message);
        return true;
    }
    struct digest_lane *lane = &q->lanes[digest_queue_vacant(q)];
    assert(!lane->taken);
    lane->taken = true;
    lane->tag = tag;
    lane->left = message;
    sha256_begin(&lane->state);
    return q->lanes[0].taken && q->lanes[1].taken ? leave(run_lanes(q), through, out) : false;
}

bool digest_queue_end(struct digest_queue *q, uint32_t *through, struct digest *out)
{
    struct digest_lane *lane = &q->lanes[q->lanes[0].taken ? 0 : 1];
    return lane->taken ? leave(lane, through, out) : false;
}

static void begin(struct hasher *h)
{
    int done = SHA256_Init(&h->ctx);
    assert(done == 1);
    sha256_begin(&h->own);
}

enum status hasher_open(struct hasher **out, struct err *e)
{
    struct hasher *h = heap_zero(1, sizeof *h);
    if (h == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a digest");
    begin(h);
    *out = h;
    return ST_OK;
}

void hasher_add(struct hasher *h, struct span bytes)
{
    if (two_at_once()) {
        sha256_add(&h->own, bytes);
        return;
    }
    int done = bytes.n == 0 ? 1 : SHA256_Update(&h->ctx, bytes.p, bytes.n);
    assert(done == 1);
}

bool hasher_in_step(void)
{
    return two_at_once();
}

struct digest hasher_add_piece(struct hasher *h, struct span bytes)
{
    struct digest d;
    struct sha256 piece;
    if (!two_at_once()) {
        hasher_add(h, bytes);
        return digest_of(bytes);
    }
    sha256_begin(&piece);
    sha256_add_two(&h->own, bytes, &piece, bytes);
    sha256_end(&piece, d.b);
    return d;
}

struct digest hasher_end(struct hasher *h)
{
    struct digest d;
    if (two_at_once()) {
        sha256_end(&h->own, d.b);
    } else {
        int done = SHA256_Final(d.b, &h->ctx);
        assert(done == 1);
    }
    begin(h);
    return d;
}

void hasher_close(struct hasher *h)
{
    heap_free(h);
}
