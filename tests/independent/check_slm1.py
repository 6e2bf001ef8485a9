"""Admits files that slm1.py wrote, compares greedy ids with its float64 reference, and sees every single-field
corruption refused. usage: check_slm1.py ASSAY"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import slm1

MARGIN = 2e-3  # below this the two best logits are too close for two number formats to agree on
NEW_TOKENS = 24

CASES = [  # name, shape, tokenizer, prompt
    ("mha", dict(), slm1.byte_tokenizer, "Once upon"),
    ("gqa-tied", dict(hidden=64, heads=8, kv_heads=2, ffn=96, tied=True), slm1.byte_tokenizer, "a"),
    ("one-kv-head", dict(hidden=96, layers=1, heads=3, kv_heads=1, ffn=32, theta=500.0), slm1.byte_tokenizer, ""),
    ("bpe", dict(vocab=262), slm1.pair_tokenizer, "the"),
]

HEADER = [  # offset, format, a value that is never right
    (0, "<I", 0x324D4C53), (4, "<I", 2), (8, "<I", 112), (12, "<I", 2), (16, "<I", 0x80), (20, "<I", 0), (24, "<I", 3),
    (28, "<I", 33), (32, "<I", 3), (36, "<I", 5), (40, "<I", 3), (44, "<I", 9), (48, "<I", 65), (52, "<I", 0),
    (56, "<f", float("nan")), (60, "<f", float("inf")), (64, "<Q", 109), (72, "<Q", 27), (80, "<Q", 64),
    (88, "<I", 19), (92, "<Q", 65), (100, "<Q", 0)]
ENTRY = [  # within a directory entry
    (0, "<Q", 1), (8, "<I", 9), (12, "<I", 5), (16, "<I", 7), (20, "<I", 31), (24, "<I", 2), (28, "<I", 0),
    (32, "<Q", 1), (40, "<Q", 3), (48, "<Q", 64), (56, "<I", 1), (60, "<I", 1)]
TOKENIZER = [(0, "<I", 0), (4, "<I", 2), (8, "<I", 259), (12, "<I", 255), (16, "<I", 256), (20, "<I", 0), (24, "<I", 260)]


class Assay:
    def __init__(self, program, home):
        self.program = program
        self.env = dict(os.environ, ASSAY_STORE=home + "/store", ASSAY_KEYS=home + "/keys")

    def __call__(self, *args):
        p = subprocess.run([self.program, "--json", *args], env=self.env, capture_output=True, stdin=subprocess.DEVNULL)
        out = p.stdout.decode()
        return p.returncode, json.loads(out) if out.strip() else None


def patched(file, offset, fmt, value, sealed):
    raw = struct.pack(fmt, value)
    out = file[:offset] + raw + file[offset + len(raw):]
    return slm1.seal(out) if sealed and offset != 100 else out


def unpadded_ends(file, directory):
    """Where payloads and scales end that do not fill their last 64 bytes: padding begins there."""
    ends = []
    for at in range(directory, directory + 64 * struct.unpack_from("<I", file, 88)[0], 64):
        rank, rows = struct.unpack_from("<I", file, at + 12)[0], struct.unpack_from("<I", file, at + 16)[0]
        payload, length, scales = struct.unpack_from("<QQQ", file, at + 32)
        ends.append(payload + length)
        if scales and struct.unpack_from("<I", file, at + 8)[0] == 2:
            ends.append(scales + 4 * (rows if rank > 1 else 1))
    return sorted(end for end in ends if end % 64)


def corruptions(file):
    """Every field once: a wrong value under a right checksum, and one flipped bit under the old one."""
    directory = struct.unpack_from("<Q", file, 80)[0]
    data = struct.unpack_from("<Q", file, 92)[0]
    fields = [(f"header+{o}", o, f, v) for o, f, v in HEADER]
    fields += [(f"entry1+{o}", directory + 64 + o, f, v) for o, f, v in ENTRY]
    fields += [(f"tokenizer+{o}", 108 + o, f, v) for o, f, v in TOKENIZER]
    scales = struct.unpack_from("<Q", file, directory + 48)[0]
    fields += [("first value or scale is NaN", scales or data, "<f", float("nan"))]
    fields += [("padding before the directory", directory - 1, "<B", 1)]
    fields += [("padding behind a payload", end, "<B", 1) for end in unpadded_ends(file, directory)[-1:]]
    for what, offset, fmt, value in fields:
        before = struct.unpack_from(fmt, file, offset)[0]
        if value == before:
            raise AssertionError(f"{what}: the corruption changes nothing")
        yield what, patched(file, offset, fmt, value, True)
        yield what + " (bit)", patched(file, offset, "<B", file[offset] ^ 1, False)
    yield "one byte short", file[:-1]
    yield "64 bytes more", file + bytes(64)


def generate(assay, path, name, prompt):
    code, added = assay("add", path, "--name", name, "--version", "1")
    assert code == 0, (name, code, added)
    code, run = assay("run", name + "@1", "--prompt", prompt, "--max-new-tokens", str(NEW_TOKENS))
    # An untrained byte model may well write what is no text: that is its one stable error.
    return (code, run)


def compare(shape, seen, run, name):
    """Walks the ids that the program chose; wherever the reference is sure, they must be its choice."""
    ref = slm1.Reference(shape, seen)
    for token in run["prompt_ids"]:
        logits = ref.step(token)
    sure = 0
    for at, token in enumerate(run["token_ids"]):
        best, second = sorted(logits, reverse=True)[:2]
        if best - second > MARGIN:
            sure += 1
            want = logits.index(best)
            assert token == want, f"{name}: id {at} is {token}, the reference says {want} by {best - second:.4f}"
        logits = ref.step(token)
    return sure


def main():
    program = os.path.abspath(sys.argv[1])
    sure = tokens = refused = 0
    with tempfile.TemporaryDirectory(prefix="assay-independent.") as home:
        assay = Assay(program, home)
        assert assay("init")[0] == 0
        for case, options, tokenizer, prompt in CASES:
            shape = slm1.Shape(**options)
            for dtype, number in slm1.DTYPES.items():
                for seed in range(3):
                    values = slm1.ascii_only(shape, slm1.random_values(shape, f"{case}{seed}"))
                    file, seen = slm1.write(shape, values, number, tokenizer())
                    path = f"{home}/{case}-{dtype}-{seed}.slm"
                    with open(path, "wb") as f:
                        f.write(file)
                    code, run = generate(assay, path, f"{case}-{dtype.replace('_', '')}-{seed}", prompt)
                    assert code == 0 and run["token_ids"], (path, code, run)
                    if case == "bpe":
                        assert run["prompt_ids"] == [256, 261], run["prompt_ids"]
                    sure += compare(shape, seen, run, path)
                    tokens += len(run["token_ids"])
        shape = slm1.Shape()
        for dtype, number in slm1.DTYPES.items():
            file, _ = slm1.write(shape, slm1.random_values(shape, 1), number, slm1.byte_tokenizer())
            for what, bad in corruptions(file):
                path = f"{home}/bad.slm"
                with open(path, "wb") as f:
                    f.write(bad)
                code, error = assay("add", path, "--name", "bad", "--version", "1")
                assert code == 7, f"{dtype} {what}: exit {code} {error}"
                assert error["stage"] and error["code"], (what, error)
                refused += 1
        code, listed = assay("ls")
        assert code == 0 and not [a for a in listed["artifacts"] if a["name"] == "bad"]
        code, kept = assay("quarantine", "ls")
        assert code == 0 and len(kept["entries"]) > refused // 2, len(kept["entries"])
    assert sure > tokens * 0.8, "the reference was hardly ever sure: the test says little"
    print(f"{tokens} ids, {sure} of them sure and equal; {refused} corruptions refused")


if __name__ == "__main__":
    main()
