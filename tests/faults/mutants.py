"""The necessity report: every sync and every check that can refuse, taken out of the source one at a time, and what
notices it.

usage: mutants.py WORK [--files PATTERN] [--results FILE] [--minutes N] [--budget SECONDS] [--list]

All of them are built at once into a copy of the source under WORK, each behind a switch of its own that the environment
turns (MUTANT=N, or several: N,M), so a mutant costs no compiler. Each trial (a unit test suite, a slice of the battery, a
script) runs once unharmed and tells which syncs it makes and which checks refuse something in it: no other can miss
them. A mutant is tried on those, the quick ones first and of them its own module's, until something turns red. A sync that
nothing misses is left out together with the others of its file: they may cover one another. FILE keeps one line a mutant and is
gone on with: a verdict holds as long as the mutant's file is what it was."""
import argparse
import fnmatch
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from refusals import WEAK, Refusals, closing

FILES = ["store/*.c", "base/pending.c", "verify/trust*.c", "verify/evidence*.c", "verify/admit*.c", "verify/artifact.c",
         "verify/publisher.c", "verify/unpack.c", "promote/bundle*.c", "promote/decision.c", "promote/statement.c",
         "promote/rules.c", "promote/entry.c", "cli/cmd_copy.c", "cli/heal_documents.c", "cli/incoming.c", "cli/repair.c"]
SYNC = re.compile(r"\b(io_sync|io_sync_data|recover_sync_index)\(")
# A call whose answer is a verdict and nothing else.
CALL = re.compile(r"\b(trust_check|check_(?:owner|signer|expects|set|once|installed|genesis|head|trees?|free|big|miss|files|"
                  r"manifest|sums|size|seal|subject|cases|newest|succession|first|pointer|self_signed)|"
                  r"compare_(?:head|whole|bound)|refuse_(?:network|existing|store)|judge_name|prove_\w+|open_decision|"
                  r"envelope_check\w*|verify_\w+|ledger_signed_by|key_verify|digest_equal)\(")
