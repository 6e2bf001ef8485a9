"""Kills the program with SIGKILL before every mutating system call of a command, then proves that the store opens,
verifies, and takes the same command again.

usage: kill_matrix.py ASSAY MODEL_MAKER_DIR [command ...]
Every point shows proof of injection in strace's own log, or it counts as a failure."""
import collections
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

CALLS = ("openat,mkdir,mkdirat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range,ftruncate,"
         "fallocate,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,fchmod,chmod")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


# Acts that cannot be done twice: when the killed one was done whole, the next says so by its own code.
DONE_ALREADY = {"rollback": (2,), "demote": (9,), "retire": (2,), "freeze": (2,), "thaw": (9,)}


class Place:
    """A store and its keys in a folder that can be put back to a saved state."""

    def __init__(self, root, program):
        self.root, self.program = root, program
        self.live, self.saved = root + "/live", root + "/saved"
        os.makedirs(self.live)
        self.env = dict(os.environ, ASSAY_STORE=self.live + "/store", ASSAY_KEYS=self.live + "/keys")

    def save(self):
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(self.live, self.saved)

    def restore(self):
        shutil.rmtree(self.live)
        shutil.copytree(self.saved, self.live)

    def run(self, *args, strace=()):
        return subprocess.run([*strace, self.program, "--json", *args], env=self.env, capture_output=True,
                              stdin=subprocess.DEVNULL)


def mutating(name, rest):
    return name != "openat" or "O_CREAT" in rest or "O_TMPFILE" in rest


def points(place, args, log):
    """(system call, ordinal) of every mutating call of one undisturbed run."""
    p = place.run(*args, strace=("strace", "-f", "-qq", "-o", log, "-e", "trace=" + CALLS))
    if p.returncode:
        sys.exit(f"{args}: exit {p.returncode} undisturbed: {p.stdout.decode()}{p.stderr.decode()}")
    seen = collections.Counter()
    found = set()
    with open(log, errors="replace") as f:
        for line in f:
            m = LINE.match(line)
            if not m or "resumed>" in line.split("(")[0]:
                continue
            pid, name, rest = m.groups()
            seen[pid, name] += 1
            if mutating(name, rest):
                found.add((name, seen[pid, name]))
    return sorted(found)


def proven(log):
    with open(log, errors="replace") as f:
        return "killed by SIGKILL" in f.read()


def check(place, args, done):
    """What must hold after the kill; returns a complaint or None."""
    opened = place.run("ls")
    if args[0] == "init" and opened.returncode == 9:
        pass  # nothing was published: that is one of the two allowed states
    else:
        for probe in (("ls",), ("verify", "--all"), ("log", "--verify")):
            p = place.run(*probe)
            if p.returncode:
                return f"{' '.join(probe)}: exit {p.returncode} {p.stdout.decode()[:300]}"
    again = place.run(*args)
    if args[0] == "gate" and again.returncode == 1:
        # A child that was killed is a fail, signed like any other; measured again it passes.
        again = place.run(*args, "--again")
    if again.returncode and not (again.returncode in DONE_ALREADY.get(args[0], ()) and done(place) is None):
        return f"again: exit {again.returncode} {again.stdout.decode()[:300]}"
    return done(place)


def matrix(place, title, args, done):
    log = place.root + "/strace.log"
    place.save()
    todo = points(place, args, log)
    bad = 0
    for name, ordinal in todo:
        place.restore()
        place.run(*args, strace=("strace", "-f", "-qq", "-o", log, "-e", "trace=" + name, "-e",
                                 f"inject={name}:signal=KILL:when={ordinal}"))
        complaint = None if proven(log) else "no proof of injection"
        complaint = complaint or check(place, args, done)
        if complaint:
            bad += 1
            print(f"FAIL {title}: kill at {name} #{ordinal}: {complaint}")
    place.restore()
    print(f"{title}: {len(todo)} kill points, {bad} violations")
    return len(todo), bad


def holds(field, value):
    def done(place):
        p = place.run("ls" if field == "artifact" else "channels")
        rows = json.loads(p.stdout)["artifacts" if field == "artifact" else "channels"]
        ok = any(value in json.dumps(r) for r in rows)
        return None if p.returncode == 0 and ok else f"{value} is not in {rows}"
    return done


def gated(place):
    """Every piece of evidence there is verifies, and each gate has a newest one that passed."""
    p = place.run("evidence", "tiny@1")
    if p.returncode:
        return f"evidence: exit {p.returncode} {p.stdout.decode()[:300]}"
    last = {e["gate"]: e["result"] for e in json.loads(p.stdout)["evidence"]}
    return None if last == {"structural": "pass", "smoke": "pass"} else f"the newest evidence says {last}"


def reported(place):
    """The five reports are whole."""
    folder = place.root + "/reports"
    try:
        xml.parse(folder + "/junit.xml")
        with open(folder + "/results.sarif", encoding="utf-8") as f:
            json.load(f)
        with open(folder + "/nightly.jsonl", encoding="utf-8") as f:
            last = json.loads(f.read().splitlines()[-1])
        for name, end in (("report.html", "</html>\n"), ("summary.md", "\n")):
            with open(folder + "/" + name, encoding="utf-8") as f:
                if not f.read().endswith(end):
                    return f"{name} is not whole"
        left = [n for n in os.listdir(folder) if n.startswith(".")]
    except (OSError, ValueError, xml.ParseError) as e:
        return f"reports: {e}"
    return f"the night ended {last}" if last.get("result") != "pass" else f"left: {left}" if left else gated(place)


