"""The text bank beside a reinforced set: texts without photos, and the teachers' embeddings of them, in one file.

`bank.npz` is a zip of four parts, none of them packed: `about.json` (teachers, and how many texts each source gave),
`texts.txt` in UTF-8, one a line, those of a source together; `starts.npy`, the byte at which each begins [n + 1]; and
`embeddings.npy` [n, D], halves. numpy opens it, and any row can be read where it lies without those before it.
"""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

BANK = "bank.npz"
FORMAT = 1
ABOUT, TEXTS, STARTS, EMBEDDINGS = "about.json", "texts.txt", "starts.npy", "embeddings.npy"

_LOCAL_HEADER = struct.Struct(
    "<26xHH"
)  # of a zip: the lengths of a name and of what else stands before the content
_DRAW = 1  # tells the numbers drawn here from the reader's order, which has the same seed and epoch


@dataclass(frozen=True, slots=True)
class BankAbout:
    """`teachers` in the order of their embeddings, `kinds` the texts of each source in the order of the rows.

    `digest` is that of teachers and texts: where it is the same, nothing need be embedded again.
    """

    teachers: tuple[TeacherRecord, ...]
    kinds: Mapping[str, int]
    digest: str

    @property
    def width(self) -> int:
        """Of all embeddings end to end."""
        return sum(teacher.width for teacher in self.teachers)

    @property
    def count(self) -> int:
        """Of all texts."""
        return sum(self.kinds.values())

    def to_json(self) -> bytes:
        """Equal ones give equal bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()


class Bank:
    """A bank open for training; only the rows that are asked for are read.

    A step draws m texts beside its b photos, and they become further columns of the distillation from photo to text.
    With the student's photos V [b, d], the texts of the batch T [b, d], the bank's texts B [m, d] through the student's own
    tower, and its scale s, the student's rows are softmax(s · V [T | B]ᵀ) [b, b + m]. Teacher k has its photos, the batch's
    texts and `embeddings(rows)`, each cut to its own width, and its scale a_k; its rows are softmax(a_k · V_k [T_k | B_k]ᵀ),
    and the target is the mean of these softmaxes over the teachers, never the softmax of a mean or of vectors end to end.
    The term is the cross-entropy between target and student, mean over the b rows, in float32, less the target's entropy.
    It takes the place of the photo → text half of the distillation. The half from text to photo keeps its b rows, for a
    text of the bank has no photo that it should find; so does the contrastive loss, whose diagonal knows no such column.
    """

    def __init__(self, path: Path, about: BankAbout, weights: Mapping[str, float]) -> None:
        """`open_bank` calls this, with a file that was looked at."""
        self.about = about
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            places = {entry.filename: entry for entry in archive.infolist()}
            self._starts = _map_array(path, file, places[STARTS], (about.count + 1,))
            self._embeddings = _map_array(path, file, places[EMBEDDINGS], (about.count, about.width))
            said = _seek(file, places[TEXTS])
            self._said = np.memmap(path, np.uint8, "r", said, (places[TEXTS].file_size,))  # [bytes]
        if (np.diff(self._starts) <= 0).any() or self._starts[-1] != len(self._said):
            raise ValueError("its texts are not where they should be")
        self._counts = np.array(list(about.kinds.values()), np.int64)  # [kinds]
        shares = np.array([weights.get(kind, 1.0) for kind in about.kinds], np.float64)
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        """How many texts there are."""
        return self.about.count

    def draw(self, epoch: int, step: int, seed: int, count: int) -> NDArray[np.int64]:
        """So many rows [count]: a source by the weights, then one of its texts; the same may come twice.

        They follow from the three numbers alone: a run that is taken up again sees the same, and so does each of several ranks.
        """
        numbers = np.random.default_rng([seed, epoch, step, _DRAW])
        kinds = numbers.choice(len(self._counts), count, p=self._shares)
        firsts = np.cumsum(self._counts) - self._counts
        return firsts[kinds] + numbers.integers(self._counts[kinds])

    def texts(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """The texts of these rows."""
        ends = self._starts[rows + 1] - 1  # before the line's end
        pairs = zip(self._starts[rows].tolist(), ends.tolist(), strict=True)
        return tuple(self._said[start:end].tobytes().decode() for start, end in pairs)

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The teachers' embeddings [rows, D] of these rows, as float32."""
        return np.asarray(self._embeddings[rows], np.float32)


def open_bank(
    path: Path, teachers: Sequence[TeacherRecord], weights: Mapping[str, float] | None = None
) -> Bank:
    """A bank for the teachers of a set; `weights` say how often each source is drawn, 1 where they say nothing.

    Raises:
        DataError: it is missing or damaged, is of other teachers, or a weight is none.
    """
    about = read_about(path)
    _demand_same(path, about.teachers, teachers)
    weights = weights or {}
    _demand_weights(path, about, weights)
    try:
        return Bank(path, about, weights)
    # The outer border to foreign decoders: on damaged bytes they raise whatever these lead to.
    except Exception as fault:
        raise DataError(f"The text bank {path} is damaged: {fault}; write it again.") from fault


def read_about(path: Path) -> BankAbout:
    """What a bank holds, without its texts.

    Raises:
        DataError: it is missing, damaged or of a newer format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(ABOUT))
        found = content["format"]
        if found == FORMAT:
            teachers = tuple(TeacherRecord(**teacher) for teacher in content["teachers"])
            return BankAbout(teachers, dict(content["kinds"]), content["digest"])
    except FileNotFoundError:
        raise DataError(f"There is no text bank {path}; write one, or train without.") from None
    # The same border.
    except Exception as fault:
        raise DataError(f"The text bank {path} cannot be read: {fault}; write it again.") from fault
    raise DataError(
        f"The text bank {path} has the format {found}, and this program knows only {FORMAT}; "
        "use the program that wrote it."
    )


def _demand_same(path: Path, own: Sequence[TeacherRecord], wanted: Sequence[TeacherRecord]) -> None:
    """Scales may differ: embeddings do not depend on them."""
    if [(one.width, one.digest) for one in own] == [(one.width, one.digest) for one in wanted]:
        return
    told = [
        ", ".join(f"{one.name} ({one.digest[:8]}, {one.width})" for one in each) for each in (own, wanted)
    ]
    raise DataError(
        f"The text bank {path} is of the teachers {told[0]}, and the set of {told[1]}; write it again with these."
    )


def _demand_weights(path: Path, about: BankAbout, weights: Mapping[str, float]) -> None:
    if strange := sorted(set(weights) - set(about.kinds)):
        raise DataError(
            f"The text bank {path} has no texts of {strange[0]} to be weighed; it has {', '.join(about.kinds)}."
        )
    shares = [weights.get(kind, 1.0) for kind in about.kinds]
    if not (min(shares, default=0) >= 0 and 0 < sum(shares) < float("inf")):
        raise DataError(
            f"The weights of the text bank {path} are {shares}; give numbers of 0 and more, one above 0."
        )


def _map_array(path: Path, file: BinaryIO, entry: zipfile.ZipInfo, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array where it lies in the zip."""
    _seek(file, entry)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of an unknown version")
    found, by_columns, kind = np.lib.format.read_array_header_1_0(file)
    if found != shape or by_columns or kind.hasobject:
        raise ValueError(f"{entry.filename} has the shape {list(found)} instead of {list(shape)}")
    return np.memmap(path, kind, "r", file.tell(), shape)


def _seek(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """To the first byte of a part's content: behind its local header, which names the lengths of its own fields."""
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{entry.filename} is packed")
    file.seek(entry.header_offset)
    name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return file.seek(name + extra, 1)
