// An incident: what was known when something failed, taken before anything is reset (docs/incident.md).

const KEPT = 'assay.incidents'; // of this tab, so that a reload loses none
const KEPT_MAX = 8;

const PROMPT_MAX = 256 << 10; // bytes of a text that is kept in full; longer: its digest
const TEXT_MAX = 1000; // bytes of a message

// What a text of any length keeps within that many bytes of UTF-8; null stays.
function clip(text, most = TEXT_MAX) {
  if (text === null || text === undefined)
    return null;
  const bytes = new TextEncoder().encode(String(text));
  const kept = new TextDecoder().decode(bytes.subarray(0, most));
  return bytes.length <= most ? kept : kept.replace(/\uFFFD+$/, '');
}

async function about(prompt, policy) {
  if (prompt === null)
    return { policy, bytes: null };
  const bytes = new TextEncoder().encode(prompt);
  if (policy === 'full' && bytes.length > PROMPT_MAX)
    policy = 'digest';
  if (policy === 'full')
    return { policy, bytes: bytes.length, text: new TextDecoder().decode(bytes) };
  if (policy !== 'digest')
    return { policy: 'length', bytes: bytes.length };
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return { policy, bytes: bytes.length, sha256: Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('') };
}

// what: {command, error, model, bundle, prompt, policy, elapsed, sampling}; runtime: asked for its diagnostics, if it still can tell.
export async function incidentOf(what, runtime) {
  const { stage, code, name, message, detail } = what.error;
  let diagnostics = null;
  if (!what.error.fatal && name !== 'WorkerLost' && name !== 'StalePair')
    diagnostics = await runtime.diagnostics().then(({ v, id, type, ...said }) => said, () => null);
  return {
    schema: 'assay.incident/1',
    time: new Date().toISOString(),
    command: what.command,
    stage,
    error: { code, name, message: clip(message), detail: clip(detail) },
    elapsed_ms: Math.round(what.elapsed),
    identity: {
      artifact: what.model?.artifact ?? null, sha256: what.model?.sha256 ?? null, name: what.model?.name ?? null,
      version: what.model?.version ?? null, channel: what.model?.channel ?? null, program: null, bundle: what.bundle,
      module: diagnostics?.module ?? null, browser: clip(navigator.userAgent),
    },
    prompt: await about(what.prompt ?? null, what.policy),
    sampling: what.sampling ?? null,
    diagnostics,
  };
}

export function keep(incident) {
  try {
    const all = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    all.push(incident);
    sessionStorage.setItem(KEPT, JSON.stringify(all.slice(-KEPT_MAX)));
  } catch {
    // no storage here: the file is what counts
  }
}

export function fileName(incident) {
  return `assay-incident-${incident.time.replace(/[:.]/g, '-')}.json`;
}
