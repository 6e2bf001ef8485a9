// node wasm.mjs ASSAY BENCH_MAKE MODULE [--llama2c FOLDER] [--rounds N] [--before "chrt -f 1"]
//
// Decode speed in WASM on the 15M shape with random weights, one thread: this module beside the native runtime, and beside
// llama2.c (its source in FOLDER, compiled here with clang, wasi-libc and -O3 -msimd128 -ffast-math). Every program runs in
// a process of its own, all in turn within a round, so that a busy moment meets each of them; medians of the rounds. Both
// modules are compiled by the optimising compiler at once. The native bench warms up, so the second pass of 128 tokens is
// held against it; llama2.c does not, so the first is held against that. Misses exit 1.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TOKENS = 128;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// ---- in a child: one program, one number -----------------------------------------------------------------------------

function ours(module, model) {
  const x = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(module)), {}).exports;
  const file = fs.readFileSync(model);
  x.init_runtime();
  const at = x.alloc(file.length);
  new Uint8Array(x.memory.buffer, at, file.length).set(file);
  const loaded = x.load_model(at, file.length);
  x.dealloc(at, file.length);
  const prompt = x.alloc(1);
  new Uint8Array(x.memory.buffer)[prompt] = 97;
  if (loaded !== 0)
    throw new Error(`load ${loaded}`);
  const pass = () => {
    let code = x.reset_context() || x.begin_generation(prompt, 1);
    const began = performance.now();
    for (let n = 0; n < TOKENS; n++)
      code ||= x.generate_next_token();
    if (code !== 0)
      throw new Error(`error ${code}`);
    return (TOKENS / (performance.now() - began)) * 1000;
  };
  return JSON.stringify([pass(), pass()]);
}

async function llama2c(module, model, tokenizer) {
  const { WASI } = await import('node:wasi');
  const args = ['run', model, '-z', tokenizer, '-t', '0', '-n', String(TOKENS)];
  const wasi = new WASI({ version: 'preview1', args, preopens: { '/': '/' }, returnOnExit: true });
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(module), { wasi_snapshot_preview1: wasi.wasiImport });
  wasi.start(instance); // says "achieved tok/s: N"
}

// ---- the parent ------------------------------------------------------------------------------------------------------

function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'latin1', maxBuffer: 1 << 26 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error ?? `exit ${status}\n${stderr}`}`);
  return stdout + stderr;
}

function measure({ assay, make, module, source, rounds, before }) {
  const room = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-wasm-'));
  const timed = (...words) => run(...[...before, ...words]);
  const child = (...words) => timed(process.execPath, '--no-warnings', '--no-liftoff', '--no-wasm-tier-up', fileURLToPath(import.meta.url), ...words);
  try {
    const file = (name) => path.join(room, name);
    for (const type of ['f32', 'q8_0'])
      run(make, '15M', type, file(type));
    const peer = file('llama2c.wasm');
    if (source !== undefined) {
      run(make, '15M', 'llama2c', file('checkpoint'));
      run('clang-14', '--target=wasm32-wasi', '-O3', '-msimd128', '-ffast-math', '-D_WASI_EMULATED_MMAN', path.join(source, 'run.c'), '-o', peer,
        '-lwasi-emulated-mman', '-Wl,-z,stack-size=1048576', '-Wl,--initial-memory=134217728');
    }
    const got = { native: { f32: [], q8_0: [] }, wasm: { f32: [], q8_0: [] }, fresh: { f32: [], q8_0: [] }, llama2c: [] };
    for (let i = 0; i < rounds; i++) {
      for (const type of ['f32', 'q8_0']) {
        const said = timed(assay, 'bench', file(type), '--json', '--threads', '1', '--rounds', '1', '--tokens', String(TOKENS));
        got.native[type].push(JSON.parse(said).decode.per_second);
        const [fresh, warm] = JSON.parse(child('ours', module, file(type)));
        got.fresh[type].push(fresh);
        got.wasm[type].push(warm);
      }
      if (source !== undefined)
        got.llama2c.push(Number(/achieved tok\/s: ([\d.]+)/.exec(child('llama2c', peer, file('checkpoint'), path.join(source, 'tokenizer.bin')))[1]));
    }
    return got;
  } finally {
    fs.rmSync(room, { recursive: true, force: true });
  }
}

let missed = 0;
function row(what, ours, theirs, limit) {
  const ratio = median(ours) / median(theirs);
  missed += ratio >= limit ? 0 : 1;
  console.log(`${ratio >= limit ? 'ok  ' : 'MISS'}  ${what}: ${median(ours).toFixed(0)} of ${median(theirs).toFixed(0)} tokens/s, ratio ${ratio.toFixed(2)} (wanted ${limit})`);
}

if (process.argv[2] === 'ours') {
  console.log(ours(...process.argv.slice(3)));
} else if (process.argv[2] === 'llama2c') {
  await llama2c(...process.argv.slice(3));
} else {
  const { values, positionals } = parseArgs({ allowPositionals: true,
    options: { llama2c: { type: 'string' }, rounds: { type: 'string', default: '11' }, before: { type: 'string', default: '' } } });
  const [assay, make, module] = positionals;
  const got = measure({ assay, make, module, source: values.llama2c, rounds: Number(values.rounds), before: values.before.split(' ').filter(Boolean) });
  row('15M F32, WASM against native', got.wasm.f32, got.native.f32, 0.65);
  row('15M Q8_0, WASM against native', got.wasm.q8_0, got.native.q8_0, 0.5);
  if (values.llama2c !== undefined) {
    row('15M F32, WASM against llama2.c in WASM', got.fresh.f32, got.llama2c, 1);
    row('15M Q8_0, WASM against llama2.c in WASM in F32', got.fresh.q8_0, got.llama2c, 2);
  }
  process.exit(missed === 0 ? 0 : 1);
}
