"""usage: bundles.py ASSAY MODEL

One store gates and promotes MODEL and exports it; a second one takes the bundle in, first without and then with trust in
the first one's keys. Then the bundle is cut, flipped and put together wrongly: nothing wrong is ever admitted."""
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile

ASSAY, MODEL = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
FLIPS = 60
failures = []


def check(fine, what):
    if not fine:
        failures.append(what)


class Store:
    def __init__(self, home, name):
        self.env = dict(os.environ, ASSAY_STORE=f"{home}/{name}", ASSAY_KEYS=f"{home}/{name}.keys")
        self.run("init", "--no-passphrase")

    def run(self, *words):
        child = subprocess.run([ASSAY, "--json", "--quiet", *words], env=self.env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = (child.stdout or child.stderr).splitlines()
        return child.returncode, json.loads(lines[-1]) if lines else {}

    def must(self, *words):
        code, answer = self.run(*words)
        check(code == 0, f"{' '.join(words)}: exit {code} {answer}")
        return answer

    def artifacts(self):
        return self.must("ls")["artifacts"]


def contents(path):
    raw = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]


def pack(path, files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    subprocess.run(["zstd", "-q", "-f", "-o", path], input=raw.getvalue(), check=True)


def round_trip(home, one, two, bundle):
    artifact = one.must("export", "tiny@preview", "-o", bundle)["artifact"]
    one.must("export", "tiny@1", "-o", bundle + ".again")
    with open(bundle, "rb") as a, open(bundle + ".again", "rb") as b:
        check(a.read() == b.read(), "two exports differ")
    code, answer = two.run("import", bundle)
    check(code == 5 and not two.artifacts(), f"an untrusted publisher: exit {code} {answer}")
    for role in ("publisher", "gate"):
        two.must("trust", "add", role, f"{home}/one.keys/{role}.pub", "--owner", "one")
    answer = two.must("import", bundle)
    check(answer.get("artifact") == artifact and not answer.get("existed"), f"import: {answer}")
    states = {d["path"]: d["state"] for d in answer.get("documents", [])}
    check(states == {"evidence/structural.dsse.json": "kept", "evidence/smoke.dsse.json": "kept",
                     "decisions/preview.dsse.json": "not kept", "trust.dsse.json": "not kept"}, f"documents: {states}")
    answer = two.must("import", bundle)
    check(answer.get("existed") and answer.get("new_bytes") == 0, f"import again: {answer}")
    two.must("get", "tiny@1", "-o", home + "/back")
    with open(home + "/back", "rb") as a, open(MODEL, "rb") as b:
        check(a.read() == b.read(), "the model came back different")
    check(two.run("get", "tiny@preview", "-o", home + "/no")[0] == 9, "a decision of another store gave a channel")
    two.must("verify", "--all")
    two.must("export", "tiny@1", "-o", bundle + ".two")
    have, back = dict(contents(bundle)), dict(contents(bundle + ".two"))
    for name in ("manifest.dsse.json", "evidence/smoke.dsse.json", "files/tinyworld-1.0.slm"):
        check(have[name] == back.get(name), f"{name} changed on its way")
    check("decisions/preview.dsse.json" not in back, "a decision of another store travels on")
    return artifact


def wrong(three, bundle, artifact):
    files = contents(bundle)
    named = dict(files)
    evil = bundle + ".evil"
    table = {
        "no list": files[1:],
        "list last": files[1:] + files[:1],
        "a document changed": [(n, d.replace(b"payload", b"paXload", 1) if n == "trust.dsse.json" else d)
                               for n, d in files],
        "a document too many": files[:1] + [("evil.json", b"{}")] + files[1:],
        "a document less": [f for f in files if f[0] != "trust.dsse.json"],
        "a document twice": files[:2] + files[1:],
        "a document at the end": files + [("late.json", b"{}")],
        "a file too many": files + [("files/evil", b"x")],
        "a file less": files[:-1],
        "a file changed": files[:-1] + [(files[-1][0], files[-1][1][:-1] + b"\0\0")],
        "a file moved": files[:-1] + [("files/other.slm", files[-1][1])],
        "an escaping file": files[:-1] + [("files/../../evil", files[-1][1])],
        "a list with spaces": [("bundle.json", named["bundle.json"] + b" ")] + files[1:],
        "another artifact in the list": [("bundle.json", named["bundle.json"].replace(artifact.encode(), b"0" * 64))]
                                        + files[1:],
    }
    for what, put in table.items():
        pack(evil, put)
        code, answer = three.run("import", evil)
        check(code == 7, f"{what}: exit {code} {answer}")
        check(not three.artifacts(), f"{what}: {three.artifacts()}")
    with open(bundle, "rb") as f:
        whole = f.read()
    for i in range(FLIPS):
        at = len(whole) * i // FLIPS
        bad = bytearray(whole)
        bad[at] ^= 1 << i % 8
        with open(evil, "wb") as f:
            f.write(bad if i % 3 else bad[:at])
        code, answer = three.run("import", evil)
        check(code in (5, 7) or answer.get("artifact") == artifact, f"byte {at}: exit {code} {answer}")
    check(three.run("verify", "--all")[0] == 0, "the store is not sound afterwards")


def main():
    with tempfile.TemporaryDirectory(prefix="assay-bundles.") as home:
        one, two, three = (Store(home, name) for name in ("one", "two", "three"))
        one.must("add", MODEL, "--name", "tiny", "--version", "1")
        one.must("gate", "tiny@1")
        one.must("promote", "tiny@1", "--to", "preview")
        bundle = home + "/tiny.tar.zst"
        artifact = round_trip(home, one, two, bundle)
        three.must("trust", "add", "publisher", home + "/one.keys/publisher.pub", "--owner", "one")
        wrong(three, bundle, artifact)
    for line in failures:
        print("FAIL", line)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
