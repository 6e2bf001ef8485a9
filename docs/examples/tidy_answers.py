#!/usr/bin/python3 -IS
"""An exec gate: are a model's answers whole sentences, and is none of them empty?

Given to a policy as gates.exec.programs.NAME (docs/gates.md). Reads what the gate tells on standard input,
writes one JSON object on standard output. It may read /usr and what lies in descriptors 4 (the model) and
5 (the suite); it has no network, no file of its own and no second process.
"""
import json
import sys

head = json.loads(sys.stdin.readline())
if head["schema"] != "assay.exec/1":
    sys.exit("not a version that this program knows")

cases = whole = empty = 0
for line in sys.stdin:
    answer = json.loads(line)["answer"]
    cases += 1
    text = answer.get("text", "").strip()
    empty += not text
    whole += text.endswith((".", "!", "?", '"'))

share = whole / cases if cases else 0.0
json.dump(
    {
        "schema": "assay.exec-result/1",
        "cases": cases,
        "checks": [
            # "score" and "findings" are held against the policy's limits of these names.
            {"name": "score", "result": "pass", "measured": f"{share:.6f}", "message": f"{whole} of {cases} end a sentence"},
            {"name": "findings", "result": "pass", "measured": str(empty), "message": f"{empty} of {cases} say nothing"},
        ],
    },
    sys.stdout,
)
