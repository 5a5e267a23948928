"""`picsight show`: prints what the library knows about a photo."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from picsight.cli.commands.library import reason
from picsight.cli.invocation import absolute
from picsight.cli.layout import size
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.streams import lines_of_stdin, put, put_json, say
from picsight.exposure import exposure_words, film_time
from picsight.texts import marked, tr, worded
from picsight_engine.foundation.errors import StorageError
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.foundation.suffixes import companion_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight.cli.invocation import Invocation
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.search.details import PhotoDetails
    from picsight_engine.store.derived.faces import Face

    Faces = tuple[tuple[Face, str | None], ...]

NOT_A_PHOTO = 1
_TEXTS = (marked("title"), marked("description"), marked("creator"), marked("copyright"), marked("label"))
_KINDS = {"RAW": "RAW", "film": "film", "original": "original"}
# Metadata fields whose JSON key differs from the field's name.
_METADATA_KEYS = {
    "taken_source": "taken_from",
    "taken_subsecond": "subsecond",
    "focal": "focal_length",
    "focal35": "focal_length_35mm",
    "exposure": "exposure_time",
    "bits": "bit_depth",
}


@click.command("show", cls=WordsCommand)
@click.argument("photo", metavar="[PATH]", required=False, type=A_PATH)
@click.option("--thumbnail", type=A_PATH, metavar="FILE", help="Write the thumbnail to FILE.")
@click.option("--stdin", is_flag=True, help="Read one path a line from stdin.")
def show(invocation: Invocation, photo: Path | None, thumbnail: Path | None, *, stdin: bool) -> int:
    """Print what the library knows about the photo PATH.

    If PATH is not a photo of the library, the exit code is 1; --stdin still answers every line.
    """
    if stdin == (photo is not None):
        raise click.UsageError(tr("Type the path of one photo, or --stdin."))
    if stdin and thumbnail is not None:
        raise click.UsageError(tr("--thumbnail needs one photo, so it does not go with --stdin."))
    all_known = True
    with invocation.open_library() as library:
        for asked in map(absolute, _paths_of_stdin()) if photo is None else (photo,):
            details = None if library is None else library.photos.details(asked)
            if library is None or details is None:
                all_known = False
                problem = None if library is None else library.problems.at(asked)
                if invocation.json:
                    put_json({"path": asked, "problem": problem and reason(problem), "id": None})
                else:
                    unknown = tr("{path} is not in the library.", path=asked)
                    say(worded(problem.message) if problem else unknown)
                continue
            if thumbnail is not None:  # first: a command that fails prints no document
                jpeg = library.photos.thumbnail(details.id)
                if jpeg is None:
                    words = "The photo's thumbnail is not stored. To make it, type: {index}"
                    raise StorageError(words, index=invocation.command("index"))
                write_new(thumbnail, jpeg)
            if invocation.json:
                put_json(_document(details, library.people.faces_of(details.id)))
            else:
                _put_facts(details, library.people.faces_of(details.id))
    return 0 if all_known else NOT_A_PHOTO


def _paths_of_stdin() -> Iterator[Path]:
    """One path per line; a carriage return at the line's end is dropped, unless a file has that name."""
    for line in lines_of_stdin():
        yield Path(line.removesuffix("\r") if line.endswith("\r") and not os.path.lexists(line) else line)


def _document(photo: PhotoDetails, faces: Faces) -> dict[str, object]:
    """The JSON document about one photo."""
    metadata = asdict(photo.metadata)
    del metadata["taken_offset"]  # part of "taken"
    return {
        "id": photo.id,
        "paths": photo.paths,
        "companions": photo.companions,
        "width": photo.width,
        "height": photo.height,
        **{_METADATA_KEYS.get(name, name): value for name, value in metadata.items()},
        "taken": photo.taken,
        "rating": photo.rating,
        "edited": bool(photo.metadata.edited),
        "live": photo.is_live,
        "file_time": photo.file_time,
        "bytes": photo.bytes,
        "tags": photo.tags,
        "written": None if photo.written is None else [_line(line) for line in photo.written],
        "faces": [{**face_facts(face), "person": person, "group": face.group} for face, person in faces],
        "problem": photo.problem and reason(photo.problem),
    }


