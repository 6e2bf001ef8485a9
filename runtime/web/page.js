// The page: three planes (transcript, context, residency), each with its own control; none touches another.

import { advice } from './advice.js';
import { Runtime } from './client.js';
import { by, make, saveAs, size } from './dom.js';
import { fileName, incidentOf, keep } from './incident.js';
import { list, obstacle, show, showIdentity } from './models.js';
import { AssayError, CANCELLED } from './protocol.js';

const SEED_MAX = 0xffffffffffffffffn;

const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
const base = meta('assay-base');
const bundle = base.split('/')[2];
const integrity = Object.fromEntries(meta('assay-integrity').trim().split(/\s+/).map((pair) => pair.split(/=(.*)/s, 2)));
const query = new URLSearchParams(location.search);
const runtime = new Runtime({ base, integrity, simd: query.get('simd') === 'off' ? false : undefined });

let chosen = null; // a model of the list
let resident = null; // the model in memory
let work = null; // AbortController of what runs
let doing = 'starting'; // starting | idle | ready | loading | generating | lost
let context = { used: 0, size: 0 };
let entries = 0;
let incident = null; // the last one
let module = '';

// ---- what is shown follows from what is

function settle(now = resident !== null ? 'ready' : 'idle') {
  doing = now;
  const busy = doing === 'loading' || doing === 'generating';
  const labels = { starting: 'starting', idle: 'no model loaded', ready: 'ready', loading: 'loading', generating: 'generating', lost: 'restarting' };
  by('state').textContent = labels[doing] + (module && !busy ? ` · ${module}` : '');
  by('state').dataset.state = doing;
  by('load').disabled = chosen === null || obstacle(chosen) !== null || doing === 'generating' || doing === 'starting';
  by('load').textContent = doing === 'loading' ? 'Load this instead' : 'Load model';
  by('unload').hidden = doing !== 'loading';
  by('loading').hidden = doing !== 'loading';
  by('go').disabled = busy || resident === null;
  by('more').disabled = busy || resident === null || context.used === 0;
  by('stop').disabled = doing !== 'generating';
  by('clear').disabled = entries === 0 || doing === 'generating';
  by('reset').disabled = busy || resident === null || context.used === 0;
  by('free').disabled = busy || resident === null;
  by('transcript-state').textContent = entries === 0 ? 'empty' : entries === 1 ? '1 entry' : `${entries} entries`;
  by('context-state').textContent = resident === null ? 'none' : `${context.used} of ${context.size} tokens`;
  by('context-meter').value = context.size > 0 ? context.used / context.size : 0;
  by('model-state').textContent = resident === null ? 'none' : `${resident.name} ${resident.version}, ${size(resident.bytes)}`;
}

async function diagnose() {
  const { v, id, type, ...said } = await runtime.diagnostics();
  context = { used: said.kv_length ?? 0, size: resident?.context ?? 0 };
  by('diagnostics').textContent = JSON.stringify(said, null, 2);
  return said;
}

// ---- failures: an incident is taken before anything is reset

async function fail(command, error, began, prompt = null) {
  if (!(error instanceof AssayError))
    error = new AssayError(113, 'Trapped', String(error?.message ?? error));
  if (error.code === CANCELLED)
    return;
  incident = await incidentOf({
    command, error, model: command === 'load-model' ? chosen : resident ?? chosen, bundle, prompt,
    sampling: { ...sampling(), max_new_tokens: Number(by('tokens').value) },
    policy: by('prompt-policy').value, elapsed: performance.now() - began,
  }, runtime);
  keep(incident);
  saveAs(fileName(incident), JSON.stringify(incident, null, 2));
  by('failure-title').textContent = error.name;
  by('failure-place').textContent = `${error.stage ? `${error.stage} · ` : ''}code ${error.code}`;
  by('failure-text').textContent = error.message;
  by('failure-saved').textContent = `${fileName(incident)} was saved. ${advice(error, resident !== null, context.used)}`;
  by('failure').hidden = false;
}

runtime.addEventListener('lost', () => {
  resident = null;
  context = { used: 0, size: 0 };
  module = '';
  settle('lost');
});

// ---- residency

async function load() {
  const model = chosen;
  const mine = new AbortController();
  const began = performance.now();
  work = mine;
  settle('loading');
  by('progress').value = 0;
  by('progress-text').textContent = `0 of ${size(model.bytes)}`;
  try {
    await runtime.load({ url: `/artifact/${model.sha256}`, sha256: model.sha256, bytes: model.bytes }, {
      signal: mine.signal,
      progress: (received, total) => {
        if (work !== mine)
          return;
        by('progress').value = received / total;
        by('progress-text').textContent = `${size(received)} of ${size(total)}, hashed as it comes`;
      },
    });
    resident = model;
  } catch (e) {
    await fail('load-model', e, began);
  }
  if (work === mine)
    await rest();
}

async function rest() {
  work = null;
  try {
    module = (await diagnose()).module;
    settle();
  } catch (e) {
    await fail('diagnostics', e, performance.now());
    settle('lost');
  }
}

