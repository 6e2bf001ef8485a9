"""The ids of pretokenize.py's texts in a small byte-level vocabulary, by merging that is not ours.

    python3 tests/unicode/token_ids.py [--check] FOLDER

Writes FOLDER/vocabulary and FOLDER/ids; with --check they must be what this makes. The vocabulary is the front of a GGUF
file of the kind gpt2, up to and with the type of its last pair, tokenizer.ggml.pre: whoever reads it appends the name.
Its merges are learned from the texts; its last tokens are words that no merges make. A line of ids is for that line of
FOLDER/words: gpt-2, smollm, llama-bpe, qwen2.
"""
import collections
import struct
import sys
from pathlib import Path

from pretokenize import PATTERNS, texts, words_of

MERGES = 400
WHOLE = 40


def written():
    """GPT-2's way to write bytes as characters."""
    itself = [*range(ord('!'), ord('~') + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    rest = [b for b in range(256) if b not in itself]
    return {b: chr(b) for b in itself} | {b: chr(256 + i) for i, b in enumerate(rest)}


WRITTEN = written()


def pieces(word):
    return [bytes([b]) for b in word.encode()]


def join(parts, pair):
    """Every occurrence of the pair, from the left, as one."""
    out, i = [], 0
    while i < len(parts):
        both = tuple(parts[i:i + 2]) == pair
        out.append(pair[0] + pair[1] if both else parts[i])
        i += 2 if both else 1
    return out


def learn(words):
    """The most frequent pair, and among equals the least, again and again."""
    merges, parts = [], [pieces(w) for w in words]
    made = set()
    while len(merges) < MERGES:
        count = collections.Counter(p for w in parts for p in zip(w, w[1:]) if p[0] + p[1] not in made)
        pair = min(count, key=lambda p: (-count[p], p))
        merges.append(pair)
        made.add(pair[0] + pair[1])
        parts = [join(w, pair) for w in parts]
    return merges


def encode(word, merges, ids, whole):
    if whole and word.encode() in ids: # the published llama-bpe ignores merges then
        return [ids[word.encode()]]
    parts = pieces(word)
    rank = {pair: i for i, pair in enumerate(merges)}
    while True:
        pairs = [p for p in zip(parts, parts[1:]) if p in rank]
        if not pairs:
            return [ids[p] for p in parts]
        parts = join(parts, min(pairs, key=rank.get))


def string(text):
    raw = text.encode()
    return struct.pack('<Q', len(raw)) + raw


def strings(key, items):
    return string(key) + struct.pack('<IIQ', 9, 8, len(items)) + b''.join(map(string, items))


def write(raw):
    return ''.join(WRITTEN[b] for b in raw)


def render():
    ts = list(texts())
    words = [w for t in ts for _, patterns in PATTERNS for w in words_of(patterns, t)]
    merges = learn(words)
    tokens = [bytes([b]) for b in range(256)] + [a + b for a, b in merges]
    others = sorted({w.encode() for w in words} - set(tokens), key=lambda w: (len(w), w))
    tokens += others[:len(others) // WHOLE * WHOLE:len(others) // WHOLE]
    ids = {raw: i for i, raw in enumerate(tokens)}
    front = b'GGUF' + struct.pack('<IQQ', 3, 0, 4)
    front += string('tokenizer.ggml.model') + struct.pack('<I', 8) + string('gpt2')
    front += strings('tokenizer.ggml.tokens', [write(t) for t in tokens])
    front += strings('tokenizer.ggml.merges', [write(a) + ' ' + write(b) for a, b in merges])
    front += string('tokenizer.ggml.pre') + struct.pack('<I', 8)
    lines = []
    for t in ts:
        columns = [[i for w in words_of(patterns, t) for i in encode(w, merges, ids, name == 'llama-bpe')]
                   for name, patterns in PATTERNS]
        lines.append(' '.join(','.join(map(str, c)) for c in columns) + '\n')
    return {'vocabulary': front, 'ids': ''.join(lines).encode()}


def main():
    folder, bad = Path(sys.argv[-1]), 0
    for name, made in render().items():
        if sys.argv[1] == '--check':
            same = (folder / name).read_bytes() == made
            print(folder / name, 'is what the patterns give' if same else 'IS NOT what the patterns give')
            bad |= not same
        else:
            (folder / name).write_bytes(made)
    return bad


if __name__ == '__main__':
    sys.exit(main())
