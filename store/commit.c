#include "store/commit.h"
#include "base/text.h"
#include "store/head.h"
#include "store/install.h"
#include "store/quota.h"
#include "store/recover.h"
#include "store/reserve.h"
#include <fcntl.h>
#include <string.h>

#define ENTRY_LEAST (RESERVE_ENTRY / 4) /* free bytes for one that brings something in */

/* Held before anybody can see it; nothing needs the pack until its change is committed. */
static enum status publish(struct store *s, struct pack_writer *pack, struct lease *lease,
                           struct err *e)
{
    struct catalog_mark mark;
    enum status st = store_mark(s, &mark, e);
    if (st == ST_OK)
        st = lease_made(lease, mark.next_pack, e);
    if (st == ST_OK)
        st = store_poison(s, pack_publish(pack, s->packs, mark.next_pack, e));
    return st == ST_OK ? store_poison(s, recover_fold(s, e)) : st;
}

enum status commit_pack(struct store *s, struct pack_writer *pack, struct lease *lease,
                        struct err *e)
{
    const uint64_t bytes = pack_writer_bytes(pack) + PACK_TRAILER;
    bool fenced = false;
    SCOPED(fd_release) int lock = -1;
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = store_lock(s, STORE_LOCK_WAIT, &lock, e);
    if (st == ST_OK)
        st = recover_fold(s, e); /* whatever others published comes first */
    if (st == ST_OK)
        st = store_fence(s, &fenced, e);
    if (st == ST_OK && !lease_last(lease)) /* a sweep has the reserve in use just now */
        st = reserve_keep(s, bytes, e);
    if (st == ST_OK)
        st = publish(s, pack, lease, e);
    if (st == ST_OK)
        lease_settle(lease, LEASE_STORE, bytes);
    return st;
}

/* -- entries -------------------------------------------------------------------------------------
 */

static enum status check_signer(const struct store *s, const struct change_entry *entry,
                                struct err *e)
{
    if (entry->log == NULL)
        return err_set(e, ST_SIGNATURE, "log-key",
                       "the entry needs the store's log key to sign it");
    const struct public_key *k = signer_public(entry->log);
    if (memcmp(k->bytes, s->charter.log_key.bytes, sizeof k->bytes) != 0)
        return err_set(e, ST_SIGNATURE, "log-key",
                       "this is not the log key that the store was made with");
    if (entry->clock.injected && !s->charter.lab)
        return err_set(e, ST_USAGE, "clock-injected", "only a lab store takes an injected clock");
    return ST_OK;
}

static enum status check_expects(struct store *s, const struct change_entry *entry, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = index_view_open(s->index, &v, e);
    for (size_t i = 0; i < entry->expect_count && st == ST_OK; i++) {
        const struct expect *want = &entry->expects[i];
        bool found = false;
        uint64_t seq = 0;
        value.n = 0;
        st = catalog_state(v, want->key, &value, &found, &seq, e);
        if (st != ST_OK)
            return st;
        bool same = want->value == NULL
                        ? !found
                        : found && span_equal(buf_span(&value), span_text(want->value));
        if (same)
            continue;
        (void)err_set(e, ST_CONFLICT, "state-changed",
                      want->value == NULL ? "it is there already, since entry %llu"
                                          : "it was changed by entry %llu",
                      (unsigned long long)seq);
        return err_subject(e, "%s", want->key);
    }
    return st;
}

static enum status check_installed(const char *key, const char *value, struct err *e)
{
    SCOPED(install_release) struct install i = {0};
    if (value == NULL || strncmp(key, INSTALL_PREFIX, strlen(INSTALL_PREFIX)) != 0)
        return ST_OK;
    enum status st = install_decode(span_text(value), &i, e);
    return st == ST_OK ? st : err_subject(e, "%s", key);
}

/* What is set once may be said again, and nothing else. */
static enum status check_once(struct store *s, const char *key, const struct json *value,
                              struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(buf_release) struct buf now = BUF_EMPTY;
    const char *text = json_as_string(value);
    bool found = false;
    uint64_t seq = 0;
    if (!catalog_kept(key))
        return ST_OK;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_state(v, key, &now, &found, &seq, e);
    if (st != ST_OK || (text != NULL && (!found || span_equal(buf_span(&now), span_text(text)))))
        return st;
    (void)err_set(e, ST_CONFLICT, "state-once", "it is set once and for all, by entry %llu",
                  (unsigned long long)seq);
    return err_subject(e, "%s", key);
}

/* What a fold would refuse must never get into the ledger. */
static enum status check_set(struct store *s, const struct json *set, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0, n = json_count(set); i < n; i++) {
        const struct json *value = NULL;
        const char *key = json_member(set, i, &value);
        if (strlen(key) <= STORE_KEY_MAX) {
            st = check_once(s, key, value, e);
            if (st == ST_OK)
                st = check_installed(key, json_as_string(value), e);
            if (st != ST_OK)
                return st;
            continue;
        }
        (void)err_set(e, ST_INVALID_LENGTH, "state-key", "a key of the state has at most %d bytes",
                      STORE_KEY_MAX);
        return err_subject(e, "%s", key);
    }
    return ST_OK;
}

/* The ledger's time never goes back, whatever the clock says: what was seen once stays seen. */
static enum status entry_time(struct store *s, const struct catalog_mark *mark, struct clock clock,
                              char out[TIME_TEXT_MAX], struct err *e)
{
    int64_t now = clock_now(&clock), seen = now;
    enum status st = mark->seq > 0 ? store_seen(s, &seen, e) : ST_OK;
    time_format(now > seen ? now : seen, out);
    return st;
}

