// The page as a person meets it.
import fs from 'node:fs';
import path from 'node:path';
import { equal, holds, run, test } from './bench.mjs';

// What the program makes of an incident of the page.
function diagnosis(bench, incident) {
  const file = path.join(bench.store.room, 'incident.json');
  fs.writeFileSync(file, JSON.stringify(incident, null, 2));
  return JSON.parse(run(bench.store.env, 'diagnose', file, '--json'));
}

const loaded = async () => {
  lab.by('load').click();
  await lab.shown('ready');
};
const said = async (text) => {
  lab.by('prompt').value = text;
  lab.by('go').click();
  await lab.shown('generating');
  await lab.shown('ready');
};

test('a model shows its identity, evidence and need before it is loaded', async (bench) => {
  await bench.page();
  const seen = await bench.browser.run(async () => ({ facts: lab.by('facts').textContent, evidence: lab.by('evidence').textContent,
    need: lab.by('need').textContent, rows: lab.by('memory').rows.length, listed: document.querySelectorAll('#models input').length }));
  const list = await bench.browser.run(async () => (await (await fetch('/models.json')).json()).models[0]);
  for (const part of [list.artifact, list.sha256, `${list.name}@${list.channel}`])
    holds(seen.facts.includes(part), `${part} is shown`);
  holds(seen.evidence.includes('structural: pass') && seen.evidence.includes('smoke: pass'), seen.evidence);
  equal([seen.rows, seen.listed], [7, 2]);
});

test('three planes have three controls, and none touches another', async (bench) => {
  await bench.page();
  await bench.browser.run(loaded);
  await bench.browser.run(said, 'Mia has');
  const state = async () => bench.browser.run(async () => {
    const d = await globalThis.assay.runtime.diagnostics();
    return { entries: document.querySelectorAll('.entry').length, context: d.kv_length > 0, model: d.model_loaded };
  });
  const press = (id) => bench.browser.run(async (id) => {
    lab.by(id).click();
    await lab.wait(150);
  }, id);
  equal(await state(), { entries: 1, context: true, model: true });
  await press('clear');
  equal(await state(), { entries: 0, context: true, model: true }, 'clear');
  await bench.browser.run(said, 'Mia has');
  await press('reset');
  equal(await state(), { entries: 1, context: false, model: true }, 'reset');
  await bench.browser.run(said, 'Mia has');
  await press('free');
  equal(await state(), { entries: 2, context: false, model: false }, 'free');
  equal(await bench.browser.run(async () => [lab.by('transcript-state').textContent, lab.by('context-state').textContent, lab.by('model-state').textContent]),
    ['2 entries', 'none', 'none']);
  await bench.browser.run(loaded);
  equal(await state(), { entries: 2, context: false, model: true }, 'load again');
});

test('text goes into the page as text', async (bench) => {
  await bench.page();
  await bench.browser.run(loaded);
  const evil = '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script><b>';
  await bench.browser.run(said, evil);
  const seen = await bench.browser.run(async () => ({ given: document.querySelector('.given').textContent, owned: globalThis.owned ?? null,
    inside: document.querySelectorAll('#transcript img, #transcript script, #transcript b').length }));
  equal(seen, { given: evil, owned: null, inside: 0 });
});

test('a failure saves an incident before anything is reset, with what was asked to be kept of the prompt', async (bench) => {
  const policies = { length: ['bytes', 'policy'], digest: ['bytes', 'policy', 'sha256'], full: ['bytes', 'policy', 'text'] };
  for (const [policy, members] of Object.entries(policies)) {
    await bench.page();
    await bench.browser.run(loaded);
    const incident = await bench.browser.run(async (policy) => {
      sessionStorage.clear();
      lab.by('prompt-policy').value = policy;
      lab.by('prompt').value = 'word '.repeat(600);
      lab.by('go').click();
      await lab.until(() => !lab.by('failure').hidden);
      return JSON.parse(sessionStorage.getItem('assay.incidents'))[0];
    }, policy);
    equal(Object.keys(incident).sort(), ['command', 'diagnostics', 'elapsed_ms', 'error', 'identity', 'prompt', 'sampling', 'schema', 'stage', 'time']);
    equal([incident.schema, incident.command, incident.stage, incident.error.code], ['assay.incident/1', 'generate', 'context', 11]);
    equal(incident.diagnostics.model_loaded, true);
    equal(incident.diagnostics.last_error.code, 11, 'taken before a reset');
    holds(/^[0-9a-f]{64}$/.test(incident.identity.artifact) && /^[0-9a-f]{64}$/.test(incident.identity.bundle), 'identities');
    equal(Object.keys(incident.prompt).sort(), members, policy);
    const said = diagnosis(bench, incident);
    equal([said.stage, said.stage_agrees, said.replay.stage, said.recovery], ['context', true, 'context', 'correct-request']);
    equal(said.identities.map((i) => i.match), ['same', 'same', 'same', 'same', 'same'], JSON.stringify(said.identities));
  }
});

