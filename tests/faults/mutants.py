"""The necessity report: every sync and every check that can refuse, taken out of the source one at a time, and what
notices it.

usage: mutants.py BUILD [--files PATTERN] [--results FILE] [--minutes N] [--list]
BUILD is a configured and built dev folder. A mutant is one file compiled again and linked before the libraries: into
the battery, and into the Criterion program of its folder. Tried in this order until something turns red:
the suite of the file's own module, then the battery (power cuts for syncs, damage at rest for checks), then the other
suites of the folder. FILE keeps one line a mutant and is gone on with; a mutant is known by file, line and text."""
import argparse
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

FILES = ["store/*.c", "base/pending.c", "verify/trust*.c", "verify/evidence*.c", "verify/admit*.c", "verify/artifact.c",
         "promote/decision.c", "promote/statement.c", "promote/rules.c", "promote/entry.c"]
SYNC = re.compile(r"\b(io_sync|io_sync_data|recover_sync_index)\(")
# A guard: a condition, and as all of its body the refusal.
GUARD = re.compile(r"\bif \(((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*)\)\s*(?:\{\s*)?"
                   r"(?:return|st =|\(void\)) ?\(?(?:err_set|err_at|head_damaged|unproven|malformed|cut_short|refuse\w*|"
                   r"damaged|broken|wrong|no_\w+)\(")
# A call whose answer is a verdict and nothing else.
CALL = re.compile(r"\b(trust_check|check_owner|check_signer|check_expects|check_set|compare_head|prove_\w+|open_decision|"
                  r"envelope_check\w*|refuse_network|check_size|verify_\w+|ledger_signed_by|key_verify|digest_equal)\(")
WEAK = ("ST_NO_MEMORY", "ST_USAGE", "ST_BUSY", "ST_INTERRUPTED")
# What is left out on purpose, with the reason; shown in the report.
REDUNDANT = {}


def closing(text, at):
    """Behind the parenthesis that opens at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    return len(text)


def mutants(path, text):
    """(kind, offset, mutated text, what)"""
    for m in SYNC.finditer(text):
        end = closing(text, m.end() - 1)
        if text[:m.start()].rsplit("\n", 1)[-1].startswith("enum status"):
            continue
        yield "sync", m.start(), text[:m.start()] + "(ST_OK)" + text[end:], text[m.start():end]
    for m in GUARD.finditer(text):
        statement = text[m.end():closing(text, m.end() - 1)]
        if any(w in statement for w in WEAK):
            continue
        cond = m[1]
        yield ("check", m.start(), text[:m.start(1)] + "false && (" + cond + ")" + text[m.end(1):],
               "if (" + " ".join(cond.split()) + ")")
    for m in CALL.finditer(text):
        head = text[:m.start()].rsplit("\n", 1)[-1]
        end = closing(text, m.end() - 1)
        if re.match(r"(static )?(enum|bool|struct)", head) or re.search(r"(enum status|bool) $", head):
            continue
        truth = m[1] in ("ledger_signed_by", "key_verify", "digest_equal")
        value = f"(({text[m.start():end]}), {'true' if truth else 'ST_OK'})"
        if not truth:
            value = f"((void)({text[m.start():end]}), ST_OK)"
        yield "call", m.start(), text[:m.start()] + value + text[end:], " ".join(text[m.start():end].split())


class Bench:
    def __init__(self, build):
        self.build, self.root = os.path.abspath(build), os.getcwd()
        with open(build + "/compile_commands.json") as f:
            self.commands = {os.path.relpath(c["file"], self.root): c for c in json.load(f)}
        self.tmp = tempfile.mkdtemp(prefix="mutants.", dir=os.environ.get("TMPDIR"))

    def compile(self, path, text):
        source, out = f"{self.tmp}/{os.path.basename(path)}", self.tmp + "/mutant.o"
        with open(source, "w") as f:
            f.write(text)
        c = self.commands[path]
        words = [w for w in shlex.split(c["command"]) if w != "ccache" and w != "-Werror"]
        words[words.index("-o") + 1] = out
        words[-1] = source
        return out if subprocess.run([*words, "-w"], cwd=c["directory"], capture_output=True).returncode == 0 else None

    def link(self, target, mutant):
        """The target's own objects, the mutant, then the libraries, as ninja links it."""
        said = subprocess.run(["ninja", "-C", self.build, "-t", "commands", "-s", target], capture_output=True, text=True).stdout
        words = shlex.split(said.strip().split("&&")[1])
        out = f"{self.tmp}/{target}"
        at = words.index("-o")
        words[at + 1] = out
        words.insert(at, mutant)
        done = subprocess.run(words, cwd=self.build, capture_output=True, text=True)
        return out if done.returncode == 0 else None

    def red(self, words, seconds):
        try:
            env = dict(os.environ, ASSAY_BINARY=self.build + "/assay")
            return subprocess.run(words, capture_output=True, timeout=seconds, env=env, stdin=subprocess.DEVNULL).returncode != 0
        except subprocess.TimeoutExpired:
            return True


