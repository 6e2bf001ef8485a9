/* Verification: re-hash what is stored and name what is wrong.
 *
 * A finding names object, file, chunk, pack and offset; checking goes on after one. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/log_head.h"

struct finding {
    enum status status; /* ST_CORRUPT, ST_NOT_FOUND, ST_SET_BACK …; ST_OK: a remark, no damage */
    const char *code; /* "chunk-hash", "pack-header", "ledger-chain", "recipe", "index-value" … */
    char object[160]; /* "pack 0000000000000003", "ledger", "quarantine 12-…", "content sha256:…" */
    struct digest digest; /* of the damaged record, all zero if there is none */
    uint64_t offset; /* in that object: of the first byte known to be wrong, in a pack that of the
                        record's header or where its stored bytes begin; ERR_NO_OFFSET */
    char detail[200];
};

struct check_report {
    uint64_t bytes, records, packs, entries; /* what was looked at */
    uint64_t findings;                       /* remarks not counted */
};

typedef void (*check_found)(void *ctx, const struct finding *f);

/* Everything: format file, every byte of every pack, recipes, ledger chain and head, quarantine,
 * and the index against them. ST_OK when the check could be made, whatever it found. */
enum status check_store(struct store *s, struct progress *progress, check_found found, void *ctx,
                        struct check_report *out, struct err *e) MUST_CHECK;
/* The same without reading contents: headers of packs, recipes, ledger and the index against them.
 */
enum status check_index(struct store *s, struct progress *progress, check_found found, void *ctx,
                        struct check_report *out, struct err *e) MUST_CHECK;
/* One content: recipe and chunks. */
enum status check_content(struct store *s, const struct digest *content, struct progress *progress,
                          check_found found, void *ctx, struct check_report *out,
                          struct err *e) MUST_CHECK;
/* The ledger's chain, sequence, signatures and head; `against` (NULL: nothing) is a head kept
 * elsewhere that the ledger has to hold. ST_UNPROVEN when it is of another store. */
enum status check_ledger(struct store *s, const struct log_head *against, check_found found,
                         void *ctx, struct check_report *out, struct err *e) MUST_CHECK;

/* What lies in the places of the store's names (store/seat.h): needs no store that can be opened.
 */
enum status check_places(const char *path, check_found found, void *ctx, struct check_report *out,
                         struct err *e) MUST_CHECK;
/* Moves aside what lies in the wrong place, where that helps: one call for each, object is its old
 * name, detail its new one. Nothing is deleted. */
enum status mend_places(const char *path, check_found moved, void *ctx, struct err *e) MUST_CHECK;

/* A lost or damaged ledger.head is made again from the ledger's last line, once chain, signatures
 * and the index's mark prove that nothing was cut; and a last line that is damaged, or cut off,
 * from a head that the index's mark knows. ST_SET_BACK, code "no-witness": without an index nobody
 * knows where the ledger ended. */
enum ledger_mended { LEDGER_AS_IT_WAS, LEDGER_HEAD, LEDGER_LINE };
enum status ledger_mend(const char *path, enum ledger_mended *mended, struct err *e) MUST_CHECK;
/* Folds packs and ledger into a new index and swaps it in. */
enum status index_rebuild(const char *path, struct progress *progress, struct err *e) MUST_CHECK;

#endif
