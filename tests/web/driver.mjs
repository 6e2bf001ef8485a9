// A little WebDriver: starts chromedriver and one headless Chromium, and talks to them over plain HTTP.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const DRIVER = process.env.ASSAY_CHROMEDRIVER ?? '/usr/bin/chromedriver';
const BROWSER = process.env.ASSAY_BROWSER ?? '/usr/bin/chromium';

export function haveBrowser() {
  return fs.existsSync(DRIVER) && fs.existsSync(BROWSER);
}

// The first line of a child's output that matches.
function firstLine(child, pattern) {
  return new Promise((found, lost) => {
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
      const match = pattern.exec(text);
      if (match)
        found(match);
    });
    child.on('exit', (code) => lost(new Error(`ended with ${code} before it said anything`)));
  });
}

// Starts `assay serve` on a free port: {url, child}.
export async function serve(assay, env) {
  const child = spawn(assay, ['serve', '--port', '0', '--json'], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await firstLine(child, /\{.*\}\n/);
  return { child, ...JSON.parse(line) };
}

export class Browser {
  static async start({ args = [], width = 1280, height = 860 } = {}) {
    const browser = new Browser();
    browser.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-test-browser-'));
    browser.driver = spawn(DRIVER, ['--port=0'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [, port] = await firstLine(browser.driver, /successfully on port (\d+)/);
    browser.base = `http://127.0.0.1:${port}`;
    const options = {
      binary: BROWSER,
      args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
        `--window-size=${width},${height}`, '--hide-scrollbars', `--user-data-dir=${browser.profile}`, ...args],
      prefs: { 'download.default_directory': browser.profile, 'profile.default_content_setting_values.automatic_downloads': 1 },
    };
    const { sessionId, capabilities } = await browser.call('POST', '/session', {
      capabilities: { alwaysMatch: { 'browserName': 'chrome', 'goog:loggingPrefs': { browser: 'ALL' }, 'goog:chromeOptions': options } },
    });
    browser.session = `/session/${sessionId}`;
    browser.version = capabilities.browserVersion;
    await browser.post('/timeouts', { script: 120000, pageLoad: 30000 });
    return browser;
  }

  async call(method, where, body) {
    const response = await fetch(this.base + where, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok)
      throw new Error(`${where}: ${value.error}: ${value.message.split('\n')[0]}`);
    return value;
  }

  post(where, body = {}) {
    return this.call('POST', this.session + where, body);
  }

  go(url) {
    return this.post('/url', { url });
  }

  // Ids of the browser's processes of a type.
  processes(type) {
    const stat = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) . /s, '').split(' ');
    const parents = new Map();
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      try {
        parents.set(Number(pid), Number(stat(pid)[0]));
      } catch {} // gone meanwhile
    const ours = (pid) => pid === this.driver.pid || (pid > 1 && ours(parents.get(pid) ?? 0));
    return [...parents.keys()].filter((pid) => ours(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`--type=${type}`));
  }

  // Runs an async function in the page; arguments and result travel as JSON.
  async run(f, ...args) {
    const script = `const done = arguments[arguments.length - 1];
      (${f})(...Array.from(arguments).slice(0, -1)).then((value) => done({ value }), (e) => done({ error: String(e?.stack ?? e) }));`;
    const { value, error } = await this.post('/execute/async', { script, args });
    if (error !== undefined)
      throw new Error(error);
    return value;
  }

  // Until f, run in the page, gives something true.
  async until(f, ...args) {
    const end = Date.now() + 20000;
    for (;;) {
      const value = await this.run(f, ...args);
      if (value)
        return value;
      if (Date.now() > end)
        throw new Error(`never came true: ${f}`);
      await new Promise((go) => setTimeout(go, 50));
    }
  }

  async shot(file) {
    const png = await this.call('GET', `${this.session}/screenshot`);
    fs.writeFileSync(file, Buffer.from(png, 'base64'));
  }

  cdp(cmd, params = {}) {
    return this.post('/goog/cdp/execute', { cmd, params });
  }

  log() {
    return this.post('/se/log', { type: 'browser' });
  }

  async stop() {
    if (this.session)
      await this.call('DELETE', this.session).catch(() => {});
    const ended = new Promise((go) => this.driver.once('exit', go));
    if (this.driver.exitCode === null && this.driver.kill())
      await ended;
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
