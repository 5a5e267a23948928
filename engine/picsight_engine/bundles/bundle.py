"""A model bundle: one folder with everything that defines an embedding, described by its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from picsight_engine.bundles.calibration import (
    Blankness,
    Calibration,
    Likeness,
    parse_calibration,
    require_vector,
)
from picsight_engine.bundles.json_records import read_record, require, require_distinct
from picsight_engine.bundles.writable_folder import require_writable
from picsight_engine.foundation.errors import BundleError, faults_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
MANIFEST = "bundle.json"
IMAGE_GRAPH = "image.onnx"
TEXT_GRAPH = "text.onnx"
# folders of several files, each of which the manifest lists
IMAGE_PACKAGE = "image.mlpackage"
TEXT_PACKAGE = "text.mlpackage"

Resize = Literal["shortest", "squash"]
Interpolation = Literal["bicubic", "bilinear"]
# Half a pixel is rounded to even, as by torchvision, or down, as by transformers.
Crop = Literal["centre", "centre-down"]
Clean = Literal["none", "whitespace", "canonicalize", "clip"]
RankedBy = Literal["words", "templates"]

# The words around a search term, whose mean is its vector.
TEMPLATES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of {}.",
    "a picture of a {}.",
    "a close-up photo of a {}.",
    "a good photo of a {}.",
    "{}",
)
# Ranges far beyond any tower, to protect memory and disk.
Pixels = Annotated[int, (1, 4096)]
Tokens = Annotated[int, (2, 4096)]
TokenId = Annotated[int, (0, 2**31)]
Dim = Annotated[int, (1, 65_536)]
Scale = Annotated[float, (1e-6, 10_000)]
Deviation = Annotated[float, (1e-6, 1e6)]
Template = Annotated[str, re.compile(r".*\{\}.*", re.DOTALL)]

_UNREADABLE = "The model's manifest {path} cannot be read ({fault}); install it again."
_PREPROCESSING = ("size", "resize", "interpolation", "crop", "mean", "std")  # of what `space_id` is made


@dataclass(frozen=True, slots=True)
class Licence:
    """The bundle's licence; `accept` says whether the user must agree before the installation."""

    id: str
    url: str
    accept: bool


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The image tower's file and preprocessing; `mean` and `std` are for values 0 to 1, null if the graph normalises."""

    size: Pixels
    resize: Resize
    interpolation: Interpolation
    crop: Crop | None
    mean: tuple[float, float, float] | None
    std: tuple[Deviation, Deviation, Deviation] | None
    input: str
    output: str
    dtype: Literal["float32"]
    graph: str = IMAGE_GRAPH


@dataclass(frozen=True, slots=True)
class TextSpec:
    """How text becomes token ids; `dynamic` says that the graph masks its padding and takes any length up to `context`.

    Short searches rank photos by their `words` as typed, or by the mean over the `templates`, as towers need that learnt
    from captions alone. The templates always judge how well photos match.
    `languages` are those that the tower knows, by their codes; "*" stands for many. Words of others are translated to English.
    """

    context: Tokens
    dynamic: bool
    pad_id: TokenId
    eot: TokenId
    tokenizer: str
    clean: str  # a `Clean`; another one needs a newer Picsight
    templates: tuple[Template, ...]
    input: str
    output: str
    graph: str = TEXT_GRAPH
    ranked_by: RankedBy = "templates"
    languages: tuple[str, ...] = ("en",)

    def knows(self, language: str) -> bool:
        """Whether the tower knows a language."""
        return language in self.languages or "*" in self.languages


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size and SHA-256 (lower-case hex) of one file of the bundle."""

    bytes: Annotated[int, (0, 2**45)]
    sha256: Annotated[str, re.compile("[0-9a-f]{64}")]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`bundle.json`: every field on which an embedding depends, and the origin of the weights."""

    name: str
    title: str
    licence: Licence
    dim: Dim
    space_id: Annotated[str, re.compile("[0-9a-f]{16}")]
    logit_scale: Scale
    image: ImageSpec | None
    text: TextSpec | None
    drift: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    likeness: Likeness | None = None
    blankness: Blankness | None = None
    files: dict[str, FileRecord] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its folder and its manifest, known to fit each other."""

    folder: Path
    manifest: Manifest

    def image_spec(self) -> ImageSpec:
        """The image tower's preprocessing; raises BundleError if the bundle holds a text tower only."""
        if self.manifest.image is None:
            raise BundleError(
                'The model "{title}" has no image tower; choose one that can read photos.',
                title=self.manifest.title,
            )
        return self.manifest.image

    def text_spec(self) -> TextSpec:
        """The text tower's tokens and templates; raises BundleError if the bundle holds an image tower only."""
        if self.manifest.text is None:
            raise BundleError(
                'The model "{title}" has no text tower; choose one that can read words.',
                title=self.manifest.title,
            )
        return self.manifest.text


