// The Worker: owns module, model, transfer and the loop of generation; nothing of them leaves it but messages.
//
//     state        boot   load-model   configure   generate   reset   free    diagnostics   cancel
//     new          ✓      NotBooted    NotBooted   NotBooted  NotB.   NotB.   NotBooted     ✓
//     idle         ✓ (*)  ✓            ✓           12         12      12      ✓             ✓
//     loading      ✓ (*)  supersedes   ✓           Busy       Busy    Busy    ✓             ✓
//     ready        ✓ (*)  ✓            ✓           ✓          ✓       ✓       ✓             ✓
//     generating   ✓ (*)  Busy         Busy        Busy       Busy    Busy    ✓             ✓
//
// (*) says again what was booted. Between two tokens, and between two pieces of a prompt, the queue has its turn: a
// cancel waits for one of them at most.

import { Engine, hasSimd } from './engine.js';
import {
  AssayError, CANCELLED, COMMANDS, hostError, moduleError, NEW_TOKENS_DEFAULT, NEW_TOKENS_MAX, VERSION,
} from './protocol.js';
import { receive } from './transfer.js';
import { turn } from './turn.js';

const jobs = new Map(); // id → {type, abort, done}: what has not ended
let lastId = 0;
let engine = null;
let booting = null; // the promise of the boot in flight, or of the one that was
let booted = null; // what it said
let model = null; // {sha256, bytes, name, load_ms}
let loading = null; // the job of the load in flight
let generating = false;
let peak = 0; // bytes of the module's memory

function say(id, type, members) {
  self.postMessage({ v: VERSION, id, type, ...members });
}

function state() {
  if (booted === null)
    return 'new';
  if (generating)
    return 'generating';
  if (loading !== null)
    return 'loading';
  return model !== null ? 'ready' : 'idle';
}

// ---- what is asked for is checked before anything is touched

function need(holds, member) {
  if (!holds)
    throw hostError('BadRequest', { detail: member });
}

function whole(value, low, high, member) {
  need(Number.isSafeInteger(value) && value >= low && value <= high, member);
  return value;
}

function allowed(...states) {
  const now = state();
  if (states.includes(now))
    return;
  if (now === 'new')
    throw hostError('NotBooted');
  if (now === 'idle')
    throw moduleError(12, 'context');
  throw hostError('Busy', { detail: now });
}

// A seed is any 64-bit number: a number, or text of decimal digits where numbers end.
function seedOf(value) {
  need(typeof value === 'bigint' || Number.isSafeInteger(value) || /^[0-9]{1,20}$/.test(value), 'seed');
  const seed = BigInt(value);
  need(seed >= 0n && seed < 1n << 64n, 'seed');
  return seed;
}

// ---- the commands; each returns the members of its result

async function fetchModule({ url, integrity }) {
  let response;
  try {
    response = await fetch(url, integrity ? { integrity } : {});
  } catch {
    throw hostError('StalePair', { stage: 'fetch', detail: `${url.split('/').pop()} cannot be had, or is not the one that belongs to this page` });
  }
  if (!response.ok)
    throw hostError('StalePair', { stage: 'fetch', detail: `${url.split('/').pop()}: HTTP ${response.status}` });
  return response.arrayBuffer();
}

async function start({ modules, simd }) {
  need(modules?.simd?.url && modules?.scalar?.url, 'modules');
  need(simd === undefined || simd === true || simd === false, 'simd');
  if (typeof WebAssembly !== 'object')
    throw hostError('NoWebAssembly');
  const wide = simd !== false && hasSimd();
  engine = await Engine.start(await fetchModule(wide ? modules.simd : modules.scalar));
  return { module: wide ? 'simd' : 'scalar', isolated: self.crossOriginIsolated === true };
}

async function boot(request) {
  booting ??= start(request);
  try {
    booted = await booting;
    return booted;
  } catch (e) {
    booting = null;
    throw e;
  }
}

async function loadModel(request, job) {
  allowed('idle', 'loading', 'ready');
  const { url, buffer, sha256 } = request;
  need(typeof url === 'string' || buffer instanceof ArrayBuffer, 'url');
  need(/^[0-9a-f]{64}$/.test(sha256), 'sha256');
  const bytes = whole(request.bytes, 1, Number.MAX_SAFE_INTEGER, 'bytes');
  const before = loading;
  loading = job;
  let transfer = null;
  const began = performance.now();
  try {
    if (before !== null) {
      before.why = 'a later load took its place';
      before.abort.abort();
      await before.done;
    }
    job.abort.signal.throwIfAborted();
    job.stage = 'transfer';
    transfer = await receive(engine, { url, buffer }, { bytes, sha256 }, job.abort.signal,
      (received) => say(job.id, 'progress', { stage: 'transfer', received, total: bytes }));
    const received = performance.now();
    job.stage = 'admission';
    transfer.load();
    const loaded = performance.now();
    model = { sha256, bytes, load_ms: loaded - received };
    return { sha256, bytes, fetch_ms: received - began, load_ms: loaded - received, memory_bytes: measure() };
  } finally {
    transfer?.release();
    measure();
    if (loading === job)
      loading = null;
  }
}

function configure({ temperature = 0, top_k = 1, top_p = 1, seed = 1 }, job) {
  allowed('idle', 'loading', 'ready');
  job.stage = 'sampling';
  need(typeof temperature === 'number', 'temperature');
  need(typeof top_p === 'number', 'top_p');
  engine.configure({ temperature, topK: whole(top_k, 0, 0xffffffff, 'top_k'), topP: top_p, seed: seedOf(seed) });
  return { temperature, top_k, top_p, seed: String(seed) };
}

