// node http.mjs COUNT: COUNT malformed requests, clients that drip and clients that do not read, 64 at once; after all of it
// `assay serve` answers as before, holds no more memory and no more descriptors. Prints what it saw.
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { serve } from './driver.mjs';
import { assay, equal, holds, store, tinyworld } from './bench.mjs';

const count = Number(process.argv[2] ?? 500);
const room = store([tinyworld]);
const server = await serve(assay, room.env);
const port = server.port;
const { models: [model] } = await (await fetch(`${server.url}models.json`)).json();

// A stream of bytes that is the same each time.
let block = crypto.createHash('sha256').update('http').digest();
function random(below) {
  block = crypto.createHash('sha256').update(block).digest();
  return block.readUInt32LE(0) % below;
}

// Sends bytes, gives the status line of what comes back ("" when the other side only closes).
function send(bytes, patience = 4000) {
  return new Promise((go) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    let said = '';
    const end = () => {
      socket.destroy();
      go(said.split('\r\n')[0]);
    };
    socket.setTimeout(patience, end);
    socket.on('data', (part) => {
      said += part.toString('latin1');
      if (said.includes('\r\n\r\n'))
        end();
    });
    socket.on('error', end);
    socket.on('close', end);
    socket.on('end', end);
  });
}

const host = `Host: 127.0.0.1:${port}\r\n`;
const good = `GET /models.json HTTP/1.1\r\n${host}\r\n`;
const big = `/artifact/${model.sha256}`;

// What is wrong, by hand; each must not be answered with 200.
const BAD = [
  'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: evil\r\n\r\n', `GET / HTTP/1.1\r\n${host}${host}\r\n`, `GET / HTTP/1.1\r\nHost: LOCALHOST:${port}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: localhost.:${port}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: 127.1:${port}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: 0.0.0.0:${port}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n`, `GET / HTTP/1.1\r\nHost: \r\n\r\n`, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}@evil\r\n\r\n`,
  `GET http://evil.example/ HTTP/1.1\r\n${host}\r\n`, `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: evil\r\n\r\n`, `CONNECT evil:443 HTTP/1.1\r\n${host}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`, `TRACE / HTTP/1.1\r\n${host}\r\n`, `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, `PUT / HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`,
  `DELETE / HTTP/1.1\r\n${host}\r\n`, `get / HTTP/1.1\r\n${host}\r\n`, `GET / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nabcde`, `GET / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
  `GET / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`, `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
  `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc`,
  `GET / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n`, `GET / HTTP/9.9\r\n${host}\r\n`, `GET / HTTP/2.0\r\n${host}\r\n`, `GET /\r\n\r\n`, `GET\r\n\r\n`,
  `\r\n\r\n\r\n`, `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', `GET /../../etc/passwd HTTP/1.1\r\n${host}\r\n`,
  `GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${host}\r\n`, `GET /web/../store/ledger HTTP/1.1\r\n${host}\r\n`, `GET //etc/passwd HTTP/1.1\r\n${host}\r\n`,
  `GET /artifact/${'0'.repeat(64)} HTTP/1.1\r\n${host}\r\n`, `GET /artifact/${model.sha256}x HTTP/1.1\r\n${host}\r\n`, `GET /artifact/${model.sha256.toUpperCase()} HTTP/1.1\r\n${host}\r\n`,
  `GET /artifact/ HTTP/1.1\r\n${host}\r\n`, `GET /web/ HTTP/1.1\r\n${host}\r\n`, `GET /web/${'0'.repeat(64)}/page.js HTTP/1.1\r\n${host}\r\n`, `GET ${big} HTTP/1.1\r\n${host}Range: bytes=99999999-\r\n\r\n`,
  `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${host}\r\n`, `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20000)}\r\n\r\n`, `GET / HTTP/1.1\r\n${host}${'A: b\r\n'.repeat(200)}\r\n`,
  `GET /favicon.ico HTTP/1.1\r\n${host}\r\n`, `GET /.git/config HTTP/1.1\r\n${host}\r\n`,
];

