// Prints what the WASM runtime does with a model, in the words of tests/wasm/trace.c.
// node trace.mjs MODULE MODEL...
import fs from 'node:fs';

const [, , module, ...models] = process.argv;
const compiled = new WebAssembly.Module(fs.readFileSync(module));
if (WebAssembly.Module.imports(compiled).length !== 0)
  throw new Error('the module has imports');

const STEPS = 24;

function put(x, bytes) {
  const at = x.alloc(bytes.length);
  if (at === 0 && bytes.length > 0)
    throw new Error('no memory');
  new Uint8Array(x.memory.buffer, at, bytes.length).set(bytes);
  return at;
}

function hashLogits(x) {
  let h = 0x811c9dc5;
  for (const b of new Uint8Array(x.memory.buffer, x.logits_ptr(), 4 * x.logits_len()))
    h = Math.imul(h ^ b, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

function trace(x, text) {
  const bytes = new TextEncoder().encode(text);
  const at = put(x, bytes);
  console.log(`begin ${x.begin_generation(at, bytes.length)}`);
  x.dealloc(at, bytes.length);
  for (let i = 0; i < STEPS; i++) {
    const code = x.generate_next_token();
    console.log(`${code} ${x.last_token() >>> 0} ${x.last_stop()} ${hashLogits(x)}`);
    if (code !== 0)
      return;
  }
}

for (const path of models) {
  const x = new WebAssembly.Instance(compiled, {}).exports;
  const file = fs.readFileSync(path);
  console.log(path);
  console.log(`init ${x.init_runtime()}`);
  const at = put(x, file);
  const code = x.load_model(at, file.length);
  x.dealloc(at, file.length);
  console.log(`load ${code}`);
  if (code !== 0)
    continue;
  trace(x, 'Once');
  console.log(`sampling ${x.set_sampling_config(Math.fround(0.8), 40, Math.fround(0.9), 0x123456789abcdefn)}`);
  trace(x, 'Once');
}
