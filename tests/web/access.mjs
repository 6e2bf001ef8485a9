// node access.mjs AXE: axe-core over the page in its states, light and dark, wide and narrow; nothing serious may be found.
import fs from 'node:fs';
import { Bench } from './bench.mjs';

const axe = fs.readFileSync(process.argv[2], 'utf8');
const bench = await Bench.start();
let serious = 0;

async function check(what) {
  await bench.browser.run(`async () => { ${axe} ; globalThis.axe = axe; }`);
  const found = await bench.browser.run(async () => (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations
    .map(({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.map((n) => n.target.join(' ')).slice(0, 3) })));
  for (const { id, impact, help, where } of found)
    console.log(`  ${what}: ${impact}: ${id}: ${help} (${where.join(', ')})`);
  serious += found.filter(({ impact }) => impact === 'serious' || impact === 'critical').length;
  console.log(`${what}: ${found.length} found`);
}

try {
  for (const scheme of ['light', 'dark']) {
    await bench.browser.cdp('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    for (const [width, mobile] of [[1280, false], [390, true]]) {
      await bench.browser.cdp('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile });
      await bench.page();
      await check(`${scheme} ${width} idle`);
      await bench.browser.run(async () => {
        for (const details of document.querySelectorAll('details'))
          details.open = true;
        lab.by('load').click();
        await lab.shown('ready');
        lab.by('prompt').value = 'Mia';
        lab.by('go').click();
        await lab.shown('generating');
        await lab.shown('ready');
        lab.by('prompt').value = 'Mia '.repeat(400);
        lab.by('go').click();
        await lab.until(() => !lab.by('failure').hidden);
      });
      await check(`${scheme} ${width} after a failure, all open`);
    }
  }
} finally {
  await bench.stop();
}
console.log(`${serious} serious`);
process.exit(serious === 0 ? 0 : 1);
