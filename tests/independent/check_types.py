"""Every type of GGUF, read again in Python from ggml's published layouts, must give what `assay inspect --tensor` says.

    python3 check_types.py ASSAY FILE…

All arithmetic is in float32: each product and sum is rounded as ggml's C rounds it.
"""
import json
import struct
import subprocess
import sys


def f32(x):
    return struct.unpack('<f', struct.pack('<f', x))[0]


def half(b, at):
    return struct.unpack_from('<e', b, at)[0]


def nibbles(b):
    return [x & 15 for x in b] + [x >> 4 for x in b]


def fifths(b, low):
    return [q | (b >> i & 1) << 4 for i, q in enumerate(low)]


def u32(b, at):
    return struct.unpack_from('<I', b, at)[0]


def q4_0(b):
    return [f32((q - 8) * half(b, 0)) for q in nibbles(b[2:18])]


def q4_1(b):
    return [f32(f32(q * half(b, 0)) + half(b, 2)) for q in nibbles(b[4:20])]


def q5_0(b):
    return [f32((q - 16) * half(b, 0)) for q in fifths(u32(b, 2), nibbles(b[6:22]))]


def q5_1(b):
    return [f32(f32(q * half(b, 0)) + half(b, 2)) for q in fifths(u32(b, 4), nibbles(b[8:24]))]


def q8_0(b):
    return [f32(q * half(b, 0)) for q in struct.unpack('<32b', b[2:34])]


def q2_k(b):
    out, d, dmin = [], half(b, 80), half(b, 82)
    scales = iter(b[:16])
    for n in (0, 32):
        for shift in (0, 2, 4, 6):
            for part in (0, 16):
                s = next(scales)
                dl, ml = f32(d * (s & 15)), f32(dmin * (s >> 4))
                out += [f32(f32(dl * (b[16 + n + part + i] >> shift & 3)) - ml) for i in range(16)]
    return out


def q3_k(b):
    """The 12 bytes as three words, unpacked as ggml does with masks."""
    a0, a1, tmp = struct.unpack('<3I', b[96:108])
    k1, k2 = 0x03030303, 0x0f0f0f0f
    words = [a0 & k2 | (tmp & k1) << 4, a1 & k2 | (tmp >> 2 & k1) << 4, a0 >> 4 & k2 | (tmp >> 4 & k1) << 4,
             a1 >> 4 & k2 | (tmp >> 6 & k1) << 4]
    scales = iter(struct.unpack('<16b', struct.pack('<4I', *words)))
    out, d, mask = [], half(b, 108), 1
    for n in (0, 32):
        for shift in (0, 2, 4, 6):
            for part in (0, 16):
                dl = f32(d * (next(scales) - 32))
                for i in range(16):
                    q = (b[32 + n + part + i] >> shift & 3) - (0 if b[part + i] & mask else 4)
                    out.append(f32(dl * q))
            mask <<= 1
    return out


def six_bits(s, j):
    if j < 4:
        return s[j] & 63, s[j + 4] & 63
    return s[j + 4] & 15 | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4


def k45(b, qs, fifth):
    out, d, dmin = [], half(b, 0), half(b, 2)
    for group in range(4):
        q = qs[32 * group:32 * group + 32]
        for high in (0, 1):
            s, m = six_bits(b[4:16], 2 * group + high)
            d1, m1 = f32(d * s), f32(dmin * m)
            for i, x in enumerate(q):
                v = (x >> 4 if high else x & 15) + (16 if fifth and fifth[i] >> (2 * group + high) & 1 else 0)
                out.append(f32(f32(d1 * v) - m1))
    return out


def q4_k(b):
    return k45(b, b[16:144], None)


def q5_k(b):
    return k45(b, b[48:176], b[16:48])


