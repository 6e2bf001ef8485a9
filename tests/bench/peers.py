"""usage: peers.py ASSAY BENCH_MAKE [--llama-bench PROGRAM] [--llama2c PROGRAM] [--types f32,q8_0,q4_0]
                [--shapes 260K,15M,16M,110M] [--threads N] [--rounds N] [--before "chrt -f 1"]

Tokens a second of this program beside two others', on files of the same shape and type with random weights (bench_make
writes them; the same words give the same bytes). The peers are built by whoever measures, from their own sources:
llama-bench with Release and native flags and no BLAS, llama2.c's `run` with -Ofast. Each round runs all of them in
turn, so that a busy moment meets all; medians of the rounds are printed, and the ratio to the better peer. A share of
memory is what `assay bench` measures beside: weights read a second over what the machine reads of as many bytes."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

PROMPT = 256


def tokens_of(shape):
    """llama2.c counts whole milliseconds, so what is quick goes on for longer."""
    return 256 if shape == "260K" else 64


def run(before, *command):
    done = subprocess.run(before + list(command), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit {done.returncode}: {done.stderr.strip()[:300]}")
    return done.stdout + done.stderr if command[0].endswith("run") else done.stdout


def of_assay(args, model, tokens):
    b = json.loads(run(args.before, args.assay, "bench", model, "--json", "--rounds", "3", "--threads", str(args.threads),
                       *(["--tokens", str(tokens)] if tokens >= PROMPT else [])))
    return b["decode"]["per_second"], b["prefill"]["per_second"], b["share_of_memory"]


def of_llama_bench(args, model, tokens):
    got = json.loads(run(args.before, args.llama_bench, "-m", model, "-p", str(PROMPT), "-n", str(tokens),
                         "-t", str(args.threads), "-r", "3", "-o", "json"))
    rate = {("decode" if row["n_gen"] else "prefill"): statistics.median(row["samples_ts"]) for row in got}
    return rate["decode"], rate["prefill"]


def of_llama2c(args, checkpoint, tokens):
    """Generates from a checkpoint of its own; what it decodes to is of no interest."""
    said = run(args.before, args.llama2c, checkpoint, "-t", "0", "-n", str(tokens), *args.tokenizer)
    found = re.search(r"achieved tok/s: ([0-9.]+)", said)
    return float(found.group(1)) if found else None


def measure(args, shape, kind, folder):
    model, checkpoint = os.path.join(folder, "model.gguf"), os.path.join(folder, "model.bin")
    run([], args.make, shape, kind, model)
    with_llama2c = args.llama2c and kind == "f32" and args.threads == 1
    if with_llama2c:
        run([], args.make, shape, "llama2c", checkpoint)
    ours, llama, llama2c = [], [], []
    for _ in range(args.rounds):
        ours.append(of_assay(args, model, tokens_of(shape)))
        if args.llama_bench:
            llama.append(of_llama_bench(args, model, tokens_of(shape)))
        if with_llama2c:
            llama2c.append(of_llama2c(args, checkpoint, tokens_of(shape)))
    middle = lambda rows, i: statistics.median(r[i] for r in rows) if rows else 0.0
    third = [r for r in llama2c if r]
    best = max(middle(llama, 0), statistics.median(third) if third else 0.0)
    decode, prefill = middle(ours, 0), middle(ours, 1)
    print(f"{shape} {kind}: decode {decode:.0f} tok/s, llama.cpp {middle(llama, 0):.0f}, "
          f"llama2.c {statistics.median(third) if third else 0:.0f}, ratio {decode / best if best else 0:.2f}, "
          f"share of memory {middle(ours, 2):.2f}; prefill {prefill:.0f}, llama.cpp {middle(llama, 1):.0f}, "
          f"ratio {prefill / middle(llama, 1) if llama else 0:.2f}", flush=True)
    os.remove(model)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("assay")
    p.add_argument("make")
    p.add_argument("--llama-bench")
    p.add_argument("--llama2c")
    p.add_argument("--tokenizer", default="", help="llama2.c's tokenizer file")
    p.add_argument("--types", default="f32,q8_0,q4_0")
    p.add_argument("--shapes", default="260K,15M,16M,110M")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--before", default="", help="words to run each program with")
    args = p.parse_args()
    args.before = args.before.split()
    args.tokenizer = ["-z", args.tokenizer] if args.tokenizer else []
    with tempfile.TemporaryDirectory() as folder:
        for shape in args.shapes.split(","):
            for kind in args.types.split(","):
                measure(args, shape, kind, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
