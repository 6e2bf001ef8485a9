/* What gates that run side by side are doing, shown while they run.
 *
 * On a terminal one line a gate, redrawn in place and gone at the end; else a line on standard
 * error when one begins and ends; with --json --stream a JSON line on standard output for each
 * event (schema assay.gate-event/1). Quiet shows nothing but that stream. */
#ifndef CLI_GATE_WATCH_H
#define CLI_GATE_WATCH_H

#include "cli/cli.h"
#include "verify/abreast.h"

struct gate_watch {
    struct cli *c;
    bool drawing, streaming;
    const char *of; /* which artifact, for lines that stand alone; "" none */
    bool shown[GATE_COUNT];
    struct abreast_news news[GATE_COUNT];
    uint64_t due[GATE_COUNT]; /* clock_ticks from which a running gate's next event may go out */
    uint64_t redraw;
    size_t lines; /* on the screen */
};
/* The machine, or as much of it as --cores and --memory give. */
enum status gate_watch_machine(const struct args *a, struct gate_cost *out,
                               struct err *e) MUST_CHECK;
struct gate_watch gate_watch_begin(struct cli *c, const char *of);
/* As pipeline's tell; ctx is the watch. */
void gate_watch_tell(void *ctx, enum gate g, const struct abreast_news *news);
/* Clears what is drawn; the next gates are other ones. */
void gate_watch_clear(struct gate_watch *w);

#endif
