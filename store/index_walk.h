/* Is an index sound, page by page? LMDB believes every number in its file, and a wrong one ends the
 * process or shows other keys. So its trees are walked here first, by reading, with every number
 * checked: pages lie within the file and are used once, nodes lie within their page, keys ascend,
 * counts agree, free pages are free. What the values say is not looked at: they have hashes.
 *
 *     page   16 bytes: number u64 · 0 u16 · flags u16 · lower u16 · upper u16 (or pages u32 of an
 *            overflow), then u16 each: where its nodes are, from `upper` to the page's end
 *     node   lo u16 · hi u16 · flags u16 · key length u16 · key · data
 *            branch: page = lo | hi << 16 | flags << 32; leaf: data length = lo | hi << 16, or the
 *            number of the overflow page that has it
 *     tree   0 u32 · flags u16 · depth u16 · branch, leaf, overflow pages, entries, root u64 each
 *     meta   of transaction N on page N & 1: … · page size u32 at 40 = the free tree's first word,
 *            the main tree at 88 · last page u64 at 136 · N u64 at 144
 *
 * as LMDB 0.9 writes them on a 64-bit little-endian machine. Does not need LMDB, holds no page but
 * those on the way down, and does not recurse. */
#ifndef STORE_INDEX_WALK_H
#define STORE_INDEX_WALK_H

#include "base/err.h"
#include <stdbool.h>

/* fd: data.mdb, of which transaction `txn` is held by a reader. whole: the tables' leaves, too, and
 * not only what leads to them. ST_CORRUPT, code "index-page"; *again: that transaction's meta page
 * says another number, so begin another one and come back. */
enum status index_walk(int fd, uint64_t txn, bool whole, bool *again, struct err *e) MUST_CHECK;

#endif
