// The bench that browser tests stand on: a store with promoted models, its server, an evil proxy before it, a browser.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Browser, haveBrowser, serve } from './driver.mjs';
import { Evil } from './evil.mjs';
import { lab } from './lab.mjs';

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const assay = path.resolve(process.env.ASSAY_BINARY ?? path.join(root, 'build/dev/assay'));

export function run(env, ...words) {
  const { status, stdout, stderr } = spawnSync(assay, words, { env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (status !== 0)
    throw new Error(`assay ${words.join(' ')}: exit ${status}\n${stdout}${stderr}`);
  return stdout;
}

// A store in which each of the models ({file, name, version}) holds preview.
export function store(models) {
  const room = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-web-'));
  const env = { ASSAY_STORE: path.join(room, 'store'), ASSAY_KEYS: path.join(room, 'keys') };
  run(env, 'init', '--no-passphrase');
  for (const { file, name, version } of models) {
    run(env, 'add', file, '--name', name, '--version', version, '--license', 'CC0-1.0');
    run(env, 'gate', `${name}@${version}`);
    run(env, 'promote', `${name}@${version}`, '--to', 'preview');
  }
  return { env, room, remove: () => fs.rmSync(room, { recursive: true, force: true }) };
}

export const tinyworld = { file: path.join(root, 'testdata/tinyworld/tinyworld-1.1.slm'), name: 'tinyworld', version: '1.1' };
export const older = { file: path.join(root, 'testdata/tinyworld/tinyworld-1.0.slm'), name: 'elder', version: '1.0' };

export class Bench {
  static async start(models = [tinyworld, older], how = {}) {
    if (!haveBrowser())
      process.exit(77);
    const bench = new Bench();
    bench.store = store(models);
    bench.server = await serve(assay, bench.store.env);
    bench.evil = await Evil.start(bench.server.url);
    bench.browser = await Browser.start(how);
    return bench;
  }

  // A fresh page with the lab in it.
  async page(where = '', url = this.evil.url) {
    await this.browser.go(url + where);
    await this.browser.until(async () => document.documentElement.dataset.started !== undefined);
    await this.browser.run(`async () => { (${lab})(); }`);
  }

  async stop() {
    await this.browser?.stop();
    this.evil?.stop();
    this.server?.child.kill();
    this.store?.remove();
  }
}

// Tests with names that are sentences; all run, the exit code tells.
const tests = [];
export function test(name, body) {
  tests.push({ name, body });
}

export async function runAll(bench) {
  let failed = 0;
  for (const { name, body } of tests) {
    bench.evil.rules = [];
    bench.evil.asked = [];
    try {
      await body(bench);
      console.log(`ok    ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAIL  ${name}\n      ${String(e.stack ?? e).split('\n').slice(0, 4).join('\n      ')}`);
    }
  }
  console.log(`${tests.length} tests, ${failed} failed`);
  return failed;
}

// chromedriver sorts members on their way.
function sorted(key, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function equal(got, want, what = '') {
  const [a, b] = [JSON.stringify(got, sorted), JSON.stringify(want, sorted)];
  if (a !== b)
    throw new Error(`${what}: got ${a}, wanted ${b}`);
}

export function holds(value, what) {
  if (!value)
    throw new Error(`does not hold: ${what}`);
}
