/* What to tell somebody after a failure: one table of sentences, each with the recovery it is. The
 * page says the same ones (runtime/web/advice.js; a test compares the two), so that a person reads
 * one thing in the browser and from `assay diagnose`. */
#ifndef VERIFY_ADVICE_H
#define VERIFY_ADVICE_H

/* From narrow to wide. */
enum recovery {
    RECOVERY_NONE,       /* nothing is wrong */
    RECOVERY_CORRECT,    /* the request: its text or its settings; the model is intact */
    RECOVERY_RETRY,      /* generate again */
    RECOVERY_RESET,      /* reset the context, then generate again */
    RECOVERY_RELOAD,     /* load the model again */
    RECOVERY_RESTART,    /* reload the page, or start the program of this store again */
    RECOVERY_ROOM,       /* give it memory, or take a smaller model */
    RECOVERY_RESTORE,    /* the store's own bytes are missing or damaged */
    RECOVERY_QUARANTINE, /* the bytes are incompatible: out of the channels */
    RECOVERY_COUNT
};
const char *recovery_name(enum recovery r);

enum advice {
    ADVICE_NOTHING,
    ADVICE_EVIDENCE,
    /* of a load */
    ADVICE_ADD_FILE,
    ADVICE_MEND_DAMAGED,
    ADVICE_MEND,
    ADVICE_SMALLER,
    ADVICE_STALE_PAGE,
    ADVICE_STALE_LIST,
    ADVICE_NO_WASM,
    ADVICE_CHANGED,
    ADVICE_LOAD,
    ADVICE_FREE,
    ADVICE_TOO_LARGE,
    ADVICE_INCOMPATIBLE,
    ADVICE_OTHER_PROGRAM,
    ADVICE_LOADS_HERE,
    ADVICE_REFUSED,
    /* of a generation */
    ADVICE_NOT_LOADED,
    ADVICE_SHORTER,
    ADVICE_SETTINGS,
    ADVICE_UTF8,
    ADVICE_TOKENS,
    ADVICE_CONTEXT,
    ADVICE_CONTEXT_USED,
    ADVICE_DECODE,
    ADVICE_THREADS,
    ADVICE_NO_NUMBERS,
    ADVICE_LOST,
    ADVICE_RESET,
    ADVICE_GENERATE,
    ADVICE_AGAIN,
    ADVICE_COUNT
};

struct advice_row {
    const char *name; /* "load" */
    enum recovery recovery;
    const char *text; /* a phrase: no capital, no full stop */
};
const struct advice_row *advice_of(enum advice a);

#endif