static enum status encode(struct store *s, const struct catalog_mark *mark,
                          const struct change_entry *entry, struct buf *line, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry parsed = {0};
    char time[TIME_TEXT_MAX];
    struct digest hash;
    struct span body = entry->body.n > 0 ? entry->body : span_text("{}");
    struct span set = entry->set.n > 0 ? entry->set : span_text("{}");
    enum status st = entry_time(s, mark, entry->clock, time, e);
    if (st == ST_OK)
        st = ledger_encode(mark->seq + 1, &mark->head, entry->type, time, body, set, entry->log,
                           line, &hash, e);
    if (st == ST_OK)
        st = ledger_parse(SPAN(line->p, line->n - 1), &parsed, e);
    if (st == ST_OK && !ledger_signed_by(&parsed, signer_public(entry->log)))
        st = err_set(e, ST_SIGNATURE, "log-key", "the signer's signature does not verify");
    if (st == ST_OK)
        st = check_set(s, parsed.set, e);
    return st == ST_OK ? quota_entry(s, parsed.set, e) : st;
}

/* A line that could not be written whole is taken back, so that a full disk leaves nothing. */
static enum status append(struct store *s, const struct catalog_mark *mark, struct span line,
                          struct pending *head, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    uint64_t size = 0;
    enum status st = io_open(s->dir, STORE_LEDGER, O_RDWR | O_NOFOLLOW, 0, &fd, e);
    if (st == ST_OK && mark->seq > 0)
        st = head_copies(s, fd, mark->ledger_offset, e);
    if (st == ST_OK)
        st = head_prepare(s, line, head, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st == ST_OK && size > mark->ledger_offset) /* a torn line of a writer who died */
        st = io_truncate(fd, mark->ledger_offset, e);
    if (st != ST_OK)
        return st;
    st = io_write_at(fd, line, mark->ledger_offset, e);
    if (st != ST_OK) {
        struct err ignored = ERR_NONE;
        enum status back = io_truncate(fd, mark->ledger_offset, &ignored);
        return back == ST_OK ? st : store_poison(s, st);
    }
    st = store_poison(s, io_sync_data(fd, e));
    return st == ST_OK ? store_poison(s, io_close(fd_take(&fd), e)) : st;
}

/* The entry is written, for good: what fails now keeps nobody's change from taking effect, and says
 * so. */
static enum status follow(struct store *s, uint64_t number, struct pending *head, uint64_t *seq,
                          struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = store_poison(s, head_turn(head, &why));
    if (st == ST_OK)
        st = store_poison(s, recover_fold(s, &why));
    if (st == ST_OK) {
        *seq = number;
        return st;
    }
    if (e != NULL) {
        *e = why;
        text_fmt(e->detail, sizeof e->detail,
                 "entry %llu is in the ledger and takes effect, but %s", (unsigned long long)number,
                 why.detail);
    }
    return st;
}

/* What a fenced ledger takes: the store is where it was fenced for, or goes on where it was. */
static bool lifts_fence(const struct change_entry *entry)
{
    return strcmp(entry->type, "arrived") == 0 || strcmp(entry->type, "stayed") == 0;
}

static enum status commit_locked(struct store *s, struct change_entry *entry,
                                 struct commit_hook hook, uint64_t *seq, struct err *e)
{
    SCOPED(pending_release) struct pending head = PENDING_NONE;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    struct catalog_mark mark;
    bool fenced = false;
    enum status st = recover_fold(s, e);
    if (st == ST_OK && !lifts_fence(entry))
        st = store_fence(s, &fenced, e);
    if (st == ST_OK)
        st = store_mark(s, &mark, e);
    if (st == ST_OK)
        st = check_expects(s, entry, e);
    if (st == ST_OK && entry->after > 0 && mark.seq != entry->after)
        st = err_set(e, ST_CONFLICT, "moved", "entry %llu came meanwhile",
                     (unsigned long long)mark.seq);
    if (st == ST_OK && hook.prepare != NULL)
        st = hook.prepare(hook.ctx, mark.seq + 1, entry, e);
    if (st == ST_OK)
        st = encode(s, &mark, entry, &line, e);
    if (st == ST_OK)
        st = append(s, &mark, buf_span(&line), &head, e);
    return st == ST_OK ? follow(s, mark.seq + 1, &head, seq, e) : st;
}

/* evict, rm, quota, retire: an entry finds room on a full disk. One that took something in does not
 * begin there, for its fold might end half way. */
static enum status find_room(struct store *s, enum entry_room room, struct reserve_use *reserve,
                             struct err *e)
{
    if (room == ENTRY_LENT)
        return ST_OK;
    if (room == ENTRY_SMALL)
        return reserve_use(s, RESERVE_ENTRY, reserve, e);
    *reserve = (struct reserve_use){.s = s};
    const uint64_t open = reserve_free(s);
    if (open >= ENTRY_LEAST)
        return ST_OK;
    return err_set(e, ST_NO_SPACE, "disk-full",
                   "%llu bytes are free on the disk and %u are needed: free some with `assay evict "
                   "--bytes N` and `assay gc`",
                   (unsigned long long)open, ENTRY_LEAST);
}

enum status commit_entry(struct store *s, const struct change_entry *entry, struct commit_hook hook,
                         uint64_t *seq, struct err *e)
{
    SCOPED(reserve_use_release) struct reserve_use reserve = {0};
    SCOPED(fd_release) int lock = -1;
    struct change_entry mine = *entry;
    enum status st = lifts_fence(entry) ? store_usable(s, e) : store_writable(s, e);
    if (st == ST_OK)
        st = check_signer(s, entry, e);
    if (st == ST_OK)
        st = find_room(s, entry->room, &reserve, e);
    if (st == ST_OK)
        st = store_lock(s, STORE_LOCK_WAIT, &lock, e);
    return st == ST_OK ? commit_locked(s, &mine, hook, seq, e) : st;
}
