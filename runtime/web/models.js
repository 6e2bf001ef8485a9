// The models that the server hands out, and what is known of one before it is loaded.

import { by, make, size } from './dom.js';
import { hostError, TRANSFER_MAX } from './protocol.js';

export async function list() {
  let response;
  try {
    response = await fetch('/models.json', { cache: 'no-store' });
  } catch {
    throw hostError('FetchFailed', { stage: 'fetch', detail: 'the server cannot be reached' });
  }
  if (!response.ok)
    throw hostError('FetchFailed', { stage: 'fetch', detail: `models.json: HTTP ${response.status}` });
  const { schema, models } = await response.json();
  if (schema !== 'assay.models/1')
    throw hostError('StalePair', { stage: 'fetch', detail: `the server speaks ${schema}` });
  return models;
}

// Why it cannot be loaded, null when it can.
export function obstacle(model) {
  if (!model.proven)
    return model.problem ?? 'nothing proves it';
  return model.bytes > TRANSFER_MAX ? 'larger than the 128 MiB that a browser takes' : null;
}

export function show(models, choose) {
  const group = by('models');
  group.replaceChildren();
  if (models.length === 0)
    group.append(make('p', 'quiet', 'Nothing is promoted yet: assay promote NAME@VERSION --to preview'));
  models.forEach((model, i) => {
    const label = make('label', 'model');
    const radio = make('input');
    radio.type = 'radio';
    radio.name = 'model';
    radio.value = String(i);
    radio.addEventListener('change', () => choose(model));
    const why = obstacle(model);
    label.append(radio, make('b', '', `${model.name} ${model.version}`), make('span', why ? 'badge bad' : 'badge', model.channel),
      make('span', 'about quiet', why ?? `${size(model.bytes)} · ${model.format} ${model.quantization}`));
    group.append(label);
  });
}

function fact(name, value, mono) {
  by('facts').append(make('dt', '', name), make('dd', mono ? 'mono' : '', value));
}

function line(name, bytes, className) {
  const row = make('tr', className);
  const head = make('th', '', name);
  head.scope = 'row';
  row.append(head, make('td', '', size(bytes)));
  by('memory').tBodies[0].append(row);
}

export function showIdentity(model) {
  by('identity').hidden = false;
  by('facts').replaceChildren();
  fact('artifact', model.artifact, true);
  fact('content', model.sha256, true);
  fact('channel', `${model.name}@${model.channel}`);
  fact('licence', model.license ?? 'not stated');
  fact('shape', `${model.parameters.toLocaleString('en')} parameters, context ${model.context}`);
  by('evidence').replaceChildren(...model.evidence.map(({ gate, result, digest, ended }) => {
    const item = make('li');
    const good = result === 'pass';
    const mark = make('span', good ? 'mark' : 'mark bad', good ? '✓' : '✗');
    const row = make('span', 'mono', digest.slice(0, 12));
    row.title = `evidence ${digest}, ${ended}`;
    item.append(mark, make('span', '', `${gate}: ${result}`), row);
    return item;
  }));
  if (model.evidence.length === 0)
    by('evidence').append(make('li', 'quiet', 'none'));
  by('memory').tBodies[0].replaceChildren();
  by('need').textContent = size(model.memory.total);
  for (const [name, bytes] of Object.entries(model.memory))
    line(name, bytes, name === 'total' ? 'total' : '');
}