def face_facts(face: Face) -> dict[str, object]:
    """The number of a face, its box as x, y, width, height in shares of the upright picture, and how sure it is one."""
    return {"id": face.id, "box": [round(part, 5) for part in face.box], "score": round(face.score, 3)}


def _line(line: WrittenLine) -> dict[str, object]:
    box = (line.x, line.y, line.width, line.height)
    return {"text": line.text, "confidence": line.confidence, "box": box, "angle": line.angle}


def _put_facts(photo: PhotoDetails, faces: Faces) -> None:
    """Prints the known facts, one per line."""
    known = photo.metadata
    by_file = tr("{time} (file time)", time=photo.file_time)
    taken = f"{photo.taken} ({known.taken_source})" if photo.taken else by_file
    where = [] if known.lat is None or known.lon is None else [f"{known.lat:.5f}, {known.lon:.5f}"]
    if known.altitude is not None:
        words = "{metres:.0f} m below the sea" if known.altitude < 0 else "{metres:.0f} m above the sea"
        where.append(tr(words, metres=abs(known.altitude)))
    if known.direction is not None:
        where.append(tr("facing {angle} degrees", angle=round(known.direction) % 360))
    colours = [known.colour_space or "", tr("{number} bits", number=known.bits) if known.bits else ""]
    facts: list[tuple[str, object]] = [
        (tr("id"), photo.id),
        *((tr("path"), path) for path in photo.paths),
        *((tr("with it"), f"{path} ({tr(_KINDS[companion_kind(path.name)])})") for path in photo.companions),
        (tr("taken"), taken if photo.taken or photo.file_time else None),
        (tr("place"), known.place),
        (tr("position"), ", ".join(where)),
        (tr("camera"), known.camera),
        (tr("lens"), known.lens),
        (tr("exposure"), ", ".join(exposure_words(known) + [tr("flash")] * bool(known.flash))),
        (tr("size"), f"{photo.width} x {photo.height}, {size(photo.bytes)}"),
        (tr("duration"), film_time(known.duration) if known.duration else None),
        (tr("colours"), ", ".join(filter(None, colours))),
        *((tr(name), getattr(known, name)) for name in _TEXTS),
        (tr("rating"), photo.rating),
        *((tr("keyword"), keyword) for keyword in known.keywords),
        *((tr("tag"), tag) for tag in photo.tags),
        *((tr("person"), person) for _, person in faces if person),
        *((tr("written"), line.text) for line in photo.written or ()),
        (tr("edited"), tr("yes") if known.edited else None),
        (tr("live"), tr("yes") if photo.is_live else None),
        (tr("problem"), photo.problem and worded(photo.problem.message)),
    ]
    for name, value in facts:
        if value not in {None, ""}:
            put(f"{name}: {' '.join(str(value).split()) if isinstance(value, str) else value}")


def write_new(file: Path, data: bytes) -> None:
    """Writes a new file and never replaces one: it may be a photo, reached through a link or mount.

    Raises:
        StorageError: the file exists, lies in another program's package, or cannot be written; then nothing is left.
    """
    if package := package_of(file):
        words = "{package} belongs to another program; choose a folder outside it."
        raise StorageError(words, package=package)
    try:
        new = file.open("xb")
        try:
            with new:
                new.write(data)
        except BaseException:  # also Ctrl-C
            file.unlink(missing_ok=True)
            raise
    except FileExistsError as fault:
        words = "{file} exists already and is not replaced; choose another name."
        raise StorageError(words, file=file) from fault
    except OSError as fault:
        words = "The thumbnail cannot be written to {file}: {reason}."
        raise StorageError(words, file=file, reason=fault.strerror) from fault
