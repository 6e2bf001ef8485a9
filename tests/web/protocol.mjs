// The Worker's protocol, message by message, in a real browser.
import { equal, holds, test } from './bench.mjs';

test('each command is answered by exactly one terminal event, after its other events', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    const m = await lab.model();
    const ends = [];
    ends.push(await w.boot());
    ends.push(await w.ask('load-model', m));
    ends.push(await w.ask('configure-sampling', { temperature: 0.5, top_k: 10, top_p: 0.9, seed: '18446744073709551615' }));
    ends.push(await w.ask('generate', { prompt: 'Mia', max_new_tokens: 8 }));
    ends.push(await w.ask('cancel', { target: 4 }));
    ends.push(await w.ask('diagnostics'));
    ends.push(await w.ask('reset-context'));
    ends.push(await w.ask('free-model'));
    await lab.wait(100);
    const late = w.events.filter((e, i) => ['token', 'progress'].includes(e.type)
      && w.events.findIndex((x) => x.id === e.id && ['result', 'error'].includes(x.type)) < i).length;
    const per = {};
    for (const e of w.events)
      if (['result', 'error'].includes(e.type))
        per[e.id] = (per[e.id] ?? 0) + 1;
    w.close();
    return { outcomes: ends.map(lab.outcome), per: Object.values(per), late, versions: w.events.every((e) => e.v === 1),
      tokens: w.events.filter((e) => e.type === 'token').length, progress: w.events.filter((e) => e.type === 'progress').length,
      made: ends[3].token_ids.length, cancel: ends[4] };
  });
  equal(said.outcomes, Array(8).fill('ok'));
  equal(said.per, Array(8).fill(1));
  equal(said.late, 0);
  holds(said.versions, 'every event says v 1');
  equal(said.tokens, said.made);
  holds(said.progress >= 1, 'progress came');
  equal([said.cancel.cancelled, said.cancel.reason], [false, 'it has ended']);
});

test('what is no command is an error event, never silence', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    await w.boot();
    const got = [];
    const next = async (message) => {
      const n = w.events.length;
      w.post(message);
      await lab.until(() => w.events.length > n);
      got.push([w.events[n].type, w.events[n].id, w.events[n].error?.code]);
    };
    for (const message of [null, 7, 'boot', {}, { v: 2, id: 50, type: 'boot' }, { v: 1, id: 0, type: 'boot' }, { v: 1, id: -1, type: 'boot' },
      { v: 1, id: 1.5, type: 'boot' }, { v: 1, id: '9', type: 'boot' }, { v: 1, id: 2 ** 53, type: 'boot' }, { v: 1, type: 'boot' },
      { v: 1, id: 1, type: 'diagnostics' }, { v: 1, id: 60, type: 'explode' }, { v: 1, id: 61 }, { v: 1, id: 61, type: 'diagnostics' },
      { v: 1, id: 62, type: '__proto__' }, { v: 1, id: 63, type: 'diagnostics' }])
      await next(message);
    w.close();
    return got;
  });
  equal(said.slice(0, 11).map((e) => e[2]), Array(11).fill(100), 'malformed');
  equal(said.slice(11), [['error', null, 102], ['error', 60, 101], ['error', 61, 101], ['error', null, 102], ['error', 62, 101], ['result', 63, null]]);
});

test('members that are missing or of the wrong kind are refused by name', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    const m = await lab.model();
    const got = [];
    const ask = async (type, members) => got.push(lab.outcome(await w.ask(type, members)));
    await ask('boot', {});
    await ask('boot', { modules: lab.modules, simd: 'yes' });
    await ask('boot', { modules: lab.modules });
    await ask('load-model', { ...m, sha256: 'A'.repeat(64) });
    await ask('load-model', { ...m, bytes: 0 });
    await ask('load-model', { ...m, bytes: '9' });
    await ask('load-model', { sha256: m.sha256, bytes: m.bytes });
    await ask('load-model', { ...m, bytes: 2 ** 40 });
    await ask('load-model', m);
    await ask('generate', {});
    await ask('generate', { prompt: 7 });
    await ask('generate', { prompt: 'a', max_new_tokens: 'x' });
    await ask('generate', { prompt: 'a', max_new_tokens: 0 });
    await ask('generate', { prompt: 'x'.repeat(5000) });
    await ask('configure-sampling', { temperature: -1 });
    await ask('configure-sampling', { temperature: NaN });
    await ask('configure-sampling', { top_k: 0 });
    await ask('configure-sampling', { top_k: 1025 });
    await ask('configure-sampling', { top_p: 0 });
    await ask('configure-sampling', { top_p: 1.5 });
    await ask('configure-sampling', { seed: '99999999999999999999' });
    await ask('configure-sampling', { seed: -1 });
    await ask('configure-sampling', { temperature: 'hot' });
    await ask('cancel', {});
    await ask('cancel', { target: 999999 });
    await ask('generate', { prompt: 'a', max_new_tokens: 100000 });
    w.close();
    return got;
  });
  equal(said, [103, 103, 'ok', 103, 103, 103, 103, 109, 'ok', 103, 103, 103, 2, 11, 2, 2, 2, 2, 2, 2, 103, 103, 103, 103, 'ok', 'ok']);
});