// Tokens until EOS, limit, capacity or cancel; returns what stopped it.
async function loop(job, limit, digests, made) {
  while (made.token_ids.length < limit) {
    const { token, text, stop } = engine.step();
    if (token < 0)
      return stop;
    made.first_token_ms ??= performance.now() - job.began;
    const index = made.token_ids.push(token) - 1;
    made.text += text;
    say(job.id, 'token', { index, token, text, ...(digests ? { logits: engine.logitsHash() } : {}) });
    await turn();
    job.abort.signal.throwIfAborted();
  }
  return 'limit';
}

async function generate({ prompt, max_new_tokens, continues, digests }, job) {
  allowed('ready');
  need(typeof prompt === 'string' || continues === true, 'prompt');
  need(max_new_tokens === undefined || Number.isSafeInteger(max_new_tokens), 'max_new_tokens');
  // Nothing asked for is an error; everything else is brought into the range.
  if (max_new_tokens !== undefined && max_new_tokens < 1)
    throw moduleError(2, 'tokenization');
  const limit = Math.min(max_new_tokens ?? NEW_TOKENS_DEFAULT, NEW_TOKENS_MAX);
  const made = { token_ids: [], text: '', first_token_ms: null };
  generating = true;
  job.stage = 'tokenization';
  job.began = performance.now();
  try {
    let left = continues === true ? 0 : engine.begin(prompt);
    do {
      await turn();
      job.abort.signal.throwIfAborted();
      job.stage = 'forward';
      if (left > 0)
        left = engine.prefill();
    } while (left > 0);
    const prefilled = performance.now();
    const stop = await loop(job, limit, digests === true, made);
    const decode = performance.now() - prefilled;
    return {
      ...made, stop,
      timings: {
        prefill_ms: prefilled - job.began, first_token_ms: made.first_token_ms, decode_ms: decode,
        tokens_per_second: decode > 0 ? made.token_ids.length * 1000 / decode : 0,
      },
    };
  } catch (e) {
    if (job.abort.signal.aborted)
      engine.cancel();
    throw e;
  } finally {
    generating = false;
    measure();
  }
}

function resetContext() {
  allowed('ready');
  engine.reset();
  return {};
}

function freeModel() {
  allowed('ready');
  engine.free();
  model = null;
  return {};
}

function measure() {
  peak = Math.max(peak, engine.memoryBytes);
  return engine.memoryBytes;
}

function diagnostics() {
  allowed('idle', 'loading', 'ready', 'generating');
  const said = engine.diagnostics();
  // The module has no clock and is not told digests: this side knows both.
  if (said.identity)
    said.identity.sha256 = model?.sha256 ?? null;
  if (said.load_ms !== null && model !== null)
    said.load_ms = Math.round(model.load_ms * 1000) / 1000;
  const origins = performance.getEntriesByType('resource').map((r) => new URL(r.name).origin);
  return {
    ...said, worker: state(), module: booted.module, isolated: booted.isolated, memory_bytes: measure(), peak_memory_bytes: peak,
    requests: origins.length, foreign_requests: origins.filter((o) => o !== self.location.origin).length,
  };
}

// Ends its target between two tokens or two pieces; what has ended already is told so.
async function cancel({ target }) {
  whole(target, 1, Number.MAX_SAFE_INTEGER, 'target');
  const job = jobs.get(target);
  if (job === undefined || job.type === 'cancel')
    return { cancelled: false, target, reason: target <= lastId ? 'it has ended' : 'there is no such command' };
  job.abort.abort();
  await job.done;
  return { cancelled: job.ended === 'cancelled', target, reason: job.ended === 'cancelled' ? null : 'it has ended' };
}

const RUN = {
  'boot': boot, 'load-model': loadModel, 'configure-sampling': configure, 'generate': generate, 'cancel': cancel,
  'reset-context': resetContext, 'free-model': freeModel, 'diagnostics': diagnostics,
};

// ---- one command from its message to its one terminal event

function explained(e, job) {
  if (job.abort.signal.aborted)
    return new AssayError(CANCELLED, 'Cancelled', job.why ? `it was cancelled: ${job.why}` : 'it was cancelled');
  if (e instanceof AssayError)
    return e;
  if (e instanceof RangeError)
    return hostError('OutOfMemory', { detail: e.message });
  return hostError('Trapped', { fatal: true, detail: `${e.name}: ${e.message}` });
}

// What names no stage failed at the one that was under way.
function explain(e, job) {
  const error = explained(e, job);
  error.stage ??= job.stage ?? null;
  return error;
}

async function run(job, request) {
  try {
    const result = await RUN[job.type](request, job);
    job.ended = 'done';
    say(job.id, 'result', result);
  } catch (e) {
    const error = explain(e, job);
    job.ended = error.code === CANCELLED ? 'cancelled' : 'failed';
    say(job.id, 'error', { error: error.toJSON() });
    if (error.fatal)
      self.close(); // the page starts another
  } finally {
    jobs.delete(job.id);
  }
}

function refuse(name, id, detail) {
  say(null, 'error', { about: id ?? null, error: hostError(name, { detail }).toJSON() });
}

self.onmessage = ({ data }) => {
  if (typeof data !== 'object' || data === null || data.v !== VERSION || !Number.isSafeInteger(data.id) || data.id < 1)
    return refuse('BadMessage', data?.id);
  if (data.id <= lastId)
    return refuse('RepeatedId', data.id);
  lastId = data.id;
  if (!COMMANDS.includes(data.type))
    return say(data.id, 'error', { error: hostError('UnknownCommand', { detail: String(data.type).slice(0, 40) }).toJSON() });
  const job = { id: data.id, type: data.type, abort: new AbortController(), why: null, ended: null };
  jobs.set(job.id, job);
  job.done = run(job, data);
};