WORDS = ("caught", "covered", "redundant", "survives", "left")
SLOW = 10.0 # seconds of a trial
SLOTS = 64  # numbers a file: a change in one file leaves those of the others
TABLE = 8192 # of them in all, as in SWITCH
# What no test can show, with the reason; said in the report. "file text", or "file text #2" of several that are alike
REDUNDANT = {
    "promote/decision.c prove_source(by, &policy, &in, e)":
        "fails on the disk's trouble alone: a source that holds by no right is taken out of what the rules see",
    "store/change.c unless (digest_equal(&whole, content))":
        "second lock: chunks are proven under the digests their recipe has, the recipe under its own (store/ingest.c)",
    "promote/decision.c digest_equal(&on->holder.artifact, &in->artifact)":
        "second lock: a piece of evidence is about one artifact, and what is compared next holds one at least",
    "store/codec.c if (!set_up(c))": "zstd takes this level wherever it was built",
    "store/commit.c if (st == ST_OK && !ledger_signed_by(&parsed, signer_public(entry->log)))":
        "second lock before a line that nobody can take back: signer_command verifies, and a key's halves are compared",
    "store/commit.c ledger_signed_by(&parsed, signer_public(entry->log))": "the same",
    "store/export.c if (ZSTD_isError(left))": "zstd has no other reason to fail than memory, which is asked for before",
    "store/export.c if (x->zstd != NULL && ZSTD_isError(ZSTD_CCtx_setParameter(x->zstd, ZSTD_c_compressionLevel, LEVEL)))":
        "zstd takes this level wherever it was built",
    "store/head.c if (st != ST_OK)":
        "second lock: whoever appends has folded first, which reads the head as well; unread it has no length to go on with",
    "store/import.c if (names == (locale_t)0)": "every system that this runs on has C.UTF-8",
    "store/import.c if (done != ARCHIVE_OK)": "a libarchive without tar, zip or zstd is none that this is built with",
    "store/import.c if (*path == NULL)": "no archive that libarchive reads has a name in no encoding at all",
    "store/import.c if (offset < 0 || (uint64_t)offset != at)":
        "second lock: libarchive gives files with holes a map, which is refused before",
    "store/import.c if (used != 2 || wcrtomb(narrow, wide, &out) != 2)": "every system that this runs on has C.UTF-8",
    "store/index.c if (rc == MDB_MAP_FULL)": "64 GiB of index would have to be written",
    "store/index.c unless (checked == 0)": "fails where the lock file that LMDB holds cannot be locked",
    "store/index_files.c if (statfs(folder, &f) != 0)": "second lock: what cannot be asked cannot be opened, which comes next",
    "store/key.c if (!keep_from_children(p, n))": "every kernel since 4.14 can do it",
    "store/key.c if (sodium_init() < 0)": "fails only where the kernel has no randomness",
    "store/lease.c if (st == ST_OK && l->end + ENTRY > LEASE_BYTES)": "1.6 million packs in one change: 100 TB",
    "store/move.c if (stat(m->s->path, &facts) != 0)": "the store is open: its path was gone into a moment before",
    "store/move.c if (st == ST_NO_SPACE)": "the same refusal, with the way out in its words",
    "store/pack.c if (st != ST_OK) #3":
        "second lock: whoever reads the record refuses such a place as well; here before memory is asked for",
    "store/quarantine.c io_sync(p->bytes.fd, e)":
        "for speed, outside the lock: base/pending.c syncs the file again before it gets its name",
    "store/quarantine_pack.c unless (v->n < sizeof v->p)": "for speed: the view is full, the rest would be read in vain",
    "store/reserve.c io_sync(fd, e)":
        "what it makes last is room alone, which no recording of writes has; whoever writes next would ask for it again",
    "store/ring.c if (sys != 0)": "no thread can be made where the machine is out of something",
    "store/sealer.c if (sys != 0)": "the same",
    "store/seat.c if (opened == ST_OK)": "an open descriptor can always be asked",
    "store/signer_command.c if (end.deadline)":
        "takes two minutes; whoever is killed then has no exit code 0, which is refused as well",
    "store/store.c if (st == ST_NOT_FOUND) #2": "second lock: whether the file is there was looked at a moment before",
    "verify/artifact.c if (h->n == sizeof h->bytes)": "for speed: the head is full, the rest would be read in vain",
    "verify/evidence_format.c if (st != ST_OK) #2": "what is no JSON has no type, for which it is refused next",
    "verify/unpack.c if (u->bytes > UNPACK_BYTES)": "4 TiB would have to be unfolded",
}
# What the machine alone can make fail, wherever it stands.
MACHINE = [
    (r"\bfstat\(", "an open descriptor can always be asked"),
    (r"\blseek\(", "it is a regular file, which can be read twice"),
    (r"\bpipe2\(|\bMAP_FAILED\b|errno == ENOENT\b", "fails where the machine is out of something"),
]


def mutants(path, text, refusals):
    """(kind, where it begins, where it ends, what stands before, what behind, what it is)"""
    for m in SYNC.finditer(text):
        end = closing(text, m.end() - 1)
        if not text[:m.start()].rsplit("\n", 1)[-1].startswith("enum status"):
            yield "sync", m.start(), end, "(mutant(%d) ? ST_OK : ", ")", text[m.start():end]
    checked = set()
    for at, end, when, begin, behind in refusals.conditions(path):
        checked.add((at, end))
        if not WEAK.search(text[begin:behind]):
            yield ("check", at, end, "mutant_guard(%d, " if when else "mutant_true(%d, ", ")",
                   ("if (" if when else "unless (") + " ".join(text[at:end].split()) + ")")
    for m in CALL.finditer(text):
        line = text[:m.start()].rsplit("\n", 1)[-1]
        end = closing(text, m.end() - 1)
        if (m.start(), end) in checked: # the check itself
            continue
        if re.match(r"(static )?(enum|bool|struct)", line) or re.search(r"(enum status|bool) $", line):
            continue
        truth = m[1] in ("ledger_signed_by", "key_verify", "digest_equal")
        yield ("call", m.start(), end, "mutant_true(%d, " if truth else "mutant_ok(%d, ", ")",
               " ".join(text[m.start():end].split()))


