// node shots.mjs FOLDER: the page in each of its states, as pictures for docs/.
import path from 'node:path';
import { Bench } from './bench.mjs';

const folder = process.argv[2];
const bench = await Bench.start(undefined, { width: 1280, height: 940 });
const shot = (name) => bench.browser.shot(path.join(folder, `page-${name}.png`));
const generate = async (text) => {
  lab.by('prompt').value = text;
  lab.by('go').click();
  await lab.shown('generating');
  await lab.shown('ready');
};
const media = (scheme) => bench.browser.cdp('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
const STORY = 'Anna has a red key. She puts the key in the basket. Ben looks for the key. The key is';
try {
  await bench.page();
  await bench.browser.run(async () => {
    lab.by('identity').querySelector('details').open = true;
  });
  await shot('idle');
  bench.evil.rules = [{ match: /artifact/, kind: 'slow', ms: 60 }];
  await bench.browser.run(async () => {
    document.querySelectorAll('#models input')[1].click();
    lab.by('load').click();
    await lab.until(() => lab.by('progress').value > 0.4);
  });
  await shot('loading');
  bench.evil.rules = [];
  await bench.browser.run(async () => lab.shown('ready'));
  await bench.browser.run(generate, STORY);
  // One caught in the middle: another Worker whose turns take long, so that the picture does not come too late.
  bench.evil.rules = [{ match: /turn\.js/, after: 1, kind: 'body', body: 'export const turn = () => new Promise((go) => setTimeout(go, 60));' }];
  await bench.browser.run(async () => {
    globalThis.assay.runtime.close();
    lab.by('load').click();
    await lab.shown('ready');
    lab.by('tokens').value = '512';
    lab.by('temperature').value = '0.8';
    lab.by('prompt').value = 'Mia';
    lab.by('settings').open = true;
    lab.by('go').click();
    await lab.until(() => document.querySelectorAll('.entry')[1]?.textContent.length > 40);
  });
  await shot('generating');
  bench.evil.rules = [];
  await bench.browser.run(async () => {
    lab.by('stop').click();
    await lab.shown('ready');
    lab.by('settings').open = false;
    lab.by('prompt').value = 'Anna has a red key. '.repeat(60);
    lab.by('go').click();
    await lab.until(() => !lab.by('failure').hidden);
  });
  await shot('error');
  await bench.browser.run(async () => {
    lab.by('failure-close').click();
    lab.by('diagnosis').open = true;
    await lab.wait(200);
    lab.by('diagnosis').scrollIntoView({ block: 'end' });
  });
  await shot('diagnostics');
  await bench.page();
  await media('dark');
  await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('ready');
  });
  await bench.browser.run(generate, STORY);
  await shot('dark');
  await media('light');
  await bench.browser.cdp('Emulation.setDeviceMetricsOverride', { width: 390, height: 844, deviceScaleFactor: 1, mobile: true });
  await bench.page();
  await bench.browser.run(async () => {
    lab.by('load').click();
    await lab.shown('ready');
  });
  await bench.browser.run(generate, STORY);
  await bench.browser.run(async () => document.querySelector('main').scrollIntoView());
  await shot('mobile');
} finally {
  await bench.stop();
}
