"""Makes the finder of faces in `assets/faces`: `.venv/bin/python packaging/faces.py YUNET.onnx SDIST.tar.gz PEOPLE [FOLDER]`.

`YUNET.onnx` is `yunet_n_dynamic.onnx` of libfacedetection.train. The archive is from `pip download --no-deps --no-binary :all:
face_recognition_models==0.3.0`. `PEOPLE` holds `faces.tar`, photos of one person each, and `persons.tsv` (file and person): the faces of
every second person calibrate the embedder, those of the others measure it. `FOLDER` takes the files instead of `assets/faces`. Needs the
extra `train` (for onnx).

The script also compares the float network with dlib's own where it can import dlib. Picsight never needs that; put it into a folder of its
own with `pip install --target DLIB dlib-bin` and set `PYTHONPATH=DLIB`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import io
import logging
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_static
from PIL import Image

from picsight_engine.runtime.face_finder import SIDE, FaceFinder, cut_out
from picsight_engine.runtime.onnx import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]
    Chips = NDArray[np.uint8]  # [n, 3, 150, 150]

TARGET = Path(__file__).resolve().parent.parent / "assets" / "faces"
DLIB_FILE = "dlib_face_recognition_resnet_model_v1.dat"
STRIDES, PARTS = (8, 16, 32), ("cls", "obj", "bbox", "kps")
MEAN, DIVISOR = (122.782, 117.001, 104.298), 256  # of red, green and blue
GROUPS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))  # channels and residual blocks
MOST_APART = 1e-5  # between a number of dlib's vector and ours
MOST_BYTES = 6_000_000  # of the embedder
DISTANCES = (0.40, 0.45, 0.50)
MOST_LOST = 0.01  # in int8, of the pairs of one person within each of the first two distances


def joined(data: bytes) -> onnx.ModelProto:
    """YuNet with its twelve outputs as one, `cells` [n, cells, 16]: class, object, box and points, one stride after the other."""
    model = onnx.load_from_string(data)
    for stride in STRIDES:
        parts = [f"{part}_{stride}" for part in PARTS]
        model.graph.node.append(helper.make_node("Concat", parts, [f"cells_{stride}"], axis=2))
    strides = [f"cells_{stride}" for stride in STRIDES]
    model.graph.node.append(helper.make_node("Concat", strides, ["cells"], axis=1))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", "cells", 16]))
    onnx.checker.check_model(model)
    return model


class DlibFile:
    """A network as dlib writes it, read from its input to its output.

    dlib opens all layers, the outermost first, then fills them, the innermost first. A layer begins with its name. Whole numbers are packed:
    one byte with length and sign, which is always plus here, then the digits, the lowest first. A tensor is a version, four sides and float32
    numbers.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def convolution(self) -> tuple[Numbers, Numbers, list[int], list[int]]:
        """The next convolution with the scale that follows it: weights [to, from, rows, columns], biases, strides and padding."""
        self._seek("con_4")
        values = self._tensor()
        channels, rows, columns, *rest = (self._integer() for _ in range(7))
        self._seek("affine_")
        scale, shift = self._tensor().reshape(2, channels)
        weights = values[:-channels].reshape(channels, -1, rows, columns)
        return weights * scale[:, None, None, None], values[-channels:] * scale + shift, rest[:2], rest[2:]

    def matrix(self) -> Numbers:
        """The matrix at the end [from, to]."""
        self._seek("fc_2")
        columns, rows = self._integer(), self._integer()
        return self._tensor().reshape(rows, columns)

    def _seek(self, name: str) -> None:
        self._at = self._data.index(name.encode(), self._at) + len(name)

    def _integer(self) -> int:
        start = self._at + 1
        self._at = start + (self._data[start - 1] & 0x0F)
        return int.from_bytes(self._data[start : self._at], "little")

    def _tensor(self) -> Numbers:
        _, *sides = (self._integer() for _ in range(5))
        start = self._at
        self._at += 4 * int(np.prod(sides))
        return np.frombuffer(self._data[start : self._at], "<f4")


