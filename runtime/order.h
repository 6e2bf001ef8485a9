/* Sorting in place without recursion and without worst cases (heapsort); not stable, so `before`
 * must be a strict total order. Elements of at most ORDER_ELEMENT_MAX bytes. */
#ifndef RUNTIME_ORDER_H
#define RUNTIME_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#define ORDER_ELEMENT_MAX 64

void order_sort(void *items, size_t count, size_t size,
                bool (*before)(const void *a, const void *b));

#endif
