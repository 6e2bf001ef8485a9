// The page's side of the Worker: promises, tokens to iterate over, AbortSignals. A Worker that is lost is replaced by
// a new one; what was asked of the old one fails with one error, WorkerLost or Trapped, and the next command works.
//
//     const runtime = new Runtime({ base: '/web/DIGEST/' });
//     await runtime.load({ url, sha256, bytes }, { signal, progress: (received, total) => … });
//     const generation = runtime.generate('Once', { maxNewTokens: 64, signal });
//     for await (const { token, text } of generation) …
//     const { text, stop } = await generation.result;

import { AssayError, hostError, VERSION } from './protocol.js';

const CANCEL_MS = 30000; // a Worker that cannot even cancel by then is lost

// Events of one command, to be taken one by one; `result` is its end.
class Generation {
  #tokens = [];
  #wake = null;
  #ended = false;

  constructor(start) {
    this.result = start((token) => {
      this.#tokens.push(token);
      this.#wake?.();
    }).finally(() => {
      this.#ended = true;
      this.#wake?.();
    });
    this.result.catch(() => {}); // whoever iterates hears of it there
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#tokens.length > 0)
        yield this.#tokens.shift();
      if (this.#ended)
        break;
      await new Promise((wake) => {
        this.#wake = wake;
      });
      this.#wake = null;
    }
    await this.result;
  }
}

export class Runtime extends EventTarget {
  #options;
  #worker = null;
  #pending = new Map(); // id → {type, resolve, reject, hear}
  #lastId = 0;
  #booting = null;

  // base: where worker.js and the modules lie. integrity: file name → "sha256-…", checked before a file is run.
  // simd false: the scalar module.
  constructor({ base, integrity = {}, simd } = {}) {
    super();
    this.#options = { base: new URL(base, document.baseURI).href, integrity, simd };
  }

  // ---- commands

  boot() {
    this.#booting ??= this.#start().catch((e) => {
      this.#lose(e);
      throw e;
    });
    return this.#booting;
  }

  async load({ url, buffer, sha256, bytes }, { signal, progress } = {}) {
    await this.boot();
    const hear = ({ received, total }) => progress?.(received, total);
    return this.#ask('load-model', { url, buffer, sha256, bytes }, { signal, hear, transfer: buffer ? [buffer] : [] });
  }

  generate(prompt, { maxNewTokens, continues, digests, signal } = {}) {
    return new Generation(async (hear) => {
      await this.boot();
      return this.#ask('generate', { prompt, max_new_tokens: maxNewTokens, continues, digests }, { signal, hear });
    });
  }

  async configure(sampling) {
    await this.boot();
    return this.#ask('configure-sampling', sampling);
  }

  async reset() {
    await this.boot();
    return this.#ask('reset-context');
  }

  async free() {
    await this.boot();
    return this.#ask('free-model');
  }

  async diagnostics() {
    await this.boot();
    return this.#ask('diagnostics');
  }

  // Ends the Worker and everything it holds; the next command starts another.
  close() {
    this.#lose(hostError('WorkerLost', { detail: 'it was closed' }));
  }

  // ---- one Worker's life

  async #start() {
    const { base, integrity, simd } = this.#options;
    // Its parts are looked at first; being immutable, they then come from the cache that was looked at.
    const parts = Object.keys(integrity).filter((name) => name.endsWith('.js'));
    await Promise.all(parts.map((name) => this.#prove(name)));
    const worker = new Worker(new URL('worker.js', base), { type: 'module' });
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#hear(worker, data);
    worker.onmessageerror = () => this.#gone(worker, 'a message could not be read');
    worker.onerror = (e) => {
      e.preventDefault();
      this.#gone(worker, e.message ?? 'its script could not be run');
    };
    const module = (name) => ({ url: new URL(name, base).href, integrity: integrity[name] });
    const modules = { simd: module('assay-runtime.wasm'), scalar: module('assay-runtime-scalar.wasm') };
    return this.#ask('boot', { modules, simd });
  }

  async #prove(name) {
    const url = new URL(name, this.#options.base);
    const response = await fetch(url, { integrity: this.#options.integrity[name] }).catch(() => null);
    if (response === null || !response.ok)
      throw hostError('StalePair', { stage: 'fetch', detail: `${name} cannot be had, or is not the one that belongs to this page` });
    await response.arrayBuffer();
  }

  #ask(type, members = {}, { signal, hear, transfer = [] } = {}) {
    if (signal?.aborted)
      return Promise.reject(new AssayError(15, 'Cancelled', 'it was cancelled'));
    if (this.#worker === null)
      return Promise.reject(hostError('WorkerLost'));
    const id = ++this.#lastId;
    const done = new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, hear });
    });
    const stop = () => this.#cancel(id);
    signal?.addEventListener('abort', stop);
    this.#worker.postMessage({ v: VERSION, id, type, ...members }, transfer);
    return done.finally(() => signal?.removeEventListener('abort', stop));
  }

  #cancel(target) {
    const worker = this.#worker;
    const late = setTimeout(() => this.#gone(worker, 'it did not answer a cancel'), CANCEL_MS);
    this.#ask('cancel', { target }).catch(() => {}).finally(() => clearTimeout(late));
  }

  #hear(worker, data) {
    if (worker !== this.#worker)
      return; // an old one's last words
    const pending = this.#pending.get(data.id);
    if (data.type === 'token' || data.type === 'progress') {
      pending?.hear?.(data);
      return;
    }
    this.#pending.delete(data.id);
    if (data.type === 'result') {
      pending?.resolve(data);
      return;
    }
    const error = AssayError.from(data.error);
    if (error.fatal)
      this.#lose(error, pending);
    else
      pending?.reject(error);
  }

  #gone(worker, detail) {
    if (worker === this.#worker)
      this.#lose(hostError('WorkerLost', { detail, fatal: true }));
  }

  #lose(error, first) {
    const worker = this.#worker;
    const pending = [...(first ? [first] : []), ...this.#pending.values()];
    this.#worker = null;
    this.#booting = null;
    this.#pending.clear();
    worker?.terminate();
    for (const { reject } of pending)
      reject(error);
    this.dispatchEvent(new CustomEvent('lost', { detail: error }));
  }
}
