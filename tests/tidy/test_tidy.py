#!/usr/bin/env python3
"""Every rule of tidy.py finds the violation that is seeded for it, and nothing in a clean tree."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import tidy  # noqa: E402

STYLE = Path(__file__).resolve().parents[2] / ".clang-format"
HEADER = """#ifndef {guard}
#define {guard}

int {name}(int v);

#endif
"""
LONG = "static int f(int v)\n{\n" + "    v++;\n" * 80 + "    return v;\n}\n"


def header(path):
    return HEADER.format(guard=path.upper().replace("/", "_").replace(".", "_"), name=Path(path).stem)


CLEAN = {
    "base/word.h": header("base/word.h"),
    "base/word.c": '#include "base/word.h"\n\nint word(int v)\n{\n    return v;\n}\n',
    "store/pack.h": header("store/pack.h"),
    "runtime/model.h": header("runtime/model.h"),
    "verify/gate.h": header("verify/gate.h"),
    "promote/policy.h": header("promote/policy.h"),
    "cli/main.c": '#include "base/word.h"\n#include <stdio.h>\n\nint main(void)\n{\n    puts("");\n    return word(0);\n}\n',
    # Words that only look like violations: in comments, literals, members, and longer names.
    "base/quiet.c": '#include "base/word.h"\n\n/* goto, system("x"), malloc(1) */\n'
    'static const char text[] = "goto strcpy(a, b) fsync(1)";\n'
    "struct door {\n    int (*open)(int v);\n};\n\n"
    "static int my_open(struct door *d)\n{\n    return d->open(text[0]) + '\\'';\n}\n\n"
    "int word(int v)\n{\n    struct door d = {0};\n    return my_open(&d) + v;\n}\n",
    "tests/base/test_word.c": '#include "base/word.h"\n#include <criterion/criterion.h>\n#include <stdlib.h>\n',
}

# name of the case: (path, its text, the rule that must speak, a word it must say)
SEEDED = {
    "a floor includes one above": ("base/up.c", '#include "store/pack.h"\n', "floors", "base may not include"),
    "store includes runtime": ("store/up.c", '#include "runtime/model.h"\n', "floors", "store may not"),
    "runtime includes store": ("runtime/up.c", '#include "store/pack.h"\n', "floors", "runtime may not"),
    "verify includes promote": ("verify/up.c", '#include "promote/policy.h"\n', "floors", "verify may not"),
    "promote includes tests": ("promote/up.c", '#include "tests/base/test_word.c"\n', "floors", "source file"),
    "an include without its folder": ("store/up.c", '#include "pack.h"\n', "floors", "folder-first"),
    "an include behind a continued comment": ("store/up.c", '/* a */ \n#  include "verify/gate.h"\n', "floors", "verify"),
    "a file of 601 lines": ("store/big.c", "\n" * 601, "size", "601 lines"),
    "a function of 84 lines": ("store/big.c", LONG, "size", "f has 84 lines"),
    "a long function with an attribute": (
        "store/big.c", LONG.replace("(int v)\n", "(int v)\n    __attribute__((unused))\n"), "size", "f has 85 lines"),
    "a long script": ("tests/scripts/a.sh", "true\n" * 601, "size", "601 lines"),
    "goto": ("store/jump.c", "void f(void);\nvoid f(void)\n{\n    goto out;\nout:\n    return;\n}\n", "banned", "goto"),
    "goto in a macro": ("store/jump.c", "#define OUT \\\n    goto out\n", "banned", "goto"),
    "third party in the wrong room": ("store/codec2.c", "#include <zstd.h>\n", "rooms", "store/codec.c"),
    "third party in a header": ("store/digest.h", "#include <openssl/evp.h>\n", "rooms", "in a header"),
    "third party of no room": ("store/other.c", "#include <pcre2.h>\n", "rooms", "belongs to no room"),
    "a program calls itself": ("store/deep.c", "int f(int v)\n{\n    return v ? f(v - 1) : 0;\n}\n", "recursion", "f calls"),
    "two rooms of one name": ("store/word.c", "\n", "names", "base/word.c"),
    "two tests of one name": ("tests/store/test_word.c", "\n", "names", "tests/base"),
    "a wrong guard": ("store/leaf.h", "#ifndef LEAF\n#define LEAF\n#endif\n", "guard", "STORE_LEAF_H"),
    "a header that needs another": ("store/leaf.h", "struct a {\n    size_t n;\n};\n", "alone", "size_t"),
    "printing below cli": ("promote/out.c", 'void f(void)\n{\n    fprintf(0, "x");\n}\n', "print", "fprintf"),
}
for call in tidy.EVERYWHERE:
    SEEDED[f"{call} in a test"] = ("tests/base/test_x.c", f"void f(void)\n{{\n    {call}(0);\n}}\n", "banned", call)
for rule, (names, _) in tidy.IN_PRODUCT.items():
    for call in names:
        SEEDED[f"{call} outside its room"] = ("cli/x.c", f"void f(void)\n{{\n    {call} (0);\n}}\n", rule, call)


class Tidy(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="tidy-"))
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def test_a_clean_tree_has_no_violation(self):
        self.write(".clang-format", STYLE.read_text())
        count, found = tidy.violations(self.root)
        self.assertEqual((count, found), (len(CLEAN), []))

    def test_each_seeded_violation_is_found(self):
        checks = [c for c in tidy.RULES if c not in (tidy.check_headers, tidy.check_format)]
        for name, (path, text, rule, word) in SEEDED.items():
            with self.subTest(name):
                old = CLEAN.get(path)
                self.write(path, text)
                tree = tidy.Tree(self.root)
                for check in checks + ([tidy.check_headers] if rule == "alone" else []):
                    check(tree)
                hits = [v for v in tree.violations if v[2] == rule and word in v[3]]
                self.assertTrue(hits, f"{rule} said nothing; all: {tree.violations}")
                self.assertTrue(all(v[0] == path for v in hits), hits)
                self.write(path, old) if old is not None else (self.root / path).unlink()

    def test_rooms_may_do_what_others_may_not(self):
        for rule, (names, rooms) in tidy.IN_PRODUCT.items():
            for room in rooms:
                self.write(room, f"void f(void)\n{{\n    {names[0]}(0);\n}}\n")
                tree = tidy.Tree(self.root)
                tidy.check_calls(tree)
                self.assertEqual([v for v in tree.violations if v[2] == rule], [], room)
                (self.root / room).unlink()

    def test_generated_tables_may_be_long(self):
        self.write("runtime/table.c", "/* Generated by a program. */\n" + "\n" * 700)
        tree = tidy.Tree(self.root)
        tidy.check_sizes(tree)
        self.assertEqual(tree.violations, [])

    @unittest.skipIf(shutil.which("clang-format-14") is None, "no clang-format-14")
    def test_a_file_out_of_format_is_found(self):
        self.write(".clang-format", STYLE.read_text())
        self.write("store/ugly.c", "int f(int v){return v;}\n")
        tree = tidy.Tree(self.root)
        tidy.check_format(tree)
        self.assertIn(("store/ugly.c", "format"), [(v[0], v[2]) for v in tree.violations])

    def test_macros_before_a_function_are_not_part_of_it(self):
        self.write("store/rows.c", "#define ROW(x) int x;\n" + "ROW(a)\n" * 80 + "int f(void)\n{\n    return 0;\n}\n")
        tree = tidy.Tree(self.root)
        tidy.check_sizes(tree)
        self.assertEqual(tree.violations, [])

    def test_an_empty_tree_is_no_success(self):
        for path in CLEAN:
            (self.root / path).unlink()
        self.assertEqual(tidy.violations(self.root)[0], 0)


if __name__ == "__main__":
    unittest.main()