def preprocessing_of(manifest: Manifest) -> str:
    """The preprocessing of a bundle's space outside its graph: "size 256; resize squash; …"."""
    values = ((name, getattr(manifest.image, name, None)) for name in _PREPROCESSING)
    return "; ".join(f"{name} {value}" for name, value in values if value is not None)


def require_preprocessing(manifest: Manifest, known: str | None) -> None:
    """Raises BundleError, which names the difference, if a bundle's preprocessing differs from the known one of its space."""
    found, wanted = (
        dict(part.split(" ", 1) for part in text.split("; ") if " " in part)
        for text in (preprocessing_of(manifest), known or "")
    )
    for name in found.keys() & wanted.keys():
        if found[name] != wanted[name]:
            raise BundleError(
                'The model "{title}" claims the space {space_id} but preprocesses photos differently: '
                "`{name}` is {found} and not {wanted}, so that vectors would mix. Choose another model.",
                title=manifest.title,
                space_id=manifest.space_id,
                name=name,
                found=found[name],
                wanted=wanted[name],
            )


def open_bundle(folder: Path, *, hashes: bool = False) -> Bundle:
    """Opens a bundle after checking its format, files and sizes; with `hashes` (installation, doctor) every byte.

    Raises:
        BundleError: a check failed; the message names the file and the reason.
    """
    manifest = read_manifest(folder / MANIFEST)
    graphs = [tower.graph for tower in (manifest.image, manifest.text) if tower is not None]
    tokenizers = [manifest.text.tokenizer] if manifest.text is not None else []
    for name in (*graphs, *tokenizers):
        if name not in manifest.files:
            raise BundleError(
                "The model in {folder} is incomplete: its manifest does not list {name}; install it again.",
                folder=folder,
                name=name,
            )
    for name, record in manifest.files.items():
        _check_file(folder, name, record, hashes=hashes)
    return Bundle(folder, manifest)


def require_bundle_folder(folder: Path) -> None:
    """Checks that a bundle can be written to a folder, before the work of making one.

    Raises:
        BundleError: the folder exists and is not a bundle.
        StorageError: nothing can be written there.
    """
    require_writable(folder.parent)
    if not folder.exists():
        return
    if not folder.is_dir() or (not (folder / MANIFEST).is_file() and any(folder.iterdir())):
        raise BundleError("{folder} exists and is not a model bundle; choose another folder.", folder=folder)
    require_writable(folder)


