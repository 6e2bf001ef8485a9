"""Where C source of the house refuses something: every condition that decides between a refusal and going on.

Read as text, brackets and statements only. A refusal is a statement that calls one of CALLS, or a helper that does so
whatever comes. A condition decides when its if refuses, when its else does, when what stands behind `if (...) return
ST_OK;` does, or when one side of a ?: does and the other does not."""
import re

CALLS = {"err_set", "err_at", "err_sys", "err_subject", "err_stage", "check_tell", "refuse", "refuse_archive"}
FINE = re.compile(r"\s*return (?:ST_OK|ADMIT_FINE|true);")
# What a helper that refuses may return but for a refusal.
NO = re.compile(r"\s*(?:false|(?!ST_OK|ADMIT_FINE)[A-Z][A-Z_]+|\w+(?:->|\.)status(?: = \w+)?);")
# No refusals: what a person asked for, what is tried again, and no memory (the status of a buffer, without a code).
WEAK = re.compile(r"ST_NO_MEMORY|ST_USAGE|ST_BUSY|ST_INTERRUPTED|\b(?:st|buf_status\([^()]*\)), NULL,")
SPACE = re.compile(r"\s*")
HEAD = re.compile(r"return\b|\(void\)|[\w.>\[\]-]+ = |(?=\w+\()") # of a statement that may refuse
CALL = re.compile(r"[\s(]*(\w+)\(")
MORE = re.compile(r"\s*err_(?:subject|stage)\(") # refuses nothing by itself
ELSE = re.compile(r"\s*else\b(?! if\b)")
FLOW = re.compile(r"(?:if|for|while|switch) (?=\()")
FUNCTION = re.compile(r"^(static )?(?:enum \w+|void|bool) (\w+)\(", re.M)
CHOICE = re.compile(r"(?:\breturn\b|[\w.>\[\]-]+ = )(?=[^;]*\?)")
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^#(?:\\\n|[^\n])*', re.S | re.M)


def bare(text):
    """The same length, and nothing but code in it."""
    return NO_CODE.sub(lambda m: re.sub(r"[^\n]", "_" if m[0][0] in "'\"" else " ", m[0]), text)


def closing(code, at):
    """Behind the bracket that closes what opens at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "({[") - (code[i] in ")}]")
        if depth == 0:
            return i + 1
    return len(code)


def first_at(code, at, end, mark):
    """Where `mark` stands in no bracket; `end` if nowhere."""
    while at < end and code[at] != mark:
        at = closing(code, at) if code[at] in "({[" else at + 1
    return min(at, end)


def statement_end(code, at):
    """Behind the statement that begins at `at`: a block, an if with its else, a loop, or what a semicolon ends."""
    at = SPACE.match(code, at).end()
    if code[at] == "{":
        return closing(code, at)
    m = FLOW.match(code, at)
    if not m:
        return first_at(code, at, len(code), ";") + 1
    end = statement_end(code, closing(code, m.end()))
    other = re.compile(r"\s*else\b").match(code, end)
    return statement_end(code, other.end()) if other else end


def statements(code, at):
    """(begin, end) of those of a block, or of the one that begins at `at`."""
    at = SPACE.match(code, at).end()
    if code[at] != "{":
        yield at, statement_end(code, at)
        return
    at, end = at + 1, closing(code, at) - 1
    while (begin := SPACE.match(code, at, end).end()) < end:
        at = statement_end(code, begin)
        yield begin, at


def choices(code, at, end):
    """Of C ? A : D ? B : E the places of (C, A) and (D, B)."""
    while True:
        at = SPACE.match(code, at, end).end()
        if at < end and code[at] == "(" and closing(code, at) == end:
            at, end = at + 1, end - 1
            continue
        ask = first_at(code, at, end, "?")
        if ask == end:
            return
        colon = first_at(code, ask + 1, end, ":")
        yield (at, ask - 1), (ask + 1, colon)
        at = colon + 1


def refuses(code, at, end, known):
    """Whether whatever an expression becomes is a refusal."""
    branches = [branch for _, branch in choices(code, at, end)]
    if branches:
        return all(refuses(code, *b, known) for b in [*branches, (branches[-1][1] + 1, end)])
    m = CALL.match(code, at, end)
    return bool(m) and m[1] in known


def refusing(code, at, known):
    """Whether the statement that begins at `at` refuses: as it stands, or whatever comes in its block."""
    block = list(statements(code, at))
    left = any(code.startswith("return", begin) for begin, _ in block)
    for begin, end in block:
        m = HEAD.match(code, begin, end)
        if m and refuses(code, m.end(), end - 1, known) and (left or not MORE.match(code, m.end())):
            return True
    return False


def rest(code, at, known):
    """(begin, end) of the refusal that nothing but plain statements is before, up to the end of the block."""
    while code[begin := SPACE.match(code, at).end()] != "}":
        at = statement_end(code, begin)
        m = HEAD.match(code, begin, at)
        if m and refuses(code, m.end(), at - 1, known):
            return begin, at
        if FLOW.match(code, begin) or code.startswith("return", begin):
            return None
    return None


def is_helper(code, at, known):
    """Whether the function whose body begins at `at` refuses and does nothing else, but for memory that it could not have."""
    at = SPACE.match(code, at).end()
    if code[at] != "{" or not refusing(code, at, known):
        return False
    body = re.sub(r"if \(st != ST_OK\)\s*return st;", "", code[at:closing(code, at)])
    said = re.findall(r"\bST_\w+", body)
    ends = [m.end() for m in re.finditer(r"\breturn\b", body)]
    return not (said and all(WEAK.search(s) for s in said)) and all(
        NO.match(body, r) or refuses(body, r, first_at(body, r, len(body), ";"), known) for r in ends)


class Refusals:
    def __init__(self, texts):
        """{path: text}; the files may refuse through each other's helpers"""
        self.code = {path: bare(text) for path, text in texts.items()}
        self.known = {path: set(CALLS) for path in texts}
        found = True
        while found:
            found = [(to, m[2]) for path, code in self.code.items() for m in FUNCTION.finditer(code)
                     if m[2] not in self.known[path] and is_helper(code, closing(code, m.end() - 1), self.known[path])
                     for to in ([path] if m[1] else self.known)]
            for to, name in found:
                self.known[to].add(name)

    def conditions(self, path):
        """(where it begins, where it ends, refused when it is so?, the refusal's begin, its end)"""
        code, known = self.code[path], self.known[path]
        for m in re.finditer(r"\bif (?=\()", code):
            end = closing(code, m.end())
            then = statement_end(code, end)
            other, fine = ELSE.match(code, then), FINE.match(code, end) and rest(code, then, known)
            if refusing(code, end, known):
                yield m.end() + 1, end - 1, True, end, then
            elif other and refusing(code, other.end(), known):
                yield m.end() + 1, end - 1, False, other.end(), statement_end(code, other.end())
            elif fine:
                yield m.end() + 1, end - 1, False, *fine
        for m in CHOICE.finditer(code):
            end = first_at(code, m.end(), len(code), ";")
            for condition, (yes, no) in choices(code, m.end(), end):
                last = first_at(code, no + 1, end, "?") == end
                if code[yes:no].strip() == "st" or code[no + 1:end].strip() == "st":
                    continue # refused either way: it only says more
                sides = refuses(code, yes, no, known), refuses(code, no + 1, end, known)
                if sides == (True, False):
                    yield *condition, True, yes, no
                elif sides == (False, True) and last:
                    yield *condition, False, no + 1, end