async function free() {
  if (await perform('free-model', () => runtime.free()))
    resident = null;
  await rest();
}

async function perform(command, action) {
  const began = performance.now();
  try {
    await action();
    return true;
  } catch (e) {
    await fail(command, e, began);
    return false;
  }
}

// ---- transcript and context

function sampling() {
  const number = (id) => Number(by(id).value);
  return { temperature: number('temperature'), top_k: number('top-k'), top_p: number('top-p'), seed: by('seed').value.trim().slice(0, 30) };
}

function open(prompt) {
  by('empty').hidden = true;
  const entry = make('article', 'entry open');
  const text = make('p', 'text');
  const made = make('span', 'made');
  const about = make('p', 'meta quiet mono');
  text.append(make('span', 'given', prompt), made);
  entry.append(text, about);
  by('transcript').append(entry);
  entries++;
  return { entry, made, about };
}

async function generate(continues) {
  const prompt = continues ? '' : by('prompt').value;
  const place = open(prompt);
  const mine = new AbortController();
  const began = performance.now();
  let count = 0;
  work = mine;
  settle('generating');
  by('failure').hidden = true;
  try {
    await runtime.configure(sampling());
    const generation = runtime.generate(prompt, { continues, maxNewTokens: Number(by('tokens').value), signal: mine.signal });
    let shown = 0;
    let waiting = '';
    for await (const { text } of generation) {
      count++;
      waiting += text;
      // What comes within one frame is shown together.
      if (performance.now() - shown < 16)
        continue;
      shown = performance.now();
      place.made.append(waiting);
      waiting = '';
      by('pace').textContent = `${count} tokens`;
      by('transcript').scrollTop = by('transcript').scrollHeight;
    }
    place.made.append(waiting);
    const { stop, timings } = await generation.result;
    place.about.textContent = `${count} tokens · ${stop} · ${timings.tokens_per_second.toFixed(0)} tokens/s · first after ${(timings.first_token_ms ?? 0).toFixed(1)} ms`;
  } catch (e) {
    place.about.textContent = e.code === CANCELLED ? `stopped after ${count} tokens` : `${e.name} after ${count} tokens`;
    await fail('generate', e, began, prompt);
  }
  place.entry.classList.remove('open');
  by('pace').textContent = '';
  by('transcript').scrollTop = by('transcript').scrollHeight;
  if (work === mine)
    await rest();
}

// ---- controls

by('load').addEventListener('click', load);
by('unload').addEventListener('click', () => work?.abort());
by('stop').addEventListener('click', () => work?.abort());
by('more').addEventListener('click', () => generate(true));
by('free').addEventListener('click', free);
by('ask').addEventListener('submit', (e) => {
  e.preventDefault();
  if (!by('go').disabled)
    generate(false);
});
// A setting that will not do is shown: what is folded away cannot be.
by('ask').addEventListener('invalid', () => {
  by('settings').open = true;
}, true);
by('seed').addEventListener('input', () => {
  const tooGreat = /^[0-9]{20}$/.test(by('seed').value) && BigInt(by('seed').value) > SEED_MAX;
  by('seed').setCustomValidity(tooGreat ? `at most ${SEED_MAX}` : '');
});
by('prompt').addEventListener('keydown', (e) => {
  if (e.key === 'Enter' && (e.ctrlKey || e.metaKey))
    by('ask').requestSubmit();
});
document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape' && doing === 'generating')
    work?.abort();
});
by('clear').addEventListener('click', () => {
  by('transcript').replaceChildren(by('empty'));
  by('empty').hidden = false;
  entries = 0;
  settle(doing);
});
by('reset').addEventListener('click', async () => {
  await perform('reset-context', () => runtime.reset());
  await rest();
});
by('refresh').addEventListener('click', () => perform('diagnostics', diagnose));
by('diagnosis').addEventListener('toggle', () => by('diagnosis').open && perform('diagnostics', diagnose));
by('save').addEventListener('click', () => saveAs('assay-diagnostics.json', by('diagnostics').textContent));
by('failure-save').addEventListener('click', () => saveAs(fileName(incident), JSON.stringify(incident, null, 2)));
by('failure-close').addEventListener('click', () => {
  by('failure').hidden = true;
});

async function choices() {
  show(await list(), (model) => {
    chosen = model;
    showIdentity(model);
    settle(doing);
  });
  document.querySelector('#models input')?.click();
}

by('bundle').textContent = `page and runtime ${bundle.slice(0, 16)} · ${self.crossOriginIsolated ? 'cross-origin isolated' : 'not cross-origin isolated: the server sends no COOP and COEP'}`;
// The controls answer once the list is there; the runtime is booted beside it, and loading waits for it.
const began = performance.now();
const booting = runtime.boot().then((said) => {
  module = said.module;
});
booting.catch(() => {}); // told below
let interactive = null;
try {
  await choices();
  interactive = performance.now();
  settle();
  await booting;
  settle(doing);
} catch (e) {
  await fail('boot', e, began);
  settle('lost');
}
document.documentElement.dataset.started = 'yes';
globalThis.assay = { runtime, bundle, interactive, booted: performance.now() };
