// Everything that can come wrong over the wire, and what is left standing after it.
import fs from 'node:fs';
import path from 'node:path';
import { equal, holds, root, run, test } from './bench.mjs';

// Loads through a rule; then the model that was there before must still say what it said.
async function loadUnder(bench, rule, members = {}) {
  bench.evil.rules = [];
  await bench.page();
  await bench.browser.run(async () => {
    globalThis.r = new lab.Runtime({ base: lab.base });
    await r.load(await lab.model(0));
    globalThis.before = (await r.generate('Once', { maxNewTokens: 6 }).result).token_ids;
  });
  bench.evil.rules = [rule];
  return bench.browser.run(async (members) => {
    const m = await lab.model(1);
    const error = await r.load({ ...m, ...members }).then(() => null, (e) => e);
    const after = (await r.generate('Once', { maxNewTokens: 6 }).result).token_ids;
    r.close();
    return { code: error?.code, name: error?.name, stage: error?.stage, same: JSON.stringify(before) === JSON.stringify(after) };
  }, members);
}

const WIRE = [
  ['one flipped bit', { match: /artifact/, kind: 'flip' }, 108, 'DigestMismatch', 'provenance'],
  ['half of the bytes', { match: /artifact/, kind: 'truncate' }, 107, 'Truncated', 'transfer'],
  ['ten bytes too many', { match: /artifact/, kind: 'longer' }, 108, 'DigestMismatch', 'provenance'],
  ['a connection that breaks', { match: /artifact/, kind: 'drop' }, 107, 'Truncated', 'transfer'],
  ['another thing altogether', { match: /artifact/, kind: 'body', body: '<h1>moved</h1>' }, 107, 'Truncated', 'transfer'],
  ['a server error', { match: /artifact/, kind: 'status', status: 500 }, 106, 'FetchFailed', 'fetch'],
  ['a server that is gone', { match: /artifact/, kind: 'gone' }, 106, 'FetchFailed', 'fetch'],
];
for (const [what, rule, code, name, stage] of WIRE)
  test(`${what} in place of a model is refused and the model in memory goes on`, async (bench) => {
    equal(await loadUnder(bench, rule), { code, name, stage, same: true });
  });

test('a model larger than 128 MiB is refused before a byte is asked for', async (bench) => {
  equal(await loadUnder(bench, { match: /^$/ }, { bytes: (128 << 20) + 1 }), { code: 109, name: 'TooLarge', stage: 'transfer', same: true });
  holds(bench.evil.asked.filter((p) => p.startsWith('/artifact/')).length === 1, 'only the first model was asked for');
});

test('bytes that changed on the server since the list was read are refused', async (bench) => {
  const other = fs.readFileSync(path.join(root, 'testdata/tinyworld/tinyworld-1.1.slm'));
  await bench.page();
  const list = await bench.browser.run(async () => lab.model(0));
  const swapped = Buffer.alloc(list.bytes);
  other.copy(swapped);
  bench.evil.rules = [{ match: /artifact/, kind: 'body', body: swapped }];
  equal(await bench.browser.run(async () => lab.code(new lab.Runtime({ base: lab.base }).load(await lab.model(0)))), 108);
});

test('what no channel hands out any more is refused by the server, with its reason', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const sha256 = 'a'.repeat(64);
    const e = await new lab.Runtime({ base: lab.base }).load({ url: `/artifact/${sha256}`, sha256, bytes: 10 }).then(() => null, (e) => e);
    return { code: e.code, told: e.message.includes('no channel hands these bytes out') };
  });
  equal(said, { code: 106, told: true });
});

test('a model that was withdrawn is refused though the browser kept its bytes', async (bench) => {
  await bench.page('', bench.server.url);
  const load = () => bench.browser.run(async () => {
    globalThis.kept ??= await lab.model(0);
    const e = await new lab.Runtime({ base: lab.base }).load(globalThis.kept).then(() => null, (e) => e);
    return e && { code: e.code, told: e.message.includes('no channel hands these bytes out') };
  });
  equal(await load(), null);
  run(bench.store.env, 'demote', 'elder@preview', '--reason', 'a test');
  try {
    equal(await load(), { code: 106, told: true });
  } finally {
    run(bench.store.env, 'rollback', 'elder@preview', '--to', 'elder@1.0', '--reason', 'the test is over');
  }
  equal(await load(), null);
});

