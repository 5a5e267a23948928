"""Writes a text bank: texts are embedded some thousand at a time, and a killed run goes on behind the last of these parts.

The parts lie beside the bank in a hidden folder until the bank is whole. Each is known by its texts and the teachers, so
that one of other texts is never taken for it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.reinforced.bank import ABOUT, EMBEDDINGS, STARTS, TEXTS, BankAbout, read_about
from mctrain.data.reinforced.embeddings import find_fault
from mctrain.errors import DataError
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from mctrain.data.reinforced.manifest import TeacherRecord

CHUNK = 4096  # texts: half a minute of a small teacher


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
    everything = [text for own in texts.values() for text in own]
    if not everything:
        raise DataError(f"There is no text for the bank {path}; name a source that has some.")
    kinds = {kind: len(own) for kind, own in texts.items() if own}
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
    told = [[(teacher.width, teacher.digest) for teacher in teachers], texts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _save(file: Path, vectors: NDArray[np.float32], count: int, about: BankAbout) -> None:
    if fault := find_fault(vectors, count, [teacher.width for teacher in about.teachers]):
        raise DataError(f"What the teachers gave for texts of the bank {fault}; check their weights.")
    with write_whole(file) as part:
        np.save(part, vectors.astype("<f2"), allow_pickle=False)


def _join(target: BinaryIO, about: BankAbout, texts: Sequence[str], files: Iterable[Path]) -> None:
    lines = [f"{text}\n".encode() for text in texts]
    starts = np.array([0, *accumulate(map(len, lines))], "<i8")  # [texts + 1]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(ABOUT), about.to_json())
        archive.writestr(zipfile.ZipInfo(TEXTS), b"".join(lines))
        with archive.open(zipfile.ZipInfo(STARTS), "w") as member:
            np.lib.format.write_array(member, starts, allow_pickle=False)
        with archive.open(zipfile.ZipInfo(EMBEDDINGS), "w", force_zip64=True) as member:
            head = {"descr": "<f2", "fortran_order": False, "shape": (about.count, about.width)}
            np.lib.format.write_array_header_1_0(member, head)
            for file in files:
                member.write(_load(file).tobytes())


def _load(file: Path) -> NDArray[np.float16]:
    try:
        return np.load(file, allow_pickle=False)  # type: ignore[no-any-return]
    except (EOFError, ValueError) as fault:
        raise DataError(f"{file} is damaged: {fault}; remove it, it is made again.") from fault
