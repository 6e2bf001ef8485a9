"""A C file as the tidy rules see it: without comments and literals, cut into functions and includes.

Everything keeps its line numbers: what is left out is replaced by spaces, newlines stay.
"""

import re
from pathlib import Path

LEFT_OUT = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def blank_literal(match):
    """Comments go whole; of a literal the quotes stay, so that tokens do not run together."""
    text = match.group(0)
    if text[0] == "/":
        return blank(match)
    return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]


def matching(text, closing):
    """Where the parenthesis opens that closes at `closing`; 0 when it never does."""
    depth = 0
    for at in range(closing, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return at
    return 0


class Function:
    def __init__(self, name, first, last, body):
        self.name, self.first, self.last, self.body = name, first, last, body

    @property
    def lines(self):
        return self.last - self.first + 1


class Source:
    def __init__(self, root, path):
        self.path = path
        self.text = (Path(root) / path).read_text(encoding="utf-8", errors="replace")
        self.code = LEFT_OUT.sub(blank_literal, self.text)
        self.lines = self.text.count("\n") + (not self.text.endswith("\n") and self.text != "")

    @property
    def folder(self):
        return Path(self.path).parts[0]

    def line_of(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def includes(self):
        """(line, '"' or '<', name) of each include; the names come from the text, where they are whole."""
        without = re.sub(r"//[^\n]*|/\*.*?\*/", blank, self.text, flags=re.S)
        for m in INCLUDE.finditer(without):
            yield without.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)

    def calls(self, names):
        """(line, name) wherever one of the names is called or defined; members (x.open, p->open) are not."""
        pattern = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(map(re.escape, names)) + r")\s*\(")
        for m in pattern.finditer(self.code):
            yield self.line_of(m.start()), m.group(1)

    def words(self, names):
        for m in re.finditer(r"\b(" + "|".join(names) + r")\b", self.code):
            yield self.line_of(m.start()), m.group(1)

    def functions(self):
        """Each block at file level whose brace follows a closing parenthesis."""
        code = DIRECTIVE.sub(blank, self.code)
        found, depth, start, opened = [], 0, 0, None
        for m in re.finditer(r"[{};]", code):
            at, what = m.start(), m.group(0)
            if what == "{":
                if depth == 0 and code[start:at].rstrip().endswith(")"):
                    opened = at
                depth += 1
            elif what == "}":
                depth = max(0, depth - 1)
                if depth == 0 and opened is not None:
                    found.append(self.function(code, start, opened, at))
                    opened = None
                if depth == 0:
                    start = at + 1
            elif depth == 0:
                start = at + 1
        return found

    @staticmethod
    def function(code, start, opened, closed):
        """Its name stands before the parameters' parenthesis; attributes behind them are passed over.

        What stands before that on other lines (macros without a semicolon) is not part of it."""
        head = code[start:opened]
        while True:
            end = len(head.rstrip())
            begin = matching(head, end - 1)
            m = re.search(r"([A-Za-z_]\w*)\s*$", head[:begin])
            if m is None or m.group(1) != "__attribute__":
                break
            head = head[: m.start()]
        first = start + (m.start() if m else begin)
        line = lambda at: code.count("\n", 0, at) + 1
        return Function(m.group(1) if m else "?", line(first), line(closed), code[opened:closed])