function mangled() {
  const bytes = Buffer.from(random(2) ? good : BAD[random(BAD.length)], 'latin1');
  const out = Buffer.from(bytes);
  for (let n = 1 + random(6); n > 0; n--)
    out[random(out.length)] = random(256);
  const cut = random(4) === 0 ? out.subarray(0, random(out.length)) : out;
  return Buffer.concat([cut, Buffer.from('\r\n\r\n')]);
}

function facts() {
  const status = fs.readFileSync(`/proc/${server.child.pid}/status`, 'latin1');
  return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024, fds: fs.readdirSync(`/proc/${server.child.pid}/fd`).length };
}

async function healthy() {
  const began = performance.now();
  const response = await fetch(server.url + big.slice(1));
  const bytes = Buffer.from(await response.arrayBuffer());
  equal(crypto.createHash('sha256').update(bytes).digest('hex'), model.sha256, 'the model as it was promoted');
  return performance.now() - began;
}

async function pool(width, total, task) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (next < total)
      await task(next++);
  }));
}

let failed = 1;
try {
  await healthy();
  const tally = {};
  for (const bytes of BAD) {
    const line = await send(Buffer.from(bytes, 'latin1'), 1500);
    holds(!/^HTTP\/1\.1 2/.test(line), `${JSON.stringify(bytes.slice(0, 60))} is answered with ${line}`);
  }
  console.log(`${BAD.length} malformed by hand: none is answered with success`);
  const before = facts();
  await pool(24, count, async () => {
    const line = await send(mangled(), 1000);
    const key = /^HTTP\/1\.1 (\d+)/.exec(line)?.[1] ?? 'closed';
    tally[key] = (tally[key] ?? 0) + 1;
  });
  console.log(`${count} mangled: ${JSON.stringify(tally)}`);
  holds(!('500' in tally), 'nothing is the server\'s own trouble');

  // Slowloris: more of them than there are places, each a byte now and then.
  const drips = Array.from({ length: 400 }, () => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nX: '));
    socket.on('error', () => {});
    const timer = setInterval(() => socket.writable && socket.write('x'), 700);
    socket.on('close', () => clearInterval(timer));
    return socket;
  });
  let slowest = 0;
  for (const end = Date.now() + 14000; Date.now() < end;)
    slowest = Math.max(slowest, await healthy());
  const left = drips.filter((socket) => !socket.destroyed).length;
  drips.forEach((socket) => socket.destroy());
  console.log(`400 that drip: others wait ${slowest.toFixed(0)} ms at most, ${left} of them are left after 14 s`);
  holds(left === 0, 'whoever drips is shut');
  holds(slowest < 2000, 'others are served meanwhile');

  // Readers that take nothing.
  const stuck = Array.from({ length: 100 }, () => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`GET ${big} HTTP/1.1\r\n${host}\r\n`));
    socket.on('error', () => {});
    socket.pause();
    return socket;
  });
  slowest = 0;
  for (let i = 0; i < 20; i++)
    slowest = Math.max(slowest, await healthy());
  stuck.forEach((socket) => socket.destroy());
  console.log(`100 that do not read: others wait ${slowest.toFixed(0)} ms at most`);

  const began = performance.now();
  await Promise.all(Array.from({ length: 64 }, async () => {
    for (let i = 0; i < 8; i++)
      await healthy();
  }));
  console.log(`64 at once, 512 models of ${model.bytes} bytes: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  await new Promise((go) => setTimeout(go, 11500)); // until whoever stays connected without asking is shut
  const after = facts();
  console.log(`memory ${before.rss >> 10} → ${after.rss >> 10} KiB, descriptors ${before.fds} → ${after.fds}`);
  holds(after.fds <= before.fds + 4, 'descriptors do not stay');
  holds(after.rss < before.rss + (16 << 20), 'memory does not grow');
  holds(server.child.exitCode === null, 'it still runs');
  failed = 0;
} catch (e) {
  console.log(`FAIL  ${e.message}`);
} finally {
  server.child.kill();
  room.remove();
}
process.exit(failed);
