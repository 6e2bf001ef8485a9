#include "store/quota.h"
#include "base/text.h"
#include "store/install.h"
#include "store/quarantine_facts.h"
#include "store/reserve.h"
#include <string.h>

/* -- limits --------------------------------------------------------------------------------------
 */

bool quota_key_valid(const char *key)
{
    static const char *const plain[] = {"quota/bytes", "quota/count", "quota/quarantine/bytes",
                                        "quota/quarantine/count"};
    static const char name[] = "quota/name/";
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (text_equal(key, plain[i]))
            return true;
    if (strncmp(key, name, sizeof name - 1) != 0)
        return false;
    const char *end = strchr(key + sizeof name - 1, '/');
    return end != NULL && end != key + sizeof name - 1 &&
           (text_equal(end, "/bytes") || text_equal(end, "/count"));
}

enum status quota_limit(struct store *s, const char *key, uint64_t *out, struct err *e)
{
    char text[24];
    struct buf value = buf_over(text, sizeof text);
    struct err why = ERR_NONE;
    *out = UINT64_MAX;
    enum status st = store_get(s, key, &value, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (text_u64(buf_span(&value), out))
        return ST_OK;
    (void)err_set(e, ST_CORRUPT, "quota-value", "the quota is no number");
    return err_subject(e, "%s", key);
}

enum status quota_name(struct store *s, const char *name, uint64_t *count, uint64_t *bytes,
                       struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(s->index, &v, e);
    return st == ST_OK ? catalog_name(v, name, count, bytes, e) : st;
}

/* -- use -----------------------------------------------------------------------------------------
 */

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static enum status sum_live(void *ctx, struct span key, struct span record, struct err *e)
{
    struct quota_use *use = ctx;
    struct catalog_pack p;
    enum status st = catalog_pack_decode(key, record, &p, e);
    const uint64_t kept = p.live == 0 ? 0 : p.live + PACK_HEAD + PACK_TRAILER;
    if (st == ST_OK && p.bytes > kept)
        use->reclaimable += p.bytes - kept;
    return st;
}

enum status quota_use(struct store *s, struct quota_use *out, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(fd_release) int gate = -1;
    SCOPED(leases_release) struct leases all = {0};
    struct catalog_mark m;
    *out = (struct quota_use){0};
    enum status st = index_read_only(s->index) ? ST_OK : lease_gate(s, &gate, e);
    if (st == ST_OK && gate >= 0)
        st = leases_read(s, &all, e);
    if (st == ST_OK)
        st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &m, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_PACKS, SPAN(NULL, 0), sum_live, out, e);
    if (st != ST_OK)
        return st;
    out->packs = m.stored_bytes + m.drop_bytes;
    out->staging = all.reserved[LEASE_STORE] + all.reserved[LEASE_QUARANTINE];
    out->quarantine = m.quarantined_bytes;
    out->quarantined = m.quarantined;
    out->reserve = reserve_size(s);
    out->installed = m.installed;
    out->installed_bytes = m.installed_bytes;
    return ST_OK;
}

/* -- room on disk --------------------------------------------------------------------------------
 */

static enum status refuse_store(uint64_t limit, uint64_t used, uint64_t bytes, uint64_t kept,
                                struct err *e)
{
    return err_set(e, ST_QUOTA, "quota-bytes",
                   "the quota is %llu bytes; %llu are used, %llu kept for sweeping, and at least "
                   "%llu more are needed: free some with `assay evict --bytes N` and `assay gc`, "
                   "or raise it with `assay quota --set-bytes N`; what was written of "
                   "this already goes with `assay gc`",
                   (unsigned long long)limit, (unsigned long long)used, (unsigned long long)kept,
                   (unsigned long long)bytes);
}

