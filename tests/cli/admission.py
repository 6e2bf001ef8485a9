#!/usr/bin/env python3
"""The models of testdata through the program. Usage: admission.py BINARY TESTDATA"""
import json
import os
import subprocess
import sys
import tempfile


class Program:
    def __init__(self, binary, room):
        self.binary = os.path.abspath(binary)
        self.env = dict(os.environ, ASSAY_STORE=room + "/store", ASSAY_KEYS=room + "/keys", HOME=room)
        self.env.pop("ASSAY_TIME", None)

    def __call__(self, *words):
        done = subprocess.run([self.binary, "--json", "--quiet", *words], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=600)
        for byte in done.stdout + done.stderr:
            assert byte == 10 or byte >= 0x20, "a control byte was printed by %r" % (words,)
        return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()]


def expect(truth, *what):
    if not truth:
        raise SystemExit("admission: " + " ".join(str(w) for w in what))


def refusals(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            name, status, stage, code, offset = line.split()
            yield name, status, stage, code, offset


def whole(assay, folder):
    for name in sorted(os.listdir(folder)):
        path, back = os.path.join(folder, name), assay.env["HOME"] + "/back"
        code, said = assay("add", path, "--name", "whole", "--version", name.lower())
        expect(code == 0, name, said)
        ref = "whole@" + name.lower()
        with open(path, "rb") as file:
            bytes_in = file.read()
        expect(assay("get", ref, "-o", back, "--force")[0] == 0, name, "get")
        with open(back, "rb") as file:
            expect(file.read() == bytes_in, name, "came back changed")
        code, said = assay("gate", ref, "--only", "structural")
        expect(code == 0, name, said)
        # Random weights say bytes that are no text: then the error carries the ids.
        code, said = assay("run", ref, "--max-new-tokens", "4")
        expect(code == 0 or (code == 2 and said[0]["code"] == "output-not-utf8"), name, said)
        expect(len(said[0]["token_ids"]) > 0, name, said)


def damaged(assay, folder):
    rows = list(refusals(os.path.join(folder, "REFUSALS")))
    before = assay("ls")[1]
    code, said = assay("add", *[os.path.join(folder, row[0]) for row in rows])
    expect(code == 7, "exit", code)
    expect(len(said) == len(rows), len(rows), "files,", len(said), "lines")
    for (name, status, stage, defect, offset), line in zip(rows, said):
        got = (line["exit"], line["stage"], line["code"], "-" if line["offset"] is None else str(line["offset"]))
        expect(got == (7, stage, defect, offset), name, "refused as", got, "not", (7, stage, defect, offset))
        expect(line["message"] and line["subject"].endswith(name), name, line)
    entries = assay("quarantine", "ls")[1][0]["entries"]
    expect(len(entries) == len(rows), len(entries), "in quarantine")
    for (name, status, stage, defect, offset), entry in zip(rows, entries):
        expect((entry["code"], entry["status"]) == (defect, status), name, entry)
        code, said = assay("quarantine", "show", entry["id"])
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        view = said[0]["view"]
        seen = bytes.fromhex(view["hex"])
        expect(content[view["offset"]:view["offset"] + len(seen)] == seen, name, "shows other bytes")
        at = entry["offset"]
        expect(at is None or at >= len(content) or view["offset"] <= at < view["offset"] + len(seen), name, "view")
    expect(assay("ls")[1] == before, "a damaged model became visible")


def main(argv):
    with tempfile.TemporaryDirectory() as room:
        assay = Program(argv[1], room)
        expect(assay("init")[0] == 0, "init")
        whole(assay, os.path.join(argv[2], "models"))
        damaged(assay, os.path.join(argv[2], "bad"))
        code, said = assay("verify", "--all")
        expect(code == 0 and said[0]["ok"], "verify", said)
        code, said = assay("log", "--verify")
        expect(code == 0 and said[0]["ok"], "log", said)
    print("admission: every model as expected")


if __name__ == "__main__":
    main(sys.argv)