SLICES = {
    "sync": [["power", "--only", "lab.add-blob", "--strict", "--limit", "6"],
             ["power", "--only", "none.init-lab", "--strict", "--limit", "4"],
             ["power-again", "--only", "lab.add-blob", "--strict", "--limit", "4"],
             ["power", "--only", "one.fsck-index", "--strict", "--limit", "6"]],
    "check": [["flips", "--only", "one.verify", "--truth", "--stride", "499"], ["errors", "--only", "lab.add-new", "--stride", "97"]],
}


def caught(bench, kind, path, obj):
    folder, module = path.split("/")[0], os.path.basename(path)[:-2]
    suite = glob.glob(f"tests/{folder}/test_{module}.c") or glob.glob(f"tests/{folder}/test_{module.split('_')[0]}.c")
    tests = bench.link("test_" + folder, obj) if suite else None
    if suite:
        name = os.path.basename(suite[0])[5:-2]
        if tests and bench.red([tests, "-j1", "--short-filename", "--timeout", "60", "--filter", name + "/*"], 120):
            return f"unit {name}"
    battery = bench.link("battery", obj)  # only now: linking takes longer than most suites
    if battery is None:
        return "does not link"
    for words in SLICES["sync" if kind == "sync" else "check"]:
        if bench.red([battery, *words, "--repo", bench.root], 300):
            return "battery " + " ".join(words[:3])
    tests = tests or bench.link("test_" + folder, obj)
    if tests and bench.red([tests, "-j1", "--short-filename", "--timeout", "60"], 600):
        return f"unit {folder}"
    return None


def done_before(path):
    known = {}
    if path and os.path.exists(path):
        with open(path) as f:
            for line in f:
                key, verdict = line.rstrip("\n").split("\t")
                known[key] = verdict
    return known


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--files", default=None)
    p.add_argument("--results")
    p.add_argument("--minutes", type=float, default=1e9)
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    files = sorted({f for g in ([a.files] if a.files else FILES) for f in glob.glob(g)})
    known, until, bench = done_before(a.results), time.time() + 60 * a.minutes, Bench(a.build)
    counts = {"caught": 0, "redundant": 0, "survives": 0, "left": 0}
    for path in files:
        with open(path) as f:
            text = f.read()
        for kind, at, mutated, what in mutants(path, text):
            line = text.count("\n", 0, at) + 1
            key = f"{path}:{line} {kind} {what}"[:180]
            if a.list:
                print(key)
                continue
            verdict = known.get(key)
            if verdict is None and time.time() > until:
                counts["left"] += 1
                continue
            if verdict is None:
                obj = bench.compile(path, mutated)
                verdict = "does not compile" if obj is None else caught(bench, kind, path, obj) or "SURVIVES"
                if a.results:
                    with open(a.results, "a") as f:
                        f.write(f"{key}\t{verdict}\n")
            reason = REDUNDANT.get(key.split(" ", 1)[0].split(":")[0] + " " + what)
            if verdict == "SURVIVES" and reason:
                verdict = "redundant: " + reason
            counts["survives" if verdict == "SURVIVES" else "redundant" if verdict.startswith("redundant") else "caught"] += 1
            print(f"{key}: {verdict}", flush=True)
    print(", ".join(f"{n} {k}" for k, n in counts.items()))
    sys.exit(bool(counts["survives"] or counts["left"]))


if __name__ == "__main__":
    main()