static enum status room_quarantine(struct store *s, const struct leases *all,
                                   const struct catalog_mark *m, uint64_t bytes, struct err *e)
{
    uint64_t limit = 0;
    enum status st = quota_limit(s, "quota/quarantine/bytes", &limit, e);
    const uint64_t used = plus(m->quarantined_bytes, all->reserved[LEASE_QUARANTINE]);
    if (st != ST_OK || plus(used, bytes) <= limit)
        return st;
    return err_set(e, ST_QUOTA, "quota-quarantine",
                   "the quarantine may hold %llu bytes, has %llu, and %llu more are needed: raise "
                   "it with `assay quota --quarantine --set-bytes N`, or purge what is there",
                   (unsigned long long)limit, (unsigned long long)used, (unsigned long long)bytes);
}

/* Advice only: what counts is that every write is checked. */
static enum status room_disk(const struct store *s, uint64_t kept, uint64_t bytes, bool last,
                             struct err *e)
{
    const uint64_t present = reserve_size(s), open = reserve_free(s);
    const uint64_t missing = !last && kept > present ? kept - present : 0;
    if (open >= plus(bytes, missing) || last)
        return ST_OK;
    return err_set(e, ST_NO_SPACE, "disk-full",
                   "%llu bytes are free on the disk and %llu are needed, sweeping's reserve "
                   "included: free some with `assay evict --bytes N` and `assay gc`",
                   (unsigned long long)open, (unsigned long long)plus(bytes, missing));
}

static uint64_t stored_bytes(const struct catalog_mark *m)
{
    return plus(plus(m->stored_bytes, m->drop_bytes), m->quarantined_bytes);
}

/* Stored, or going to be. */
static uint64_t used_bytes(const struct catalog_mark *m, const struct leases *all)
{
    return plus(stored_bytes(m), plus(all->reserved[LEASE_STORE], all->reserved[LEASE_QUARANTINE]));
}

enum status quota_spare(struct store *s, uint64_t *out, struct err *e)
{
    SCOPED(leases_release) struct leases all = {0};
    struct catalog_mark m;
    enum status st = quota_limit(s, "quota/bytes", out, e);
    if (st != ST_OK || *out == UINT64_MAX)
        return st;
    st = leases_read(s, &all, e);
    if (st == ST_OK)
        st = store_mark(s, &m, e);
    if (st != ST_OK)
        return st;
    const uint64_t used = plus(used_bytes(&m, &all), reserve_size(s));
    *out = *out > used ? *out - used : 0;
    return ST_OK;
}

enum status quota_room(struct store *s, const struct leases *all, uint64_t mine,
                       enum lease_room room, uint64_t bytes, bool last, struct err *e)
{
    struct catalog_mark m;
    uint64_t limit = 0, kept = 0, over = 0;
    enum status st = store_mark(s, &m, e);
    if (st == ST_OK && room == LEASE_QUARANTINE)
        st = room_quarantine(s, all, &m, bytes, e);
    if (st == ST_OK)
        st = quota_limit(s, "quota/bytes", &limit, e);
    if (st != ST_OK)
        return st;
    const uint64_t used = used_bytes(&m, all);
    kept = reserve_size(s);
    if (!last) { /* a pack under way, ours or another's, may become the largest */
        const uint64_t own = plus(mine, room == LEASE_STORE ? bytes : 0);
        const uint64_t pack = own > all->most ? own : all->most;
        uint64_t soon = 0;
        st = reserve_for(s, pack, &soon, e);
        kept = kept > soon ? kept : soon;
    } else if (stored_bytes(&m) > limit) {
        st = reserve_for(s, 0, &over, e);
    }
    if (st != ST_OK)
        return st;
    if (over > 0 && plus(all->reserved[LEASE_STORE], bytes) <= over)
        return ST_OK;
    if (plus(plus(used, bytes), kept) > limit)
        return refuse_store(limit, used, bytes, kept, e);
    return room_disk(s, kept, bytes, last, e);
}

/* -- what an entry brings ------------------------------------------------------------------------
 */

/* What a key had, and what it is to have. */
struct sums {
    char
        name[INSTALL_NAME]; /* of the artifact the entry installs; an entry installs for one name */
    int64_t count, bytes;
};

