#!/usr/bin/env python3
"""Holds docs/codes.md against the program: every code that an error can carry stands there, with its exit.

Usage: codes.py ROOT [--write]. Codes are read from the calls of err_set and err_at, from the functions that pass
one on (a parameter that reaches such a call), and from the tables whose members reach one. Exits 1 and names the
rows whose code or exit differ; --write makes the page anew, sentences too.
"""
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from source import LEFT_OUT, Source  # noqa: E402

FOLDERS = ("base", "store", "runtime", "verify", "promote", "cli")
CODE = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"')
HEAD = """# Codes

What went wrong, by name: the `code` of an error with `--json`, and in brackets behind the sentence for people. One
that has no name of its own carries its status's (docs/exit-codes.md). Codes are stable; sentences are not, and `…`
stands for what they name. This page is made by `tests/tidy/codes.py . --write`, and a test holds it to the program.

| code | exit | in words |
| --- | --- | --- |
"""


def arguments(text, opening):
    """The arguments of the call whose parenthesis opens there, and where it closes."""
    depth, start, found, at = 0, opening + 1, [], opening
    while at < len(text):
        m = LEFT_OUT.match(text, at)
        if m:
            at = m.end()
            continue
        c = text[at]
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 or (depth == 1 and c == ","):
            found.append(text[start:at].strip())
            start = at + 1
            if depth == 0:
                return found, at
        at += 1
    return found, at


def choices(expression):
    """The values that `a ? b : c` may have, in order; another expression is the only one."""
    depth, at, question, colons = 0, 0, -1, 0
    while at < len(expression):
        m = LEFT_OUT.match(expression, at)
        if m:
            at = m.end()
            continue
        c = expression[at]
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and c == "?":
            question, colons = (at if question < 0 else question), colons + 1
        if depth == 0 and c == ":":
            colons -= 1
            if colons == 0:
                return choices(expression[question + 1 : at]) + choices(expression[at + 1 :])
        at += 1
    return [expression]


def exits(root):
    text = (root / "base/status.h").read_text(encoding="utf-8")
    return {name: int(code) for name, code in re.findall(r"X\((ST_[A-Z0-9_]+), (\d+),", text)}


class Carrier:
    """A function that hands a code on: which of its parameters is the code, the status, the sentence."""

    def __init__(self, code, status, words, fixed=None):
        self.code, self.status, self.words, self.fixed = code, status, words, fixed


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def parameters(text, function):
    """Names of a function's parameters, from its head."""
    m = re.search(r"\b%s\s*\(" % re.escape(function), text)
    names, _ = arguments(text, m.end() - 1)
    return [re.sub(r"\[.*\]", "", n).split()[-1].lstrip("*") if n.split() else "" for n in names]


