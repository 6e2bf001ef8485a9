"""Kills the program with SIGKILL before every mutating system call of a command, then proves that the store opens,
verifies, and takes the same command again.

usage: kill_matrix.py ASSAY MODEL_MAKER_DIR [command ...]
Every point shows proof of injection in strace's own log, or it counts as a failure."""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CALLS = ("openat,mkdir,mkdirat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range,ftruncate,"
         "fallocate,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,fchmod,chmod")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


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
    if again.returncode:
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


def story(place, model):
    """Each step: title, the command under test, what must hold after it was repeated, then taken for real."""
    yield "init", ("init",), lambda p: None
    yield "add model", ("add", model, "--name", "tiny", "--version", "1"), holds("artifact", "tiny")
    yield "add again", ("add", model, "--name", "tiny", "--version", "1"), holds("artifact", "tiny")
    blob = place.root + "/blob.bin"
    with open(blob, "wb") as f:
        f.write(bytes((i * i >> 3) & 255 for i in range(700_000)))
    yield "add opaque", ("add", blob, "--name", "blob", "--version", "1"), holds("artifact", "blob")
    place.run("gate", "tiny@1")
    yield "promote", ("promote", "tiny@1", "--to", "preview"), holds("channel", "preview")


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
