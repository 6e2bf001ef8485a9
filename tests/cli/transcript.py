#!/usr/bin/env python3
"""Runs transcripts of the command line and compares them byte for byte.

Usage: transcript.py BINARY [--write] FILE.transcript…

A transcript is text: lines that begin with `$ ` are run by sh in a fresh folder, one after the other;
below each stands what it printed: standard output as it is, standard error behind `! `, then `= N` for an
exit code that is not 0. Lines that begin with `# ` are remarks. Digests, times, key ids and speeds are
replaced by names before they are compared. --write puts what happened into the file: read the difference
before it is committed.
"""
import os
import re
import subprocess
import sys
import tempfile

NORMAL = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b\d+-[0-9a-f]{12}\b"), "<quarantine>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b"), "<short>"),
    (re.compile(r"\b[0-9A-F]{16}\b"), "<key>"),
    (re.compile(r"\bRW[A-Za-z0-9+/]{54}"), "<public key>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d{6}Z-([a-z]+)(-\d+)?\.json"), r"<time>-\1.json"),
    (re.compile(r"[0-9.]+ [KM]?i?B hashed"), "<bytes> hashed"),
    (re.compile(r"\b[0-9]+\.[0-9]+ tokens a second"), "<speed> tokens a second"),
    (re.compile(r'"([a-z_]*_ms|tokens_per_second)":[0-9.]+'), r'"\1":<number>'),
]


def normal(text, folder):
    text = text.replace(folder, "<folder>")
    for pattern, name in NORMAL:
        text = pattern.sub(name, text)
    return text


def run(line, folder, binary, data):
    env = {
        "PATH": os.path.dirname(binary) + ":/usr/bin:/bin",
        "HOME": folder,
        "ASSAY_STORE": folder + "/store",
        "ASSAY_KEYS": folder + "/keys",
        "DATA": data,
        "USER": "tester",
        "LC_ALL": "C",
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "MUTANT", "MUTANT_LOG"):
        if name in os.environ:
            env[name] = os.environ[name]
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=300)
    out = normal(done.stdout.decode("utf-8", "backslashreplace"), folder)
    err = normal(done.stderr.decode("utf-8", "backslashreplace"), folder).replace(data, "<data>")
    out = out.replace(data, "<data>")
    said = out if not out or out.endswith("\n") else out + "\n"
    said += "".join("! " + text + "\n" for text in err.splitlines())
    return said + ("= %d\n" % done.returncode if done.returncode != 0 else "")


def replay(path, binary, data):
    with open(path, encoding="utf-8") as file:
        wanted = file.read()
    got = []
    with tempfile.TemporaryDirectory() as folder:
        for line in wanted.splitlines():
            if line.startswith("# "):
                got.append(line + "\n")
            elif line.startswith("$ "):
                got.append(line + "\n" + run(line[2:], folder, binary, data))
    return wanted, "".join(got)


def show_difference(path, wanted, got):
    with tempfile.NamedTemporaryFile("w", suffix=".got", encoding="utf-8") as file:
        file.write(got)
        file.flush()
        subprocess.run(["diff", "-u", path, file.name], check=False)


def main(argv):
    write = "--write" in argv
    words = [w for w in argv[1:] if w != "--write"]
    binary, files = os.path.abspath(words[0]), words[1:]
    data = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "testdata")
    failed = 0
    for path in files:
        wanted, got = replay(path, binary, data)
        if wanted == got:
            continue
        failed += 1
        if write:
            with open(path, "w", encoding="utf-8") as file:
                file.write(got)
        else:
            show_difference(path, wanted, got)
    print("transcripts: %d, %d %s" % (len(files), failed, "written" if write else "differ"))
    return 1 if failed and not write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
