/* Bytes on their way into the store: a file, a folder, an archive or standard input, opened once,
 * and what the options say about them.
 *
 *     incoming_options → incoming_open (or a descriptor and incoming_look) → incoming_admit */
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
/* For in->fd: what kind of thing it is, named by a path. After the options. */
enum status incoming_look(struct incoming *in, const char *path, struct err *e) MUST_CHECK;
/* The whole transaction. What was refused is in quarantine then, and c->quarantine names it. */
enum status incoming_admit(struct cli *c, struct incoming *in, struct admit_result *result,
                           struct err *e) MUST_CHECK;
/* What add says of it. */
enum status incoming_tell(struct cli *c, const struct admit_result *r, struct err *e) MUST_CHECK;

#endif
