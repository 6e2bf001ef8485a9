// node equal.mjs LINES COUNT: in Chromium, with both modules, every model of testdata (and of $ASSAY_CORPUS) says to the
// same prompts what the native runtime (the program LINES) says: token ids and the bits of every logit. COUNT seeded
// prompts for one model of each kind, eight for the others.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Bench, root } from './bench.mjs';

const [, , lines, count] = process.argv;
const TOKENS = 12;
const BATCH = 50; // prompts

// SplitMix64, so that the prompts are the same on every machine.
let seed = 0x5eedn;
function random(below) {
  seed = (seed + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
  let z = seed;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
  return Number((z ^ (z >> 31n)) % BigInt(below));
}

const WORDS = ['Anna', 'Mia', 'the', 'red', 'key', 'Once', 'upon', 'a', 'time', 'she', 'puts', '3', 'apples.', 'now', '東京', 'né', '🙂', '"', '<b>', '\\',
  'basket', 'and', 'has', 'Ben', 'looks', 'for', '\t', 'shell', ',', 'İ'];
const prompt = () => Array.from({ length: random(9) }, () => WORDS[random(WORDS.length)]).join(random(5) === 0 ? '' : ' ');

const files = (folder, all) => (fs.existsSync(folder) ? fs.readdirSync(folder).filter((f) => /\.(slm|gguf)$/.test(f)).map((f) => ({ file: path.join(folder, f), all })) : []);
const corpus = process.env.ASSAY_CORPUS;
const models = [
  ...files(path.join(root, 'testdata/models'), false),
  ...files(path.join(root, 'testdata/tinyworld'), false),
  ...(corpus ? [...files(path.join(corpus, 'gguf'), false), ...files(path.join(corpus, 'synth'), false)] : []),
];
// One of each kind gets all prompts.
for (const name of ['tinyworld-1.1.slm', 'tiny-q4_0-bpe.slm', 'stories260K-q8_0.gguf'])
  for (const model of models)
    model.all ||= model.file.endsWith(name);

// The page's lines, in native's order. A batch at a time: no script of a driver may take long.
async function said(model, simd, prompts) {
  const lines = [];
  await bench.browser.run(async (text, simd) => {
    const runtime = (globalThis.theirs = new lab.Runtime({ base: lab.base, simd }));
    const bytes = lab.fromBase64(text);
    await runtime.load({ buffer: bytes.buffer, sha256: await lab.sha256(bytes), bytes: bytes.length });
  }, model, simd);
  for (const how of [{ temperature: 0, top_k: 1, top_p: 1, seed: 1 }, { temperature: 0.8, top_k: 40, top_p: 0.9, seed: '81985529216486895' }])
    for (let i = 0; i < prompts.length; i += BATCH)
      lines.push(...await bench.browser.run(async (how, first, prompts, tokens) => {
        const runtime = globalThis.theirs;
        const lines = [];
        if (first)
          await runtime.configure(how);
        for (const prompt of prompts) {
          const line = [];
          try {
            const made = runtime.generate(prompt, { maxNewTokens: tokens, digests: true });
            for await (const { token, logits } of made)
              line.push(`${token}:${logits}`);
            line.push(`stop=${(await made.result).stop} code=0`);
          } catch (e) {
            line.push(`stop=error code=${e.code}`);
          }
          lines.push(line.join(' '));
        }
        return lines;
      }, how, i === 0, prompts.slice(i, i + BATCH), TOKENS));
  await bench.browser.run(async () => globalThis.theirs.close());
  return lines;
}

const bench = await Bench.start();
let compared = 0;
let different = 0;
try {
  for (const { file, all } of models) {
    const prompts = Array.from({ length: all ? Number(count) : 8 }, prompt);
    const native = spawnSync(lines, [String(TOKENS), file], { input: prompts.join('\n') + '\n', encoding: 'utf8', maxBuffer: 1 << 28 });
    if (native.status !== 0) {
      console.log(`      ${path.basename(file)}: ${native.stderr.trim()}`);
      continue;
    }
    const want = native.stdout.trim().split('\n');
    for (const simd of [true, false]) {
      await bench.page();
      const got = await said(fs.readFileSync(file).toString('base64'), simd, prompts);
      const bad = want.filter((line, i) => line !== got[i]).length + Math.abs(want.length - got.length);
      compared += want.length;
      different += bad;
      console.log(`${bad === 0 ? 'ok  ' : 'FAIL'}  ${path.basename(file)} ${simd ? 'simd' : 'scalar'}: ${want.length} generations, ${bad} different`);
    }
  }
} finally {
  await bench.stop();
}
console.log(`${compared} generations compared, ${different} different`);
process.exit(different === 0 && compared > 0 ? 0 : 1);
