/* Repair: what a check found, mended from a good copy where there is one.
 *
 *     odd things in a file's place → moved aside, never deleted
 *     ledger.head gone            → made again from the proven ledger
 *     the ledger's last line bad  → put back from ledger.head
 *     the index wrong             → folded anew
 *     chunks or documents damaged → written anew from --from
 *     a pack gone, and not missed → the index folded anew, which forgets it
 *     heads or trailers damaged   → packs written anew
 *     what nobody has             → registered as lost; never filled with zeroes
 */
#ifndef CLI_REPAIR_H
#define CLI_REPAIR_H

#include "cli/cli.h"
#include "store/check.h"

struct repaired {
    enum ledger_mended ledger;
    bool index;
    uint64_t contents, documents; /* healed */
    uint64_t packs;               /* written anew */
    uint64_t lost;                /* contents registered, those registered before included */
    uint64_t aside;               /* moved aside; each was told as a hint */
};

enum status repair_store(struct cli *c, struct repaired *out, struct err *e) MUST_CHECK;
/* verify without words, whose answer begins with what was mended (--json; people were told). */
enum status verify_mended(struct cli *c, const struct repaired *mended, struct err *e) MUST_CHECK;

#endif