SWITCH = """#ifndef MUTANT_H
#define MUTANT_H
#include "base/status.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((weak)) unsigned char mutant_on[8192];
__attribute__((weak)) int mutant_log;
__attribute__((weak)) unsigned char mutant_seen[8192];
__attribute__((constructor, unused)) static void mutant_start(void)
{
    const char *on = getenv("MUTANT"), *log = getenv("MUTANT_LOG");
    for (char *at = (char *)on; at != NULL && *at != 0; at += *at == ',')
        mutant_on[strtol(at, &at, 10) & 8191] = 1;
    if (log != NULL && mutant_log == 0) {
        int fd = open(log, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        mutant_log = fcntl(fd, F_DUPFD_CLOEXEC, 500);
        close(fd);
    }
}
/* Told: here it matters. */
__attribute__((unused)) static bool mutant(int n)
{
    if (mutant_log > 0 && !mutant_seen[n]) {
        char text[8] = {(char)('0' + n / 1000), (char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10),
                        (char)('0' + n % 10), 10};
        mutant_seen[n] = 1;
        if (write(mutant_log, text, 5) != 5)
            mutant_log = -1;
    }
    return mutant_on[n] != 0;
}
__attribute__((unused)) static bool mutant_guard(int n, bool is) { return is && !mutant(n); }
__attribute__((unused)) static enum status mutant_ok(int n, enum status st)
{
    return st != ST_OK && mutant(n) ? ST_OK : st;
}
__attribute__((unused)) static bool mutant_true(int n, bool is) { return is || mutant(n); }
#endif
"""
NO_TRIALS = ["sandbox", "sandbox_escape"] # they look for the very descriptor that a sandboxed child tells us through
PROGRAMS = ["test_base", "test_store", "test_verify", "test_promote"]
SLICES = ["power --only lab.add-blob --strict --limit 6", "power --only none.init-lab --strict --limit 4",
          "power --only one.fsck-index --strict --limit 6", "power --only lab.add-bad --strict --limit 6",
          "power --only evicted.gc --strict --limit 6", "power --only gated.promote --strict --limit 6",
          "power --only two.copy --strict --limit 4", "power-again --only lab.add-blob --strict --limit 1",
          "flips --only one.verify --truth --stride 499", "flips --only held.verify --stride 1999",
          "errors --only lab.add-new --stride 397", "kill --only one.gate --stride 9", "full --only one.add-new --stride 9"]
SCRIPTS = ["promoters", "two_people", "health", "copy", "bundles", "archives", "admission", "full_disk", "resume",
           "signer", "transcripts", "attacks", "places", "quarantine", "refusals"]


def tested(name):
    """The text of a trial's own test: of a suite's files, of a script and of the programs it names."""
    kind, what = name.split()[:2]
    files = (glob.glob("tests/*/test_*.c") if kind == "unit" else
             glob.glob(f"tests/scripts/{what}.sh") + glob.glob(f"tests/*/*.{what.removesuffix('s')}")) # transcripts
    out = ""
    for path in sorted(files):
        with open(path) as f:
            text = f.read()
        if kind == "script" or re.search(rf"^(Test|ParameterizedTest)\((.*, )?{what},", text, re.M):
            out += text
        for program in re.findall(r"\w+\.py\b", text) if kind == "script" else []:
            for found in glob.glob(f"tests/*/{program}"):
                with open(found) as f:
                    out += f.read()
    return out


