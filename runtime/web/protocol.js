// What page and Worker say to each other: {v: 1, id, type, …} both ways (docs/browser.md). The page sends
// commands; the Worker answers each with any number of `token` or `progress` events and then with exactly one
// `result` or `error` that carries its id. Ids are whole numbers that grow, so a repeated one is known without
// remembering all.

export const VERSION = 1; // of the messages
export const ABI = 3; // of the module's exports (runtime/wasm.c)

export const COMMANDS = ['boot', 'load-model', 'configure-sampling', 'generate', 'cancel', 'reset-context', 'free-model',
  'diagnostics'];

export const TRANSFER_MAX = 128 << 20; // bytes of one model
export const NEW_TOKENS_MAX = 512;
export const NEW_TOKENS_DEFAULT = 16;

// Error numbers 0…15 are the module's own (runtime/diagnostics.h); from 100 on they are the host's.
const MODULE_ERRORS = [
  ['Ok', 'done'],
  ['NullPointer', 'a required pointer was null'],
  ['InvalidLength', 'a length or a setting is out of range'],
  ['InvalidUtf8', 'the text is not valid UTF-8'],
  ['InvalidModelMagic', 'the bytes are no model of a known kind'],
  ['UnsupportedModelVersion', "the model's version is not supported"],
  ['InvalidHeader', "the model's header is not valid"],
  ['InvalidTensorDirectory', "the model's tensor directory is not valid"],
  ['MissingTensor', 'the model lacks a tensor'],
  ['ShapeMismatch', "a tensor's shape does not fit the model"],
  ['UnsupportedDType', "a tensor's type is not supported"],
  ['ContextExceeded', 'the context has no room for the text'],
  ['ModelNotLoaded', 'no model is loaded'],
  ['GenerationFailed', 'the generation failed'],
  ['OutputBufferExceeded', 'the output is larger than its buffer'],
  ['Cancelled', 'it was cancelled'],
];

const HOST_ERRORS = {
  BadMessage: [100, 'the message is not one of this protocol'],
  UnknownCommand: [101, 'there is no such command'],
  RepeatedId: [102, 'the id was used before'],
  BadRequest: [103, 'a member of the command is missing or of the wrong kind'],
  NotBooted: [104, 'the runtime has not been booted'],
  Busy: [105, 'the runtime is at work on something else'],
  FetchFailed: [106, 'the server did not give the bytes'],
  Truncated: [107, 'fewer bytes came than were announced'],
  DigestMismatch: [108, 'the bytes are not the ones that were promoted; they were thrown away'],
  TooLarge: [109, 'the model is larger than the 128 MiB that this runtime takes'],
  OutOfMemory: [110, 'there is not enough memory for it'],
  StalePair: [111, 'page and runtime do not belong together; reload the page'],
  WorkerLost: [112, 'the Worker ended unexpectedly; a new one takes its place and the model has to be loaded again'],
  Trapped: [113, 'the runtime stopped on an inner error; it is started anew and the model has to be loaded again'],
  NoWebAssembly: [114, 'this browser has no WebAssembly'],
};

export class AssayError extends Error {
  constructor(code, name, message, more = {}) {
    super(message);
    this.code = code;
    this.name = name;
    this.stage = more.stage ?? null;
    this.fatal = more.fatal ?? false; // the Worker is gone or going
    this.detail = more.detail ?? null;
  }

  toJSON() {
    const { code, name, message, stage, fatal, detail } = this;
    return { code, name, message, stage, fatal, detail };
  }

  static from(plain) {
    return new AssayError(plain.code, plain.name, plain.message, plain);
  }
}

export function moduleError(code, stage) {
  const [name, message] = MODULE_ERRORS[code] ?? ['GenerationFailed', 'the generation failed'];
  return new AssayError(code, name, message, { stage });
}

export function hostError(name, more = {}) {
  const [code, message] = HOST_ERRORS[name];
  const text = more.detail ? `${message} (${more.detail})` : message;
  return new AssayError(code, name, text, more);
}

export const CANCELLED = 15;