test('every damaged model file is refused by the module and the model in memory goes on', async (bench) => {
  const folder = path.join(root, 'testdata/bad');
  const files = fs.readdirSync(folder).filter((name) => /\.(slm|gguf)$/.test(name) && fs.statSync(path.join(folder, name)).size > 0);
  const some = bench.all ? files : files.filter((_, i) => i % 12 === 0);
  await bench.page();
  await bench.browser.run(async () => {
    globalThis.r = new lab.Runtime({ base: lab.base });
    await r.load(await lab.model(0));
  });
  for (const name of some) {
    const said = await bench.browser.run(async (text) => {
      const bytes = lab.fromBase64(text);
      const e = await r.load({ buffer: bytes.buffer, sha256: await lab.sha256(bytes), bytes: bytes.length }).then(() => null, (e) => e);
      const d = await r.diagnostics();
      return { code: e?.code ?? 0, stage: e?.stage, loaded: d.model_loaded, ready: d.worker };
    }, fs.readFileSync(path.join(folder, name)).toString('base64'));
    holds(said.code >= 2 && said.code <= 13 && said.loaded && said.ready === 'ready', `${name}: ${JSON.stringify(said)}`);
  }
});

test('a model whose buffers do not fit is refused before it is ready, and the model in memory goes on', async (bench) => {
  // A context of 2^24 positions: a file of kilobytes that wants 1 GiB for keys and values.
  const shape = { vocab_size: 260, hidden_size: 8, layer_count: 1, head_count: 2, kv_head_count: 2, head_dim: 4, ffn_size: 8, max_context: 1 << 24,
    rope_theta: '10000', rms_norm_epsilon: '0.00001' };
  const tensors = { 'tok_embeddings.weight': 260 * 8, 'norm.weight': 8, 'output.weight': 260 * 8 };
  for (const [name, n] of Object.entries({ attn_norm: 8, ffn_norm: 8, wq: 64, wk: 64, wv: 64, wo: 64, w1: 64, w3: 64, w2: 64 }))
    tensors[`layers.0.${name}.weight`] = n;
  const folder = fs.mkdtempSync(path.join(bench.store.room, 'wide-'));
  for (const [name, n] of Object.entries(tensors))
    fs.writeFileSync(path.join(folder, `${name}.f32`), Buffer.from(new Float32Array(n).fill(0.5).buffer));
  fs.writeFileSync(path.join(folder, 'shape.json'), JSON.stringify(shape));
  run(bench.store.env, 'pack', folder, '-o', path.join(folder, 'wide.slm'));
  await bench.page();
  const said = await bench.browser.run(async (text) => {
    const r = new lab.Runtime({ base: lab.base });
    await r.load(await lab.model());
    const before = (await r.generate('Once', { maxNewTokens: 4 }).result).token_ids;
    const bytes = lab.fromBase64(text);
    const e = await r.load({ buffer: bytes.buffer, sha256: await lab.sha256(bytes), bytes: bytes.length }).then(() => null, (e) => e);
    const after = (await r.generate('Once', { maxNewTokens: 4 }).result).token_ids;
    r.close();
    return { code: e?.code, stage: e?.stage, same: JSON.stringify(before) === JSON.stringify(after) };
  }, fs.readFileSync(path.join(folder, 'wide.slm')).toString('base64'));
  equal(said, { code: 13, stage: 'scratch-kv', same: true });
});

test('a part that was changed on its way is named, and nothing of it runs', async (bench) => {
  for (const part of ['worker.js', 'engine.js', 'assay-runtime.wasm']) {
    bench.evil.rules = [{ match: new RegExp(`/${part}$`), kind: 'flip' }];
    await bench.page();
    const said = await bench.browser.run(async () => ({ state: lab.by('state').dataset.state, title: lab.by('failure-title').textContent,
      text: lab.by('failure-text').textContent, go: lab.by('go').disabled }));
    equal([said.state, said.title, said.go], ['lost', 'StalePair', true], part);
    holds(said.text.includes(part), `${said.text} names ${part}`);
    await bench.browser.log(); // a refused part is told there, too
  }
});

test('a page that was changed on its way does not start', async (bench) => {
  bench.evil.rules = [{ match: /page\.js$/, kind: 'flip' }];
  await bench.browser.go(bench.evil.url);
  await new Promise((go) => setTimeout(go, 500));
  equal(await bench.browser.run(async () => document.documentElement.dataset.started ?? null), null);
  await bench.browser.log();
});

test('a module of another version refuses itself', async (bench) => {
  const other = moduleOf({ abi_version: [0x41, 0xe3, 0] });
  await bench.page();
  bench.evil.rules = [{ match: /assay-runtime\.wasm/, kind: 'body', body: other }];
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    const e = await w.boot({ modules: { ...lab.modules, simd: { url: `${lab.modules.simd.url}?other` } } });
    const again = lab.outcome(await w.ask('diagnostics'));
    w.close();
    return { name: e.error?.name, told: e.error?.message.includes('version 99'), again };
  });
  equal(said, { name: 'StalePair', told: true, again: 104 });
});