class Network:
    """An ONNX graph that grows node by node."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._values: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """Adds a node and returns the name of its output; arrays among the inputs are stored in the graph."""
        name = f"{kind.lower()}_{len(self._nodes)}"
        names = [value if isinstance(value, str) else f"{name}.{at}" for at, value in enumerate(inputs)]
        for value, stored in zip(inputs, names, strict=True):
            if not isinstance(value, str):
                self._values.append(numpy_helper.from_array(value, stored))
        self._nodes.append(helper.make_node(kind, names, [name], name, **attributes))
        return name

    def padded(self, name: str, channels: int, side: int) -> str:
        """Adds zeros after the channels, and below and to the right of each map; without any, adds no node."""
        ends = np.array([0, 0, 0, 0, 0, channels, side, side])
        return self.add("Pad", name, ends) if ends.any() else name

    def model(self, source: onnx.ValueInfoProto, target: onnx.ValueInfoProto) -> onnx.ModelProto:
        """The graph with this input and, under this name, the output of its last node."""
        self._nodes[-1].output[:] = [target.name]
        graph = helper.make_graph(self._nodes, "faces", [source], [target], self._values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def embedder(dlib_file: DlibFile) -> onnx.ModelProto:
    """The network of dlib in float32: `faces`, bytes in RGB [n, 3, 150, 150], to `vectors` [n, 128].

    The first convolution, which pads nothing, also subtracts the mean and divides.
    """
    network = Network()
    weights, biases, strides, _ = dlib_file.convolution()
    weights = weights / np.float32(DIVISOR)
    biases = biases - np.einsum("ncij,c->n", weights.astype(np.float64), MEAN).astype(np.float32)
    last = network.add("Cast", "faces", to=TensorProto.FLOAT)
    last = network.add("Conv", last, weights, biases, strides=strides)
    last = network.add("MaxPool", network.add("Relu", last), kernel_shape=[3, 3], strides=[2, 2])
    side, before = 35, GROUPS[0][0]  # of the maps: 150 pixels became 72, then 35
    for group, (channels, blocks) in enumerate(GROUPS):
        for block in range(blocks):
            shortcut = last
            weights, biases, strides, padding = dlib_file.convolution()
            last = network.add("Conv", last, weights, biases, pads=padding * 2, strides=strides)
            weights, biases, _, padding = dlib_file.convolution()
            last = network.add("Conv", network.add("Relu", last), weights, biases, pads=padding * 2)
            if group and not block:
                # dlib adds what has fewer channels, rows or columns as if the rest were zero
                smaller, side = (side - 3) // 2 + 1, side // 2
                shortcut = network.add("AveragePool", shortcut, kernel_shape=[2, 2], strides=[2, 2])
                shortcut = network.padded(shortcut, channels - before, 0)
                last = network.padded(last, 0, side - smaller)
            last = network.add("Relu", network.add("Add", last, shortcut))
        before = channels
    last = network.add("Flatten", network.add("GlobalAveragePool", last))
    network.add("MatMul", last, dlib_file.matrix())
    source = helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", 3, 150, 150])
    return network.model(source, helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 128]))


def is_joined(data: bytes, detector: Path) -> bool:
    """Whether the detector gives, bit for bit, what the original gives for a picture of noise."""
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 96, 160)).astype(np.float32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    given = dict(zip(names, session.run(names, {"input": picture}), strict=True))
    strides = [np.concatenate([given[f"{part}_{stride}"] for part in PARTS], axis=2) for stride in STRIDES]
    return np.array_equal(np.concatenate(strides, axis=1), Graph(detector).run(picture))


class ChipFinder(FaceFinder):
    """Cuts out faces as Picsight does, without the network that describes them."""

    def chip(self, image: Image.Image) -> Chips:
        """The surest face of a picture, upright [3, 150, 150]."""
        face = self._detect(image, SIDE)[0]
        return cut_out(image, face[4:14:2].astype(np.float64) + 1j * face[5:14:2])[0]


def load_chips(people: Path, finder: ChipFinder) -> tuple[Chips, NDArray[np.str_]]:
    """The face of every photo, and its person."""
    lines = (people / "persons.tsv").read_text(encoding="utf-8").splitlines()[1:]
    names, persons = zip(*(line.split("\t") for line in lines), strict=True)
    with tarfile.open(people / "faces.tar") as tar:
        chips = [finder.chip(Image.open(io.BytesIO(content(tar, name))).convert("RGB")) for name in names]
    return np.stack(chips), np.array(persons)


def content(tar: tarfile.TarFile, ending: str) -> bytes:
    """The content of the first file whose name ends so."""
    name = next(name for name in tar.getnames() if name.endswith(ending))
    file = tar.extractfile(name)
    assert file is not None, f"{name} is no file"
    return file.read()


class Batches:
    """Gives the calibration one chip at a time."""

    def __init__(self, chips: Chips) -> None:
        self._left: Iterator[Chips] = iter(chips)

    def get_next(self) -> dict[str, Chips] | None:
        """The next chip as a batch, None after the last."""
        return next(({"faces": chip[np.newaxis]} for chip in self._left), None)


def quantise(exact: onnx.ModelProto, target: Path, chips: Chips) -> None:
    """Writes the network in int8, but for its last matrix; the chips tell how large its numbers become."""
    logging.getLogger().setLevel(logging.ERROR)  # it advises a preparation that this graph does not need
    # Without VNNI a sum of two products overflows 16 bits, unless the weights have 7 bits.
    quantize_static(
        exact,
        target,
        Batches(chips),
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        nodes_to_exclude=[exact.graph.node[-1].name],
    )


def vectors_of(graph: Path, chips: Chips) -> Numbers:
    """The vectors [n, 128] of the chips."""
    network = Graph(graph)
    return np.concatenate([network.run(chip[np.newaxis]) for chip in chips])


def dlib_vectors(weights: Path, chips: Chips) -> NDArray[np.float64] | None:
    """What dlib itself makes of the chips, None where it cannot be imported."""
    if importlib.util.find_spec("dlib") is None:
        return None
    network = importlib.import_module("dlib").face_recognition_model_v1(str(weights))
    pictures = np.ascontiguousarray(chips.transpose(0, 2, 3, 1))
    return np.array([network.compute_face_descriptor(picture) for picture in pictures])


def near_pairs(vectors: Numbers, persons: NDArray[np.str_]) -> NDArray[np.float64]:
    """The shares of the pairs of one person and of two persons [2, 3] that are as near as each distance."""
    first, second = np.triu_indices(len(vectors), 1)
    apart = np.linalg.norm(vectors[first] - vectors[second], axis=1)
    same = persons[first] == persons[second]
    return np.array([[(apart[of] <= most).mean() for most in DISTANCES] for of in (same, ~same)])


def check_embedder(
    folder: Path, chips: Chips, persons: NDArray[np.str_], is_measured: NDArray[np.bool_]
) -> None:
    """Prints how the float network differs from dlib's and the int8 network from the float one; exits if by too much."""
    exact, small = (vectors_of(folder / name, chips) for name in ("float.onnx", "embedder.onnx"))
    reference = dlib_vectors(folder / DLIB_FILE, chips)
    if reference is None:
        print("float: not compared with dlib, which is not installed")
    else:
        apart = float(np.abs(exact - reference).max())
        print(f"float: at most {apart:.1e} from dlib in {len(chips)} faces")
        if apart > MOST_APART:
            raise SystemExit("The network differs from dlib's.")
    exact, small, persons = exact[is_measured], small[is_measured], persons[is_measured]
    moved = np.linalg.norm(small - exact, axis=1)
    size = (folder / "embedder.onnx").stat().st_size
    print(
        f"int8: {size:,} bytes; moves {len(small)} vectors by {moved.mean():.3f}, at most {moved.max():.3f}"
    )
    shares = {name: near_pairs(vectors, persons) for name, vectors in (("float", exact), ("int8", small))}
    for name, (same, other) in shares.items():
        cells = (
            f"{most:.2f}: {one:.2%} same, {two:.3%} other"
            for most, one, two in zip(DISTANCES, same, other, strict=True)
        )
        print(f"{name:5}", "; ".join(cells))
    if size > MOST_BYTES or (shares["float"][0] - shares["int8"][0])[:2].max() > MOST_LOST:
        raise SystemExit("The int8 network is too large or loses too much.")


def main(yunet: Path, sdist: Path, people: Path, target: Path = TARGET) -> None:
    """Writes the networks and their checksums, if they pass the checks."""
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        folder = Path(temporary)
        original = yunet.read_bytes()
        (folder / "detector.onnx").write_bytes(joined(original).SerializeToString())
        if not is_joined(original, folder / "detector.onnx"):
            raise SystemExit("The detector differs from the original.")
        with tarfile.open(sdist) as tar:
            (folder / DLIB_FILE).write_bytes(content(tar, DLIB_FILE))
        exact = embedder(DlibFile((folder / DLIB_FILE).read_bytes()))
        onnx.save(exact, folder / "float.onnx")
        chips, persons = load_chips(people, ChipFinder(folder))
        is_measured = ~np.isin(persons, np.unique(persons)[::2])
        quantise(exact, folder / "embedder.onnx", chips[~is_measured])
        check_embedder(folder, chips, persons, is_measured)
        names = ("detector.onnx", "embedder.onnx")
        sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
        (folder / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
        for name in (*names, "SHA256SUMS"):
            (folder / name).replace(target / name)
    print("".join(sums), end="")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