static enum status read_old(struct store *s, const char *key, struct buf *out, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = store_get(s, key, out, &why);
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status add_install(struct store *s, const char *key, const char *value,
                               struct sums *sums, struct err *e)
{
    SCOPED(install_release) struct install before = {0};
    SCOPED(install_release) struct install after = {0};
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    enum status st = read_old(s, key, &old, e);
    if (st == ST_OK && old.n > 0)
        st = install_decode(buf_span(&old), &before, e);
    if (st == ST_OK && value != NULL)
        st = install_decode(span_text(value), &after, e);
    if (st != ST_OK)
        return st;
    sums->count += (value != NULL) - (old.n > 0);
    sums->bytes += (int64_t)after.bytes - (int64_t)before.bytes;
    if (value != NULL)
        memcpy(sums->name, after.name, sizeof sums->name);
    return ST_OK;
}

static enum status within(struct store *s, const char *key, const char *code, const char *what,
                          uint64_t have, int64_t more, struct err *e)
{
    uint64_t limit = 0;
    enum status st = more > 0 ? quota_limit(s, key, &limit, e) : ST_OK;
    if (st != ST_OK || more <= 0 || plus(have, (uint64_t)more) <= limit)
        return st;
    (void)err_set(e, ST_QUOTA, code,
                  "%s may have %llu, has %llu, and %llu more are wanted: `assay evict`, `assay rm` "
                  "or a higher quota make room",
                  what, (unsigned long long)limit, (unsigned long long)have,
                  (unsigned long long)more);
    return err_subject(e, "%s", key);
}

static enum status check_sums(struct store *s, const struct sums *sums, int64_t quarantined,
                              struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct catalog_mark m;
    char key[STORE_KEY_MAX];
    uint64_t count = 0, bytes = 0;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &m, e);
    if (st == ST_OK)
        st = catalog_name(v, sums->name, &count, &bytes, e);
    if (st == ST_OK)
        st = within(s, "quota/count", "quota-count", "the store", m.installed, sums->count, e);
    if (st == ST_OK)
        st = within(s, "quota/quarantine/count", "quota-count", "the quarantine", m.quarantined,
                    quarantined, e);
    text_fmt(key, sizeof key, "quota/name/%s/count", sums->name);
    if (st == ST_OK && sums->name[0] != '\0')
        st = within(s, key, "quota-count", sums->name, count, sums->count, e);
    text_fmt(key, sizeof key, "quota/name/%s/bytes", sums->name);
    if (st == ST_OK && sums->name[0] != '\0')
        st = within(s, key, "quota-name-bytes", sums->name, bytes, sums->bytes, e);
    return st;
}

enum status quota_one_more(struct store *s, const char *name, uint64_t bytes, struct err *e)
{
    struct sums sums = {.count = 1, .bytes = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes};
    text_fmt(sums.name, sizeof sums.name, "%s", name);
    return check_sums(s, &sums, 0, e);
}

enum status quota_entry(struct store *s, const struct json *set, struct err *e)
{
    struct sums sums = {.count = 0};
    int64_t quarantined = 0;
    enum status st = ST_OK;
    for (size_t i = 0, n = json_count(set); i < n && st == ST_OK; i++) {
        const struct json *v = NULL;
        const char *key = json_member(set, i, &v), *value = json_as_string(v);
        if (strncmp(key, INSTALL_PREFIX, strlen(INSTALL_PREFIX)) == 0)
            st = add_install(s, key, value, &sums, e);
        else if (strncmp(key, QUARANTINE_PREFIX, strlen(QUARANTINE_PREFIX)) == 0)
            quarantined += value != NULL ? 1 : -1;
    }
    const bool more = sums.count > 0 || sums.bytes > 0 || quarantined > 0;
    return st == ST_OK && more ? check_sums(s, &sums, quarantined, e) : st;
}
