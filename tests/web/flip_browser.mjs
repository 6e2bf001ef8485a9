// node flip_browser.mjs TEXT BROWSER ARGS…: the browser, behind a proxy that flips one bit in the middle of every
// answer whose address contains TEXT ("/" alone: the page). What a gate must notice.
import { spawn } from 'node:child_process';
import http from 'node:http';

const [, , text, browser, ...args] = process.argv;
const meant = (path) => (text === '/' ? path === '/' : path.includes(text));

const proxy = http.createServer((q, r) => {
  const at = new URL(q.url);
  const up = http.request({ hostname: at.hostname, port: at.port, path: at.pathname, method: q.method, headers: q.headers }, (from) => {
    const parts = [];
    from.on('data', (part) => parts.push(part));
    from.on('end', () => {
      const body = Buffer.concat(parts);
      if (meant(at.pathname) && body.length > 0)
        body[body.length >> 1] ^= 1;
      r.writeHead(from.statusCode, from.headers);
      r.end(body);
    });
  });
  up.on('error', () => q.socket.destroy());
  up.end();
});
proxy.on('connect', (q, socket) => socket.destroy());
proxy.listen(0, '127.0.0.1', () => {
  const rest = args.filter((arg) => !arg.startsWith('--proxy-server'));
  const child = spawn(browser, [`--proxy-server=127.0.0.1:${proxy.address().port}`, '--proxy-bypass-list=<-loopback>', ...rest], { stdio: 'inherit' });
  child.on('exit', (code) => process.exit(code ?? 1));
  process.on('SIGTERM', () => child.kill());
});
