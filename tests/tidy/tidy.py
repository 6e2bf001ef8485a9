#!/usr/bin/env python3
"""Holds the house's rules: floors, sizes, banned calls, third-party headers, headers that stand alone.

Usage: tidy.py ROOT. Prints one line a violation, `path:line: rule: what`; exits 1 if there is any.
The rules are the tables below; test_tidy.py seeds a violation of each.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
from source import Source  # noqa: E402

FILE_LINES, FUNCTION_LINES = 600, 70

# What a folder may include: itself and the floors below it.
FLOORS = {
    "base": {"base"},
    "store": {"base", "store"},
    "runtime": {"base", "runtime"},
    "verify": {"base", "store", "runtime", "verify"},
    "promote": {"base", "store", "runtime", "verify", "promote"},
    "cli": {"base", "store", "runtime", "verify", "promote", "cli"},
}

# Third-party headers, by their first word, and the rooms that may know them.
ROOMS = {
    "lmdb.h": {"store/index.c"},
    "zstd.h": {"store/codec.c", "store/export.c"},
    "zstd_errors.h": {"store/codec.c", "store/export.c"},
    "archive.h": {"store/import.c"},
    "archive_entry.h": {"store/import.c"},
    "sodium.h": {"store/key.c", "store/minisig.c"},
    "openssl": {"store/digest.c"},
    "yaml.h": {"promote/policy_format.c"},
    "jansson.h": {"base/json.c"},
    "dlfcn.h": {"base/late.c"},
    "curl": {"verify/webdriver.c"},
    "microhttpd.h": {"verify/web_host.c"},
}

# Headers of C17, POSIX and Linux. What is neither here nor above needs a room of its own first.
SYSTEM = set(
    """assert ctype dirent errno fcntl fenv float ftw getopt grp immintrin inttypes limits locale math
    netdb poll pthread pwd regex sched semaphore signal spawn stdalign stdarg stdatomic stdbool stddef stdint
    stdio stdlib stdnoreturn string strings syslog termios tgmath threads time unistd utime wchar wctype
    arm_neon cpuid libgen link endian byteswap features""".split()
)
SYSTEM_FOLDERS = {"sys", "linux", "arpa", "net", "netinet", "asm"}

EVERYWHERE = """strcpy strcat strncat stpcpy sprintf vsprintf gets alloca setjmp sigsetjmp longjmp
    siglongjmp strtok atoi atol atof tmpnam mktemp""".split()
IN_PRODUCT = {
    "shell": ("system popen wordexp".split(), set()),
    "rename": ("rename renameat renameat2 link linkat".split(), {"base/io.c"}),
    "sync": ("fsync fdatasync sync syncfs sync_file_range".split(), {"base/io.c"}),
    "heap": (
        """malloc calloc realloc free reallocarray aligned_alloc posix_memalign memalign strdup strndup
        asprintf vasprintf""".split(),
        {"base/heap.c", "runtime/wasm.c"},
    ),
    "clock": (
        "time gettimeofday clock_gettime localtime localtime_r gmtime gmtime_r clock".split(),
        {"base/clock.c", "base/io.c"},
    ),
    "input-output": (
        """open openat openat2 creat read write readv writev pread pwrite pread64 pwrite64 preadv pwritev
        sendfile copy_file_range splice ftruncate truncate fallocate posix_fallocate unlink unlinkat rmdir
        mkdir mkdirat remove fopen fdopen freopen fread fwrite opendir flock lockf""".split(),
        {
            "base/io.c", "base/files.c", "base/folders.c", "base/process.c", "verify/sandbox.c",
        },
    ),
}  # fmt: skip
BELOW_CLI = """printf fprintf vprintf vfprintf dprintf puts fputs putchar fputc putc perror psignal
    warn warnx err errx""".split()


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.violations = []
        self.sources = [Source(root, p) for p in self.files((".c", ".h"))]

    def files(self, suffixes):
        """Every file of ours, by path: the folders of the floors and tests/."""
        found = []
        for top in [*FLOORS, "tests"]:
            for folder, _, names in os.walk(self.root / top):
                found += [Path(folder) / n for n in names if n.endswith(suffixes)]
        return sorted(str(p.relative_to(self.root)) for p in found)

    def product(self):
        return [s for s in self.sources if s.folder in FLOORS]

    def say(self, path, line, rule, what):
        self.violations.append((path, line, rule, what))


def check_floors(tree):
    for s in tree.sources:
        for line, kind, name in s.includes():
            folder = name.split("/")[0]
            if kind != '"':
                continue
            if name.endswith(".c"):
                tree.say(s.path, line, "floors", f"includes a source file, {name}")
            elif "/" not in name or not (tree.root / name).is_file():
                tree.say(s.path, line, "floors", f'"{name}" is not written folder-first, or does not exist')
            elif s.folder in FLOORS and folder not in FLOORS[s.folder]:
                tree.say(s.path, line, "floors", f"{s.folder} may not include {name}")


def is_system(name):
    if "/" in name:
        return name.split("/")[0] in SYSTEM_FOLDERS
    return name[:-2] in SYSTEM


def check_rooms(tree):
    for s in tree.product():
        for line, kind, name in s.includes():
            if kind != "<" or is_system(name):
                continue
            rooms = ROOMS.get(name) or ROOMS.get(name.split("/")[0])
            if rooms is None:
                tree.say(s.path, line, "rooms", f"<{name}> belongs to no room")
            elif s.path.endswith(".h"):
                tree.say(s.path, line, "rooms", f"<{name}> in a header; it stays in {', '.join(sorted(rooms))}")
            elif s.path not in rooms:
                tree.say(s.path, line, "rooms", f"<{name}> stays in {', '.join(sorted(rooms))}")


def is_generated(s):
    """Generated tables are exempt from the sizes; they say so in their first lines."""
    return "Generated by" in "\n".join(s.text.split("\n")[:5])


def check_sizes(tree):
    for s in tree.sources:
        if is_generated(s):
            continue
        if s.lines > FILE_LINES:
            tree.say(s.path, s.lines, "size", f"{s.lines} lines; a file has at most {FILE_LINES}")
        for f in s.functions():
            if f.lines > FUNCTION_LINES:
                tree.say(s.path, f.first, "size", f"{f.name} has {f.lines} lines; at most {FUNCTION_LINES}")
    for path in tree.files((".sh", ".py")):
        lines = (tree.root / path).read_text().count("\n")
        if lines > FILE_LINES:
            tree.say(path, lines, "size", f"{lines} lines; a file has at most {FILE_LINES}")


def check_calls(tree):
    for s in tree.sources:
        for line, name in s.calls(EVERYWHERE):
            tree.say(s.path, line, "banned", f"{name} is banned")
        for line, name in s.words(["goto"]):
            tree.say(s.path, line, "banned", f"{name} is banned: resources release themselves (base/scope.h)")
    for s in tree.product():
        for rule, (names, rooms) in IN_PRODUCT.items():
            if s.path in rooms:
                continue
            where = f"only in {', '.join(sorted(rooms))}" if rooms else "nowhere"
            for line, name in s.calls(names):
                tree.say(s.path, line, rule, f"{name} is called {where}")
        if s.folder != "cli":
            for line, name in s.calls(BELOW_CLI):
                tree.say(s.path, line, "print", f"{name} below cli: only cli prints")


def check_recursion(tree):
    for s in tree.product():
        for f in s.functions():
            inner = Source.__new__(Source)
            inner.code = f.body
            for line, _ in inner.calls([f.name]):
                tree.say(s.path, f.first + line, "recursion", f"{f.name} calls itself")


def check_names(tree):
    seen = {}
    for s in tree.product():
        name = Path(s.path).name
        stem = Path(s.path).stem
        for key in {name, stem}:
            other = seen.setdefault(key, s.path)
            if Path(other).parent != Path(s.path).parent:
                tree.say(s.path, 1, "names", f"{other} has that name already")
                break
    tests = {}
    for s in tree.sources:
        if s.folder == "tests" and Path(s.path).name.startswith(("test_", "fuzz_")):
            other = tests.setdefault(Path(s.path).name, s.path)
            if other != s.path:
                tree.say(s.path, 1, "names", f"{other} has that name already")


def is_body(path):
    """A body is included more than once, each time with other macros set: no guard, not alone."""
    return path.endswith("_body.h")


def check_guards(tree):
    for s in tree.product():
        if s.path.endswith(".h") and not is_body(s.path):
            guard = s.path.upper().replace("/", "_").replace(".", "_")
            if f"#ifndef {guard}\n#define {guard}\n" not in s.text:
                tree.say(s.path, 1, "guard", f"its include guard is not {guard}")


def compiles_alone(root, path):
    compiler = os.environ.get("CC") or "cc"
    run = subprocess.run(
        [compiler, "-fsyntax-only", "-std=c17", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-Werror",
         "-include", path, "-x", "c", "/dev/null"],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    errors = [line for line in run.stderr.split("\n") if "error" in line]
    return run.returncode == 0, (errors or [""])[0]


def check_headers(tree):
    headers = [s.path for s in tree.sources if s.path.endswith(".h") and not is_body(s.path)]
    with ThreadPoolExecutor(2) as pool:
        for path, (alone, why) in zip(headers, pool.map(lambda p: compiles_alone(tree.root, p), headers)):
            if not alone:
                tree.say(path, 1, "alone", f"does not compile by itself: {why}")


def check_format(tree):
    tool = shutil.which("clang-format-14")
    paths = [s.path for s in tree.sources if not is_generated(s)]
    if tool is None or not paths:
        return
    run = subprocess.run(
        [tool, "--dry-run", *paths], cwd=tree.root, capture_output=True, text=True
    )
    told = set()
    for line in run.stderr.split("\n"):
        part = line.split(":")
        if len(part) > 3 and "warning" in line and part[0] not in told:
            told.add(part[0])
            tree.say(part[0], int(part[1]), "format", "differs from .clang-format (clang-format-14 -i)")


RULES = [check_floors, check_rooms, check_sizes, check_calls, check_recursion, check_names, check_guards,
         check_headers, check_format]  # fmt: skip


def violations(root):
    tree = Tree(root)
    for rule in RULES:
        rule(tree)
    return len(tree.sources), sorted(tree.violations)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    count, found = violations(sys.argv[1])
    for path, line, rule, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"tidy: {count} files, {len(found)} violations")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
