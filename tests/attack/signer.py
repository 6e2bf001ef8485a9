#!/usr/bin/env python3
"""$ASSAY_SIGNER wherever a person signs: signer.py BINARY

The secret keys lie in a vault that only the signing command reads. Each command that signs works with it, its
signature verifies, and the command was asked for exactly that key; a command that signs with another key, prints
something else or fails is refused, and nothing is changed.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from forge import World

SIGNER = """#!/usr/bin/env python3
import base64, os, subprocess, sys, tempfile
vault, key_id = sys.argv[-2], sys.argv[-1]
with open(vault + "/asked", "a") as file:
    file.write(key_id + "\\n")
with open(vault + "/" + key_id, "rb") as file:
    seed = base64.b64decode(file.read().split(b"\\n")[1])[62:94]
with tempfile.TemporaryDirectory() as folder:
    with open(folder + "/k", "wb") as file:
        file.write(bytes.fromhex("302e020100300506032b657004220420") + seed)
    with open(folder + "/m", "wb") as file:
        file.write(sys.stdin.buffer.read())
    sig = subprocess.run(["openssl", "pkeyutl", "-sign", "-keyform", "DER", "-inkey", folder + "/k", "-rawin", "-in",
                          folder + "/m"], capture_output=True, check=True).stdout
print(base64.b64encode(sig).decode())
"""
POLICY = b"schema: assay.policy/1\nname: other\ngates:\n  structural: {}\nchannels:\n  preview:\n    from: candidate\n" \
         b"    gates: [structural]\n    allow_self_signed: true\n  stable:\n    from: preview\n" \
         b"    gates: [structural]\n    allow_self_signed: true\n    approvals:\n      role: release\n" \
         b"      threshold: 1\n"


def main(argv):
    tried = 0
    with tempfile.TemporaryDirectory() as folder:
        w = World(os.path.abspath(argv[1]), folder + "/w", "2026-01-02T00:00:00Z")
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([sys.executable, here + "/../demo/alphabet.py", w.path("t")], check=True)
        w.must("pack", "t", "-o", "a.slm", "--dtype", "q4_0")
        w.must("init", time="2026-01-01T00:00:00Z")
        w.must("init", keys="bens", store="benstore", time="2026-01-01T00:00:00Z")
        w.write("ben.pub", w.must("key", "export", "release", keys="bens")["public"].encode())
        w.write("other.yaml", POLICY)
        os.mkdir(w.path("vault"))
        with open(w.path("signer"), "w") as file:
            file.write(SIGNER)
        os.chmod(w.path("signer"), 0o755)
        ids = {}
        for name in ("root", "publisher", "gate", "release", "policy"):
            ids[name] = w.key(name).id
            os.remove(w.path("keys/%s.key.der" % name))
            shutil.move(w.path("keys/%s.key" % name), w.path("vault/" + ids[name]))
        env = {"ASSAY_SIGNER": w.path("signer") + " " + w.path("vault")}
        # The command, and whose signature it asks for.
        rows = [(["add", "a.slm", "--name", "a", "--version", "1"], "publisher"),
                (["policy", "set", "other.yaml"], "policy"), (["gate", "a@1"], "gate"),
                (["attest", "a@1", "--type", "review", "--reason", "read"], "gate"),
                (["attest", "a@1", "--type", "support", "--reason", "mine"], "release"),
                (["promote", "a@1", "--to", "preview"], "release"),
                (["manifest", "a@1", "-o", "pub"], "publisher"),
                (["trust", "add", "release", "ben.pub", "--owner", "ben"], "root"),
                (["trust", "rotate", "--days", "99"], "root"),
                (["demote", "a@preview", "--reason", "x"], "release"),
                (["rollback", "a@preview", "--to", "a@1", "--reason", "x"], "release"),
                (["freeze", "a", "--until", "2026-03-01T00:00:00Z", "--reason", "x"], "release"),
                (["thaw", "a", "--reason", "x"], "policy"),
                (["request", "a@1", "--to", "stable", "-o", "r.json"], None),
                (["approve", "r.json", "--key", "release", "--reason", "x", "-o", "yes.json"], "release")]
        for words, role in rows:
            for how, bad in (("without", {}), ("cat", {"ASSAY_SIGNER": "cat"}), ("false", {"ASSAY_SIGNER": "false"})):
                if role is not None:
                    before = w.read("store/ledger")
                    code, said, err = w.run(*words, env=bad)
                    if code == 0 or w.read("store/ledger") != before:
                        raise SystemExit("signer: %r %s: exit %d" % (words, how, code))
                    tried += 1
            open(w.path("vault/asked"), "w").close()
            w.must(*words, env=env)
            asked = set(w.read("vault/asked").decode().split())
            if asked != ({ids[role]} if role is not None else set()):
                raise SystemExit("signer: %r asked for %s, not %s" % (words, asked, role))
            tried += 1
        w.must("verify", "--all")
    print("signer: %d commands, %d tries" % (len(rows), tried))


if __name__ == "__main__":
    main(sys.argv)
