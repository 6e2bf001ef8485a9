// What the browser gate has the page do. This text is the body of an async function of `plan`, sent over WebDriver
// and never over HTTP: it judges what came over HTTP. Every answer is text; numbers with decimals are text in it.

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
}

// What each address gives this page.
async function digests() {
  const found = {};
  for (const path of plan.paths)
    found[path] = await fetch(path, { cache: 'no-store' }).then(async (r) => (r.ok ? sha256(await r.arrayBuffer()) : `HTTP ${r.status}`),
      () => 'no answer');
  return found;
}

function until(holds) {
  const end = performance.now() + plan.patience_ms;
  return new Promise((go, lost) => {
    const look = () => {
      if (holds())
        go();
      else if (performance.now() > end)
        lost(new Error(`never came: ${holds}`));
      else
        setTimeout(look, 10);
    };
    look();
  });
}

const element = (id) => document.getElementById(id);
const shown = () => element('state').dataset.state;

// A number as text, as canonical JSON wants it.
const decimal = (x) => (x ?? 0).toFixed(3);

async function generation(runtime, prompt, sampling) {
  const seen = [];
  let end;
  let timings = null;
  try {
    await runtime.configure(sampling);
    const made = runtime.generate(prompt, { maxNewTokens: plan.tokens, digests: true });
    for await (const { token, logits } of made)
      seen.push(`${token}:${logits}`);
    const said = await made.result;
    timings = said.timings;
    end = `stop=${said.stop} code=0`;
  } catch (e) {
    end = `stop=error code=${e.code}`;
  }
  return { line: [...seen, end].join(' '), count: seen.length, timings };
}

const code = (promise) => promise.then(() => 0, (e) => e.code ?? -1);

// Aborted right after it began; a model that is done before that is asked again.
async function cancelled(runtime) {
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const made = runtime.generate(plan.prompts[0], { maxNewTokens: 512, signal: abort.signal });
    setTimeout(() => abort.abort(), 0);
    if (await code(made.result) === 15)
      return true;
  }
  return false;
}

async function protocol(Runtime, simd) {
  const said = { errors: [] };
  const expect = (name, holds) => holds || said.errors.push(name);
  const base = `/web/${plan.bundle}/`;
  const runtime = new Runtime({ base, simd });
  const model = { url: `/artifact/${plan.sha256}`, sha256: plan.sha256, bytes: plan.bytes };
  const greedy = { temperature: 0, top_k: 1, top_p: 1, seed: 1 };
  const drawn = { temperature: 0.8, top_k: 40, top_p: 0.9, seed: '81985529216486895' };
  said.module = (await runtime.boot()).module;
  expect('generate-before-load', await code(runtime.generate('a').result) === 12);
  expect('refuse-other-bytes', await code(runtime.load({ ...model, sha256: '0'.repeat(64) })) === 108);
  let heard = 0;
  const loaded = await runtime.load(model, { progress: () => heard++ });
  expect('progress', heard > 0);
  said.load_ms = decimal(loaded.load_ms);
  said.lines = [];
  let best = null;
  for (const sampling of [greedy, drawn])
    for (const prompt of plan.prompts) {
      const made = await generation(runtime, prompt, sampling);
      said.lines.push(made.line);
      if (made.timings !== null && (best === null || made.count > best.count))
        best = made;
    }
  said.first_token_ms = best ? decimal(best.timings.first_token_ms) : '';
  said.tokens_per_second = best ? decimal(best.timings.tokens_per_second) : '';
  said.peak_bytes = (await runtime.diagnostics()).peak_memory_bytes;
  const again = async () => (await generation(runtime, plan.prompts[0], greedy)).line === said.lines[0];
  expect('cancel', await cancelled(runtime));
  expect('after-cancel', await again());
  expect('keep-model-after-failed-load', await code(runtime.load({ ...model, sha256: 'f'.repeat(64) })) === 108 && await again());
  await runtime.reset();
  expect('reset', (await runtime.diagnostics()).kv_length === 0 && await again());
  await runtime.free();
  expect('free', (await runtime.diagnostics()).model_loaded === false);
  expect('generate-after-free', await code(runtime.generate('a').result) === 12);
  await runtime.load(model);
  expect('reload', await again());
  const diagnostics = await runtime.diagnostics();
  expect('identity', diagnostics.identity.sha256 === plan.sha256);
  said.foreign = diagnostics.foreign_requests;
  runtime.close();
  return said;
}

// A person's way through the page, for the picture.
async function walk() {
  element('load').click();
  await until(() => shown() === 'ready' || !element('failure').hidden);
  element('prompt').value = plan.prompts[0];
  element('tokens').value = String(Math.min(plan.tokens, 64));
  element('go').click();
  await until(() => shown() === 'ready' || !element('failure').hidden);
}

async function everything() {
  const said = { interactive_ms: globalThis.assay.interactive === null ? '' : decimal(globalThis.assay.interactive) };
  said.isolated = self.crossOriginIsolated && new SharedArrayBuffer(8).byteLength === 8;
  const page = await fetch('/', { cache: 'no-store' });
  said.policy = page.headers.get('content-security-policy') ?? '';
  said.shown = element('failure').hidden ? '' : element('failure-text').textContent;
  const Runtime = globalThis.assay.runtime.constructor;
  said.runs = [await protocol(Runtime, true), await protocol(Runtime, false)];
  await walk();
  said.walked = element('failure').hidden;
  said.foreign = performance.getEntriesByType('resource').filter((r) => new URL(r.name).origin !== location.origin).length;
  return said;
}

if (plan.step === 'digests')
  return JSON.stringify(await digests());
await until(() => document.documentElement.dataset.started !== undefined);
return JSON.stringify(await everything());
