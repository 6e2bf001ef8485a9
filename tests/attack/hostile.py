"""Attacks by what a model, a measurement or a text says: forged evidence (17), model files (27), weights and settings
that hang or explode (28), escape sequences (35), JSON (36). Rows as in rows.py; attacks.py runs them."""
import json
import os
import subprocess

from forge import INTOTO, canon, envelope, opened
from rows import attack

BAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../testdata/bad")
CHECKS = "urn:assay:evidence:checks"

# ---- 17: evidence that says what was not measured ----------------------------------------------------------------


def said(w, change, signer="gate", keys="keys"):
    """a's smoke evidence after `change` of its statement, signed anew."""
    statement = json.loads(opened(w.read("eva/smoke.dsse.json"))[1])
    change(statement)
    w.write("forged.json", envelope(INTOTO, canon(statement), w.key(signer, keys)))
    return ["evidence", "add", "forged.json"]


def timed(statement):
    return next(c for c in statement["predicate"][CHECKS] if c["name"] == "load time")


@attack(17, "a number edited under the old signature", 5, "signature-wrong")
def _(w):
    v = json.loads(w.read("eva/smoke.dsse.json"))
    statement = json.loads(opened(w.read("eva/smoke.dsse.json"))[1])
    timed(statement)["measured"] = "0.001"
    v["payload"] = json.loads(envelope(INTOTO, canon(statement), sigs=[]))["payload"]
    w.write("forged.json", canon(v))
    return ["evidence", "add", "forged.json"]


for _number in ("NaN", "Infinity", "1e400", "0,5", "-1", " 5", "0x10", "1.2.3"):
    @attack(17, "measured %s" % _number, 7, "check-number")
    def _(w, number=_number):
        return said(w, lambda s: timed(s).update(measured=number))


@attack(17, "another artifact in the subject", 7, "any")
def _(w):
    return said(w, lambda s: s["subject"][0]["digest"].update(sha256="0" * 64))


@attack(17, "another artifact bound", 7, "any")
def _(w):
    return said(w, lambda s: s["predicate"]["urn:assay:evidence:bound"].update(artifact="0" * 64))


@attack(17, "a failed check called passed", 7, "any")
def _(w):
    return said(w, lambda s: timed(s).update(verdict="fail"))


@attack(17, "a result better than its checks", 7, "any")
def _(w):
    def change(s):
        timed(s).update(verdict="error")
        s["predicate"]["result"] = "PASSED"
    return said(w, change)


@attack(17, "a gate is missing", 1, "refused:gate structural")
def _(w):
    w.must("add", "b.slm", "--name", "c", "--version", "1")
    w.must("gate", "c@1", "--only", "smoke")
    return ["promote", "c@1", "--to", "preview"]


# ---- 27: model files that hurt parsers ----------------------------------------------------------------------------

for _file in ("dims-2-62-by-4.gguf", "dims-2-32-by-2-32.gguf", "dims-bytes-wrap.gguf", "dims-five.gguf", "dim-zero.gguf",
              "array-near-2-63.gguf", "array-nested.gguf", "array-size-wraps.gguf", "key-twice.gguf", "key-empty.gguf",
              "alignment-zero.gguf", "byte-token-minus-one.gguf", "bos-out-of-range.gguf", "bpe-merge-out-of-range.slm",
              "block-count-over-limit.gguf", "heads-zero.slm", "gap-between-tensors.slm", "checksum-wrong.slm"):
    @attack(27, _file, 7, "any")
    def _(w, file=_file):
        return ["add", os.path.join(BAD, file), "--name", "evil", "--version", "1"]

# ---- 28: weights and settings that hang or explode ----------------------------------------------------------------

for _file in ("context-huge.slm", "context-zero.slm", "epsilon-nan.gguf", "epsilon-infinite.slm", "layers-over-limit.slm",
              "hidden-huge.slm", "heads-zero.gguf"):
    @attack(28, _file, 7, "any")
    def _(w, file=_file):
        return ["add", os.path.join(BAD, file), "--name", "evil", "--version", "1"]

for _what, _value in (("max_context", -1), ("max_context", 2**31), ("layer_count", -5), ("head_count", 0),
                      ("vocab_size", 2**40), ("rope_theta", "nan"), ("rms_norm_epsilon", "-1")):
    @attack(28, "shape.json says %s %s" % (_what, _value), None, "any")
    def _(w, what=_what, value=_value):
        shape = json.loads(w.read("ta/shape.json"))
        shape[what] = value
        w.write("ta/shape.json", canon(shape))
        return ["pack", "ta", "-o", "evil.slm"]

for _words in (["--max-new-tokens", "0"], ["--temperature", "1", "--top-k", "4294967295"], ["--top-p", "0"],
               ["--threads", "4294967295"]):
    @attack(28, "run %s" % " ".join(_words), 2, "any")
    def _(w, words=_words):
        return ["run", "a@1", *words]


