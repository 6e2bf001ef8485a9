// What to tell somebody after a failure: sentences of the table that `assay diagnose` has (verify/advice.c; a test
// compares the two). The page knows less: it has no store to hold the bytes against.

const SENTENCES = {
  'smaller': 'give it more memory, or take a smaller model',
  'stale-page': 'page and program are of two versions: reload the page',
  'stale-list': 'the list is older than what the server hands out: reload the page',
  'no-wasm': 'reload the page, in a browser with WebAssembly',
  'changed': 'what came was changed on its way and thrown away: load the model again',
  'load': 'load the model again',
  'free': 'free other models or give it more memory, then load it again',
  'refused': 'load the model again; refused twice, it is for whoever keeps the store',
  'not-loaded': 'no model was in memory: load it again',
  'shorter': 'give it more memory, or a shorter text; the model is intact',
  'settings': 'set temperature ≥ 0, top_k 1 to 1024, top_p above 0 and at most 1; the model is intact',
  'utf8': 'give the text as UTF-8; the model is intact',
  'tokens': 'give a text that begins with at least one token, and ask for at least one; the model is intact',
  'context': 'shorten the text; the model is intact',
  'context-used': 'reset the context, or shorten the text; the model is intact',
  'decode': 'its bytes made no text: ask for a few more tokens, or draw with other settings; the model is intact',
  'threads': 'give it more memory, or fewer threads; the model is intact',
  'lost': 'the model in memory is lost with it: load it again',
  'reset': 'reset the context, then generate again',
  'generate': 'generate again; the model is intact',
  'again': 'do it again; the model is intact',
};

const byStage = {
  'fetch': (e) => e.name === 'StalePair' ? 'stale-page' : e.message.includes('HTTP 404') ? 'stale-list' : 'load',
  'transfer': (e) => ['OutOfMemory', 'TooLarge'].includes(e.name) ? 'smaller' : 'load',
  'provenance': () => 'changed',
  'admission': () => 'refused',
  'tensors': () => 'refused',
  'scratch-kv': () => 'free',
  'utf8-transfer': (e) => e.name === 'OutOfMemory' ? 'shorter' : 'utf8',
  'sampling': () => 'settings',
  'tokenization': (e) => ['OutOfMemory', 'GenerationFailed'].includes(e.name) ? 'shorter' : 'tokens',
  'context': (e, used) => e.name === 'ModelNotLoaded' ? 'not-loaded' : used > 0 ? 'context-used' : 'context',
  'forward': (e) => e.name === 'OutOfMemory' ? 'threads' : 'generate',
  'sampling-step': () => 'reset',
  'decode': () => 'decode',
};

// error: what failed; resident: is there a model in memory? used: tokens of its context.
export function advice(error, resident, used) {
  const lost = error.fatal || ['WorkerLost', 'Trapped'].includes(error.name);
  const key = lost ? 'lost' : error.name === 'NoWebAssembly' ? 'no-wasm'
    : error.stage in byStage ? byStage[error.stage](error, used) : 'again';
  const text = SENTENCES[key];
  const load = ['fetch', 'transfer', 'provenance', 'admission', 'tensors', 'scratch-kv'].includes(error.stage);
  return `${text[0].toUpperCase()}${text.slice(1)}.${load && resident && !lost ? ' The model in memory goes on.' : ''}`;
}