class Page:
    def __init__(self, root):
        self.root, self.exits, self.rows = root, exits(root), {}
        self.sources = [Source(root, p.relative_to(root)) for f in FOLDERS for p in sorted((root / f).rglob("*.c"))]
        self.text = {s.path: without_comments(s.text) for s in self.sources}
        self.carriers = {"err_set": Carrier(2, 1, 3), "err_at": Carrier(3, 1, 5)}
        self.tables, self.cut = {}, {}
        while self.learn():
            pass
        for s in self.sources:
            self.read(s)

    def bodies(self, s):
        if s.path not in self.cut:
            lines = self.text[s.path].split("\n")
            self.cut[s.path] = [(f, "\n".join(lines[f.first - 1 : f.last])) for f in s.functions()]
        return self.cut[s.path]

    def calls(self, body, carriers):
        for name, c in carriers:
            for m in re.finditer(r"(?<![\w.>])%s\s*\(" % re.escape(name), body):
                args, _ = arguments(body, m.end() - 1)
                if len(args) > max(c.code, c.status or 0):
                    yield name, c, args

    def learn(self):
        """Functions whose own parameter is the code of a call; true when there was a new one."""
        grown = False
        for s in self.sources:
            local = self.known(s)
            for f, body in self.bodies(s):
                names = parameters(body, f.name)
                for called, c, args in self.calls(body[body.index("{") :], local):
                    key = (f.name, s.path)
                    code = args[c.code]
                    if code not in names or code not in ("code", "slug", "defect", "what", "why") or key in self.tables:
                        continue
                    status = args[c.status] if c.status is not None else c.fixed
                    words = args[c.words] if c.words is not None and c.words < len(args) else ""
                    self.tables[key] = Carrier(
                        names.index(code),
                        names.index(status) if status in names else None,
                        names.index(words) if words in names else
                        next((i for i, n in enumerate(names) if n in ("fmt", "what", "why", "detail", "text")), None),
                        None if status in names else status,
                    )
                    grown = True
        return grown

    def known(self, s):
        """Carriers that this file can call: its own, and those of others that are not static there."""
        mine = [(name, c) for (name, path), c in self.tables.items() if path == s.path or not self.static(name, path)]
        return list(self.carriers.items()) + mine

    def static(self, name, path):
        return any(f.name == name and body.startswith("static") for f, body in self.cut[path])

    def add(self, code, status, words):
        exit_code = self.exits.get(status)
        row = self.rows.setdefault(code, [set(), ""])
        if exit_code is not None:
            row[0].add(exit_code)
        said = ["".join(re.findall(r'"((?:\\.|[^"\\])*)"', one)) for one in choices(words or "")]
        text = " / ".join(one for one in said if one).replace("%%", "\0")
        text = re.sub(r'"\s*PRI\w+\s*"|%[-+ #0]*[\d*.]*(?:hh|h|ll|l|z|j)*[a-zA-Z]|%[.*\d]*"?\s*$', "…", text)
        text = text.replace("\\n", " ").replace('\\"', '"').replace("|", "\\|").replace("\0", "%")
        if len(text) > len(row[1]) and not row[1]:
            row[1] = text

    def read(self, s):
        text = self.text[s.path]
        for _, c, args in self.calls(text, self.known(s)):
            status = args[c.status] if c.status is not None else c.fixed
            words = args[c.words] if c.words is not None and c.words < len(args) else ""
            codes = [code for one in choices(args[c.code]) for code in CODE.findall(one)[:1]]
            said = choices(words or "")
            for i, code in enumerate(codes):
                for st in re.findall(r"ST_[A-Z0-9_]+", status or "") or [""]:
                    self.add(code, st, said[i] if len(said) == len(codes) else words)
        # Tables: members that are called a code, or rows that begin with one beside a status.
        for m in re.finditer(r'\.(?:code|code_\w+) = ' + CODE.pattern, text):
            self.add(m.group(1), "", "")

    def markdown(self):
        out = HEAD
        for code in sorted(self.rows):
            found, words = self.rows[code]
            out += "| `%s` | %s | %s |\n" % (code, ", ".join(map(str, sorted(found))) or "its cause's", words)
        return out


def main(argv):
    write = "--write" in argv
    root = Path([a for a in argv[1:] if a != "--write"][0]).resolve()
    page = Page(root)
    path, wanted = root / "docs/codes.md", page.markdown()
    have = path.read_text(encoding="utf-8") if path.exists() else ""
    if write:
        path.write_text(wanted, encoding="utf-8")
    facts = [set(re.findall(r"^\| (`[^`]+` \| [^|]+) \|", text, re.M)) for text in (wanted, have)]
    missing, gone = sorted(facts[0] - facts[1]), sorted(facts[1] - facts[0])
    if not write:
        for row in missing:
            print("docs/codes.md lacks: " + row)
        for row in gone:
            print("docs/codes.md has, the program not: " + row)
    print("codes: %d, %s" % (len(page.rows), "written" if write else "%d rows differ" % (len(missing) + len(gone))))
    return 1 if (missing or gone) and not write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
