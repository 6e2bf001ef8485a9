// node run.mjs [--all]: every test of tests/web in a real Chromium; 77 without one.
import { Bench, runAll } from './bench.mjs';
import './protocol.mjs';
import './failures.mjs';
import './page.mjs';

const bench = await Bench.start();
bench.all = process.argv.includes('--all');
let failed = 1;
try {
  failed = await runAll(bench);
} finally {
  await bench.stop();
}
process.exit(failed === 0 ? 0 : 1);
