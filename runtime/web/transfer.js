// A model on its way in: hashed while it arrives, straight into the module's memory, and refused on any difference
// before the parser has seen a byte of it.

import { hostError, TRANSFER_MAX } from './protocol.js';
import { turn } from './turn.js';

const TELL_MS = 50; // between two progress events
const PIECE = 1 << 20; // bytes of a buffer between two looks at the queue
const ROOM = 1 << 18; // bytes that one read of the network may fill

async function refusal(response) {
  let said = `HTTP ${response.status}`;
  try {
    const body = await response.json();
    if (typeof body.message === 'string')
      said += `: ${body.message}`;
  } catch {
    // not ours: the number has to do
  }
  return hostError('FetchFailed', { stage: 'fetch', detail: said });
}

async function open(url, signal) {
  let response;
  try {
    // Bytes that the browser kept are good for ever; whether they are handed out still, the server says each time.
    response = await fetch(url, { signal, cache: 'no-cache' });
  } catch (e) {
    if (signal.aborted)
      throw e;
    throw hostError('FetchFailed', { stage: 'fetch', detail: 'the server cannot be reached' });
  }
  if (!response.ok)
    throw await refusal(response);
  return response.body;
}

// A reader that gets every piece in the same memory where the browser can: else the pieces wait for the collector, and a
// model takes tens of megabytes more while it comes.
function reader(body) {
  try {
    const byob = body.getReader({ mode: 'byob' });
    let room = new ArrayBuffer(ROOM);
    return {
      cancel: () => byob.cancel(),
      read: async () => {
        const { done, value } = await byob.read(new Uint8Array(room));
        room = value?.buffer ?? new ArrayBuffer(ROOM);
        return { done, value };
      },
    };
  } catch {
    return body.getReader();
  }
}

// The pieces of what `from` names: {url}, or {buffer} that the page has transferred.
async function* pieces(from, signal) {
  if (from.buffer) {
    for (let at = 0; at < from.buffer.byteLength; at += PIECE) {
      yield new Uint8Array(from.buffer, at, Math.min(PIECE, from.buffer.byteLength - at));
      await turn();
    }
    return;
  }
  const coming = reader(await open(from.url, signal));
  try {
    for (;;) {
      const { done, value } = await coming.read().catch((e) => {
        throw signal.aborted ? e : hostError('Truncated', { stage: 'transfer', detail: 'the connection broke' });
      });
      if (done)
        return;
      yield value;
    }
  } finally {
    coming.cancel().catch(() => {}); // what else would come is of no use
  }
}

// Returns the transfer, filled and proven; its owner loads and releases it.
export async function receive(engine, from, { bytes, sha256 }, signal, tell) {
  if (bytes > TRANSFER_MAX)
    throw hostError('TooLarge', { stage: 'transfer', detail: `${bytes} bytes` });
  const into = engine.transfer(bytes);
  try {
    let received = 0;
    let told = 0;
    for await (const piece of pieces(from, signal)) {
      signal.throwIfAborted();
      if (received + piece.length > bytes)
        throw hostError('DigestMismatch', { stage: 'provenance', detail: `more than the ${bytes} bytes announced` });
      into.put(piece);
      received += piece.length;
      if (performance.now() - told >= TELL_MS) {
        told = performance.now();
        tell(received);
      }
    }
    if (received < bytes)
      throw hostError('Truncated', { stage: 'transfer', detail: `${received} of ${bytes} bytes` });
    tell(received);
    const got = into.sha256();
    if (got !== sha256)
      throw hostError('DigestMismatch', { stage: 'provenance', detail: `sha256 ${got}` });
    return into;
  } catch (e) {
    into.release();
    throw e;
  }
}
