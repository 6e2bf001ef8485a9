"""An SLM1 writer and a float64 reference of the forward pass, made from the format's description alone.

It shares no code with the runtime: the point is that two readers of the same page agree. Nothing here is
fast. Standard library only."""
import math
import random
import struct

F32, Q8_0, Q4_0 = 1, 2, 3
DTYPES = {"f32": F32, "q8_0": Q8_0, "q4_0": Q4_0}
MASK = (1 << 64) - 1


def f32(x):
    """x rounded to the nearest binary32 value."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & MASK
    return h


def checksum(data):
    """The container's rolling sum; bytes 100-107 count as zero."""
    h = 0xCBF29CE484222325
    for i, b in enumerate(data):
        if 100 <= i < 108:
            b = 0
        x = h ^ b ^ i
        x = ((x << 5) | (x >> 59)) & MASK
        h = (x * 0x100000001B3) & MASK
    return h or 1


def pad64(data):
    return data + bytes(-len(data) % 64)


class Shape:
    def __init__(self, vocab=260, hidden=32, layers=2, heads=4, kv_heads=4, ffn=64, context=64, tied=False,
                 theta=10000.0, epsilon=1e-5):
        self.V, self.H, self.L, self.N, self.K, self.F, self.C = vocab, hidden, layers, heads, kv_heads, ffn, context
        self.D = hidden // heads
        self.tied, self.theta, self.epsilon = tied, f32(theta), f32(epsilon)

    def tensors(self):
        """Names and dimensions, in the order they are written."""
        kd = self.K * self.D
        out = [("tok_embeddings.weight", (self.V, self.H)), ("norm.weight", (self.H,))]
        if not self.tied:
            out.append(("output.weight", (self.V, self.H)))
        for n in range(self.L):
            p = f"layers.{n}."
            out += [(p + "attn_norm.weight", (self.H,)), (p + "ffn_norm.weight", (self.H,)),
                    (p + "wq.weight", (self.H, self.H)), (p + "wk.weight", (kd, self.H)),
                    (p + "wv.weight", (kd, self.H)), (p + "wo.weight", (self.H, self.H)),
                    (p + "w1.weight", (self.F, self.H)), (p + "w3.weight", (self.F, self.H)),
                    (p + "w2.weight", (self.H, self.F))]
        return out


def random_values(shape, seed):
    """Weights that give logits well apart: name -> rows of floats, each a binary32 value."""
    rng = random.Random(seed)
    values = {}
    for name, dims in shape.tensors():
        rows, cols = (1, dims[0]) if len(dims) == 1 else dims
        if len(dims) == 1:
            row = [[f32(1.0 + 0.1 * rng.gauss(0, 1)) for _ in range(cols)]]
        else:
            sigma = 1.0 if name in ("tok_embeddings.weight", "output.weight") else 1.4 / math.sqrt(cols)
            row = [[f32(rng.gauss(0, sigma)) for _ in range(cols)] for _ in range(rows)]
        values[name] = row
    return values


def encode_tensor(rows, dtype, block=32):
    """(payload, scales, block_size, the values as a reader sees them)."""
    if dtype == F32:
        return b"".join(struct.pack(f"<{len(r)}f", *r) for r in rows), b"", 0, rows
    data, scales, seen = bytearray(), bytearray(), []
    for r in rows:
        size = len(r) if dtype == Q8_0 else block
        out = []
        quants = []
        for at in range(0, len(r), size):
            part = r[at:at + size]
            top = max(abs(v) for v in part) or 1.0
            limit = 127 if dtype == Q8_0 else 7
            scale = f32(top / limit)
            scales += struct.pack("<f", scale)
            q = [max(-limit, min(limit, round(v / scale))) for v in part]
            quants += q
            out += [v * scale for v in q]
        if dtype == Q8_0:
            data += struct.pack(f"<{len(quants)}b", *quants)
        else:
            data += bytes((quants[i] & 15) | (quants[i + 1] & 15) << 4 for i in range(0, len(quants), 2))
        seen.append(out)
    return bytes(data), bytes(scales), (len(rows[0]) if dtype == Q8_0 else block), seen


def byte_tokenizer():
    return struct.pack("<4s6I", b"BTOK", 1, 260, 256, 257, 258, 259)


def pair_tokenizer():
    """The BPE1 fixture: t+h -> 260, 260+e -> 261."""
    records = b"".join(struct.pack("<II", i, len(t)) + t for i, t in ((260, b"th"), (261, b"the")))
    merges = struct.pack("<8I", ord("t"), ord("h"), 260, 0, 260, ord("e"), 261, 1)
    return struct.pack("<4s8I", b"BPE1", 1, 262, 256, 257, 258, 259, 2, 2) + records + merges


