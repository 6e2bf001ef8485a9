"""Texts and the words that the published patterns of pre-tokenizers cut them into, by an engine that is not ours.

    python3 tests/unicode/pretokenize.py [--check] FILE

One line a text: its bytes in hex, then for gpt-2, smollm, llama-bpe and qwen2 the words' lengths in bytes. With
--check the file must be what this makes; without the package regex that exits 77. Characters are of Unicode 14.
"""
import random
import sys
import unicodedata

try:
    import regex
except ImportError:
    print('python3-regex is not installed')
    sys.exit(77)

TEXTS = 400
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
PATTERNS = (('gpt-2', (GPT2,)), ('smollm', (r'\p{N}', GPT2)), ('llama-bpe', (LLAMA3 % r'\p{N}{1,3}',)),
            ('qwen2', (LLAMA3 % r'\p{N}',)))


def cut(pattern, text):
    """What matches, and what lies between matches, in order."""
    words, at = [], 0
    for m in regex.finditer(pattern, text):
        words += [text[at:m.start()], m.group()]
        at = m.end()
    return [w for w in words + [text[at:]] if w]


def words_of(patterns, text):
    words = [text]
    for pattern in patterns:
        words = [w for part in words for w in cut(pattern, part)]
    return words


def characters():
    """What can stand in text, by general category."""
    by = {}
    for code in range(0x110000):
        c = chr(code)
        category = unicodedata.category(c)
        if category not in ('Cn', 'Cs', 'Co'):
            by.setdefault(category, []).append(c)
    return by


FIXED = ["'s", "'S", "'\u017f", "'re", "'RE", "'Ve", "'ll", "'lL", "'d", "'m", "'t", "'", "''", "'x", "'r", " 's",
         ' ', '  ', '   ', '\n', '\r\n', '\r', '\n\n', '\t', '\v', '\x85', '\xa0', '\u2028', '\u3000', ' \n', '\n ',
         '1', '12', '123', '1234', '12345678', '\u00b2', '\u2167', '\u0663\u0664', 'a', 'the', 'Hello', ' world',
         '!', '...', ' ?', '_', '$', '\u20ac', '\u00e9', 'e\u0301', '\u4f60\u597d', '\U0001f642', '\u200d', '\ufeff',
         '\u0300', '\u2581', '\u0120', '\x00', '\x1c', '\x7f', '(', ')\n', '!\r\n\n', ' \t \n \t', 'l\'', '3\'s']


def text(random_, by):
    parts = []
    for _ in range(random_.randint(1, 14)):
        if random_.random() < 0.7:
            parts.append(random_.choice(FIXED))
        else:
            parts.append(random_.choice(by[random_.choice(sorted(by))]) * random_.choice((1, 1, 1, 2, 3)))
    return ''.join(parts)


def texts():
    random_, by = random.Random(4), characters()
    for _ in range(TEXTS):
        t = text(random_, by)
        # Both tables must mean the same by every character, whatever their versions.
        assert all(regex.fullmatch(r'\p{%s}' % unicodedata.category(c), c) for c in t), t
        yield t


def render():
    lines = []
    for t in texts():
        columns = [t.encode().hex()]
        for _, patterns in PATTERNS:
            words = words_of(patterns, t)
            assert ''.join(words) == t
            columns.append(','.join(str(len(w.encode())) for w in words))
        lines.append(' '.join(columns) + '\n')
    return ''.join(lines)


def main():
    path = sys.argv[-1]
    if sys.argv[1] == '--check':
        with open(path, encoding='ascii') as f:
            same = f.read() == render()
        print(path, 'is what the patterns give' if same else 'IS NOT what the patterns give')
        return 0 if same else 1
    with open(path, 'w', encoding='ascii') as f:
        f.write(render())
    return 0


if __name__ == '__main__':
    sys.exit(main())