def story(place, model):
    """Each step: title, the command under test, what must hold after it was repeated, then taken for real."""
    yield "init", ("init",), lambda p: None
    yield "add model", ("add", model, "--name", "tiny", "--version", "1"), holds("artifact", "tiny")
    yield "add again", ("add", model, "--name", "tiny", "--version", "1"), holds("artifact", "tiny")
    blob = place.root + "/blob.bin"
    with open(blob, "wb") as f:
        f.write(bytes((i * i >> 3) & 255 for i in range(700_000)))
    yield "add opaque", ("add", blob, "--name", "blob", "--version", "1"), holds("artifact", "blob")
    yield "gate", ("gate", "tiny@1", "--only", "structural,smoke"), gated
    yield "promote", ("promote", "tiny@1", "--to", "preview"), holds("channel", "preview")
    yield from law(place, model)


LAW = """schema: assay.policy/1
name: two-steps
channels:
  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}
  stable: {from: preview, gates: [structural, smoke], allow_self_signed: true, approvals: {role: release, threshold: 1}}
waivers: {longest: 30 d, approvals: {role: release, threshold: 1}}
nightly: {gates: [structural, smoke]}
"""


def says(command, *wanted):
    """The command prints each of the words."""
    def done(place):
        p = place.run(*command)
        text = p.stdout.decode()
        missing = [w for w in wanted if w not in text]
        return f"{' '.join(command)} says no {missing}: {text[:300]}" if p.returncode or missing else None
    return done


def file_there(path):
    def done(_place):
        return None if os.path.getsize(path) > 100 else f"{path} is not whole"
    return done


def law(place, model):
    """What people agree to, and what goes back: each step as in story()."""
    policy, request, answer = (f"{place.root}/{n}" for n in ("law.yaml", "r.json", "a.json"))
    with open(policy, "w", encoding="ascii") as f:
        f.write(LAW)
    yield "policy set", ("policy", "set", policy), says(("policy", "show"), "two-steps")
    place.run("gate", "tiny@1")
    place.run("promote", "tiny@1", "--to", "preview")
    yield "request", ("request", "tiny@1", "--to", "stable", "-o", request, "--force"), file_there(request)
    yield ("approve", ("approve", request, "--key", "release", "--reason", "ok", "-o", answer, "--force"),
           file_there(answer))
    yield "approvals add", ("approvals", "add", answer), says(("approvals", "ls", "tiny@1"), '"holds":true')
    yield "promote stable", ("promote", "tiny@1", "--to", "stable"), holds("channel", "stable")
    yield "nightly", ("nightly", "--again", "--report", f"{place.root}/reports"), reported
    place.run("add", model, "--name", "tiny", "--version", "2", "--license", "CC0-1.0")
    place.run("gate", "tiny@2")
    place.run("promote", "tiny@2", "--to", "preview")
    yield ("rollback", ("rollback", "tiny@preview", "--to", "tiny@1", "--reason", "worse"),
           says(("channels", "tiny@preview"), '"holder":"tiny@1"'))
    yield ("demote", ("demote", "tiny@preview", "--reason", "leaks"),
           says(("channels", "tiny@preview"), '"holder":null'))
    until = "2035-01-01"
    yield ("freeze", ("freeze", "tiny", "--until", until, "--reason", "audit"), says(("freeze",), '"frozen":true'))
    yield ("thaw", ("thaw", "tiny", "--reason", "done"), says(("freeze",), '"freezes":[]'))
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5)).strftime("%Y-%m-%d")
    what = ("--gate", "smoke", "--check", "load time", "--until", soon, "--reason", "slow")
    for args in (("waive", "tiny@1", *what, "-o", request, "--force"),
                 ("approve", request, "--key", "release", "--reason", "ok", "-o", answer, "--force"),
                 ("approvals", "add", answer)):
        p = place.run(*args)
        if p.returncode:
            sys.exit(f"{args}: {p.stdout.decode()}")
    yield "waive", ("waive", "tiny@1", *what), says(("log",), '"type":"waive"')
    yield "retire", ("retire", "tiny@1", "--reason", "old"), says(("ls",), '"state":"retired"')


def main():
    program, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    only = sys.argv[3:]
    total = bad = 0
    with tempfile.TemporaryDirectory(prefix="assay-kill.") as root:
        place = Place(root, program)
        for title, args, done in story(place, model):
            if not only or title in only:
                n, b = matrix(place, title, args, done)
                total, bad = total + n, bad + b
            p = place.run(*args)
            if p.returncode:
                sys.exit(f"{title}: exit {p.returncode} {p.stdout.decode()}")
    print(f"{total} kill points, {bad} violations")
    sys.exit(bad != 0 or total == 0)


if __name__ == "__main__":
    main()
