#include "store/index_walk.h"
#include "base/bytes.h"
#include "base/heap.h"
#include "base/io.h"
#include <string.h>

#define LEVELS   32u /* of a tree: LMDB's own limit */
#define TABLES   16u /* trees that the main tree names, at most */
#define HEAD     16u /* bytes of a page's header */
#define NODE     8u  /* bytes of a node before its key */
#define TREE     48u /* bytes of a tree's facts */
#define KEY_MAX_ 511u
#define META     152u
#define NOTHING  UINT64_MAX /* the root of an empty tree */

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4 }; /* a page's flags */
enum { BIG = 1, SUB = 2 };                   /* a leaf node's */
enum kind { FREE, MAIN, TABLE };

struct tree {
    uint64_t depth; /* all of one size: compared as bytes */
    uint64_t branches, leaves, overflows, entries, root;
};

/* A page on the way down. */
struct level {
    uint64_t number;
    uint32_t count, next; /* nodes; the one to visit next */
    uint8_t *bytes;       /* [page] */
};

struct walk {
    int fd;
    uint32_t page; /* bytes */
    uint64_t last, txn;
    bool whole;
    uint8_t *seen;  /* a bit each page: used, or free */
    uint8_t *pages; /* [LEVELS × page] */
    struct level level[LEVELS];
    struct buf list; /* numbers of free pages that lie on overflow pages */
    struct tree table[TABLES];
    size_t tables;
    /* The tree being walked. */
    enum kind kind;
    bool leaves; /* its leaves are looked at */
    struct tree found;
    uint8_t key[KEY_MAX_]; /* the newest key */
    size_t key_n;
    bool keyed, equal; /* there is one; it may come again, being a branch's */
};

static void walk_release(struct walk *w)
{
    heap_free(w->seen);
    heap_free(w->pages);
    buf_release(&w->list);
}

static enum status bad(uint64_t page, const char *what, struct err *e)
{
    (void)err_set(e, ST_CORRUPT, "index-page",
                  "page %llu of data.mdb %s; delete the index folder, it is folded again",
                  (unsigned long long)page, what);
    return err_subject(e, "index");
}

/* -- pages ---------------------------------------------------------------------------------------
 */

/* A page is used once, or free; never both, never twice. */
static bool take(struct walk *w, uint64_t number)
{
    if (number < 2 || number > w->last || (w->seen[number / 8] >> (number % 8) & 1) != 0)
        return false;
    w->seen[number / 8] |= (uint8_t)(1u << (number % 8));
    return true;
}

static struct tree tree_at(const uint8_t *p)
{
    return (struct tree){.depth = get_le16(p + 6),
                         .branches = get_le64(p + 8),
                         .leaves = get_le64(p + 16),
                         .overflows = get_le64(p + 24),
                         .entries = get_le64(p + 32),
                         .root = get_le64(p + 40)};
}

static const uint8_t *node_of(const struct level *l, uint32_t i)
{
    return l->bytes + get_le16(l->bytes + HEAD + 2 * i);
}

static uint32_t node_bytes(const uint8_t *node)
{
    return get_le16(node) | (uint32_t)get_le16(node + 2) << 16;
}

static uint64_t node_child(const uint8_t *node)
{
    return node_bytes(node) | (uint64_t)get_le16(node + 4) << 32;
}

static const uint8_t *node_data(const uint8_t *node)
{
    return node + NODE + get_le16(node + 6);
}

/* Every node within its page, and together exactly what the page has used. */
static bool nodes_fit(const struct walk *w, const struct level *l, bool leaf)
{
    const uint32_t upper = get_le16(l->bytes + 14);
    uint64_t used = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        const uint32_t at = get_le16(l->bytes + HEAD + 2 * i);
        if (at < upper || at % 2 != 0 || at > w->page - NODE)
            return false;
        const uint8_t *node = l->bytes + at;
        const uint32_t key = get_le16(node + 6);
        const bool big = leaf && (get_le16(node + 4) & BIG) != 0;
        const uint64_t data = !leaf ? 0 : big ? 8 : node_bytes(node);
        const uint64_t n = NODE + (uint64_t)key + data;
        if (key > KEY_MAX_ || n > w->page - at)
            return false;
        used += n + n % 2;
    }
    return used == w->page - upper;
}

