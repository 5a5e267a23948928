"""The text bank beside a reinforced set: texts without photos, and the teachers' embeddings of them, in one file.

`bank.npz` is a zip of four parts, none of them packed: `about.json` (teachers, and how many texts each source gave),
`texts.txt` in UTF-8, one a line, those of a source together; `starts.npy`, the byte at which each begins [n + 1]; and
`embeddings.npy` [n, D], halves. numpy opens it, and any row can be read where it lies without those before it.

A bank is written some thousand texts at a time, and a killed run goes on behind the last of these parts. They lie beside the
bank in a hidden folder until it is whole; each is known by its texts and teachers, so none is taken for another.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zipfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.reinforced.embeddings import find_fault
from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.errors import DataError
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray


BANK = "bank.npz"
FORMAT = 1
ABOUT, TEXTS, STARTS, EMBEDDINGS = "about.json", "texts.txt", "starts.npy", "embeddings.npy"

CHUNK = 4096  # texts: half a minute of a small teacher

# of a zip: the lengths of a name and of what else stands before the content
_LOCAL_HEADER = struct.Struct("<26xHH")
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

    def __init__(self, path: Path, about: BankAbout) -> None:
        """`open_bank` calls this."""
        self.about = about
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            places = {entry.filename: entry for entry in archive.infolist()}
            self._starts = _map_array(path, file, places[STARTS], (about.count + 1,))
            self._embeddings = _map_array(path, file, places[EMBEDDINGS], (about.count, about.width))
            start = _seek(file, places[TEXTS])
            self._texts = np.memmap(path, np.uint8, "r", start, (places[TEXTS].file_size,))  # [bytes]
        if (np.diff(self._starts) <= 0).any() or self._starts[-1] != len(self._texts):
            raise ValueError("its texts are not where they should be")
        self._counts = np.array(list(about.kinds.values()), np.int64)  # [kinds]

    def __len__(self) -> int:
        """How many texts there are."""
        return self.about.count

    def draw(self, epoch: int, step: int, seed: int, count: int) -> NDArray[np.int64]:
        """So many rows [count]: any source, then one of its texts; the same may come twice.

        They follow from the three numbers alone: a run that is taken up again sees the same, and so does each of several ranks.
        """
        numbers = np.random.default_rng([seed, epoch, step, _DRAW])
        shares = np.full(len(self._counts), 1 / len(self._counts))  # without them choice draws other numbers
        kinds = numbers.choice(len(self._counts), count, p=shares)
        firsts = np.cumsum(self._counts) - self._counts
        return firsts[kinds] + numbers.integers(self._counts[kinds])

    def texts(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """The texts of these rows."""
        ends = self._starts[rows + 1] - 1  # before the line's end
        pairs = zip(self._starts[rows].tolist(), ends.tolist(), strict=True)
        return tuple(self._texts[start:end].tobytes().decode() for start, end in pairs)

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The teachers' embeddings [rows, D] of these rows, as float32."""
        return np.asarray(self._embeddings[rows], np.float32)


def open_bank(path: Path, teachers: Sequence[TeacherRecord]) -> Bank:
    """A bank for the teachers of a set; their scales may differ, for embeddings do not depend on them.

    Raises:
        DataError: it is missing or damaged, or is of other teachers.
    """
    about = read_about(path)
    if [(each.width, each.digest) for each in about.teachers] != [
        (each.width, each.digest) for each in teachers
    ]:
        raise DataError(
            f"The text bank {path} is of the teachers {_names(about.teachers)}, and the set of {_names(teachers)}; write it "
            "again with these."
        )
    try:
        return Bank(path, about)
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


def _names(teachers: Sequence[TeacherRecord]) -> str:
    return ", ".join(f"{each.name} ({each.digest[:8]}, {each.width})" for each in teachers)


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


def write_bank(
    path: Path,
    texts: Mapping[str, Sequence[str]],
    teachers: Sequence[TeacherRecord],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    progress: Callable[[int, str], None],
) -> None:
    """Writes the texts of each source with what `embed` gives for them, the teachers' unit vectors end to end [n, D].

    A bank of these texts and teachers that is there already is left as it is; equal ones are equal bytes.

    Raises:
        DataError: there is no text, a vector of a teacher has not the length 1, or the disk is full or refuses it.
    """
    everything = [text for each in texts.values() for text in each]
    if not everything:
        raise DataError(f"There is no text for the bank {path}; name a source that has some.")
    kinds = {kind: len(each) for kind, each in texts.items() if each}
    about = BankAbout(tuple(teachers), kinds, _digest(teachers, everything))
    with suppress(DataError):  # none yet, or a damaged one
        there = read_about(path)
        if (there.digest, there.kinds) == (about.digest, kinds):
            progress(about.count, "")
            return
    parts = path.with_name(f".{path.name}.parts")
    chunks = [everything[start : start + CHUNK] for start in range(0, about.count, CHUNK)]
    files = [parts / f"{_digest(about.teachers, chunk)}.npy" for chunk in chunks]
    for file, chunk in zip(files, chunks, strict=True):
        if not file.exists():
            _save(file, embed(chunk), len(chunk), about)
        progress(len(chunk), "")
    whole = parts / path.name  # what a kill leaves of it goes with the folder
    with write_whole(whole) as target:
        _join(target, about, everything, files)
    try:
        whole.replace(path)
    except OSError as fault:
        raise DataError(f"{path} cannot be written: {fault.strerror}.") from fault
    shutil.rmtree(parts, ignore_errors=True)


def _digest(teachers: Sequence[TeacherRecord], texts: Sequence[str]) -> str:
    content = [[(teacher.width, teacher.digest) for teacher in teachers], texts]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _save(file: Path, vectors: NDArray[np.float32], count: int, about: BankAbout) -> None:
    if fault := find_fault(vectors, count, [teacher.width for teacher in about.teachers]):
        raise DataError(f"What the teachers gave for texts of the bank {fault}; check their weights.")
    with write_whole(file) as part:
        np.save(part, vectors.astype("<f2"), allow_pickle=False)


def _join(target: BinaryIO, about: BankAbout, texts: Sequence[str], files: Iterable[Path]) -> None:
    lines = [f"{text}\n".encode() for text in texts]
    starts = np.array([0, *accumulate(map(len, lines))], "<i8")  # [texts + 1]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        head = json.dumps({"format": FORMAT, **asdict(about)}, indent=1)
        archive.writestr(zipfile.ZipInfo(ABOUT), head)
        archive.writestr(zipfile.ZipInfo(TEXTS), b"".join(lines))
        with archive.open(zipfile.ZipInfo(STARTS), "w") as member:
            np.lib.format.write_array(member, starts, allow_pickle=False)
        with archive.open(zipfile.ZipInfo(EMBEDDINGS), "w", force_zip64=True) as member:
            shape = {"descr": "<f2", "fortran_order": False, "shape": (about.count, about.width)}
            np.lib.format.write_array_header_1_0(member, shape)
            for file in files:
                member.write(_load(file).tobytes())


def _load(file: Path) -> NDArray[np.float16]:
    try:
        return np.load(file, allow_pickle=False)  # type: ignore[no-any-return]
    except (EOFError, ValueError) as fault:
        raise DataError(f"{file} is damaged: {fault}; remove it, it is made again.") from fault
