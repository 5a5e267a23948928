"""Where publishers put the files of a model: in Immich's layout, or in that of Hugging Face's ONNX exports."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import Licence
from picsight_engine.bundles.json_records import is_model_name, is_portable
from picsight_engine.foundation.errors import BundleError
from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterable

CARD = "README.md"
CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
_FREE = frozenset(["mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "unlicense"])
# Errors of values read from JSON.
WRONG_VALUES = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """Where a publisher puts a model's graphs, and the files that describe them."""

    publisher: str
    image: str
    text: str
    preprocessing: str
    tokenizer: str

    @property
    def needed(self) -> tuple[str, ...]:
        """The files without which there is no model."""
        return (self.image, self.text, self.preprocessing, self.tokenizer, CONFIG)

    def chosen(self, names: Iterable[str]) -> list[str]:
        """The files of the model among all published ones: what `needed` names, and the weights beside the graphs."""
        extra = {CARD, str(PurePosixPath(self.tokenizer).with_name(TOKENIZER_CONFIG))}
        known = (name for name in names if name in extra or name in self.needed or self._holds_weights(name))
        return [name for name in known if all(map(is_portable, name.split("/")))]

    def _holds_weights(self, name: str) -> bool:
        folder = PurePosixPath(name).parent
        if folder == PurePosixPath(self.image).parent == PurePosixPath(self.text).parent:
            return name.startswith((self.image, self.text))  # beside other versions of the same towers
        beside = {PurePosixPath(graph).parent for graph in (self.image, self.text)}
        return folder in beside and not name.endswith((".json", ".md", ".txt"))


_IMMICH = "visual/model.onnx", "textual/model.onnx", "visual/preprocess_cfg.json", "textual/tokenizer.json"
_EXPORT = "onnx/vision_model.onnx", "onnx/text_model.onnx", "preprocessor_config.json", "tokenizer.json"
_QUANTIZED = "onnx/vision_model_quantized.onnx", "onnx/text_model_quantized.onnx", *_EXPORT[2:]
_LAYOUTS = (
    ModelLayout("Immich", *_IMMICH),
    ModelLayout("Hugging Face", *_EXPORT),
    ModelLayout("Hugging Face", *_QUANTIZED),
)


def find_layout(names: Iterable[str]) -> ModelLayout | None:
    """The layout that files have, if at least one graph is where it puts it."""
    known = set(names)
    found = [layout for layout in _LAYOUTS if known & {layout.image, layout.text}]
    return max(found, key=lambda layout: len(known & {layout.image, layout.text}), default=None)


def find_published(folder: Path) -> ModelLayout | None:
    """The layout of the model in a folder; None if it holds none in a known layout."""
    return find_layout(name for layout in _LAYOUTS for name in layout.needed if (folder / name).is_file())


def read_listing(repository: str, listing: bytes) -> CatalogueEntry:
    """The model in a repository of Hugging Face, from the server's statement about its files: commit, sizes and hashes.

    Raises:
        BundleError: it holds no model in a known layout.
    """
    try:
        stated = json.loads(listing)
        files = {each["rfilename"]: each for each in stated["siblings"]}
        layout = find_layout(files)
        if layout is None:
            raise BundleError(
                "{repository} holds no model that Picsight can run: it needs {one} or {other}.",
                repository=repository,
                one=_LAYOUTS[0].image,
                other=_LAYOUTS[1].image,
            )
        if missing := [name for name in layout.needed if name not in files]:
            raise BundleError(
                "{repository} lacks {missing}; choose another model.",
                repository=repository,
                missing=", ".join(missing),
            )
        chosen = [name for name in layout.chosen(files) if name != CARD]
        return CatalogueEntry(
            name=model_name(PurePosixPath(repository).name),
            title=PurePosixPath(repository).name,
            words="",
            licence=licence_named(str((stated.get("cardData") or {}).get("license") or "")),
            terms="",
            image_ms=None,
            files=tuple(
                RemoteFile(
                    name,
                    repository,
                    name,
                    about=int(files[name]["size"]),
                    revision=str(stated["sha"]),
                    size=int(files[name]["size"]),
                    sha256=(files[name].get("lfs") or {}).get("sha256"),
                )
                for name in chosen
            ),
        )
    except (*WRONG_VALUES, RecursionError) as fault:
        raise BundleError(
            "The list of files of {repository} cannot be read ({reason}); try again later.",
            repository=repository,
            reason=what_is_wrong(fault),
        ) from fault


def model_name(title: str) -> str:
    """A name under which a model can be installed; BundleError if no letter of the title can be kept."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    name = re.sub("[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:64].rstrip("-._")
    if not is_model_name(name):
        raise BundleError(
            'No model can be called "{title}"; rename its folder, as in "my-model".', title=title
        )
    return name


def what_is_wrong(fault: Exception) -> str:
    """What is wrong with a value, for a person; Python's words about wrong types are replaced."""
    if isinstance(fault, KeyError):
        return f"{fault} is not stated"
    return str(fault)[:200] if isinstance(fault, ValueError) else "a value is not of its kind"


def licence_named(identifier: str) -> Licence:
    """A licence that a publisher names; nothing has to be accepted where none is named."""
    return Licence(identifier, "", accept=bool(identifier) and identifier.lower() not in _FREE)
