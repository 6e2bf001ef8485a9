#include "verify/advice.h"

static const char *const recoveries[RECOVERY_COUNT] = {[RECOVERY_NONE] = "none",
                                                       [RECOVERY_CORRECT] = "correct-request",
                                                       [RECOVERY_RETRY] = "retry",
                                                       [RECOVERY_RESET] = "reset-context",
                                                       [RECOVERY_RELOAD] = "reload-model",
                                                       [RECOVERY_RESTART] = "restart",
                                                       [RECOVERY_ROOM] = "make-room",
                                                       [RECOVERY_RESTORE] = "restore-bytes",
                                                       [RECOVERY_QUARANTINE] = "quarantine"};

const char *recovery_name(enum recovery r)
{
    return recoveries[r];
}

static const struct advice_row rows[ADVICE_COUNT] = {
    [ADVICE_NOTHING] = {"nothing", RECOVERY_NONE, "it loads and generates here"},
    [ADVICE_EVIDENCE] = {"evidence", RECOVERY_NONE,
                         "no load and no generation failed: read the gate's evidence"},

    [ADVICE_ADD_FILE] = {"add-file", RECOVERY_RESTORE,
                         "the store does not have its bytes: add the file again"},
    [ADVICE_MEND_DAMAGED] = {"mend-damaged", RECOVERY_RESTORE,
                             "the store's own bytes are damaged: mend them from a good copy"},
    [ADVICE_MEND] = {"mend", RECOVERY_RESTORE,
                     "the store's own bytes are missing or damaged: mend them"},
    [ADVICE_SMALLER] = {"smaller", RECOVERY_ROOM, "give it more memory, or take a smaller model"},
    [ADVICE_STALE_PAGE] = {"stale-page", RECOVERY_RESTART,
                           "page and program are of two versions: reload the page"},
    [ADVICE_STALE_LIST] = {"stale-list", RECOVERY_RESTART,
                           "the list is older than what the server hands out: reload the page"},
    [ADVICE_NO_WASM] = {"no-wasm", RECOVERY_RESTART,
                        "reload the page, in a browser with WebAssembly"},
    [ADVICE_CHANGED] = {"changed", RECOVERY_RELOAD,
                        "what came was changed on its way and thrown away: load the model again"},
    [ADVICE_LOAD] = {"load", RECOVERY_RELOAD, "load the model again"},
    [ADVICE_FREE] = {"free", RECOVERY_ROOM,
                     "free other models or give it more memory, then load it again"},
    [ADVICE_TOO_LARGE] = {"too-large", RECOVERY_ROOM,
                          "there is not enough memory here for this model: take a smaller one"},
    [ADVICE_INCOMPATIBLE] = {"incompatible", RECOVERY_QUARANTINE,
                             "these bytes cannot be run: take the artifact out of its channels"},
    [ADVICE_OTHER_PROGRAM] = {"other-program", RECOVERY_RESTART,
                              "another program refused it: use this one, or bring the other up to "
                              "date"},
    [ADVICE_LOADS_HERE] = {"loads-here", RECOVERY_RELOAD,
                           "the bytes load here: load the model again"},
    [ADVICE_REFUSED] = {"refused", RECOVERY_RELOAD,
                        "load the model again; refused twice, it is for whoever keeps the store"},

    [ADVICE_NOT_LOADED] = {"not-loaded", RECOVERY_RELOAD, "no model was in memory: load it again"},
    [ADVICE_SHORTER] = {"shorter", RECOVERY_ROOM,
                        "give it more memory, or a shorter text; the model is intact"},
    [ADVICE_SETTINGS] = {"settings", RECOVERY_CORRECT,
                         "set temperature ≥ 0, top_k 1 to 1024, top_p above 0 and at most 1; the "
                         "model is intact"},
    [ADVICE_UTF8] = {"utf8", RECOVERY_CORRECT, "give the text as UTF-8; the model is intact"},
    [ADVICE_TOKENS] = {"tokens", RECOVERY_CORRECT,
                       "give a text that begins with at least one token, and ask for at least "
                       "one; the model is intact"},
    [ADVICE_CONTEXT] = {"context", RECOVERY_CORRECT, "shorten the text; the model is intact"},
    [ADVICE_CONTEXT_USED] = {"context-used", RECOVERY_RESET,
                             "reset the context, or shorten the text; the model is intact"},
    [ADVICE_DECODE] = {"decode", RECOVERY_RETRY,
                       "its bytes made no text: ask for a few more tokens, or draw with other "
                       "settings; the model is intact"},
    [ADVICE_THREADS] = {"threads", RECOVERY_ROOM,
                        "give it more memory, or fewer threads; the model is intact"},
    [ADVICE_NO_NUMBERS] = {"no-numbers", RECOVERY_QUARANTINE,
                           "it fails here as well: these bytes do not compute; take the artifact "
                           "out of its channels"},
    [ADVICE_LOST] = {"lost", RECOVERY_RELOAD, "the model in memory is lost with it: load it again"},
    [ADVICE_RESET] = {"reset", RECOVERY_RESET, "reset the context, then generate again"},
    [ADVICE_GENERATE] = {"generate", RECOVERY_RETRY, "generate again; the model is intact"},
    [ADVICE_AGAIN] = {"again", RECOVERY_RETRY, "do it again; the model is intact"},
};

const struct advice_row *advice_of(enum advice a)
{
    return &rows[a];
}
