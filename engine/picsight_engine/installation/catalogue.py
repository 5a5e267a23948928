"""The models that Picsight can download: descriptions, licences and addresses of files.

`catalogue.toml` lists them. Sizes and hashes that it lacks are those that the server states.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from picsight_engine.bundles.bundle import TEMPLATES, ImageSpec, Licence, TextSpec
from picsight_engine.foundation.errors import RequestError

HUB = "https://huggingface.co"
LATEST = "main"  # a revision that is pinned by the first response of the repository


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a bundle and its origin; `about` is its approximate size in bytes, for planning."""

    name: str
    repository: str
    path: str
    about: int
    revision: str = LATEST
    size: int | None = None
    sha256: str | None = None

    @property
    def limit(self) -> int:
        """The maximum size of the file in bytes."""
        return self.size if self.size is not None else self.about + self.about // 4 + 1_000_000

    def url(self, revision: str | None = None) -> str:
        """The file's address, at the commit `revision` unless the file is pinned to another one."""
        pinned = revision if revision and self.revision == LATEST else self.revision
        return f"{self.repository}/resolve/{pinned}/{self.path}"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model that can be installed. `terms` say what its licence means, before the download. `image_ms` is the image
    tower's time for one photo on one core of a laptop, None if unknown.

    The files of a model without `image` and `text` are in a publisher's layout and describe it themselves. `coreml` are
    files for Macs only: the same image tower in Core ML.
    """

    name: str
    title: str
    words: str
    licence: Licence
    terms: str
    image_ms: float | None
    files: tuple[RemoteFile, ...]
    coreml: tuple[RemoteFile, ...] = ()
    dim: int = 0
    space_id: str | None = None
    logit_scale: float = 0.0
    image: ImageSpec | None = None
    text: TextSpec | None = None

    def files_for(self, *, coreml: bool) -> tuple[RemoteFile, ...]:
        """The files to download, small ones first, because they reveal the repository's commit."""
        chosen = self.files + (self.coreml if coreml else ())
        return tuple(sorted(chosen, key=lambda file: file.about))

    def bytes(self) -> int:
        """The size of the download in bytes, without `coreml`; exact if all sizes are known."""
        return sum(file.size or file.about for file in self.files)


def find_entry(name: str) -> CatalogueEntry:
    """The model of this name; raises RequestError, which lists the available ones, if there is none."""
    known = {entry.name: entry for entry in CATALOGUE}
    if name in known:
        return known[name]
    names = ", ".join(known)
    raise RequestError(
        'There is no model "{name}"; those that can be installed are {names}.', name=name, names=names
    )


def _entry(model: dict[str, Any]) -> CatalogueEntry:
    """The entry of one table, to which the values of its family have been added."""
    values: dict[str, Any] = {key: model[key] for key in ("dim", "space_id", "logit_scale") if key in model}
    if "image" in model:
        values["image"] = ImageSpec(size=model["size"], mean=None, std=None, **model["image"])
        values["text"] = TextSpec(templates=TEMPLATES, **model["text"])
    return CatalogueEntry(
        name=model["name"],
        title=model["title"],
        words=model["words"],
        licence=Licence(**model["licence"]),
        terms=model.get("terms", ""),
        image_ms=model["image_ms"],
        files=_files(**model["download"]),
        coreml=_files(**model["coreml"]) if "coreml" in model else (),
        **values,
    )


def _files(repository: str, files: list[dict[str, Any]], revision: str = LATEST) -> tuple[RemoteFile, ...]:
    """The files of a table, each named by its path unless it has a name."""
    address = f"{HUB}/{repository}"
    named = ({"name": file["path"], **file} for file in files)
    return tuple(RemoteFile(repository=address, revision=revision, **file) for file in named)


def _read(text: str) -> tuple[CatalogueEntry, ...]:
    """The entries of a catalogue in TOML."""
    content = tomllib.loads(text)
    families = {"": {}, **content["family"]}
    return tuple(_entry({**families[model.get("family", "")], **model}) for model in content["model"])


CATALOGUE = _read(resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8"))