static enum status load(struct walk *w, struct level *l, uint64_t number, bool leaf, struct err *e)
{
    enum status st = io_read_at(w->fd, l->bytes, w->page, number * w->page, e);
    if (st != ST_OK)
        return st;
    const uint8_t *p = l->bytes;
    const uint32_t lower = get_le16(p + 12), upper = get_le16(p + 14);
    if (get_le64(p) != number || get_le16(p + 10) != (leaf ? LEAF : BRANCH))
        return bad(number, "is another page than the tree says", e);
    if (lower <= HEAD || lower % 2 != 0 || lower > upper || upper > w->page)
        return bad(number, "has a damaged header", e);
    l->number = number;
    l->count = (lower - HEAD) / 2;
    l->next = 0;
    return nodes_fit(w, l, leaf) ? ST_OK : bad(number, "has nodes out of place", e);
}

/* -- keys ----------------------------------------------------------------------------------------
 */

static int compare(const struct walk *w, const uint8_t *a, size_t a_n)
{
    if (w->kind == FREE) {
        const uint64_t x = get_le64(a), y = get_le64(w->key);
        return (x > y) - (x < y);
    }
    const int order = memcmp(a, w->key, a_n < w->key_n ? a_n : w->key_n);
    return order != 0 ? order : (a_n > w->key_n) - (a_n < w->key_n);
}

/* Keys ascend from leaf to leaf, and a branch's key lies between what is left and right of it. */
static bool ascends(struct walk *w, const uint8_t *node, bool of_branch)
{
    const size_t n = get_le16(node + 6);
    if (n == 0 || (w->kind == FREE && n != 8))
        return false;
    const int order = w->keyed ? compare(w, node + NODE, n) : 1;
    if (order < 0 || (order == 0 && (of_branch || !w->equal)))
        return false;
    memcpy(w->key, node + NODE, n);
    w->key_n = n;
    w->keyed = true;
    w->equal = of_branch;
    return true;
}

/* -- leaves --------------------------------------------------------------------------------------
 */

static enum status check_big(struct walk *w, uint64_t page, const uint8_t *node, struct err *e)
{
    uint8_t head[HEAD];
    const uint64_t first = get_le64(node_data(node));
    const uint64_t n = (HEAD - 1 + (uint64_t)node_bytes(node)) / w->page + 1;
    for (uint64_t i = 0; i < n; i++) {
        if (first > w->last || !take(w, first + i))
            return bad(page, "refers to overflow pages that are not its own", e);
    }
    w->found.overflows += n;
    enum status st = io_read_at(w->fd, head, sizeof head, first * w->page, e);
    if (st != ST_OK)
        return st;
    if (get_le64(head) == first && get_le16(head + 10) == OVERFLOW && get_le32(head + 12) == n)
        return ST_OK;
    return bad(first, "is no overflow page, or one of another length", e);
}

/* How many, and their numbers, descending. */
static enum status check_free(struct walk *w, uint64_t page, const uint8_t *node, struct err *e)
{
    const uint8_t *list = node_data(node);
    const uint64_t n = node_bytes(node);
    if (n < 8 || n % 8 != 0 || n / 8 - 1 > w->last || get_le64(node + NODE) > w->txn)
        return bad(page, "has a damaged list of free pages", e);
    if ((get_le16(node + 4) & BIG) != 0) {
        w->list.n = 0;
        uint8_t *room = buf_space(&w->list, (size_t)n);
        if (room == NULL)
            return err_set(e, ST_NO_MEMORY, NULL, "checking the index");
        enum status st = io_read_at(w->fd, room, (size_t)n, get_le64(list) * w->page + HEAD, e);
        if (st != ST_OK)
            return st;
        list = room;
    }
    bool sound = get_le64(list) == n / 8 - 1;
    for (uint64_t i = 1; sound && i < n / 8; i++)
        sound = (i == 1 || get_le64(list + 8 * i) < get_le64(list + 8 * (i - 1))) &&
                take(w, get_le64(list + 8 * i));
    return sound ? ST_OK : bad(page, "has a damaged list of free pages", e);
}

static enum status note_table(struct walk *w, uint64_t page, const uint8_t *node, struct err *e)
{
    if (get_le16(node + 4) != SUB || node_bytes(node) != TREE || w->tables == TABLES)
        return bad(page, "names a table that is none", e);
    w->table[w->tables++] = tree_at(node_data(node));
    return ST_OK;
}

static enum status visit_leaf(struct walk *w, const struct level *l, struct err *e)
{
    enum status st = ST_OK;
    for (uint32_t i = 0; i < l->count && st == ST_OK; i++) {
        const uint8_t *node = node_of(l, i);
        const unsigned flags = get_le16(node + 4);
        if (!ascends(w, node, false))
            return bad(l->number, "has keys out of order", e);
        if (flags != 0 && flags != (w->kind == MAIN ? SUB : BIG))
            return bad(l->number, "has a damaged node", e);
        w->found.entries++;
        if (flags == BIG)
            st = check_big(w, l->number, node, e);
        if (st == ST_OK && w->kind == FREE)
            st = check_free(w, l->number, node, e);
        if (st == ST_OK && w->kind == MAIN)
            st = note_table(w, l->number, node, e);
    }
    return st;
}

