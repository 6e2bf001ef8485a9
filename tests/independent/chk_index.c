/* LMDB's tables against what packs and ledger fold to. Each value ends with XXH64 of the record,
 * seeded with XXH64 of the key, seeded with the table's number + 1. */
#include "tests/independent/chk.h"
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum table { CHUNKS, RECORDS, PACKS, RECIPES, STATE, META, TABLES };
static const char *const names[TABLES] = {"chunks", "records", "packs", "recipes", "state", "meta"};

static bool value(struct chk *c, int t, MDB_val k, MDB_val v, const uint8_t *want, size_t n)
{
    if (v.mv_size < 8)
        return chk_fail(c, "I11: a value in %s has no hash", names[t]);
    size_t have = v.mv_size - 8;
    uint64_t hash = chk_xxh64(k.mv_data, k.mv_size, (uint64_t)t + 1);
    if (chk_le64((const uint8_t *)v.mv_data + have) != chk_xxh64(v.mv_data, have, hash))
        return chk_fail(c, "I11: a value in %s is damaged", names[t]);
    if (have != n || memcmp(v.mv_data, want, n) != 0)
        return chk_fail(c, "I11: a value in %s is not what packs and ledger say", names[t]);
    return true;
}

/* The map that a table must equal; a chunk's key is in `records` of c. */
static const struct chk_pair *wanted(const struct chk *c, int t, MDB_val k)
{
    const uint8_t *key = k.mv_data;
    switch (t) {
    case CHUNKS:
    case RECORDS:
        return k.mv_size == 33 && (key[0] == 1) == (t == CHUNKS) ? chk_map_get(&c->records, key, 33)
                                                                 : NULL;
    case PACKS: return chk_map_get(&c->packs, key, k.mv_size);
    case RECIPES: return chk_map_get(&c->recipes, key, k.mv_size);
    default: return chk_map_get(&c->state, key, k.mv_size);
    }
}

static size_t count_of(const struct chk *c, int t)
{
    size_t n = 0;
    if (t != CHUNKS && t != RECORDS)
        return t == PACKS ? c->packs.n : t == RECIPES ? c->recipes.n : c->state.n;
    for (size_t i = 0; i < c->records.n; i++)
        n += (c->records.pair[i].key[0] == 1) == (t == CHUNKS);
    return n;
}

static bool table(struct chk *c, MDB_txn *txn, MDB_dbi dbi, int t)
{
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    size_t seen = 0;
    if (mdb_cursor_open(txn, dbi, &cursor) != 0)
        return chk_fail(c, "I11: table %s cannot be read", names[t]);
    for (int rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); rc == 0 && !c->bad;
         rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        const struct chk_pair *p = wanted(c, t, k);
        if (p == NULL)
            (void)chk_fail(c, "I11: table %s has a key that packs and ledger lack", names[t]);
        else
            (void)value(c, t, k, v, p->value, t == PACKS ? 16 : p->value_n);
        seen++;
    }
    mdb_cursor_close(cursor);
    if (!c->bad && seen != count_of(c, t))
        (void)chk_fail(c, "I11: table %s has %zu keys, packs and ledger make %zu", names[t], seen,
                       count_of(c, t));
    return !c->bad;
}

static bool mark(struct chk *c, MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t want[104];
    char name[] = "mark";
    MDB_val k = {4, name}, v;
    const struct chk_entry *last = c->entries > 0 ? &c->entry[c->entries - 1] : NULL;
    chk_sha256(c->format.p, c->format.n, want);
    chk_put64(want + 32, c->next_pack);
    chk_put64(want + 40, c->stored_bytes);
    chk_put64(want + 48, last == NULL ? 0 : last->end);
    chk_put64(want + 56, c->entries);
    memset(want + 64, 0, 32);
    if (last != NULL)
        memcpy(want + 64, last->hash, 32);
    chk_put64(want + 96, last == NULL ? 0 : last->at);
    if (mdb_get(txn, dbi, &k, &v) != 0)
        return chk_fail(c, "I11: the index has no mark");
    return value(c, META, k, v, want, sizeof want);
}

static bool tables(struct chk *c, MDB_env *env)
{
    MDB_txn *txn = NULL;
    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return chk_fail(c, "I11: the index cannot be read");
    for (int t = 0; t < TABLES && !c->bad; t++) {
        MDB_dbi dbi;
        if (mdb_dbi_open(txn, names[t], 0, &dbi) != 0)
            (void)chk_fail(c, "I11: the index has no table %s", names[t]);
        else
            (void)(t == META ? mark(c, txn, dbi) : table(c, txn, dbi, t));
    }
    mdb_txn_abort(txn);
    return !c->bad;
}

bool chk_index(struct chk *c)
{
    MDB_env *env = NULL;
    char path[600];
    if (c->bad)
        return false;
    (void)snprintf(path, sizeof path, "%s/index", c->path);
    if (mdb_env_create(&env) != 0)
        abort();
    if (mdb_env_set_mapsize(env, (size_t)1 << 30) != 0 || mdb_env_set_maxdbs(env, TABLES) != 0 ||
        mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK, 0600) != 0)
        (void)chk_fail(c, "I11: the index cannot be opened");
    else
        (void)tables(c, env);
    mdb_env_close(env);
    return !c->bad;
}
