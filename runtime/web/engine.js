// The module behind ordinary calls: what fails throws, memory is given back, no address gets out.

import { ABI, hostError, moduleError } from './protocol.js';

// i32.const 0; i8x16.splat; i8x16.popcnt: a module that only an engine with SIMD accepts.
const SIMD_PROBE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0,
  253, 15, 253, 98, 11]);

const STOPS = ['none', 'eos', 'limit', 'capacity', 'cancelled'];

export function hasSimd() {
  return WebAssembly.validate(SIMD_PROBE);
}

// The stage of a failed load or step, by error number (docs/browser.md).
function loadStage(code) {
  if (code >= 7 && code <= 10)
    return 'tensors';
  return code === 13 || code === 2 ? 'scratch-kv' : 'admission';
}

function beginStage(code) {
  return { 2: 'tokenization', 3: 'utf8-transfer', 11: 'context' }[code] ?? 'forward';
}

function stepStage(code) {
  return code === 3 || code === 14 ? 'decode' : 'sampling-step';
}

export class Engine {
  #x; // the exports
  #decoder = new TextDecoder();

  // bytes: the module's. Throws StalePair for a module that this file was not written for.
  static async start(bytes) {
    const module = await WebAssembly.compile(bytes);
    if (WebAssembly.Module.imports(module).length !== 0)
      throw hostError('StalePair', { detail: 'the module wants imports' });
    const engine = new Engine();
    engine.#x = (await WebAssembly.instantiate(module, {})).exports;
    const abi = engine.#x.abi_version?.();
    if (abi !== ABI)
      throw hostError('StalePair', { detail: `the module speaks version ${abi ?? 0}, the page ${ABI}` });
    engine.#check(engine.#x.init_runtime(), 'admission');
    return engine;
  }

  #check(code, stage) {
    if (code !== 0)
      throw moduleError(code, stage);
  }

  get memoryBytes() {
    return this.#x.memory.buffer.byteLength;
  }

  // Room for a model of n bytes, to be filled piece by piece from its start, and hashed while it is.
  transfer(n) {
    const at = this.#x.alloc(n);
    const hash = at === 0 ? 0 : this.#x.hash_begin();
    if (hash === 0) {
      this.#x.dealloc(at, n);
      throw hostError('OutOfMemory', { stage: 'transfer' });
    }
    let filled = 0;
    let alive = true;
    return {
      put: (piece) => {
        new Uint8Array(this.#x.memory.buffer, at + filled, piece.length).set(piece);
        this.#x.hash_add(hash, at + filled, piece.length);
        filled += piece.length;
      },
      // Once, when all is there.
      sha256: () => {
        const digest = new Uint8Array(this.#x.memory.buffer, this.#x.hash_end(hash), 32);
        return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
      },
      load: () => {
        const code = this.#x.load_model(at, n);
        this.#check(code, loadStage(code));
      },
      release: () => {
        if (alive) {
          this.#x.hash_free(hash);
          this.#x.dealloc(at, n);
        }
        alive = false;
      },
    };
  }

  configure({ temperature, topK, topP, seed }) {
    this.#check(this.#x.set_sampling_config(temperature, topK, topP, seed), 'sampling');
  }

  // Takes the text in; prefill then runs it through the model piece by piece. Both tell how many tokens are left.
  begin(text) {
    const bytes = new TextEncoder().encode(text);
    // An empty text still needs an address.
    const at = this.#x.alloc(bytes.length || 1);
    if (at === 0)
      throw hostError('OutOfMemory', { stage: 'utf8-transfer' });
    new Uint8Array(this.#x.memory.buffer, at, bytes.length).set(bytes);
    const code = this.#x.start_generation(at, bytes.length);
    this.#x.dealloc(at, bytes.length);
    this.#check(code, beginStage(code));
    return this.#x.prefill_left();
  }

  prefill() {
    this.#check(this.#x.prefill(), 'forward');
    return this.#x.prefill_left();
  }

  // {token, text, stop}: token is −1 when none was made.
  step() {
    const code = this.#x.generate_next_token();
    this.#check(code, stepStage(code));
    const stop = STOPS[this.#x.last_stop()];
    if (this.#x.last_token_count() === 0)
      return { token: -1, text: '', stop };
    const at = this.#x.last_result_ptr();
    const n = this.#x.last_result_len();
    const text = n > 0 ? this.#decoder.decode(new Uint8Array(this.#x.memory.buffer, at, n)) : '';
    return { token: this.#x.last_token() >>> 0, text, stop };
  }

  cancel() {
    this.#x.cancel_generation();
  }

  reset() {
    this.#check(this.#x.reset_context(), 'context');
  }

  free() {
    this.#check(this.#x.free_model(), 'residency');
  }

  diagnostics() {
    const n = this.#x.get_diagnostics_len();
    const at = this.#x.get_diagnostics_ptr();
    return JSON.parse(this.#decoder.decode(new Uint8Array(this.#x.memory.buffer, at, n)));
  }

  // FNV-1a over the bits of every logit: what two runtimes compare.
  logitsHash() {
    let h = 0x811c9dc5;
    const at = this.#x.logits_ptr();
    for (const b of new Uint8Array(this.#x.memory.buffer, at, at === 0 ? 0 : 4 * this.#x.logits_len()))
      h = Math.imul(h ^ b, 0x01000193);
    return (h >>> 0).toString(16).padStart(8, '0');
  }
}