def write(shape, values, dtype, tokenizer, quantise_norms=True):
    """The file's bytes and the values a reader sees."""
    directory_at = len(pad64(bytes(108) + tokenizer))
    names = shape.tensors()
    data_at = directory_at + len(pad64(bytes(64 * len(names))))
    entries, payload, seen = b"", b"", {}
    for name, dims in names:
        kind = dtype if len(dims) == 2 or quantise_norms else F32
        data, scales, block, seen[name] = encode_tensor(values[name], kind)
        offset = data_at + len(payload)
        payload += pad64(data)
        scale_offset = data_at + len(payload) if scales else 0
        payload += pad64(scales)
        d = list(dims) + [1] * (4 - len(dims))
        entries += struct.pack("<QII4IQQQII", fnv1a(name), kind, len(dims), *d, offset, len(data), scale_offset,
                               block, 0)
    header = struct.pack("<4s13IffQQQIQQ", b"SLM1", 1, 108, 1, 1 if shape.tied else 0, shape.V, 4, shape.H, shape.L,
                         shape.N, shape.K, shape.D, shape.F, shape.C, shape.theta, shape.epsilon, 108, len(tokenizer),
                         directory_at, len(names), data_at, 0)
    assert len(header) == 108
    file = pad64(header + tokenizer) + pad64(entries) + payload
    return seal(file), seen


def seal(file):
    """The file with its checksum put right."""
    return file[:100] + struct.pack("<Q", checksum(file)) + file[108:]


class Reference:
    """The forward pass in binary64, one token at a time, keys and values kept."""

    def __init__(self, shape, values):
        self.s, self.w = shape, values
        self.keys = [[] for _ in range(shape.L)]
        self.vals = [[] for _ in range(shape.L)]
        self.pos = 0

    def norm(self, x, weight):
        r = 1.0 / math.sqrt(sum(v * v for v in x) / len(x) + self.s.epsilon)
        return [v * r * w for v, w in zip(x, weight)]

    def mul(self, rows, x):
        return [sum(a * b for a, b in zip(row, x)) for row in rows]

    def rotate(self, x):
        out = list(x)
        for base in range(0, len(x), self.s.D):
            for i in range(0, self.s.D, 2):
                angle = self.pos * self.s.theta ** (-i / self.s.D)
                c, s = math.cos(angle), math.sin(angle)
                a, b = x[base + i], x[base + i + 1]
                out[base + i], out[base + i + 1] = a * c - b * s, a * s + b * c
        return out

    def step(self, token):
        s = self.s
        x = list(self.w["tok_embeddings.weight"][token])
        for n in range(s.L):
            w = {k: self.w[f"layers.{n}.{k}.weight"] for k in
                 ("attn_norm", "ffn_norm", "wq", "wk", "wv", "wo", "w1", "w2", "w3")}
            h = self.norm(x, w["attn_norm"][0])
            q = self.rotate(self.mul(w["wq"], h))
            self.keys[n].append(self.rotate(self.mul(w["wk"], h)))
            self.vals[n].append(self.mul(w["wv"], h))
            mixed = []
            for head in range(s.N):
                at = (head // (s.N // s.K)) * s.D
                qh = q[head * s.D:(head + 1) * s.D]
                score = [sum(a * b for a, b in zip(qh, k[at:at + s.D])) / math.sqrt(s.D) for k in self.keys[n]]
                top = max(score)
                e = [math.exp(v - top) for v in score]
                total = sum(e)
                mixed += [sum(p * v[at + i] for p, v in zip(e, self.vals[n])) / total for i in range(s.D)]
            x = [a + b for a, b in zip(x, self.mul(w["wo"], mixed))]
            h = self.norm(x, w["ffn_norm"][0])
            g = self.mul(w["w1"], h)
            u = self.mul(w["w3"], h)
            x = [a + b for a, b in zip(x, self.mul(w["w2"], [v / (1 + math.exp(-v)) * t for v, t in zip(g, u)]))]
        self.pos += 1
        x = self.norm(x, self.w["norm.weight"][0])
        return self.mul(self.w["tok_embeddings.weight" if s.tied else "output.weight"], x)


def ascii_only(shape, values):
    """The same weights, but no id that is not printable ASCII can win: generated bytes are then always text.

    The output rows of the other ids are scaled down to almost nothing, so that their logits stay near 0 while the
    best of the printable ones is well above."""
    name = "tok_embeddings.weight" if shape.tied else "output.weight"
    rows = values[name]
    for i, row in enumerate(rows):
        if not (32 <= i < 127 or i >= 260):
            rows[i] = [f32(v * 0.001) for v in row]
    return values
