// node hash.mjs MODULE: its SHA-256 is that of node's, for every length up to four blocks and every place where a message
// can be parted, for two messages at a time, and for one that comes in pieces of all sizes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';

const x = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[2])), {}).exports;
const SIZE = 1 << 20;
const at = x.alloc(SIZE);
const bytes = () => new Uint8Array(x.memory.buffer, at, SIZE);
for (let i = 0, seed = 1; i < SIZE; i++, seed = (Math.imul(seed, 1103515245) + 12345) | 0)
  bytes()[i] = seed >>> 16;

const finish = (hash) => {
  const digest = Buffer.from(new Uint8Array(x.memory.buffer, x.hash_end(hash), 32)).toString('hex');
  x.hash_free(hash);
  return digest;
};
const wanted = (from, n) => createHash('sha256').update(bytes().subarray(from, from + n)).digest('hex');

for (let n = 0; n <= 256; n++)
  for (let cut = 0; cut <= n; cut += n > 130 ? 7 : 1) {
    const hash = x.hash_begin();
    const other = x.hash_begin();
    x.hash_add(hash, at, cut);
    x.hash_add(other, at + 1, n);
    x.hash_add(hash, at + cut, n - cut);
    assert.equal(finish(hash), wanted(0, n), `${n} bytes parted at ${cut}`);
    assert.equal(finish(other), wanted(1, n), `${n} bytes beside others`);
  }
const hash = x.hash_begin();
let done = 0;
for (let n = 1; done < SIZE; done += n, n = (n * 3) % 4099)
  x.hash_add(hash, at + done, Math.min(n, SIZE - done));
assert.equal(finish(hash), wanted(0, SIZE));