// A module with a memory and functions without parameters: name → the bytes of its body. For fewer than 128 bytes a part.
function moduleOf(functions) {
  const text = (s) => [s.length, ...Buffer.from(s)];
  const section = (id, bytes) => [id, ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]), ...bytes];
  const names = Object.keys(functions);
  const bodies = names.flatMap((name) => [functions[name].length + 2, 0, ...functions[name], 11]);
  return Buffer.from([0, 97, 115, 109, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 0, 1, 0x7f]),
    ...section(3, [names.length, ...names.map(() => 0)]),
    ...section(5, [1, 0, 1]),
    ...section(7, [names.length + 1, ...text('memory'), 2, 0, ...names.flatMap((name, i) => [...text(name), 0, i])]),
    ...section(10, [names.length, ...bodies])]);
}

test('a module that stops on an inner error is one error, and is started anew', async (bench) => {
  await bench.page();
  const [, abi] = /export const ABI = (\d+)/.exec(fs.readFileSync(path.join(root, 'runtime/web/protocol.js'), 'utf8'));
  const trapping = moduleOf({ abi_version: [0x41, Number(abi)], init_runtime: [0x41, 0], get_diagnostics_len: [0x00] });
  bench.evil.rules = [{ match: /assay-runtime\.wasm/, kind: 'body', body: trapping }];
  const said = await bench.browser.run(async () => {
    globalThis.r = new lab.Runtime({ base: lab.base });
    await r.boot();
    return Promise.all([lab.code(r.diagnostics()), lab.code(r.diagnostics())]);
  });
  equal(said, [113, 113]);
  bench.evil.rules = [];
  const after = await bench.browser.run(async () => {
    await r.load(await lab.model());
    const { token_ids } = await r.generate('Once', { maxNewTokens: 3 }).result;
    r.close();
    return token_ids.length;
  });
  equal(after, 3);
});

test('a page of another program finds none of its parts', async (bench) => {
  await bench.page();
  equal(await bench.browser.run(async () => (await fetch(`/web/${'0'.repeat(64)}/worker.js`)).status), 404);
  await bench.browser.log();
});

test('a Worker that dies is one error for each command, then a new one takes its place', async (bench) => {
  await bench.page();
  bench.evil.rules = [{ match: /worker\.js\?/, kind: 'body', body: 'self.onmessage = () => { throw new Error("dying"); };' }];
  const said = await bench.browser.run(async () => {
    // A Worker whose script is another: the client is pointed to it once.
    const Real = globalThis.Worker;
    globalThis.Worker = class extends Real {
      constructor(url, options) {
        super(`${url}?dying`, options);
      }
    };
    const r = new lab.Runtime({ base: lab.base });
    let lost = 0;
    r.addEventListener('lost', () => lost++);
    const codes = await Promise.all([lab.code(r.boot()), lab.code(r.diagnostics()), lab.code(r.reset())]);
    globalThis.Worker = Real;
    await r.load(await lab.model());
    const { token_ids } = await r.generate('Once', { maxNewTokens: 3 }).result;
    r.close();
    return { codes, lost: lost >= 1, n: token_ids.length };
  });
  equal(said, { codes: [112, 112, 112], lost: true, n: 3 });
  await bench.browser.log();
});

test('a reload of the page in the middle of a load starts clean', async (bench) => {
  bench.evil.rules = [{ match: /artifact/, kind: 'slow', ms: 30 }];
  await bench.page();
  await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('loading');
  });
  bench.evil.rules = [];
  await bench.page();
  await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('ready');
  });
});

test('without SIMD the scalar module runs and says so', async (bench) => {
  await bench.page('?simd=off');
  holds((await bench.browser.run(async () => lab.by('state').textContent)).includes('scalar'), 'the state names the scalar module');
});

test('without COOP and COEP the page says that it is not isolated, and works', async (bench) => {
  bench.evil.rules = [{ match: /./, kind: 'headers', without: ['cross-origin-opener-policy', 'cross-origin-embedder-policy'] }];
  await bench.page();
  const said = await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('ready');
    return { isolated: crossOriginIsolated, told: lab.by('bundle').textContent };
  });
  equal(said.isolated, false);
  holds(said.told.includes('not cross-origin isolated'), said.told);
});

test('a server that is gone is told, and the model in memory goes on', async (bench) => {
  await bench.page();
  await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('ready');
  });
  bench.evil.rules = [{ match: /./, kind: 'gone' }];
  const said = await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.until(() => !lab.by('failure').hidden);
    const title = lab.by('failure-title').textContent;
    await lab.shown('ready');
    lab.by('prompt').value = 'Once';
    lab.by('go').click();
    await lab.shown('generating');
    await lab.shown('ready');
    return { title, made: document.querySelector('.entry .made').textContent.length > 0 };
  });
  equal(said, { title: 'FetchFailed', made: true });
  await bench.browser.log();
});
