// node speed.mjs: what the page costs, in Chromium, with a model of the 16M shape (512/2048/4/8, vocabulary 260) in F32
// and Q8_0. Rows: page interactive, token events, main thread, memory; each with its limit.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { assay, Bench } from './bench.mjs';

const room = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-speed-'));
const SHAPE = { vocab_size: 260, hidden_size: 512, layer_count: 4, head_count: 8, kv_head_count: 8, head_dim: 64, ffn_size: 2048, max_context: 512,
  rope_theta: '10000', rms_norm_epsilon: '0.00001' };
const tensors = { 'tok_embeddings.weight': [260, 512], 'norm.weight': [512], 'output.weight': [260, 512] };
for (let l = 0; l < 4; l++)
  for (const [name, dims] of Object.entries({ attn_norm: [512], ffn_norm: [512], wq: [512, 512], wk: [512, 512], wv: [512, 512], wo: [512, 512],
    w1: [2048, 512], w3: [2048, 512], w2: [512, 2048] }))
    tensors[`layers.${l}.${name}.weight`] = dims;

// Values of a small generator; letters are made likely, so that what is generated is text.
let x = 1;
const value = () => ((x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5) * 0.08;
for (const [name, dims] of Object.entries(tensors)) {
  const n = dims.reduce((a, b) => a * b);
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++)
    values[i] = dims.length === 1 ? 1 : value();
  if (name === 'output.weight')
    for (let id = 0; id < 260; id++)
      if (id < 97 || id > 122)
        values.fill(0, id * 512, (id + 1) * 512);
  fs.writeFileSync(path.join(room, `${name}.f32`), Buffer.from(values.buffer));
}
fs.writeFileSync(path.join(room, 'shape.json'), JSON.stringify(SHAPE));
const models = ['f32', 'q8_0'].map((dtype) => {
  const file = path.join(room, `speed-${dtype}.slm`);
  const { status, stderr } = spawnSync(assay, ['pack', room, '-o', file, '--dtype', dtype], { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(stderr);
  return { file, name: `speed-${dtype.replace('_', '-')}`, version: '1' };
});

// A Worker that times one step, and one event with its turn of the queue, by themselves: the least of many short spans is
// what they cost, however busy the machine is.
const TIMER = `import { Engine } from './engine.js';
import { turn } from './turn.js';
self.onmessage = async ({ data }) => {
  const engine = await Engine.start(await (await fetch(data.module)).arrayBuffer());
  const bytes = new Uint8Array(await (await fetch(data.model.url)).arrayBuffer());
  const into = engine.transfer(bytes.length);
  into.put(0, bytes);
  into.load();
  into.release();
  const steps = [];
  const events = [];
  for (let k = 0; k < 6; k++) {
    for (let left = engine.begin('abc'); left > 0;)
      left = engine.prefill();
    for (let i = 0; i < 64; i++) {
      const began = performance.now();
      const { token, text } = engine.step();
      const stepped = performance.now();
      self.postMessage({ v: 1, id: 1, type: 'token', index: i, token, text });
      await turn();
      events.push(performance.now() - stepped);
      steps.push(stepped - began);
    }
  }
  self.postMessage({ steps, events });
};`;

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
let missed = 0;
function row(what, got, limit, unit) {
  const fine = got <= limit;
  missed += fine ? 0 : 1;
  console.log(`${fine ? 'ok  ' : 'MISS'}  ${what}: ${got.toFixed(1)} ${unit} (limit ${limit.toFixed(1)})`);
}

const bench = await Bench.start(models);
try {
  const url = bench.server.url; // without the proxy
  const open = async () => {
    await bench.browser.go(url);
    await bench.browser.until(async () => document.documentElement.dataset.started !== undefined);
    return bench.browser.run(async () => [globalThis.assay.interactive, globalThis.assay.booted]);
  };
  const first = await open();
  const times = [];
  for (let i = 0; i < 15; i++)
    times.push(await open());
  row('page interactive, median of 15', median(times.map((t) => t[0])), 200, 'ms');
  console.log(`      the first time ${first[0].toFixed(0)} ms (runtime booted after ${first[1].toFixed(0)}); later booted after ${median(times.map((t) => t[1])).toFixed(0)} ms`);

  for (const [i, { name }] of models.entries()) {
    await bench.page('', url);
    const said = await bench.browser.run(async (i) => {
      const long = [];
      new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
      document.querySelectorAll('#models input')[i].click();
      const began = performance.now();
      lab.by('load').click();
      await lab.shown('ready');
      const load = performance.now() - began;
      lab.by('tokens').value = '128';
      lab.by('prompt').value = 'abc';
      lab.by('go').click();
      await lab.shown('generating');
      await lab.shown('ready');
      await lab.wait(200);
      const { models } = await (await fetch('/models.json')).json();
      const d = await globalThis.assay.runtime.diagnostics();
      const whole = await performance.measureUserAgentSpecificMemory?.().then((m) => m.bytes, () => null);
      return { long, load, peak: d.peak_memory_bytes, need: models[i].memory.total, bytes: models[i].bytes, whole };
    }, i);
    row(`${name}: longest task of the main thread, loading and generating`, Math.max(0, ...said.long), 50, 'ms');
    row(`${name}: peak memory of the module`, said.peak / 2 ** 20, (said.need + (16 << 20)) / 2 ** 20, 'MiB');
    console.log(`      ${name}: ${(said.bytes / 1e6).toFixed(1)} MB loaded and hashed in ${said.load.toFixed(0)} ms; whole page by the browser's own measure ${said.whole === null ? 'not told' : (said.whole / 2 ** 20).toFixed(1) + ' MiB'}`);
    bench.evil.rules = [{ match: /worker\.js\?timer/, kind: 'body', body: TIMER }];
    await bench.page();
    const { steps, events } = await bench.browser.run(async (i) => {
      const worker = new Worker(`${lab.base}worker.js?timer`, { type: 'module' });
      const times = await new Promise(async (go, lost) => {
        worker.onmessage = ({ data }) => data.steps && go(data);
        worker.onerror = lost;
        worker.postMessage({ model: await lab.model(i), module: lab.modules.simd.url });
      });
      worker.terminate();
      return times;
    }, i);
    const [step, event] = [Math.min(...steps), Math.min(...events)];
    row(`${name}: what an event and its turn add to a token`, event / step * 100, 5, '%');
    console.log(`      ${name}: a token ${step.toFixed(3)} ms, its event ${(event * 1000).toFixed(0)} µs (least of ${steps.length}); medians ${median(steps).toFixed(3)} ms and ${(median(events) * 1000).toFixed(0)} µs`);
  }
} finally {
  await bench.stop();
  fs.rmSync(room, { recursive: true, force: true });
}
process.exit(missed === 0 ? 0 : 1);
