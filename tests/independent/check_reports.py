#!/usr/bin/env python3
"""The reports of `nightly`, read by others: check_reports.py BINARY NPM_FOLDER

A model holds preview and stable; one night it passes, then the law asks for more than it gives, and the night after it
fails and is demoted. Of each night junit.xml must be well-formed and count what it lists, results.sarif valid against the
schema of SARIF 2.1.0 (ajv; schema and ajv come with the npm package @microsoft/jest-sarif), nightly.jsonl chained, and
summary.md under 1 MiB. The schema itself is tried: SARIF that is spoiled on purpose must not pass."""
import copy
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
SCHEMA = "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
AJV = r"""
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const need = createRequire(process.argv[2] + '/');
const Ajv = need('ajv');
const draft4 = need('ajv/lib/refs/json-schema-draft-04.json');
const ajv = new Ajv({ schemaId: 'id', meta: false, allErrors: true, unknownFormats: 'ignore', logger: false });
ajv.addMetaSchema(draft4);
const validate = ajv.compile(JSON.parse(readFileSync(process.argv[3], 'utf8')));
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean))
  console.log(validate(JSON.parse(line)) ? 'yes' : 'no ' + ajv.errorsText(validate.errors).slice(0, 500));
"""
LAW = """schema: assay.policy/1
name: night-%s
gates: {smoke: {limits: {tokens_per_second: %d}}}
channels:
  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}
  stable: {from: preview, gates: [structural, smoke], allow_self_signed: true}
nightly: {gates: [structural, smoke], failing_stable: demote}
"""


def expect(truth, *what):
    if not truth:
        raise SystemExit("reports: " + " ".join(str(w) for w in what))


class Room:
    def __init__(self, binary, folder):
        self.binary, self.folder = os.path.abspath(binary), folder
        self.env = dict(os.environ, ASSAY_STORE=folder + "/store", ASSAY_KEYS=folder + "/keys", HOME=folder)
        self.env.pop("ASSAY_TIME", None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def assay(self, *words, code=0):
        done = subprocess.run([self.binary, "-q", *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300, check=False)
        expect(done.returncode == code, words, done.returncode, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def law(self, name, speed):
        with open(self.path("law.yaml"), "w", encoding="ascii") as file:
            file.write(LAW % (name, speed))
        self.assay("policy", "set", self.path("law.yaml"))

    def read(self, *names):
        with open(os.path.join(self.folder, *names), "rb") as file:
            return file.read()


def junit(text, failing):
    root = xml.fromstring(text)
    cases = [c for suite in root for c in suite.findall("testcase")]
    expect(root.tag == "testsuites" and len(root) == 4, "four suites", len(root))
    for node in [root, *root]:
        own = cases if node is root else node.findall("testcase")
        for name, count in (("tests", len(own)), ("failures", sum(c.find("failure") is not None for c in own)),
                            ("errors", sum(c.find("error") is not None for c in own)),
                            ("skipped", sum(c.find("skipped") is not None for c in own))):
            expect(int(node.get(name)) == count, node.tag, name, node.get(name), count)
    expect((int(root.get("failures")) > 0) == failing, "failures", root.get("failures"))
    ids = [suite.get("id") for suite in root]
    expect(len(set(ids)) == len(ids) and all(c.get("name") and c.get("classname") for c in cases), "names")


def lines(text, result):
    before = "0" * 64
    events = []
    for i, line in enumerate(text.splitlines(keepends=True)):
        v = json.loads(line)
        expect(v["seq"] == i and v["prev"] == before, "line", i)
        before = hashlib.sha256(line).hexdigest()
        events.append(v)
    expect(events[0]["event"] == "begin" and events[-1]["event"] == "end" and events[-1]["result"] == result, events[-1])
    return events


def spoiled(sarif):
    """Each breaks one rule of the format."""
    for change in (lambda v: v.pop("version"), lambda v: v.update(version="2.0.0"), lambda v: v.pop("runs"),
                   lambda v: v["runs"][0].pop("tool"), lambda v: v["runs"][0]["results"][0].pop("message"),
                   lambda v: v["runs"][0]["results"][0].update(level="fatal"),
                   lambda v: v["runs"][0]["results"][0].update(ruleIndex=-2),
                   lambda v: v["runs"][0]["results"][0].update(unheard="of"),
                   lambda v: v["runs"][0]["tool"]["driver"]["rules"][0].pop("id")):
        v = copy.deepcopy(sarif)
        change(v)
        yield v


def valid(npm, documents):
    if not os.path.exists(os.path.join(npm, SCHEMA)):
        os.makedirs(npm, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", npm, PACKAGE],
                       check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".cjs") as script:
        script.write(AJV)
        script.flush()
        text = "".join(json.dumps(d) + "\n" for d in documents)
        done = subprocess.run(["node", script.name, os.path.abspath(npm), os.path.join(npm, SCHEMA)], input=text,
                              capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode == 0, done.stderr)
    return done.stdout.splitlines()


def main(argv):
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        room = Room(argv[1], folder)
        subprocess.run([sys.executable, here + "/../demo/alphabet.py", room.path("t")], check=True)
        room.assay("pack", room.path("t"), "-o", room.path("a.slm"), "--dtype", "q4_0")
        room.assay("init", "--no-passphrase")
        room.law("easy", 1)
        room.assay("add", room.path("a.slm"), "--name", "a", "--version", "1")
        room.assay("gate", "a@1")
        room.assay("promote", "a@1", "--to", "preview")
        room.assay("promote", "a@1", "--to", "stable")
        room.assay("nightly", "--report", room.path("good"))
        room.law("hard", 1000000)
        room.assay("nightly", "--report", room.path("bad"), code=1)
        sarif = []
        for night, failing in (("good", False), ("bad", True)):
            junit(room.read(night, "junit.xml"), failing)
            events = lines(room.read(night, "nightly.jsonl"), "fail" if failing else "pass")
            expect(("demoted" in [e.get("action") for e in events]) == failing, night, "demoted")
            sarif.append(json.loads(room.read(night, "results.sarif")))
            expect(len(room.read(night, "summary.md")) < 1 << 20 and b"</html>" in room.read(night, "report.html"), night)
        expect(len(sarif[0]["runs"][0]["results"]) == 0 and len(sarif[1]["runs"][0]["results"]) > 0, "results")
        holders = json.loads(room.assay("channels", "--json"))["channels"]
        expect([h["channel"] for h in holders if h.get("artifact")] == ["preview"], "holders", holders)
        wrong = list(spoiled(sarif[1]))
        said = valid(argv[2], sarif + wrong)
    expect(said[:2] == ["yes", "yes"], said[:2])
    expect(len(said) == 2 + len(wrong) and all(s.startswith("no ") for s in said[2:]), said[2:])
    print("reports: two nights well-formed and valid; %d spoiled ones refused" % len(wrong))


if __name__ == "__main__":
    main(sys.argv)
