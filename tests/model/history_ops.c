/* A worker of the random histories: its operations, and what the store must say after each. */
#include "base/files.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/check.h"
#include "store/evict.h"
#include "store/gc.h"
#include "store/lease.h"
#include "tests/model/history.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const op_names[OPS] = {"add", "get",   "get-other", "evict", "rm",
                                   "pin", "label", "gc",        "fsck",  "reopen"};

struct board *board;
struct store_room room;
bool big, alone;
static unsigned me;
static uint64_t dice;

void roll_seed(uint64_t seed)
{
    dice = seed;
    for (int i = 0; i < 8; i++)
        (void)roll(2);
}

uint64_t roll(uint64_t n)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (dice >> 11) % n;
}

void violation(const char *what, unsigned worker, unsigned slot, const struct err *e)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&board->violated, &none, 1))
        snprintf(board->violation, sizeof board->violation, "worker %u slot %u: %s: %s %s: %s",
                 worker, slot, what, e != NULL ? err_code(e) : "", e != NULL ? e->subject : "",
                 e != NULL ? e->detail : "");
    if (alone) {
        printf("VIOLATION: %s\nthe store is left at %s\n", board->violation, room.path);
        (void)fflush(stdout);
    }
    _exit(3);
}

/* -- contents ------------------------------------------------------------------------------------
 */

/* Every sixth is made of blocks that others have too, so that contents share chunks. */
static struct buf bytes_of(uint32_t content)
{
    if (big && content % 16 == 3)
        return room_bytes((9u << 20) + content, content);
    if (content % 6 != 0)
        return room_bytes(400 + content * 7919u % 6000, content);
    struct buf all = BUF_EMPTY;
    for (uint64_t i = 0; i < 3; i++) {
        SCOPED(buf_release) struct buf block = room_bytes(70000, 1000 + (content / 6 + i) % 5);
        buf_append(&all, buf_span(&block));
    }
    return all;
}

static struct digest digest_of_content(uint32_t content)
{
    SCOPED(buf_release) struct buf b = bytes_of(content);
    return digest_of(buf_span(&b));
}

static struct digest contents[CONTENTS]; /* digests, made once */

void contents_make(void)
{
    for (uint32_t i = 0; i < CONTENTS; i++)
        contents[i] = digest_of_content(i);
}

static struct digest artifact_of(unsigned worker, unsigned slot)
{
    char text[64];
    snprintf(text, sizeof text, "artifact %u %u", worker, slot);
    return digest_of(span_text(text));
}

/* -- entries -------------------------------------------------------------------------------------
 */

static void key_of(const char *prefix, unsigned worker, unsigned slot, char key[STORE_KEY_MAX])
{
    const struct digest a = artifact_of(worker, slot);
    install_key(prefix, &a, key);
}