// What each command says in each state. The row of `generating` is asked while a generation runs, that of `loading`
// while a model trickles in.
const MATRIX = {
  //             boot  load  conf  gen   cancel reset free  diag
  'new':        ['ok', 104, 104, 104, 'ok', 104, 104, 104],
  'idle':       ['ok', 'ok', 'ok', 12, 'ok', 12, 12, 'ok'],
  'loading':    ['ok', 'ok', 'ok', 105, 'ok', 105, 105, 'ok'],
  'ready':      ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'],
  'generating': ['ok', 105, 105, 105, 'ok', 105, 105, 'ok'],
};

test('every command in every state is done or refused with its one number', async (bench) => {
  const got = {};
  bench.evil.rules = [{ match: /slow=1/, kind: 'slow', ms: 40 }];
  await bench.page();
  for (const state of Object.keys(MATRIX))
    got[state] = await bench.browser.run(async (state) => {
      const m = await lab.model();
      const members = [{ modules: lab.modules }, m, { temperature: 0 }, { prompt: 'The', max_new_tokens: 4 }, { target: 999999 }, {}, {}, {}];
      const types = ['boot', 'load-model', 'configure-sampling', 'generate', 'cancel', 'reset-context', 'free-model', 'diagnostics'];
      const row = [];
      for (let i = 0; i < types.length; i++) {
        const w = new lab.Raw();
        if (state !== 'new')
          await w.boot();
        if (state === 'ready' || state === 'generating')
          await w.ask('load-model', m);
        if (state === 'loading')
          w.send('load-model', { ...m, url: `${m.url}?slow=1` });
        if (state === 'generating')
          w.send('generate', { prompt: 'Once', max_new_tokens: 200 });
        row.push(lab.outcome(await w.ask(types[i], members[i])));
        w.close();
      }
      return row;
    }, state);
  equal(got, MATRIX);
});

test('a cancel ends its target within one token, wherever it is', async (bench) => {
  bench.evil.rules = [{ match: /slow=1/, kind: 'slow', ms: 40 }];
  await bench.page();
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    const m = await lab.model();
    await w.boot();
    const loading = w.send('load-model', { ...m, url: `${m.url}?slow=1` });
    await w.when((e) => e.id === loading && e.type === 'progress');
    const loadCancel = await w.ask('cancel', { target: loading });
    const loadEnd = lab.outcome(await w.end(loading));
    await w.ask('load-model', m);
    const running = w.send('generate', { prompt: 'Once upon a time', max_new_tokens: 200 });
    const stop = w.send('cancel', { target: running });
    const cancel = await w.end(stop);
    const end = lab.outcome(await w.end(running));
    const order = w.events.findIndex((e) => e.id === running && e.type === 'error') < w.events.findIndex((e) => e.id === stop && e.type === 'result');
    const tokens = w.events.filter((e) => e.id === running && e.type === 'token').length;
    const again = await w.ask('cancel', { target: running });
    const unknown = await w.ask('cancel', { target: 5000 });
    const after = lab.outcome(await w.ask('generate', { prompt: 'Once', max_new_tokens: 3 }));
    w.close();
    return { loadCancel: loadCancel.cancelled, loadEnd, cancel: cancel.cancelled, end, order, tokens, again: again.reason, unknown: unknown.reason, after };
  });
  equal(said, { loadCancel: true, loadEnd: 15, cancel: true, end: 15, order: true, tokens: said.tokens, again: 'it has ended',
    unknown: 'there is no such command', after: 'ok' });
  holds(said.tokens <= 1, `${said.tokens} tokens after the cancel`);
});