// What is done to the page, and the stage that the incident must name by itself.
const STAGES = [
  ['fetch', { match: /artifact/, kind: 'status', status: 500 }],
  ['transfer', { match: /artifact/, kind: 'truncate' }],
  ['provenance', { match: /artifact/, kind: 'flip' }],
  ['sampling', null, { 'top-k': '0' }],
  ['tokenization', null, { tokens: '0' }],
  ['context', null, { prompt: 'word '.repeat(600) }],
];
for (const [stage, rule, fields] of STAGES)
  test(`an incident of the page tells diagnose that ${stage} failed, and both say the same`, async (bench) => {
    bench.evil.rules = rule ? [rule] : [];
    await bench.page();
    const [incident, told] = await bench.browser.run(async (fields) => {
      sessionStorage.clear();
      lab.by('load').click();
      await lab.until(() => lab.by('state').dataset.state === 'ready' || !lab.by('failure').hidden);
      if (fields) {
        lab.by('ask').noValidate = true; // as a page that was tampered with
        for (const [id, value] of Object.entries(fields))
          lab.by(id).value = value;
        lab.by('go').click();
        await lab.until(() => !lab.by('failure').hidden);
      }
      return [JSON.parse(sessionStorage.getItem('assay.incidents'))[0], lab.by('failure-saved').textContent];
    }, fields ?? null);
    bench.evil.rules = [];
    const said = diagnosis(bench, incident);
    equal([said.stage, said.stage_agrees, said.incident.stage], [stage, true, stage], JSON.stringify(incident));
    holds(said.replay !== null, 'it was replayed');
    holds(told.toLowerCase().endsWith(`was saved. ${said.advice.toLowerCase()}.`), `${told} | ${said.advice}`);
  });

test('a setting that will not do is shown, and nothing is asked of the model', async (bench) => {
  await bench.page();
  await bench.browser.run(loaded);
  for (const [id, value] of [['temperature', ''], ['temperature', '-1'], ['top-k', '0'], ['top-p', '2'], ['seed', ''], ['seed', 'one'],
    ['seed', '18446744073709551616'], ['tokens', '513'], ['tokens', '1.5']]) {
    const seen = await bench.browser.run(async (id, value) => {
      const field = lab.by(id);
      const before = field.value;
      const put = (text) => {
        field.value = text;
        field.dispatchEvent(new Event('input'));
      };
      lab.by('settings').open = false;
      put(value);
      lab.by('go').click();
      await lab.wait(100);
      const seen = [lab.by('settings').open, document.activeElement === field, document.querySelectorAll('.entry').length];
      put(before);
      return seen;
    }, id, value);
    equal(seen, [true, true, 0], `${id} ${value}`);
  }
  await bench.browser.run(said, 'Mia has');
});

test('everything can be done with the keyboard', async (bench) => {
  await bench.page();
  const press = (...keys) => bench.browser.post('/actions', { actions: [{ type: 'key', id: 'k', actions: keys.flatMap(([kind, value]) => (
    kind === 'tap' ? [{ type: 'keyDown', value }, { type: 'keyUp', value }] : [{ type: kind, value }])) }] });
  const at = () => bench.browser.run(async () => document.activeElement.id || document.activeElement.tagName + (document.activeElement.className && `.${document.activeElement.className}`));
  const [TAB, ENTER, CTRL] = ['\uE004', '\uE007', '\uE009'];
  const stops = [];
  for (let i = 0; i < 4; i++) {
    await press(['tap', TAB]);
    stops.push(await at());
  }
  equal(stops.slice(0, 2), ['A.skip', 'INPUT']);
  holds(stops.includes('load'), `Load is reached: ${stops}`);
  await bench.browser.run(async () => lab.by('load').focus());
  await press(['tap', ENTER]);
  await bench.browser.run(async () => lab.shown('ready'));
  await bench.browser.run(async () => lab.by('prompt').focus());
  await press(...[...'Mia'].map((c) => ['tap', c]), ['keyDown', CTRL], ['tap', ENTER], ['keyUp', CTRL]);
  await bench.browser.run(async () => lab.until(() => document.querySelectorAll('.entry').length === 1));
  await bench.browser.run(async () => lab.shown('ready'));
});

test('nothing is told in the console and nothing asked of elsewhere in a whole walk', async (bench) => {
  await bench.browser.log();
  await bench.page();
  await bench.browser.run(loaded);
  await bench.browser.run(said, 'Anna has a red key.');
  await bench.browser.run(async () => {
    lab.by('diagnosis').open = true;
    lab.by('reset').click();
    await lab.wait(100);
    lab.by('free').click();
    await lab.wait(100);
  });
  const log = (await bench.browser.log()).filter((line) => ['SEVERE', 'WARNING'].includes(line.level));
  equal(log.map((line) => line.message), []);
  const foreign = await bench.browser.run(async () => performance.getEntriesByType('resource').filter((e) => new URL(e.name).origin !== location.origin).length);
  equal(foreign, 0);
});