def q6_k(b):
    out, d = [0.0] * 256, half(b, 208)
    scales = struct.unpack('<16b', b[192:208])
    for n in (0, 1):
        ql, qh, sc, to = b[64 * n:64 * n + 64], b[128 + 32 * n:160 + 32 * n], scales[8 * n:8 * n + 8], 128 * n
        for i in range(32):
            for k, q in enumerate((ql[i] & 15 | (qh[i] & 3) << 4, ql[i + 32] & 15 | (qh[i] >> 2 & 3) << 4,
                                   ql[i] >> 4 | (qh[i] >> 4 & 3) << 4, ql[i + 32] >> 4 | qh[i] >> 6 << 4)):
                out[to + i + 32 * k] = f32(f32(d * sc[i // 16 + 2 * k]) * (q - 32))
    return out


TYPES = {0: ('f32', 1, 4, lambda b: list(struct.unpack('<f', b))), 1: ('f16', 1, 2, lambda b: [half(b, 0)]),
         30: ('bf16', 1, 2, lambda b: list(struct.unpack('<f', b'\0\0' + b))), 2: ('q4_0', 32, 18, q4_0),
         3: ('q4_1', 32, 20, q4_1), 6: ('q5_0', 32, 22, q5_0), 7: ('q5_1', 32, 24, q5_1), 8: ('q8_0', 32, 34, q8_0),
         10: ('q2_K', 256, 84, q2_k), 11: ('q3_K', 256, 110, q3_k), 12: ('q4_K', 256, 144, q4_k),
         13: ('q5_K', 256, 176, q5_k), 14: ('q6_K', 256, 210, q6_k)}


class Reader:
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

    def __init__(self, data):
        self.data, self.at = data, 4

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), 'little')

    def string(self):
        return self.take(self.number(8))

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            kind, count = self.number(4), self.number(8)
            return [self.value(kind) for _ in range(count)]
        return self.number(self.sizes[kind])


def tensors(data):
    """Name, type number, values, bytes."""
    r = Reader(data)
    r.number(4)
    count, pairs = r.number(8), r.number(8)
    align, found = 32, []
    for _ in range(pairs):
        key, value = r.string(), r.value(r.number(4))
        align = value if key == b'general.alignment' else align
    for _ in range(count):
        name, elements = r.string().decode(), 1
        for _ in range(r.number(4)):
            elements *= r.number(8)
        found.append((name, r.number(4), elements, r.number(8)))
    start = (r.at + align - 1) // align * align
    for name, kind, elements, offset in found:
        _, values, size, unpack = TYPES[kind]
        block = data[start + offset:start + offset + elements // values * size]
        yield name, kind, [v for i in range(0, len(block), size) for v in unpack(block[i:i + size])]


def check(assay, path, seen):
    with open(path, 'rb') as f:
        data = f.read()
    bad = 0
    for name, kind, values in tensors(data):
        if len(values) > 100000 or (kind in seen and len(values) > 20000):
            continue
        seen.add(kind)
        said = json.loads(subprocess.run([assay, 'inspect', path, '--tensor', name, '--json'], check=True,
                                         stdout=subprocess.PIPE).stdout)
        total = squares = 0.0
        for v in values:
            total += v
            squares += v * v
        want = {'type': TYPES[kind][0], 'count': len(values), 'sum': total, 'sum_of_squares': squares,
                'min': min(values), 'max': max(values)}
        wrong = [k for k, v in want.items() if said[k] != (f32(v) if k in ('min', 'max') else v) and
                 not (k in ('min', 'max') and f32(said[k]) == f32(v))]
        wrong += [k for k, v in (('first', values[:8]), ('last', values[-2:])) if [f32(x) for x in said[k]] != v]
        if wrong:
            print(path, name, TYPES[kind][0], 'differs in', wrong)
            bad += 1
    return bad


def main():
    seen = set()
    bad = sum(check(sys.argv[1], path, seen) for path in sys.argv[2:])
    print('types:', ' '.join(sorted(TYPES[k][0] for k in seen)))
    return 1 if bad or len(seen) != len(TYPES) else 0


sys.exit(main())