@attack(28, "a prompt longer than the context", 2, "context-exceeded")
def _(w):
    return ["run", "a@1", "--prompt", "a" * 60000]


# ---- 35: escape sequences in whatever is printed ------------------------------------------------------------------

ESCAPES = {"title": "\x1b]0;owned\x07", "clear": "\x1b[2J\x1b[H", "clipboard": "\x1b]52;c;b3duZWQ=\x07", "c1": "\u009b2J",
           "bidi": "a\u202etxt.exe", "return": "fine\rowned", "line": "a\u2028b", "delete": "a\x7fb"}


def plain(w, *words):
    """The same for people: nothing that moves a cursor or turns a line around."""
    env = {"PATH": "/usr/bin:/bin", "HOME": w.folder, "ASSAY_STORE": w.path("store"), "ASSAY_KEYS": w.path("keys"),
           "LC_ALL": "C", "ASSAY_TIME": w.time}
    done = subprocess.run([w.binary, *words], cwd=w.folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120)
    for c in (done.stdout + done.stderr).decode():  # valid UTF-8, or it raises
        if (ord(c) < 0x20 and c not in "\n") or 0x7f <= ord(c) < 0xa0 or c in "\u2028\u2029\u200e\u200f" or \
                "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069":
            raise SystemExit("%r was printed by %r" % (c, words))
    return list(words)


for _name, _text in ESCAPES.items():
    @attack(35, "%s in a REF" % _name, None, "any")
    def _(w, text=_text):
        return plain(w, "show", text + "@1")

    @attack(35, "%s in a file's name" % _name, None, "any")
    def _(w, text=_text):
        return plain(w, "add", text + ".slm")

    @attack(35, "%s in a policy" % _name, 2, "any")
    def _(w, text=_text):
        w.write("evil.yaml", ("schema: assay.policy/1\nname: \"%s\"\n%s: 1\n" % (text, text)).encode())
        return plain(w, "policy", "check", "evil.yaml")

    @attack(35, "%s in an incident" % _name, 7, "incident-word")
    def _(w, text=_text):
        w.write("evil.json", json.dumps(incident(name=text)).encode())
        return plain(w, "diagnose", "evil.json")

    @attack(35, "%s in what a log tells" % _name, None, "any")
    def _(w, text=_text):
        if "\x00" not in text:
            w.run("attest", "a@1", "--type", "review", "--reason", "said " + text)
            for words in (("log",), ("attest", "a@1"), ("show", "a@1", "--why")):
                plain(w, *words)
        w.write("evil2.json", json.dumps(incident(detail=text)).encode())
        plain(w, "diagnose", "evil2.json")
        return plain(w, "show", "nothing@" + text)


# ---- 36: JSON that two readers would read differently -------------------------------------------------------------

def incident(name="Ok", detail=None):
    return {"schema": "assay.incident/1", "time": "2026-01-02T00:00:00Z", "command": "run", "stage": "context",
            "error": {"code": 11, "name": name, "message": "m", "detail": detail}, "elapsed_ms": 1,
            "identity": {}, "prompt": {"policy": "length", "bytes": None}, "sampling": None, "diagnostics": None}


WHOLE = json.dumps(incident())
TEXTS = {"a key twice": WHOLE.replace('"elapsed_ms": 1', '"elapsed_ms": 1, "elapsed_ms": 2'),
         "a key twice, once escaped": WHOLE.replace('"elapsed_ms": 1', '"elapsed_ms": 1, "elapsed\\u005fms": 2'),
         "a NUL in a text": WHOLE.replace('"m"', '"m\\u0000"'), "a raw NUL": WHOLE + "\0",
         "something behind it": WHOLE + "{}", "a byte order mark": "\ufeff" + WHOLE,
         "single quotes": WHOLE.replace('"', "'"), "NaN": WHOLE.replace('"elapsed_ms": 1', '"elapsed_ms": NaN'),
         "an integer beyond 2^53": WHOLE.replace('"elapsed_ms": 1', '"elapsed_ms": 9007199254740993'),
         "half a million levels": "[" * 500000, "half a million levels within": WHOLE.replace("null", "[" * 500000, 1),
         "a lone surrogate": WHOLE.replace('"m"', '"\\ud800"'), "a trailing comma": WHOLE[:-1] + ",}",
         "a comment": WHOLE[:-1] + "/* */}", "nothing": "", "bytes that are no text": None}
for _name, _text in TEXTS.items():
    for _words in (["diagnose"], ["evidence", "add"], ["add", "a.slm", "--manifest"]):
        @attack(36, "%s: %s" % (" ".join(_words), _name), 7 if _text != "" else None, "any")
        def _(w, words=_words, text=_text):
            w.write("evil.json", b"\xff\xfe{" if text is None else text.encode())
            return words + ["evil.json"]