/* -- trees ---------------------------------------------------------------------------------------
 */

/* One page down; *depth is the new number of pages on the way. */
static enum status descend(struct walk *w, const struct tree *t, uint64_t number, uint32_t *depth,
                           struct err *e)
{
    const bool leaf = *depth + 1 == t->depth;
    struct level *l = &w->level[*depth];
    if (!take(w, number))
        return bad(number, "is used twice, or lies outside of the file", e);
    *(leaf ? &w->found.leaves : &w->found.branches) += 1;
    if (leaf && !w->leaves)
        return ST_OK;
    enum status st = load(w, l, number, leaf, e);
    if (st == ST_OK && leaf)
        return visit_leaf(w, l, e);
    *depth += st == ST_OK;
    return st;
}

static enum status check_tree(struct walk *w, const struct tree *t, enum kind kind, struct err *e)
{
    uint32_t depth = 0;
    w->kind = kind;
    w->leaves = w->whole || kind != TABLE;
    w->found = (struct tree){.depth = t->depth, .root = t->root};
    w->keyed = w->equal = false;
    if (t->root == NOTHING)
        return memcmp(t, &w->found, sizeof *t) == 0 ? ST_OK
                                                    : bad(0, "has an empty tree with entries", e);
    if (t->depth == 0 || t->depth > LEVELS)
        return bad(t->root, "begins a tree of an impossible depth", e);
    enum status st = descend(w, t, t->root, &depth, e);
    while (st == ST_OK && depth > 0) {
        struct level *l = &w->level[depth - 1];
        if (l->next == l->count) {
            depth--;
            continue;
        }
        const uint8_t *node = node_of(l, l->next++);
        if (l->next > 1 && !ascends(w, node, true)) /* the first has no key of its own */
            return bad(l->number, "has keys out of order", e);
        st = descend(w, t, node_child(node), &depth, e);
    }
    if (st != ST_OK)
        return st;
    if (!w->leaves) { /* not counted */
        w->found.overflows = t->overflows;
        w->found.entries = t->entries;
    }
    return memcmp(t, &w->found, sizeof *t) == 0 ? ST_OK
                                                : bad(t->root, "begins a tree of other counts", e);
}

static enum status check_trees(struct walk *w, const uint8_t meta[META], struct err *e)
{
    const struct tree free_pages = tree_at(meta + 40), main = tree_at(meta + 88);
    enum status st = check_tree(w, &free_pages, FREE, e);
    if (st == ST_OK)
        st = check_tree(w, &main, MAIN, e);
    for (size_t i = 0; st == ST_OK && i < w->tables; i++)
        st = check_tree(w, &w->table[i], TABLE, e);
    return st;
}

/* A writer changes the bytes of a meta page in place, and a read may see half of that. */
static enum status read_meta(int fd, uint64_t at, uint8_t meta[META], bool *torn, struct err *e)
{
    uint8_t once_more[META];
    enum status st = io_read_at(fd, meta, META, at, e);
    if (st == ST_OK)
        st = io_read_at(fd, once_more, META, at, e);
    *torn = st == ST_OK && memcmp(meta, once_more, META) != 0;
    return st;
}

enum status index_walk(int fd, uint64_t txn, bool whole, bool *again, struct err *e)
{
    SCOPED(walk_release) struct walk w = {.fd = fd, .txn = txn, .whole = whole, .list = BUF_EMPTY};
    uint8_t meta[META];
    uint64_t size = 0;
    enum status st = read_meta(fd, 0, meta, again, e);
    if (st != ST_OK)
        return st;
    w.page = get_le32(meta + 40);
    if (w.page < 512 || w.page > 65536)
        return bad(0, "has a damaged page size", e);
    st = read_meta(fd, (txn & 1) * w.page, meta, again, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st != ST_OK)
        return st;
    w.last = get_le64(meta + 136);
    if (*again || get_le64(meta + 144) != txn) {
        *again = true;
        return bad(txn & 1, "is not the newest transaction's", e);
    }
    if (get_le32(meta + 40) != w.page || w.last < 1 || w.last >= size / w.page)
        return bad(txn & 1, "says more pages than there are", e);
    w.seen = heap_zero((size_t)(w.last / 8 + 1), 1);
    w.pages = heap_alloc((size_t)LEVELS * w.page);
    if (w.seen == NULL || w.pages == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "checking the index");
    for (size_t i = 0; i < LEVELS; i++)
        w.level[i].bytes = w.pages + i * w.page;
    return check_trees(&w, meta, e);
}
