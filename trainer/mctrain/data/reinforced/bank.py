"""The text bank of a reinforced set: texts without photos, and the teachers' embeddings of them, in one file.

`bank.npz` is an uncompressed zip of four members: `about.json` (the teachers, and the number of texts per source);
`texts.txt`, UTF-8, one text per line, grouped by source; `starts.npy`, the byte offset of each text [n + 1]; and
`embeddings.npy` [n, D], float16. numpy can open it, and any row can be read without those before it.

A bank is embedded in chunks of a few thousand texts, and a killed run resumes after the last chunk. Until the bank is
complete, the chunks are in a hidden folder beside it, under digests of their texts and teachers, so none can be confused.
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

from mctrain.atomic_files import open_atomic
from mctrain.data.reinforced.embeddings import find_fault, load_array
from mctrain.data.reinforced.manifest import TeacherRecord  # noqa: TC001 (read_record reads the annotations)
from mctrain.errors import DataError
from picsight_engine.bundles.json_records import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray


BANK = "bank.npz"
FORMAT = 1
ABOUT, TEXTS, STARTS, EMBEDDINGS = "about.json", "texts.txt", "starts.npy", "embeddings.npy"

CHUNK = 4096  # texts; half a minute with a small teacher

# of a zip member: the lengths of its name and of its extra field
_LOCAL_HEADER = struct.Struct("<26xHH")
_DRAW = 1  # separates these random numbers from the reader's order, which has the same seed and epoch


@dataclass(frozen=True, slots=True)
class BankAbout:
    """`teachers` in the order of their embeddings; `kinds` the number of texts per source, in row order.

    `digest` covers teachers and texts: if it is unchanged, nothing is embedded again.
    """

    teachers: tuple[TeacherRecord, ...]
    kinds: dict[str, int]
    digest: str

    @property
    def width(self) -> int:
        """The width of the concatenated embeddings."""
        return sum(teacher.width for teacher in self.teachers)

    @property
    def count(self) -> int:
        """The number of texts."""
        return sum(self.kinds.values())


class Bank:
    """A bank open for training; only the requested rows are read.

    A step draws m texts for its b photos, and they become extra columns of the photo → text distillation.
    With the student's embeddings of the photos V [b, d], of the batch's texts T [b, d] and of the bank's texts B [m, d], and
    its logit scale s, the student's rows are softmax(s · V [T | B]ᵀ) [b, b + m]. Teacher k has V_k, T_k and B_k, its slices
    of the stored embeddings and of `embeddings(rows)`, and its scale a_k; its rows are softmax(a_k · V_k [T_k | B_k]ᵀ).
    The target is the mean of these softmaxes over the teachers, not the softmax of a mean or of concatenated vectors.
    The loss is the cross-entropy of target and student, mean over the b rows, in float32, minus the target's entropy.
    It replaces the photo → text half of the distillation. The text → photo half and the contrastive loss keep
    their b rows, because a text of the bank has no matching photo.
    """

    def __init__(self, path: Path, about: BankAbout) -> None:
        """Use `open_bank` instead."""
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
        """The number of texts."""
        return self.about.count

    def draw(self, epoch: int, step: int, seed: int, count: int) -> NDArray[np.int64]:
        """Draws row numbers [count] with replacement: first a source, then one of its texts.

        They depend only on epoch, step and seed, so a resumed run draws the same rows, and so does each rank.
        """
        numbers = np.random.default_rng([seed, epoch, step, _DRAW])
        shares = np.full(len(self._counts), 1 / len(self._counts))  # without `p` the draws would differ
        kinds = numbers.choice(len(self._counts), count, p=shares)
        firsts = np.cumsum(self._counts) - self._counts
        return firsts[kinds] + numbers.integers(self._counts[kinds])

    def texts(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """The texts of these rows."""
        ends = self._starts[rows + 1] - 1  # without the line break
        pairs = zip(self._starts[rows].tolist(), ends.tolist(), strict=True)
        return tuple(self._texts[start:end].tobytes().decode() for start, end in pairs)

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The teachers' embeddings [rows, D] of these rows, as float32."""
        return np.asarray(self._embeddings[rows], np.float32)


