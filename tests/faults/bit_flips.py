"""Flips single bits of every file of a store (index and lock aside) and sees `verify` find each, and `get` never hand
out wrong bytes; then adds the same bytes again and sees a damaged chunk healed.

usage: bit_flips.py ASSAY MODEL [STRIDE [EDGE]]
Every STRIDE-th byte of each file is hit, and each of its first and last EDGE bytes."""
import json
import os
import random
import subprocess
import sys
import tempfile


def main():
    program, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    stride = int(sys.argv[3]) if len(sys.argv) > 3 else 997
    edge = int(sys.argv[4]) if len(sys.argv) > 4 else 96
    rng = random.Random(5)
    with tempfile.TemporaryDirectory(prefix="assay-flip.") as root:
        store = root + "/store"
        env = dict(os.environ, ASSAY_STORE=store, ASSAY_KEYS=root + "/keys")

        def run(*args):
            p = subprocess.run([program, "--json", *args], env=env, capture_output=True, stdin=subprocess.DEVNULL)
            return p.returncode, p.stdout.decode()

        def must(*args):
            code, out = run(*args)
            assert code == 0, (args, code, out)
            return out

        must("init")
        must("add", model, "--name", "m", "--version", "1")
        bad = root + "/bad.slm"
        with open(bad, "wb") as f:
            f.write(b"SLM1" + bytes(200))
        assert run("add", bad)[0] == 7
        run("gate", "m@1")
        must("verify", "--all")
        with open(model, "rb") as f:
            original = f.read()
        flips = unfound = unnamed = wrong = 0
        files = [os.path.join(d, n) for d, _, names in os.walk(store) for n in names]
        files = sorted(f for f in files if not f.startswith((store + "/index", store + "/lock", store + "/staging")))
        for path in files:
            with open(path, "rb") as f:
                clean = f.read()
            at = {i for i in range(len(clean)) if i < edge or i >= len(clean) - edge or i % stride == 0}
            for i in sorted(at):
                with open(path, "r+b") as f:
                    f.seek(i)
                    f.write(bytes([clean[i] ^ 1 << rng.randrange(8)]))
                code, out = run("verify", "--all")
                flips += 1
                if code == 0:
                    unfound += 1
                    print(f"not found: {path[len(store):]} byte {i}")
                name = os.path.basename(path).split(".")[0]
                if name not in out:
                    unnamed += 1
                    print(f"not named: {path[len(store):]} byte {i}: exit {code} {out[:200]}")
                out_file = root + "/out"
                if run("get", "m@1", "-o", out_file)[0] == 0:
                    with open(out_file, "rb") as f:
                        wrong += f.read() != original
                    os.unlink(out_file)
                elif os.path.exists(out_file):
                    wrong += 1
                with open(path, "r+b") as f:
                    f.seek(i)
                    f.write(clean[i:i + 1])
        must("verify", "--all")
        print(f"{flips} flips in {len(files)} files: {unfound} not found, {unnamed} not named, {wrong} wrong bytes out")
        heal(store, model, run, must, root)
    sys.exit(bool(unfound or unnamed or wrong))


def heal(store, model, run, must, root):
    """Damages every pack in the middle, adds the same bytes, and wants the store whole again."""
    packs = sorted(os.listdir(store + "/packs"))
    biggest = max(packs, key=lambda p: os.path.getsize(f"{store}/packs/{p}"))
    path = f"{store}/packs/{biggest}"
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 4]))
    code, out = run("verify", "--all")
    assert code == 7, (code, out)
    added = json.loads(must("add", model, "--name", "m", "--version", "1"))
    assert added.get("healed", 0) >= 1, added
    must("verify", "--all")
    must("get", "m@1", "-o", root + "/healed")
    with open(root + "/healed", "rb") as a, open(model, "rb") as b:
        assert a.read() == b.read()
    print("a damaged chunk was healed by adding the same bytes")


if __name__ == "__main__":
    main()