class Told:
    """What the programs of one trial say through a pipe: a sandboxed child may write no file."""

    def __init__(self, path):
        self.path, self.text = path, b""

    def __enter__(self):
        if os.path.exists(self.path):
            os.remove(self.path)
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        return self

    def read(self):
        while not self.text.endswith(b"end\n"):
            self.text += os.read(self.end, 1 << 16)

    def __exit__(self, *why):
        os.write(self.end, b"end\n")
        self.thread.join()
        os.close(self.end)

    def numbers(self):
        return sorted({int(n) for n in self.text.split() if n.isdigit()})


class Bench:
    def __init__(self, work, files):
        self.root, self.work = os.getcwd(), os.path.abspath(work)
        self.all, self.build = self.find(files), self.work + "/build"

    def find(self, files):
        """{number: (path, line, kind, where it begins, ends, before, behind, what, the file's hash)}, in this order"""
        found, texts = {}, {}
        for path in files:
            with open(path) as f:
                texts[path] = f.read()
        refusals = Refusals(texts)
        for i, (path, text) in enumerate(texts.items()):
            stamp = hashlib.sha256(text.encode()).hexdigest()[:12]
            for k, (kind, at, end, before, behind, what) in enumerate(mutants(path, text, refusals)):
                key = f"{path}:{text.count(chr(10), 0, at) + 1} {kind} {what}"[:180]
                assert k < SLOTS and (i + 1) * SLOTS < TABLE, path
                found[1 + i * SLOTS + k] = (path, key, kind, at, end, before, behind, what, stamp)
        return found

    def make(self):
        """The copy, its switches, and the programs."""
        src = self.work + "/src"
        files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
        for name in filter(os.path.isfile, files):
            to = f"{src}/{name}"
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with open(name, "rb") as f:
                data = f.read()
            edits = [(m, n) for n, m in self.all.items() if m[0] == name]
            if edits:
                data = self.switched(data.decode(), edits).encode()
            if name == "verify/confine.c": # a sandboxed child may tell, too
                assert data.count(b"~0u, 0u) == 0") == 2
                data = data.replace(b"~0u, 0u) == 0", b"499u, 0u) == 0")
            self.write(to, data)
            shutil.copymode(name, to)
        self.write(src + "/base/mutant.h", SWITCH.encode())
        subprocess.run(["cmake", "-G", "Ninja", "-S", src, "-B", self.build, "-DCMAKE_BUILD_TYPE=Release", "-DASSAY_WERROR=OFF",
                        "-DCMAKE_C_FLAGS=-w"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", self.build, "-j2", *PROGRAMS, "battery", "assay"], check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def write(path, data):
        """Only what changed is built again."""
        if not os.path.exists(path) or open(path, "rb").read() != data:
            with open(path, "wb") as f:
                f.write(data)

    @staticmethod
    def switched(text, edits):
        """Only insertions, so one may stand in another; the outer one begins first and ends last."""
        marks = []
        for (_, _, _, at, end, before, behind, _, _), n in edits:
            marks += [(at, 1, -end, before % n), (end, 0, -at, behind)]
        out, last = [], 0
        for at, _, _, mark in sorted(marks):
            out += [text[last:at], mark]
            last = at
        return '#include "base/mutant.h"\n' + "".join(out) + text[last:]

    def run(self, words, seconds, **env):
        began = time.monotonic()
        try:
            code = subprocess.run(words, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL,
                                  env=dict(os.environ, ASSAY_BINARY=self.build + "/assay", ASSAY_BUILD=self.build,
                                           **env)).returncode
        except subprocess.TimeoutExpired:
            code = 124
        return code, time.monotonic() - began

    def trials(self, jobs):
        """{name: (words, seconds, numbers)}, each run once unharmed; kept while its own test is the same. What a change
        of the source made to matter elsewhere can so be missed, which is told as a survivor and never as caught; a mutant
        that is new may matter wherever another of its file does. Without reached.json all are run."""
        path, lock, found = self.work + "/reached.json", threading.Lock(), {}
        names, kept = self.names(), {"mutants": [], "trials": {}}
        if os.path.exists(path):
            with open(path) as f:
                kept = json.load(f)
        old = set(kept["mutants"] or names.values())

        def numbers(reached):
            files = {r.split()[0] for r in reached}
            return [n for n, name in names.items()
                    if name in reached or (name not in old and name.split()[0] in files)]

        def once(listed):
            i, (name, words) = listed
            stamp = hashlib.sha256(tested(name).encode()).hexdigest()
            if kept["trials"].get(name, [None])[0] != stamp:
                with Told(f"{self.work}/log{i}") as told:
                    code, seconds = self.run(words, 900, MUTANT_LOG=told.path)
                reached = None if code else [names[n] for n in told.numbers() if n in names] # red: it shows nothing
                print(f"{name}: {seconds:.1f} s, " + ("RED" if code else f"{len(reached)} matter in it"), flush=True)
                kept["trials"][name] = (stamp, words, seconds, reached)
            _, _, seconds, reached = kept["trials"][name]
            with lock:
                found[name] = (words, seconds, None if reached is None else numbers(set(reached)))
                with open(path, "w") as f:
                    json.dump({"mutants": sorted(old), "trials": {k: kept["trials"][k] for k in found}}, f)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(once, enumerate(self.listed())))
        return found

    def names(self):
        """{number: a name that lines above it do not change}"""
        seen, out = {}, {}
        for n, m in self.all.items():
            name = f"{m[0]} {m[2]} {m[7]}"
            seen[name] = seen.get(name, 0) + 1
            out[n] = f"{name} #{seen[name]}"
        return out

    def listed(self):
        for program in PROGRAMS:
            text = subprocess.run([f"{self.build}/{program}", "--list"], capture_output=True, text=True).stdout
            for suite in re.findall(r"^(\w+): \d+ test", text, re.M):
                if suite in NO_TRIALS:
                    continue
                yield f"unit {suite}", [f"{self.build}/{program}", "-j1", "--short-filename", "--timeout", "120", "--filter",
                                       suite + "/*"]
        for line in SLICES:
            yield "battery " + " ".join(line.split()[:3]), [self.build + "/battery", *line.split(), "--repo", self.root]
        for name in SCRIPTS:
            yield "script " + name, ["sh", f"tests/scripts/{name}.sh"]

    def first_red(self, numbers, names, trials):
        """Twice: what turns red once may have had too little time."""
        for name in names:
            words, seconds, _ = trials[name]
            if all(self.run(words, 120 + 6 * seconds, MUTANT=numbers)[0] for _ in range(2)):
                return name
        return None

    def caught(self, n, path, kind, trials):
        module = os.path.basename(path)[:-2]
        own = ("unit " + module, "unit " + module.split("_")[0])
        mine = [t for t in trials if n in (trials[t][2] or [])]
        if kind == "sync": # nothing else cuts the power
            mine = [t for t in mine if t in own or t.startswith("battery power")]
        mine.sort(key=lambda t: (trials[t][1] > SLOW, t not in own, trials[t][1]))
        red = self.sync_red(n, path, mine, trials) if kind == "sync" else self.first_red(str(n), mine, trials)
        return red or (f"SURVIVES {len(mine)} trials" if mine else "SURVIVES, it matters in no trial")

    def sync_red(self, n, path, mine, trials):
        """By itself, else together with the others of its file; the slow trials only where no quick one tells."""
        twins = [k for k, m in self.all.items() if m[0] == path and m[2] == "sync"]
        quick = [t for t in mine if trials[t][1] < SLOW]
        for some in (quick, [t for t in mine if t not in quick]):
            red = self.first_red(str(n), some, trials)
            if red:
                return red
            red = len(twins) > 1 and self.first_red(",".join(map(str, twins)), some, trials)
            if red:
                return f"covered by the other syncs of {path}; without all of them: {red}"
        return None


def done_before(path):
    """{(mutant, its file's hash): verdict}"""
    known = {}
    if path and os.path.exists(path):
        with open(path) as f:
            for line in f:
                key, stamp, verdict = line.rstrip("\n").split("\t")
                known[key, stamp] = verdict
    return known


def try_all(bench, wanted, known, until, a, verdict_of):
    """Those of `wanted`, until the time is over; all end up in `known` and in the file."""
    lock = threading.Lock()

    def one(n):
        m = bench.all[n]
        if time.time() > until:
            return
        verdict = verdict_of(n, m)
        with lock:
            known[m[1], m[8]] = verdict
            print(f"{m[1]}: {verdict}", flush=True)
            if a.results:
                with open(a.results, "a") as f:
                    f.write(f"{m[1]}\t{m[8]}\t{verdict}\n")

    with ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(one, wanted))