def open_bank(path: Path, teachers: Sequence[TeacherRecord]) -> Bank:
    """Opens a bank for the teachers of a set; their scales may differ, because embeddings do not depend on them.

    Raises:
        DataError: the bank is missing or damaged, or has other teachers.
    """
    about = read_about(path)
    if [(each.width, each.digest) for each in about.teachers] != [
        (teacher.width, teacher.digest) for teacher in teachers
    ]:
        raise DataError(
            f"The text bank {path} has the teachers {_names(about.teachers)}, and the set {_names(teachers)}; write it "
            "again with these."
        )
    try:
        return Bank(path, about)
    # Foreign decoders can raise any exception on damaged bytes.
    except Exception as fault:
        raise DataError(f"The text bank {path} is damaged: {fault}; write it again.") from fault


def read_about(path: Path) -> BankAbout:
    """Reads the description of a bank, without its texts.

    Raises:
        DataError: the bank is missing, damaged or of a newer format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(ABOUT))
        found = content["format"]
        if found == FORMAT:
            return read_record(BankAbout, content)
    except FileNotFoundError:
        raise DataError(f"There is no text bank {path}; write one, or train without.") from None
    # As in `open_bank`.
    except Exception as fault:
        raise DataError(f"The text bank {path} cannot be read: {fault}; write it again.") from fault
    raise DataError(
        f"The text bank {path} has the format {found}, and this program knows only {FORMAT}; "
        "use the program that wrote it."
    )


def _names(teachers: Sequence[TeacherRecord]) -> str:
    return ", ".join(f"{each.name} ({each.digest[:8]}, {each.width})" for each in teachers)


def _map_array(path: Path, file: BinaryIO, entry: zipfile.ZipInfo, shape: tuple[int, ...]) -> NDArray[Any]:
    """Memory-maps an array inside the zip."""
    _seek(file, entry)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of an unknown version")
    found, by_columns, kind = np.lib.format.read_array_header_1_0(file)
    if found != shape or by_columns or kind.hasobject:
        raise ValueError(f"{entry.filename} has the shape {list(found)} instead of {list(shape)}")
    return np.memmap(path, kind, "r", file.tell(), shape)


def _seek(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Seeks to the content of a zip member, after its local header of variable length; returns the offset."""
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
    """Writes the texts of each source with their embeddings from `embed`, the concatenated unit vectors of the teachers [n, D].

    An existing bank of the same texts and teachers is kept; equal input gives equal bytes.

    Raises:
        DataError: a teacher's vector is not of length 1.
        OSError: the file cannot be written.
    """
    everything = [text for each in texts.values() for text in each]
    kinds = {kind: len(each) for kind, each in texts.items() if each}
    about = BankAbout(tuple(teachers), kinds, _digest(teachers, everything))
    with suppress(DataError):  # there is none, or it is damaged
        there = read_about(path)
        if (there.digest, there.kinds) == (about.digest, kinds):
            progress(about.count, "")
            return
    parts = path.with_name(f".{path.name}.parts")
    chunks = [everything[start : start + CHUNK] for start in range(0, about.count, CHUNK)]
    files = [parts / f"{_digest(about.teachers, chunk)}.npy" for chunk in chunks]
    for file, chunk in zip(files, chunks, strict=True):
        if not file.exists():
            vectors = embed(chunk)
            if fault := find_fault(vectors, len(chunk), [teacher.width for teacher in teachers]):
                raise DataError(f"What the teachers gave for texts of the bank {fault}; check their weights.")
            with open_atomic(file) as part:
                np.save(part, vectors.astype("<f2"), allow_pickle=False)
        progress(len(chunk), "")
    whole = parts / path.name  # in this folder, so that a half-written file is removed with it
    with open_atomic(whole) as target:
        _join(target, about, everything, files)
    whole.replace(path)
    shutil.rmtree(parts, ignore_errors=True)


def _digest(teachers: Sequence[TeacherRecord], texts: Sequence[str]) -> str:
    content = [[(teacher.width, teacher.digest) for teacher in teachers], texts]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


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
                member.write(load_array(file).tobytes())