def write_bundle(folder: Path, manifest: Manifest, files: Mapping[str, Path]) -> Bundle:
    """Writes a bundle atomically: copies `files` (name → source), hashes them, adds the manifest, moves it into place.

    An older bundle stays until the new one is complete and was opened.

    Raises:
        BundleError: the folder exists and is not a bundle, or the files do not form one; nothing was replaced.
        StorageError: nothing can be written there.
    """
    require_bundle_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}-{os.urandom(4).hex()}")
    try:
        staging.mkdir()
        for name, source in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, staging / name)
        records = {name: file_record(staging / name) for name in sorted(files)}
        written = seal_bundle(staging, replace(manifest, files=records))
        move_bundle(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Bundle(folder, written.manifest)


def seal_bundle(folder: Path, manifest: Manifest) -> Bundle:
    """Makes a bundle of the files in `folder`: writes the manifest beside them and checks every byte.

    Raises:
        BundleError: the files do not match the manifest.
    """
    (folder / MANIFEST).write_bytes(manifest_text(manifest))
    return open_bundle(folder, hashes=True)


def manifest_text(manifest: Manifest) -> bytes:
    """The manifest as the bytes of its file."""
    return (json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n").encode()


def move_bundle(staging: Path, folder: Path) -> None:
    """Moves a staged bundle on the same disk into place of the old one; a crash in between leaves both, complete."""
    if not folder.exists():
        staging.rename(folder)
        return
    retired = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
    folder.rename(retired)
    try:
        staging.rename(folder)
    except OSError:
        retired.rename(folder)
        raise
    shutil.rmtree(retired)


def file_record(path: Path) -> FileRecord:
    """The present size and hash of a file."""
    return FileRecord(path.stat().st_size, _sha256(path))


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest without checking the files that it lists.

    Raises:
        BundleError: it is missing, not a manifest of this format, or names files outside its folder.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise BundleError(
            "There is no model at {parent}: {manifest} is missing; install it again.",
            parent=path.parent,
            manifest=MANIFEST,
        ) from None
    except OSError as fault:
        raise BundleError(_UNREADABLE, path=path, fault=fault) from fault
    return parse_manifest(text, path)


def parse_manifest(text: bytes, path: Path) -> Manifest:
    """Parses a manifest from JSON; `path` is used in messages only.

    Raises:
        BundleError: it is not a manifest of this format, or names files outside its folder.
    """
    with faults_as((ValueError, RecursionError), BundleError, _UNREADABLE, path=path):
        data = json.loads(text.decode("utf-8"))
    if not isinstance(data, dict) or type(data.get("format")) is not int or not 0 < data["format"] < 2**31:
        raise BundleError("{path} is not a model manifest; install the model again.", path=path)
    if data["format"] > FORMAT:
        raise BundleError(
            "The model at {parent} needs a newer Picsight (its format is {format}); update Picsight.",
            parent=path.parent,
            format=data["format"],
        )
    words = "The model's manifest {path} is incomplete or wrong: {fault}; install it again."
    with faults_as((KeyError, TypeError, ValueError, OverflowError), BundleError, words, path=path):
        return check_manifest(data)


def check_manifest(data: dict[str, Any]) -> Manifest:
    """The manifest that JSON describes; KeyError, TypeError, ValueError or OverflowError if it is incomplete or wrong."""
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()  # no number is infinite, all text is text
    manifest = read_record(Manifest, {"files": None, **data})  # only one that is being made has no files
    require_distinct(manifest.files, MANIFEST)
    if manifest.image is not None and manifest.image.resize == "shortest" and manifest.image.crop is None:
        raise ValueError("image.crop is null, but a picture resized by its shortest side is not square")
    if manifest.calibration is not None:
        parse_calibration(data["calibration"], manifest.dim)
    if (likeness := manifest.likeness) is not None:
        require("likeness", data["likeness"], fits=likeness.weaker <= likeness.strong)
    if manifest.blankness is not None:
        for name in ("direction", "words"):
            require_vector(f"blankness.{name}", data["blankness"][name], manifest.dim)
    return manifest


def check_image_tower(bundle: Bundle) -> None:
    """Checks every byte of the image tower in 10 to 40 ms: a changed tower would store wrong vectors.

    Raises:
        BundleError: the graph, or a file that may hold its weights, has changed since the installation.
    """
    bundle.image_spec()
    manifest = bundle.manifest
    others: tuple[str, ...] = (f"{IMAGE_PACKAGE}/", f"{TEXT_PACKAGE}/")
    if manifest.text is not None:
        # The graph with the weights beside it: model.onnx_data.
        others += (manifest.text.tokenizer, manifest.text.graph)
    for name, record in manifest.files.items():
        if not name.startswith(others):
            _check_file(bundle.folder, name, record, hashes=True)


def _check_file(folder: Path, name: str, record: FileRecord, *, hashes: bool) -> None:
    path = folder / name
    try:
        size = path.stat().st_size
        if size != record.bytes:
            raise BundleError(
                "The model file {path} has {size} bytes instead of {bytes}; install the model again.",
                path=path,
                size=size,
                bytes=record.bytes,
            )
        if hashes and _sha256(path) != record.sha256:
            raise BundleError(
                "The model file {path} was changed or is damaged; install the model again.", path=path
            )
    except FileNotFoundError:
        raise BundleError("The model file {path} is missing; install the model again.", path=path) from None
    except OSError as fault:
        raise BundleError(
            "The model file {path} cannot be read ({reason}); check its permissions.",
            path=path,
            reason=fault.strerror,
        ) from fault


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
