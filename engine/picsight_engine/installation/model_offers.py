"""The models that the user can choose, each with its size, its time to index, and its state in one library."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.errors import BundleError, Message, RequestError
from picsight_engine.installation import catalogue
from picsight_engine.installation.model_choice import answering_folder
from picsight_engine.store.derived.vectors import active_space
from picsight_engine.store.library_folder import chosen_model
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview.health import photos_awaiting

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.bundles.bundle import Licence, Manifest
    from picsight_engine.installation.catalogue import CatalogueEntry
    from picsight_engine.installation.installed import InstalledModel, InstalledModels

_SHIPPED = Message("Comes with Picsight: small, quick, knows everyday things.")
_GONE = Message("It is not on this computer any more: install it again, or choose another one.")
_READ_MS = 60.0  # reading, decoding and a thumbnail of a 12-megapixel photo on one core
_SHIPPED_MS = 21.0  # of the shipped image tower where the times of the catalogue were measured
OfferState = Literal["available", "unfinished", "installed", "damaged"]


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model as the user sees it in a list.

    `bytes` is its size on disk or of its download. `photos` is how many photos of the library it has not read yet, and
    `seconds` the approximate time for them on this computer (None if unknown). `licence` is None if nothing needs to be
    accepted. `fault` describes a damaged model; a missing model that the library uses counts as damaged.
    `files` are the addresses of the download; empty if another model of this name was installed from a file.
    """

    name: str
    title: str
    words: str
    state: OfferState
    shipped: bool
    licence: Licence | None
    space: str | None
    bytes: int
    photos: int
    seconds: float | None
    answers: bool
    wanted: bool
    fault: Message | None = None
    files: tuple[str, ...] = ()


def model_offers(folder: Path, models: InstalledModels) -> list[ModelOffer]:
    """Every model that is or can be installed, with its state in the library in `folder`: the shipped one, those of the
    catalogue in its order, then other installed ones. Raises LibraryError if the library cannot be opened.
    """
    from picsight_engine.indexing.worker_pool import suitable_workers  # lazy: imports multiprocessing

    installed = {model.name: model for model in models.all()}
    known = {entry.name: entry for entry in catalogue.CATALOGUE}
    shipped = next(name for name, model in installed.items() if model.shipped)
    chosen = chosen_model(folder) or shipped
    with ExitStack() as stack:
        try:
            db = stack.enter_context(closing(open_database(folder, create=False)))
        except RequestError:
            db = None
        answering = answering_folder(folder, models)
        pace = _pace(models.shipped) if db is not None and active_space(db) is not None else 1.0
        pace_in_seconds = pace / suitable_workers() / 1000

        def offer(name: str) -> ModelOffer:
            model, entry = installed.get(name), known.get(name)
            bundle = None if model is None else model.bundle
            manifest = None if bundle is None else bundle.manifest
            from_file = manifest and entry and entry.space_id not in {None, manifest.space_id}
            space = manifest.space_id if manifest else entry.space_id if entry else None
            # A model without a known space has read no photo.
            photos = photos_awaiting(db, space or "") if db is not None else 0
            fault = model.fault if model else _GONE if name == chosen else None
            milliseconds = _SHIPPED_MS if name == shipped else entry.image_ms if entry else None
            return ModelOffer(
                name=name,
                title=manifest.title if manifest else entry.title if entry else name,
                words=entry.words if entry else str(_SHIPPED) if name == shipped else "",
                state="damaged" if fault else _state(model, models.incoming(name)),
                shipped=name == shipped,
                licence=_licence(manifest, entry),
                space=space,
                bytes=_size(manifest, entry),
                photos=photos,
                seconds=None
                if milliseconds is None
                else photos * (_READ_MS + milliseconds) * pace_in_seconds,
                answers=model is not None and model.folder == answering,
                wanted=name == chosen,
                fault=fault,
                files=tuple(file.url() for file in entry.files) if entry and not from_file else (),
            )

        return [offer(name) for name in dict.fromkeys((shipped, *known, *installed, chosen))]


@cache
def _pace(shipped: Path) -> float:
    """How many times as long as in the catalogue a photo takes on this computer, measured with the shipped image tower."""
    from picsight_engine.runtime.backend import load_image_encoder  # 300 ms with the runs
    from picsight_engine.runtime.self_test import known_photos

    try:
        bundle = open_bundle(shipped)
        encoder, photo = load_image_encoder(bundle), known_photos(bundle.image_spec())[:1]
    except BundleError:  # the list says what is wrong with it
        return 1.0
    took = []
    for _ in range(3):
        begun = time.process_time()  # of one thread: other programs do not count
        encoder.encode(photo)
        took.append(time.process_time() - begun)
    return 1000 * min(took) / _SHIPPED_MS


def _state(model: InstalledModel | None, incoming: Path) -> OfferState:
    if model is not None:
        return "damaged" if model.bundle is None else "installed"
    return "unfinished" if any(path.is_file() for path in incoming.rglob("*")) else "available"


def _licence(manifest: Manifest | None, entry: CatalogueEntry | None) -> Licence | None:
    licence = manifest.licence if manifest else entry.licence if entry else None
    return licence if licence is not None and licence.accept else None


def _size(manifest: Manifest | None, entry: CatalogueEntry | None) -> int:
    if manifest is not None:
        return sum(record.bytes for record in manifest.files.values())
    return entry.bytes() if entry is not None else 0
