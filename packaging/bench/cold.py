"""Measures a cold `picsight search` (a new process each time) beside the shortest script that answers the same."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from report import interleaved, machine, milliseconds, table
from search import fill

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.library import Library

THINGS = (
    "a dog",
    "a red bicycle",
    "two people",
    "a child playing",
    "a boat",
    "an old car",
    "a bird",
    "flowers",
)
PLACES = ("in the snow", "near a lake", "at night", "in front of a house", "on a street")
QUERIES = [f"{thing} {place}" for thing in THINGS for place in PLACES]
# What somebody would write who needs the answer once: all vectors out of the database, one product, the best 20.
PLAIN = """
import sqlite3, sys, json, numpy as np, onnxruntime, tokenizers
folder, library, query = sys.argv[1:]
manifest = json.load(open(folder + "/bundle.json"))
text = manifest["text"]
tokens = tokenizers.Tokenizer.from_file(folder + "/tokenizer.json").encode(query).ids
session = onnxruntime.InferenceSession(folder + "/text.onnx", providers=["CPUExecutionProvider"])
vector = session.run([text["output"]], {text["input"]: np.array([tokens], np.int64)})[0][0]
rows = sqlite3.connect(library + "/library.db").execute("SELECT photo_id, vector FROM vectors").fetchall()
matrix = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1).astype(np.float32)
print(*np.argsort(-(matrix @ vector))[:20])
"""


def call(command: list[str], stdin: str = "") -> str:
    """Runs a command that must succeed and returns what it prints."""
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="?", metavar="FOLDER", help="photos, indexed first")
    parser.add_argument("--of", type=int, help="number of made-up photos, instead of a folder")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    if (arguments.photos is None) == (arguments.of is None):
        parser.error("give either FOLDER or --of")
    starter = find_asset("starter")
    bundle = open_bundle(starter)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.of:
            fill(Path(folder), arguments.of, bundle.manifest.space_id)
        with Library.open(Path(folder), bundle) as library:
            for _ in library.index([arguments.photos]) if arguments.photos else ():
                pass
            photos = library.status().photos
        program = [sys.executable, "-m", "picsight", "--library", folder, "search", "--json"]
        script = [sys.executable, "-c", PLAIN, str(starter), folder]
        candidates = {
            "`picsight search`": lambda: call([*program, QUERIES[0]]),
            "plain script: all vectors from the database, numpy": lambda: call([*script, QUERIES[0]]),
            "Python that does nothing": lambda: call([sys.executable, "-c", "pass"]),
        }
        call([*program, QUERIES[0]])
        seconds = interleaved(candidates, arguments.rounds)
        answers = call([*program, "--stdin"], "\n".join(QUERIES))
    warm = [json.loads(line)["milliseconds"] / 1e3 for line in answers.splitlines()][1:]
    rows = [[name, milliseconds(values)] for name, values in seconds.items()]
    rows.append(["one more query in a running process", milliseconds(warm)])
    print(f"{machine()}; {photos:,} photos, {arguments.rounds} interleaved rounds\n")
    print(table(["from the shell to the answer", "ms, median (range)"], rows))


if __name__ == "__main__":
    main()
