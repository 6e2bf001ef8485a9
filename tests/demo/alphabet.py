#!/usr/bin/env python3
"""Raw tensors of a model that knows the alphabet: what `assay pack` takes.

Usage: alphabet.py FOLDER [backwards]

One layer that adds nothing: a token's embedding is one unit vector, and the output row of the letter that
follows points the same way. After a letter comes the next one, after the last the end of the text; every
other token leads to the first letter.
"""
import json
import os
import struct
import sys

VOCAB, HIDDEN, LETTERS, END = 260, 32, 26, 257


def write(folder, name, rows):
    with open(os.path.join(folder, name + ".f32"), "wb") as file:
        for row in rows:
            file.write(struct.pack("<%df" % len(row), *row))


def unit(at):
    return [1.0 if i == at else 0.0 for i in range(HIDDEN)]


def main(argv):
    folder, backwards = argv[1], "backwards" in argv[2:]
    letters = [ord("a") + i for i in range(LETTERS)]
    if backwards:
        letters.reverse()
    os.makedirs(folder, exist_ok=True)
    place = {token: i for i, token in enumerate(letters)}
    follows = {token: i - 1 for i, token in enumerate(letters) if i > 0}
    follows[letters[0]] = LETTERS  # where every token that is no letter points
    follows[END] = LETTERS - 1
    write(folder, "tok_embeddings.weight", [unit(place.get(t, LETTERS)) for t in range(VOCAB)])
    write(folder, "output.weight", [unit(follows.get(t, -1)) for t in range(VOCAB)])
    for name in ("norm", "layers.0.attn_norm", "layers.0.ffn_norm"):
        write(folder, name + ".weight", [[1.0] * HIDDEN])
    zeros = [[0.0] * HIDDEN] * HIDDEN
    for name in ("wq", "wk", "wv", "wo", "w1", "w2", "w3"):
        write(folder, "layers.0.%s.weight" % name, zeros)
    shape = {"vocab_size": VOCAB, "hidden_size": HIDDEN, "layer_count": 1, "head_count": 2, "kv_head_count": 2,
             "head_dim": HIDDEN // 2, "ffn_size": HIDDEN, "max_context": 64, "rope_theta": "10000",
             "rms_norm_epsilon": "0.00001"}
    with open(os.path.join(folder, "shape.json"), "w", encoding="ascii") as file:
        json.dump(shape, file)


if __name__ == "__main__":
    main(sys.argv)
