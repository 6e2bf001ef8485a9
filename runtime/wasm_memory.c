/* What a libc would give the WASM build: base/heap.h over the module's linear memory, and the few
 * memory and string functions that compilers call by name. */
#if defined(__wasm__)

#include "base/heap.h"
#include "runtime/arena.h"
#include <string.h>

#define PAGE 65536u

extern unsigned char __heap_base;

static size_t more_pages(void *ctx, size_t n)
{
    (void)ctx;
    const size_t pages = n / PAGE + (n % PAGE != 0);
    return __builtin_wasm_memory_grow(0, pages) == SIZE_MAX ? 0 : pages * PAGE;
}

static struct arena *heap(void)
{
    static struct arena arena = {.more = more_pages};
    if (arena.start == NULL) {
        const size_t from = ((size_t)&__heap_base + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
        arena.start = (uint8_t *)from;
        arena.size = __builtin_wasm_memory_size(0) * PAGE - from;
    }
    return &arena;
}

void *heap_alloc(size_t n)
{
    return arena_alloc(heap(), n);
}

void *heap_zero(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *p = arena_alloc(heap(), count * size);
    return p != NULL ? memset(p, 0, count * size) : NULL;
}

void *heap_grow(void *p, size_t n)
{
    return arena_grow(heap(), p, n);
}

void *heap_aligned(size_t align, size_t n)
{
    return align <= ARENA_ALIGN ? arena_alloc(heap(), n) : NULL;
}

void *heap_large(size_t n)
{
    return heap_aligned(ARENA_ALIGN, n);
}

void heap_free(void *p)
{
    arena_free(heap(), p);
}

/* The compiler must not turn these loops into calls of themselves: the build says -fno-builtin
 * here. */
void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((size_t)t - (size_t)f >= n)
        for (size_t i = 0; i < n; i++)
            t[i] = f[i];
    else
        for (size_t i = n; i > 0; i--)
            t[i - 1] = f[i - 1];
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    return memmove(to, from, n);
}

void *memset(void *p, int value, size_t n)
{
    unsigned char *t = p;
    for (size_t i = 0; i < n; i++)
        t[i] = (unsigned char)value;
    return p;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0')
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || a[i] == '\0')
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (*s == '\0')
            return NULL;
    return (char *)(size_t)s;
}

/* 128-bit products, which checked multiplication asks the compiler's library for. */
__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;
wide __multi3(wide a, wide b);

wide __multi3(wide a, wide b)
{
    const uint64_t al = (uint64_t)a, ah = (uint64_t)((uwide)a >> 64);
    const uint64_t bl = (uint64_t)b, bh = (uint64_t)((uwide)b >> 64);
    const uint64_t a0 = al & 0xffffffffu, a1 = al >> 32, b0 = bl & 0xffffffffu, b1 = bl >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    const uint64_t cross = a0 * b1 + (middle & 0xffffffffu);
    const uint64_t high = a1 * b1 + (middle >> 32) + (cross >> 32) + al * bh + ah * bl;
    return (wide)((uwide)high << 64 | (al * bl));
}

#else
typedef int wasm_memory_is_for_wasm; /* a translation unit holds something */
#endif