static void member(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

static void write_add(unsigned slot, uint32_t content, uint64_t bytes, struct buf *set)
{
    SCOPED(install_release) struct install i = {.bytes = bytes};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char key[STORE_KEY_MAX], facts[512], hex[DIGEST_TEXT];
    digest_text(&contents[content], hex);
    snprintf(i.name, sizeof i.name, "w%us%u", me, slot);
    buf_append(&i.contents, SPAN(contents[content].b, DIGEST_BYTES));
    install_encode(&i, &value);
    snprintf(facts, sizeof facts,
             "{\"bytes\":%llu,\"content\":\"%s\",\"manifest\":\"\",\"name\":\"%s\","
             "\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"1\"}",
             (unsigned long long)bytes, hex, i.name);
    struct json_out j = json_out(set);
    json_object(&j);
    key_of("artifact/", me, slot, key);
    member(&j, key, facts);
    key_of(INSTALL_PREFIX, me, slot, key);
    json_key(&j, key);
    json_text(&j, buf_span(&value));
    key_of(INSTALL_EVICTED, me, slot, key);
    member(&j, key, NULL);
    json_close(&j);
}

static enum status commit(struct change *c, const char *type, struct span set, struct err *e)
{
    uint64_t seq = 0;
    const struct change_entry entry = {
        .type = type, .set = set, .clock = room.clock, .log = room.log};
    return change_commit(c, &entry, &seq, e);
}

static enum status set_key(const char *key, const char *value, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct json_out j = json_out(&set);
    json_object(&j);
    member(&j, key, value);
    json_close(&j);
    enum status st = change_begin(room.s, &c, e);
    return st == ST_OK ? commit(c, "set", buf_span(&set), e) : st;
}

/* -- what the store says -------------------------------------------------------------------------
 */

static bool has(const char *prefix, unsigned worker, unsigned slot, struct buf *value)
{
    char key[STORE_KEY_MAX];
    struct err e = ERR_NONE;
    key_of(prefix, worker, slot, key);
    enum status st = store_get(room.s, key, value, &e);
    if (st != ST_OK && st != ST_NOT_FOUND)
        violation("asking the state", worker, slot, &e);
    return st == ST_OK;
}

bool says(unsigned worker, unsigned slot, const struct facts *f)
{
    SCOPED(buf_release) struct buf a = BUF_EMPTY;
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    SCOPED(buf_release) struct buf c = BUF_EMPTY;
    SCOPED(buf_release) struct buf d = BUF_EMPTY;
    char label[32];
    const bool installed = has(INSTALL_PREFIX, worker, slot, &a);
    const bool evicted = has(INSTALL_EVICTED, worker, slot, &b);
    const bool pinned = has(INSTALL_PINNED, worker, slot, &c);
    const bool labelled = has("label/", worker, slot, &d);
    snprintf(label, sizeof label, "%u", f->label);
    if (installed != (f->state == INSTALLED) || evicted != (f->state == EVICTED) ||
        pinned != (f->pinned != 0) || labelled != (f->label != 0))
        return false;
    if (labelled && !span_equal(buf_span(&d), span_text(label)))
        return false;
    SCOPED(install_release) struct install i = {0};
    struct err e = ERR_NONE;
    if (!installed)
        return true;
    if (install_decode(buf_span(&a), &i, &e) != ST_OK || install_count(&i) != 1)
        return false;
    const struct digest got = install_content(&i, 0);
    return digest_equal(&got, &contents[f->content]);
}

void must_read(unsigned worker, unsigned slot, uint32_t content)
{
    SCOPED(buf_release) struct buf want = bytes_of(content);
    struct err e = ERR_NONE;
    if (room_reads(&room, &contents[content], buf_span(&want), &e) != ST_OK)
        violation("reading back", worker, slot, &e);
}

/* -- operations ----------------------------------------------------------------------------------
 */

static void begin(struct slot *s, struct facts next)
{
    s->next = next;
    atomic_signal_fence(memory_order_seq_cst);
    s->pending = true;
}

static void end(struct slot *s, bool happened)
{
    if (happened)
        s->now = s->next;
    atomic_signal_fence(memory_order_seq_cst);
    s->pending = false;
}

static bool no_room(enum status st)
{
    return st == ST_QUOTA || st == ST_NO_SPACE;
}

static void add(unsigned slot)
{
    struct slot *s = &board->slots[me][slot];
    struct facts next = s->now;
    struct err e = ERR_NONE;
    if (next.state == ABSENT)
        next.content = (uint32_t)roll(CONTENTS);
    next.state = INSTALLED;
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf bytes = bytes_of(next.content);
    struct span_source from = {buf_span(&bytes)};
    struct content got;
    begin(s, next);
    enum status st = change_begin(room.s, &c, &e);
    if (st == ST_OK)
        st = change_content(c, source_over(&from), NULL, &got, &e);
    write_add(slot, next.content, bytes.n, &set);
    if (st == ST_OK)
        st = commit(c, "add", buf_span(&set), &e);
    if (st != ST_OK && !no_room(st))
        violation("add", me, slot, &e);
    atomic_fetch_add(&board->refused, no_room(st));
    end(s, st == ST_OK);
}

static void get_other(void)
{
    unsigned worker = (unsigned)roll(WORKERS), slot = (unsigned)roll(SLOTS);
    SCOPED(lease_scope) struct lease *l = NULL;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(install_release) struct install i = {0};
    SCOPED(buf_release) struct buf got = BUF_EMPTY;
    struct err e = ERR_NONE;
    const struct digest a = artifact_of(worker, slot);
    if (lease_open(room.s, "get", &l, &e) != ST_OK || lease_artifact(l, &a, &e) != ST_OK)
        violation("lease", worker, slot, &e);
    if (!has(INSTALL_PREFIX, worker, slot, &value))
        return;
    if (install_decode(buf_span(&value), &i, &e) != ST_OK)
        violation("installed", worker, slot, &e);
    const struct digest d = install_content(&i, 0);
    if (store_content_read(room.s, &d, sink_buf(&got), NULL, &e) != ST_OK)
        violation("reading another's", worker, slot, &e);
}

static enum status kept(void *ctx, const struct evict_candidate *c, struct err *e)
{
    (void)e;
    *(bool *)ctx = c->kept[0] != '\0';
    return ST_OK;
}

static void evict(unsigned slot)
{
    struct slot *s = &board->slots[me][slot];
    struct facts next = s->now;
    struct err e = ERR_NONE;
    struct evict_report r;
    bool stays = false;
    const struct digest a = artifact_of(me, slot);
    const struct evict_options o = {
        .only = &a, .only_count = 1, .clock = room.clock, .log = room.log};
    if (next.state != INSTALLED)
        return;
    next.state = EVICTED;
    begin(s, next);
    if (evict_run(room.s, &o, kept, &stays, &r, &e) != ST_OK)
        violation("evict", me, slot, &e);
    if (s->now.pinned && !stays)
        violation("a pinned artifact was evicted", me, slot, NULL);
    end(s, !stays);
}

static void drop(unsigned slot)
{
    struct slot *s = &board->slots[me][slot];
    struct facts next = s->now;
    struct err e = ERR_NONE;
    struct evict_candidate c;
    const struct digest a = artifact_of(me, slot);
    const struct evict_options o = {.clock = room.clock, .log = room.log};
    if (next.state == ABSENT)
        return;
    next.state = ABSENT;
    begin(s, next);
    enum status st = evict_remove(room.s, &a, &o, &c, &e);
    if (st != ST_OK && st != ST_REFUSED)
        violation("rm", me, slot, &e);
    if (s->now.pinned && st == ST_OK)
        violation("a pinned artifact was removed", me, slot, NULL);
    end(s, st == ST_OK);
}

static void turn_key(unsigned slot, const char *prefix, struct facts next, const char *value)
{
    struct slot *s = &board->slots[me][slot];
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    key_of(prefix, me, slot, key);
    begin(s, next);
    if (set_key(key, value, &e) != ST_OK)
        violation("setting a key", me, slot, &e);
    end(s, true);
}

void sweep(void)
{
    struct gc_report r;
    struct err e = ERR_NONE;
    const struct gc_options o = {.clock = room.clock, .log = room.log};
    enum status st = gc_run(room.s, &o, NULL, &r, &e);
    if (st != ST_OK && !no_room(st))
        violation("gc", me, 0, &e);
    atomic_fetch_add(&board->freed, r.freed);
}

static void found(void *ctx, const struct finding *f)
{
    struct err e = ERR_NONE;
    (void)ctx;
    (void)err_set(&e, f->status, "finding", "%s at %llu: %s", f->object,
                  (unsigned long long)f->offset, f->detail);
    violation(f->code, me, 0, &e);
}

void check(void)
{
    struct check_report r;
    struct err e = ERR_NONE;
    if (check_store(room.s, NULL, found, NULL, &r, &e) != ST_OK)
        violation("fsck", me, 0, &e);
}

void reopen(void)
{
    struct err e = ERR_NONE;
    store_close(room.s);
    room.s = NULL;
    if (store_open(room.path, &room.s, &e) != ST_OK)
        violation("opening", me, 0, &e);
}

static enum op choose(uint64_t total)
{
    const uint64_t n = roll(10000);
    if (n < 5200)
        return GET;
    if (n < 6200)
        return GET_OTHER;
    if (n < 7700)
        return ADD;
    if (n < 8500)
        return EVICT;
    if (n < 8800)
        return RM;
    if (n < 9300)
        return PIN;
    if (n < 9800)
        return LABEL;
    if (n < 9840)
        return GC;
    if (n < 9841 && roll(total / 4000 + 1) == 0) /* it reads all that ever happened */
        return FSCK;
    return REOPEN;
}

static void operate(uint64_t total)
{
    const enum op op = choose(total);
    const unsigned slot = (unsigned)roll(SLOTS);
    struct facts next = board->slots[me][slot].now;
    char label[32];
    switch (op) {
    case ADD: add(slot); break;
    case GET:
        if (!says(me, slot, &next))
            violation("the state is not the model's", me, slot, NULL);
        if (next.state == INSTALLED)
            must_read(me, slot, next.content);
        break;
    case GET_OTHER: get_other(); break;
    case EVICT: evict(slot); break;
    case RM: drop(slot); break;
    case PIN:
        next.pinned = !next.pinned;
        turn_key(slot, INSTALL_PINNED, next, next.pinned ? "{}" : NULL);
        break;
    case LABEL:
        next.label = 1 + (uint32_t)roll(1000);
        snprintf(label, sizeof label, "%u", next.label);
        turn_key(slot, "label/", next, label);
        break;
    case GC: sweep(); break;
    case FSCK: check(); break;
    case REOPEN: reopen(); break;
    case OPS: break;
    }
    atomic_fetch_add(&board->count[op], 1);
}

void reconcile(unsigned worker)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *s = &board->slots[worker][i];
        if (!s->pending)
            continue;
        if (says(worker, i, &s->next))
            s->now = s->next;
        else if (!says(worker, i, &s->now))
            violation("neither before nor after", worker, i, NULL);
        s->pending = false;
    }
}

/* What a killed worker had in the ledger is folded by whoever commits next: by us, now, so that it
 * does not happen while we look. */
static void settle(void)
{
    struct err e = ERR_NONE;
    char key[32];
    snprintf(key, sizeof key, "settled/%u", me);
    if (set_key(key, "1", &e) != ST_OK)
        violation("settling", me, 0, &e);
}

void work(unsigned worker, uint64_t operations, uint64_t seed)
{
    me = worker;
    roll_seed(seed * 2654435761u + worker * 40503u + 1);
    struct err e = ERR_NONE;
    room.log = NULL; /* a secret does not survive a fork */
    if (signer_open_file(room.t.dir, "log.key", NULL, NULL, &room.log, &e) != ST_OK)
        violation("the key", worker, 0, &e);
    reopen();
    settle();
    reconcile(worker);
    while (atomic_load(&board->done[worker]) < operations && !atomic_load(&board->violated)) {
        operate(operations);
        atomic_fetch_add(&board->done[worker], 1);
    }
    store_close(room.s);
    _exit(0);
}