test('a cancel within a long prompt leaves it there, and the model is as before', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const r = new lab.Runtime({ base: lab.base });
    await r.load(await lab.model());
    const before = (await r.generate('Anna has', { maxNewTokens: 5 }).result).token_ids;
    const w = new lab.Raw();
    await w.boot();
    await w.ask('load-model', await lab.model());
    const long = 'Anna has a red key. '.repeat(12);
    const running = w.send('generate', { prompt: long, max_new_tokens: 4 });
    const stop = w.send('cancel', { target: running });
    await w.end(stop);
    const ended = lab.outcome(await w.end(running));
    const d = await w.ask('diagnostics');
    const after = await w.ask('generate', { prompt: 'Anna has', max_new_tokens: 5 });
    const whole = await w.ask('generate', { prompt: long, max_new_tokens: 4 });
    w.close();
    r.close();
    return { ended, kv: d.kv_length, same: JSON.stringify(before) === JSON.stringify(after.token_ids), whole: lab.outcome(whole) };
  });
  equal(said, { ended: 15, kv: 0, same: true, whole: 'ok' });
});

test('of ten loads in a row the last one wins and the others end as cancelled', async (bench) => {
  bench.evil.rules = [{ match: /slow=1/, kind: 'slow', ms: 10 }];
  await bench.page();
  const said = await bench.browser.run(async () => {
    const w = new lab.Raw();
    const [a, b] = [await lab.model(0), await lab.model(1)];
    await w.boot();
    const ids = [];
    for (let i = 0; i < 10; i++) {
      const m = i % 2 ? b : a;
      ids.push(w.send('load-model', { ...m, url: i < 9 ? `${m.url}?slow=1&n=${i}` : m.url }));
      if (i % 3 === 0)
        await lab.wait(15);
      if (i === 4)
        w.send('cancel', { target: ids[4] });
    }
    const ends = [];
    for (const id of ids)
      ends.push(lab.outcome(await w.end(id)));
    const d = await w.ask('diagnostics');
    w.close();
    return { ends, sha: d.identity.sha256 === b.sha256, state: d.worker };
  });
  equal(said, { ends: [...Array(9).fill(15), 'ok'], sha: true, state: 'ready' });
});

test('ten loads and cancels in a row leave a runtime that works', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const r = new lab.Runtime({ base: lab.base });
    const m = await lab.model();
    const codes = [];
    for (let i = 0; i < 10; i++) {
      const abort = new AbortController();
      const done = lab.code(r.load(m, { signal: abort.signal }));
      await lab.wait(i);
      abort.abort();
      codes.push(await done);
    }
    await r.load(m);
    const { token_ids } = await r.generate('Once', { maxNewTokens: 4 }).result;
    r.close();
    return { fine: codes.every((c) => c === 15 || c === 'ok'), n: token_ids.length };
  });
  equal(said, { fine: true, n: 4 });
});

test('a buffer is taken over, not copied, and judged like a download', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const r = new lab.Runtime({ base: lab.base });
    const m = await lab.model();
    const buffer = await (await fetch(m.url)).arrayBuffer();
    const wrong = buffer.slice(0);
    await r.load({ buffer, sha256: m.sha256, bytes: m.bytes });
    new Uint8Array(wrong)[wrong.byteLength >> 1] ^= 1;
    const refused = await lab.code(r.load({ buffer: wrong, sha256: m.sha256, bytes: m.bytes }));
    const { token_ids } = await r.generate('Once', { maxNewTokens: 2 }).result;
    r.close();
    return { left: buffer.byteLength, refused, n: token_ids.length };
  });
  equal(said, { left: 0, refused: 108, n: 2 });
});

test('a generation goes on where it stopped, as one longer one would', async (bench) => {
  await bench.page();
  const said = await bench.browser.run(async () => {
    const r = new lab.Runtime({ base: lab.base });
    await r.load(await lab.model());
    const whole = await r.generate('Anna has', { maxNewTokens: 20 }).result;
    const first = await r.generate('Anna has', { maxNewTokens: 9 }).result;
    const second = await r.generate('', { continues: true, maxNewTokens: 11 }).result;
    const nothing = (await r.reset(), await lab.code(r.generate('', { continues: true }).result));
    r.close();
    return { same: JSON.stringify(whole.token_ids) === JSON.stringify([...first.token_ids, ...second.token_ids]), nothing };
  });
  equal(said, { same: true, nothing: 13 });
});
