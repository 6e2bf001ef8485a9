// node speed.mjs: what the page costs, in Chromium, with a model of the 16M shape (512/2048/4/8, vocabulary 260) in F32
// and Q8_0. Rows: page interactive (in fresh browsers, beside an empty page, and later), token events, main thread, memory
// of module and process; each with its limit. On a busy machine: chrt -r 1 node speed.mjs.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { assay, Bench } from './bench.mjs';
import { Browser } from './driver.mjs';

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
  into.put(bytes);
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

const open = async (browser, url) => {
  await browser.go(url);
  await browser.until(async () => document.documentElement.dataset.started !== undefined);
  return browser.run(async () => [globalThis.assay.interactive, globalThis.assay.booted]);
};

// What a browser that was just started needs for the first page of its life: ours, and one with nothing in it.
async function cold(url) {
  const nothing = http.createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' })
    .end('<!doctype html><title>nothing</title><script type="module">document.documentElement.dataset.started = "yes"; globalThis.assay = { interactive: performance.now() };</script>'));
  await new Promise((go) => nothing.listen(0, '127.0.0.1', go));
  const times = { page: [], nothing: [] };
  for (let i = 0; i < 5; i++)
    for (const [what, where] of [['nothing', `http://127.0.0.1:${nothing.address().port}/`], ['page', url]]) {
      const browser = await Browser.start();
      times[what].push((await open(browser, where))[0]);
      await browser.stop();
    }
  nothing.close();
  return [median(times.page), median(times.nothing)];
}

// What the process that the page and its Worker live in grows by from now on, at most: the one that grows most.
function growth(browser) {
  const before = browser.processes('renderer').map((pid) => [pid, status(pid, 'VmRSS')]);
  for (const [pid] of before)
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5'); // forgets the peak so far
  return () => Math.max(...before.map(([pid, then]) => status(pid, 'VmHWM') - then));
}
const status = (pid, line) => 1024 * Number(new RegExp(`${line}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

const bench = await Bench.start(models);
try {
  const url = bench.server.url; // without the proxy
  const [fresh, nothing] = await cold(url);
  row('page interactive in a fresh browser, median of 5', fresh, 200, 'ms');
  console.log(`      a page with nothing in it, in as many fresh browsers: ${nothing.toFixed(0)} ms`);
  const times = [];
  for (let i = 0; i < 15; i++)
    times.push(await open(bench.browser, url));
  row('page interactive, median of 15', median(times.map((t) => t[0])), 200, 'ms');
  console.log(`      runtime booted after ${median(times.map((t) => t[1])).toFixed(0)} ms`);

  for (const [i, { name }] of models.entries()) {
    await bench.browser.stop(); // what the last model left behind
    bench.browser = await Browser.start();
    await bench.page('', url);
    const grown = growth(bench.browser);
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
      return { long, load, peak: d.peak_memory_bytes, need: models[i].memory.total, bytes: models[i].bytes };
    }, i);
    row(`${name}: longest task of the main thread, loading and generating`, Math.max(0, ...said.long), 50, 'ms');
    row(`${name}: peak memory of the module`, said.peak / 2 ** 20, (said.need + (16 << 20)) / 2 ** 20, 'MiB');
    row(`${name}: what loading and generating added to the process at most`, grown() / 2 ** 20, (said.need + (16 << 20)) / 2 ** 20, 'MiB');
    console.log(`      ${name}: ${(said.bytes / 1e6).toFixed(1)} MB loaded and hashed in ${said.load.toFixed(0)} ms`);
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
