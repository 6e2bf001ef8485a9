/* LMDB's tables against what packs and ledger fold to. Each value ends with XXH64 of the record,
 * seeded with XXH64 of the key, seeded with the table's number + 1. */
#include "tests/independent/chk.h"
#include "tests/independent/chk_needs.h"
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum table { CHUNKS, RECORDS, PACKS, RECIPES, STATE, META, TABLES };
static const char *const names[TABLES] = {"chunks", "records", "packs", "recipes", "state", "meta"};

static bool value(struct chk *c, int t, MDB_val k, MDB_val v, const struct chk_pair *want)
{
    if (v.mv_size < 8)
        return chk_fail(c, "I11: a value in %s has no hash", names[t]);
    size_t have = v.mv_size - 8;
    const uint8_t *is = v.mv_data;
    uint64_t hash = chk_xxh64(k.mv_data, k.mv_size, (uint64_t)t + 1);
    if (chk_le64(is + have) != chk_xxh64(is, have, hash))
        return chk_fail(c, "I11: a value in %s is damaged", names[t]);
    if (want == NULL)
        return chk_fail(c, "I11: table %s has a key that packs and ledger lack", names[t]);
    for (size_t i = 0; i < have || i < want->value_n; i++) {
        if (i >= have || i >= want->value_n || is[i] != want->value[i])
            return chk_fail(c, "I11: a value in %s (%.40s) differs at byte %zu of %u", names[t],
                            k.mv_size < 33 ? (const char *)want->key : "a record", i,
                            want->value_n);
    }
    return true;
}

static bool table(struct chk *c, MDB_txn *txn, int t, const struct chk_map *want)
{
    MDB_cursor *cursor = NULL;
    MDB_dbi dbi;
    MDB_val k, v;
    size_t seen = 0;
    if (mdb_dbi_open(txn, names[t], 0, &dbi) != 0 || mdb_cursor_open(txn, dbi, &cursor) != 0)
        return chk_fail(c, "I11: table %s cannot be read", names[t]);
    for (int rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); rc == 0 && !c->bad;
         rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        (void)value(c, t, k, v, chk_map_get(want, k.mv_data, k.mv_size));
        seen++;
    }
    mdb_cursor_close(cursor);
    if (!c->bad && seen != want->n)
        (void)chk_fail(c, "I11: table %s has %zu keys, packs and ledger make %zu", names[t], seen,
                       want->n);
    return !c->bad;
}

/* Packs that were forgotten while their files may still be there. */
static bool drops(struct chk *c, MDB_txn *txn, struct chk_map *out)
{
    MDB_cursor *cursor = NULL;
    MDB_dbi dbi;
    char name[] = "drop";
    MDB_val k = {4, name}, v;
    if (mdb_dbi_open(txn, names[META], 0, &dbi) != 0 || mdb_cursor_open(txn, dbi, &cursor) != 0)
        return chk_fail(c, "I11: table meta cannot be read");
    for (int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE); rc == 0 && k.mv_size == 12;
         rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        if (memcmp(k.mv_data, "drop", 4) == 0 && v.mv_size >= 8)
            chk_map_put(out, (const uint8_t *)k.mv_data + 4, 8, v.mv_data, 8);
    }
    mdb_cursor_close(cursor);
    return true;
}

static bool tables(struct chk *c, MDB_env *env)
{
    MDB_txn *txn = NULL;
    struct chk_map dropped = {0};
    struct chk_needs n = {0};
    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return chk_fail(c, "I11: the index cannot be read");
    if (drops(c, txn, &dropped) && chk_needs(c, &dropped, &n)) {
        const struct chk_map *want[TABLES] = {&n.chunks,  &n.records, &n.packs,
                                              &n.recipes, &c->state,  &n.meta};
        for (int t = 0; t < TABLES && !c->bad; t++)
            (void)table(c, txn, t, want[t]);
    }
    chk_needs_free(&n);
    chk_map_free(&dropped);
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
