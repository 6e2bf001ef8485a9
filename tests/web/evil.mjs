// Stands between browser and server and does to what passes whatever a rule says:
//   {match: /regex/, kind: 'flip' | 'truncate' | 'longer' | 'drop' | 'slow' | 'status' | 'body' | 'headers' | 'gone', after: N, …}
// and lets the first N that match pass.
import http from 'node:http';

export class Evil {
  rules = [];
  asked = [];

  static async start(target) {
    const evil = new Evil();
    evil.target = new URL(target);
    evil.server = http.createServer((q, r) => evil.#pass(q, r));
    evil.server.listen(0, '127.0.0.1');
    await new Promise((go) => evil.server.once('listening', go));
    evil.url = `http://127.0.0.1:${evil.server.address().port}/`;
    return evil;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #rule(path) {
    return this.rules.find((rule) => rule.match.test(path) && (rule.after ?? 0) <= (rule.seen = (rule.seen ?? -1) + 1)) ?? {};
  }

  async #pass(q, r) {
    this.asked.push(q.url);
    const rule = this.#rule(q.url);
    if (rule.kind === 'gone')
      return q.socket.destroy();
    const { hostname, port, host } = this.target;
    const up = http.request({ hostname, port, path: q.url, method: q.method, headers: { ...q.headers, host } }, (from) => {
      const parts = [];
      from.on('data', (part) => parts.push(part));
      from.on('end', () => this.#answer(rule, from, Buffer.concat(parts), r));
    });
    up.on('error', () => q.socket.destroy());
    up.end();
  }

  async #answer(rule, from, given, r) {
    let body = given;
    const headers = { ...from.headers };
    delete headers['transfer-encoding'];
    delete headers.etag;
    headers['cache-control'] = 'no-store'; // every request shall come by
    if (rule.kind === 'flip') {
      body = Buffer.from(body);
      body[body.length >> 1] ^= 1;
    }
    if (rule.kind === 'longer')
      body = Buffer.concat([body, Buffer.alloc(10)]);
    if (rule.kind === 'body')
      body = Buffer.from(rule.body);
    if (rule.kind === 'headers')
      for (const name of rule.without)
        delete headers[name];
    headers['content-length'] = body.length;
    if (rule.kind === 'truncate') {
      body = body.subarray(0, body.length >> 1);
      headers['content-length'] = body.length;
    }
    r.writeHead(rule.kind === 'status' ? rule.status : from.statusCode, headers);
    if (rule.kind === 'drop') {
      r.write(body.subarray(0, body.length >> 1), () => setTimeout(() => r.destroy(), 50));
      return;
    }
    if (rule.kind === 'slow') {
      const piece = Math.max(1, body.length >> 6);
      for (let at = 0; at < body.length && !r.destroyed; at += piece) {
        r.write(body.subarray(at, at + piece));
        await new Promise((go) => setTimeout(go, rule.ms ?? 50));
      }
    } else {
      r.write(body);
    }
    r.end();
  }
}
