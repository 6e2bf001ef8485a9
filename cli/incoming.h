/* Bytes on their way into the store: a file, a folder, an archive, a bundle or standard input,
 * opened once, and what the options say about them.
 *
 *     incoming_options → incoming_open → incoming_admit
 *                        a descriptor → incoming_bundle
 *                      → incoming_held → incoming_admit or, a bundle, incoming_bundle */
#ifndef CLI_INCOMING_H
#define CLI_INCOMING_H

#include "base/files.h"
#include "base/steady.h"
#include "cli/cli.h"
#include "cli/walk.h"
#include "verify/unpack.h"

struct incoming {
    int fd;                 /* of the file, or −1 */
    struct steady was;      /* when it was opened */
    uint64_t at;            /* of the file, as far as it was read for quarantine */
    struct walk *tree;      /* of a folder, or NULL */
    struct unpack *archive; /* of an archive, or NULL */
    struct admit_file one;
    struct admit_request request;
    struct digest expect;
    struct buf envelope;
    uint64_t bytes; /* 0: not known */
};

#define INCOMING_OF(label_) ((struct incoming){.fd = -1, .request.label = (label_)})
void incoming_release(struct incoming *in);

enum status incoming_options(struct cli *c, struct incoming *in, struct err *e) MUST_CHECK;
enum status incoming_open(struct incoming *in, const char *path, struct err *e) MUST_CHECK;
/* in->fd is what lies in quarantine: it is taken as the kind of thing that was handed in. */
enum status incoming_held(struct incoming *in, const struct quarantine_facts *f,
                          struct err *e) MUST_CHECK;
/* The whole transaction. What was refused is in quarantine then, and c->quarantine names it. */
enum status incoming_admit(struct cli *c, struct incoming *in, struct admit_result *result,
                           struct err *e) MUST_CHECK;
/* The regular file at in->fd goes to quarantine as it is when what is in it is refused. */
void incoming_keep_whole(struct incoming *in, enum quarantine_kind kind, const struct stat *facts);
/* The same for the bundle at in->fd, and what import says of it. In cmd_bundle.c. */
enum status incoming_bundle(struct cli *c, struct incoming *in, struct err *e) MUST_CHECK;
/* What add says of it. */
enum status incoming_tell(struct cli *c, const struct admit_result *r, struct err *e) MUST_CHECK;

#endif