def reasons(bench):
    """{number: why no test can show it}"""
    alike, out = {}, {}
    for n, m in bench.all.items():
        alike.setdefault(m[0] + " " + m[7], []).append(n)
    for key, why in REDUNDANT.items():
        text, _, k = key.partition(" #")
        assert text in alike and (k or len(alike[text]) == 1), f"which one? {key}"
        out[alike[text][int(k or 1) - 1]] = why
    for n, m in bench.all.items():
        out.setdefault(n, next((why for what, why in MACHINE if re.search(what, m[7])), None))
    return out


def judged(reason, verdict):
    """One of WORDS, and what is said of the mutant."""
    if verdict is None:
        return "left", "left"
    if verdict.startswith("SURVIVES"):
        return ("redundant", "redundant: " + reason) if reason else ("survives", verdict)
    return "covered" if verdict.startswith("covered") else "caught", verdict


def report(counts):
    print("\n" + " " * 8 + "".join(f"{w:>11}" for w in WORDS))
    for kind, of in counts.items():
        print(f"{kind + 's':<8}" + "".join(f"{of[w]:>11}" for w in WORDS))
    print(f"{'all':<8}" + "".join(f"{sum(of[w] for of in counts.values()):>11}" for w in WORDS))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("work")
    p.add_argument("--files", default=None)
    p.add_argument("--results")
    p.add_argument("--minutes", type=float, default=1e9)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--again", action="store_true", help="forget the verdicts that nothing notices it")
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    began = time.time()
    bench = Bench(a.work, sorted({f for g in FILES for f in glob.glob(g)}))
    if a.list:
        print("\n".join(f"{n} {m[1]}" for n, m in bench.all.items()))
        return
    bench.make()
    trials, known = bench.trials(a.jobs), done_before(a.results)
    if a.again:
        known = {k: v for k, v in known.items() if not v.startswith("SURVIVES")}
    wanted = [n for n, m in bench.all.items() if not a.files or fnmatch.fnmatch(m[0], a.files)]
    until = time.time() + 60 * a.minutes

    def key(n):
        return bench.all[n][1], bench.all[n][8]

    try_all(bench, [n for n in wanted if key(n) not in known], known, until, a,
            lambda n, m: bench.caught(n, m[0], m[2], trials))
    print("\n== report")
    counts = {kind: dict.fromkeys(WORDS, 0) for kind in ("sync", "check", "call")}
    why = reasons(bench)
    for n in wanted:
        m = bench.all[n]
        word, verdict = judged(why[n], known.get((m[1], m[8])))
        counts[m[2]][word] += 1
        print(f"{m[1]}: {verdict}")
    report(counts)
    print(f"{len(trials)} trials, {sum(t[1] for t in trials.values()):.0f} s for each once; "
          f"{(time.time() - began) / 60:.0f} minutes in this run")
    red = [name for name, t in trials.items() if t[2] is None]
    for name in red:
        print(f"RED by itself: {name}")
    sys.exit(bool(red or any(c["survives"] or c["left"] for c in counts.values())))


if __name__ == "__main__":
    main()
