// What the tests need within the page; sent there as text by bench.mjs, so it stands alone.
export function lab() {
  const base = document.querySelector('meta[name="assay-base"]').content;
  const modules = { simd: { url: `${base}assay-runtime.wasm` }, scalar: { url: `${base}assay-runtime-scalar.wasm` } };
  const Runtime = globalThis.assay.runtime.constructor;

  // A Worker that is spoken to message by message; keeps every event.
  class Raw {
    events = [];
    #waiting = [];
    #id = 0;

    constructor() {
      this.worker = new Worker(`${base}worker.js`, { type: 'module' });
      this.worker.onmessage = ({ data }) => {
        this.events.push(data);
        for (const look of [...this.#waiting])
          look();
      };
    }

    post(message) {
      this.worker.postMessage(message);
    }

    send(type, members = {}) {
      const id = ++this.#id;
      this.post({ v: 1, id, type, ...members });
      return id;
    }

    when(holds) {
      return new Promise((go, lost) => {
        const late = setTimeout(() => lost(new Error(`no event came: ${holds}`)), 15000);
        const look = () => {
          const found = this.events.find(holds);
          if (found === undefined)
            return;
          clearTimeout(late);
          this.#waiting.splice(this.#waiting.indexOf(look), 1);
          go(found);
        };
        this.#waiting.push(look);
        look();
      });
    }

    end(id) {
      return this.when((e) => e.id === id && (e.type === 'result' || e.type === 'error'));
    }

    async ask(type, members) {
      return this.end(this.send(type, members));
    }

    async boot(more = {}) {
      return this.ask('boot', { modules, ...more });
    }

    close() {
      this.worker.terminate();
    }
  }

  // "ok", or the error's number.
  const outcome = (event) => (event.type === 'result' ? 'ok' : event.error.code);
  const model = async (i = 0) => {
    const { models } = await (await fetch('/models.json', { cache: 'no-store' })).json();
    const { sha256, bytes } = models[i];
    return { url: `/artifact/${sha256}`, sha256, bytes };
  };
  const sha256 = async (bytes) => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
    (b) => b.toString(16).padStart(2, '0')).join('');
  const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const wait = (ms) => new Promise((go) => setTimeout(go, ms));
  const by = (id) => document.getElementById(id);
  const until = async (holds) => {
    for (const end = Date.now() + 15000; !holds(); await wait(5))
      if (Date.now() > end)
        throw new Error(`never: ${holds}`);
  };
  const shown = (state) => until(() => by('state').dataset.state === state);
  const code = (promise) => promise.then(() => 'ok', (e) => e.code ?? String(e));
  globalThis.lab = { base, modules, Runtime, Raw, outcome, model, sha256, fromBase64, wait, by, until, shown, code };
}
