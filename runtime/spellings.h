/* A set of tokens found by how they are spelled. Sorted, so that a lookup costs the same whatever a
 * hostile file chose; of equal spellings the lowest id counts. Sorting is quicksort that ends as
 * heapsort where it meets a worst case (Musser 1997, introsort). */
#ifndef RUNTIME_SPELLINGS_H
#define RUNTIME_SPELLINGS_H

#include "base/bytes.h"

struct spelled {
    struct span text;
    uint32_t id;
    uint32_t head; /* in the order of the texts; equal for some that begin alike */
};

struct spellings {
    struct spelled *at; /* [count], sorted once spellings_sort was called; the owner frees it */
    uint32_t count;
};
#define NO_TOKEN UINT32_MAX

/* Room for it is the caller's business. */
void spellings_add(struct spellings *s, struct span text, uint32_t id);
void spellings_sort(struct spellings *s);
/* The token spelled exactly so, or NO_TOKEN. */
uint32_t spellings_find(const struct spellings *s, struct span text);
/* The longest one that `text` begins with, or NO_TOKEN; *bytes is its length. */
uint32_t spellings_longest(const struct spellings *s, struct span text, size_t *bytes);

#endif
