"""The façade of the engine: one object for everything that the app and scripts do with a library."""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import LexiconError
from picsight_engine.holdings.folders import Folders, existing_folder
from picsight_engine.holdings.photos import Photos
from picsight_engine.holdings.problems import Problems
from picsight_engine.kinds import FACES, WORDS, forget
from picsight_engine.language.query import parse
from picsight_engine.people.people import People
from picsight_engine.search.active_model import ActiveModel
from picsight_engine.search.answer import Request
from picsight_engine.store.derived.vectors import require_space
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview import health
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.tagging.searches import Searches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.doctor import Check
    from picsight_engine.exchange.exchange import Exchange
    from picsight_engine.indexing.events import Event
    from picsight_engine.indexing.indexer import IndexSettings
    from picsight_engine.language.query import Query
    from picsight_engine.language.translation import Translation
    from picsight_engine.search.answer import Answer, Least, Order, Result, TermScore
    from picsight_engine.search.searcher import Searcher
    from picsight_engine.store.database import Database
    from picsight_engine.suggesting.suggestions import Suggestions
    from picsight_engine.tags.learner import TagModel
    from picsight_engine.tags.tags import Tags


_QUIET_SECONDS = 3.0  # after a search, until slow kinds are made again


@dataclass(frozen=True, slots=True)
class Status:
    """The library in numbers: `files` counts the files of the `photos`, `bytes` is the size of the library's folder."""

    library: Path
    folders: int
    photos: int
    files: int
    problems: int
    space: str
    model: str
    bytes: int


class Library:
    """An open library and the model that searches it. Thread-safe, except `close`: no other call may be running then.

    `folders`, `photos`, `problems` and `people` are what it holds; `searches` holds recent and saved searches; `tags` creates tags,
    teaches them and undoes changes. `languages` are those in which the user searches and words tags besides English (see
    `language.lexicon.LANGUAGES`). The model `wanted` reads the photos, and takes over searching once every photo has its
    vector.
    """

    def __init__(self, db: Database, bundle: Bundle, wanted: Bundle | None = None) -> None:
        self.folder = db.folder
        self.searches = Searches(db)
        self.languages: tuple[str, ...] = ()
        self._db = db
        self._active_model = ActiveModel(db, bundle, wanted or bundle, self._vector_of_file)
        self._opened_tags: Tags | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._searched = -math.inf
        self.photos = Photos(db, lambda: self.bundle.manifest.space_id, lambda: self.tags)
        self.folders = Folders(db, self.photos)
        self.problems = Problems(db)
        self._opened_people: People | None = None

    @property
    def bundle(self) -> Bundle:
        """The model that answers."""
        return self._active_model.bundle

    @property
    def wanted(self) -> Bundle:
        """The model that reads photos."""
        return self._active_model.wanted

    @property
    def _searcher(self) -> Searcher:
        return self._active_model.searcher

    @classmethod
    def open(
        cls, folder: Path, bundle: Bundle, *, wanted: Bundle | None = None, create: bool = True
    ) -> Library:
        """Opens the library in `folder` and creates it if needed; loads neither the model nor the vectors.

        `bundle` searches; `wanted`, if it differs, reads photos (`installation.model_choice` returns both).

        Raises:
            RequestError: there is no library and `create` is false.
            ForeignFolderError: there is no library, and the folder holds photos or other files of the user.
            BundleError: a model preprocesses photos differently from the stored vectors of its space.
            LibraryError: the library is damaged or was made by a newer program; nothing was changed.
            StorageError: the disk is full, read-only or gone.
        """
        absolute = Path(os.path.abspath(folder))  # noqa: PTH100 -- resolve() would follow the user's links
        db = open_database(absolute, create=create)
        try:
            for each in (bundle, wanted or bundle):
                require_space(db, each.manifest)
        except BaseException:
            db.close()
            raise
        return cls(db, bundle, wanted)

    def close(self) -> None:
        """Writes the file of decisions beside the database, then closes every file of the library; once closed, does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._searcher.close()
        self.photos.close()
        try:
            if self._opened_tags is not None or self._opened_people is not None:
                from picsight_engine.aftermath.follow_up import back_up_quietly

                back_up_quietly(self._db)
        finally:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def index(
        self,
        folders: Sequence[Path] | None = None,
        *,
        places: Mapping[Path, Collection[bytes]] | None = None,
        settings: IndexSettings | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Indexes these folders and adds new ones, or indexes the whole library; the last event is Finished. With `places`, looks only
        at these directories of folders, by the folder's path, as `FolderWatch` reports them.

        The run starts when the first event is requested. Files that failed before are retried only if they have
        changed, or after `retry`.

        Raises:
            RequestError: a folder does not exist.
            BusyError: another run is indexing this library.
            StorageError: the disk is full or gone; committed batches stay.
            BundleError: the image tower cannot be loaded.
        """
        # Lazy (worker processes, Pillow): a search need not pay 60 ms.
        from picsight_engine.aftermath.follow_up import follow_up
        from picsight_engine.indexing.events import Finished
        from picsight_engine.indexing.indexer import IndexSettings, run_index

        named = [existing_folder(path) for path in folders or ()]  # check all before adding the first
        added = {self.folders.add(path).id for path in named}
        # A folder that was named after one inside it has taken that one over.
        wanted = [folder for folder in self.folders.listed() if folders is None or folder.id in added]
        wanted = [folder for folder in wanted if places is None or folder.path in places]
        self._active_model.before_indexing()
        run = run_index(
            self._db,
            self.photos.thumbnails(),
            self.wanted,
            wanted,
            settings or IndexSettings(),
            places=places,
            cancel=cancel,
            is_busy=lambda: time.monotonic() - self._searched < _QUIET_SECONDS,
        )
        for event in follow_up(run, self._db, self.photos.thumbnails(), self._active_model, self.tags):
            if isinstance(event, Finished):
                self.people.take_names()
                self.people.group_new_faces()
            yield event

    def slow_kinds(self, *, words: bool) -> frozenset[str]:
        """The slow kinds that a run is to make: faces if people are looked for here, and words if wished."""
        return frozenset([WORDS.name] * words + [FACES.name] * self.people.is_on)

    def forget_words(self) -> int:
        """Deletes what was read in photos so that no byte of it is left; returns of how many photos. The next run that reads words
        begins anew.

        Raises:
            BusyError: a run is indexing this library.
            StorageError: the disk is full or gone.
        """
        from picsight_engine.store.database import index_lock

        with index_lock(self.folder):
            return forget(self._db, WORDS)

    def use(self, answers: Bundle, wanted: Bundle) -> None:
        """Applies a choice that `installation.model_choice.use_model` made while the library was open; not while indexing."""
        self._active_model.use(answers, wanted)

    def search(
        self,
        query: str | Query,
        *,
        limit: int = 20,
        order: Order = "match",
        least: Least = "all",
        explain: bool = False,
    ) -> Answer:
        """The photos for a query in the language of `language.query`; ignored parts are listed in `faults`.

        Returns at most `limit` photos that match at least as well as `least`, best first. By date (newest first) or folder,
        all matches are sorted; where no match level is known, or with `least` "all", the `limit` best are. A query of facts
        alone gives all photos that pass, newest first. `explain` adds the score of each term to the results.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        self._searched = time.monotonic()
        request = Request(limit, order, least, explain, self.languages)
        return self.photos.stacked(self._searcher.search(parse(query), request))

    def explain(self, query: str | Query, photo_id: int) -> tuple[TermScore, ...]:
        """A photo's similarity to each term of a query; empty for facts and for unindexed photos.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        return self._searcher.explain(parse(query), photo_id, self.languages)

    def _vector_of_file(self, path: Path) -> NDArray[np.float32]:
        # Lazy (worker processes): a search by words need not pay 60 ms.
        from picsight_engine.indexing.worker_pool import picture_vector

        return picture_vector(self.bundle, path)

    def similar(self, photo: Path | int, *, limit: int = 20) -> Answer:
        """The photos most similar to a photo of the library, given by its path or id; without that photo.

        Raises:
            RequestError: the photo is not in the library, or is not indexed yet.
            LibraryError: the library is damaged.
        """
        found, name = self.photos.asked_for(photo)
        return self.photos.stacked(self._searcher.like_photo(found, name, limit))

    @property
    def tags(self) -> Tags:
        """The tags of the library."""
        from picsight_engine.tags.tags import Tags  # lazy: a search does not need it

        with self._lock:
            if self._opened_tags is None:
                self._opened_tags = Tags(
                    self._db, self._tag_model, lambda path: self.photos.asked_for(path)[0].id
                )
            return self._opened_tags

    @property
    def people(self) -> People:
        """The people of this library, and their faces."""
        with self._lock:
            self._opened_people = self._opened_people or People(self._db)
            return self._opened_people

    @property
    def exchange(self) -> Exchange:
        """Exports and imports tags, decisions and the user's ratings."""
        from picsight_engine.exchange.exchange import Exchange  # lxml: 33 ms

        return Exchange(self._db, self.tags.learner)

    def _tag_model(self) -> TagModel:
        from picsight_engine.tags.learner import TagModel  # lazy: a search does not need it

        return TagModel(self.bundle, self._searcher.rows, self._searcher.terms.vector, self._readings)

    def _readings(self, prompts: Iterable[str]) -> tuple[str, ...]:
        typed = tuple(dict.fromkeys(prompts))
        found = self.translation_of(typed)
        return typed if found is None else found.readings

    def translation_of(self, prompts: Sequence[str]) -> Translation | None:
        """The English texts by which a tag's words are searched, of which any may match; None if that is as typed.

        Tags store their words as typed; each is translated where it is embedded, as a search for it alone is, so another
        of the `languages` or a model that knows it takes effect with the next scoring.
        """
        return self._searcher.translation_of(prompts, self.languages)

    def suggested(self, tag: str, *, limit: int = 20) -> Answer:
        """The photos that a tag suggests after it has rated all photos again, most likely first.

        Raises:
            RequestError: there is no such tag, or it has no examples and no words.
            BundleError: the text tower is missing or cannot be loaded.
        """
        found = self.tags.suggest(tag)
        return self.photos.stacked(self._searcher.scored(tag, found[:limit]))

    def results(self, photo_ids: Sequence[int]) -> tuple[Result, ...]:
        """The visible ones among these photos as results, in the given order."""
        return self._searcher.scored("", [(photo_id, 0.0) for photo_id in photo_ids]).results

    @property
    def revision(self) -> int:
        """A number that changes whenever photos come, go or move, or their metadata change."""
        return photos_revision(self._db)

    def all_photos(self) -> Answer:
        """Every photo, newest first by the date taken, else by the file's date: the wall without a query."""
        return self._searcher.wall()

    def newest_photos(self, *, limit: int) -> Answer:
        """At most `limit` dated photos, newest first: the top of the wall, quick for a library of any size."""
        return self._searcher.newest(limit)

    @property
    def is_ready(self) -> bool:
        """True once the text tower is loaded, so that a search by words need not wait."""
        return self._searcher.terms.is_loaded

    def warm_up(self) -> None:
        """Loads the text tower, the vectors and the data for suggestions, so that the first search need not wait.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        self._searcher.warm_up()
        self._active_model.suggester().warm_up()

    def suggestions(self, query: str | Query, cursor: int | None = None) -> Suggestions:
        """Suggestions for a query being typed; `cursor` counts the characters before it, None means the end.

        Raises:
            LibraryError: the library is damaged.
        """
        parsed = parse(query)
        place = len(parsed.text) if cursor is None else cursor
        return self._active_model.suggester().suggest(parsed, place, self.languages)

    def other_language(self, query: str | Query) -> str | None:
        """The language in which a query seems to be, other than English, the `languages` and those that the model knows."""
        from picsight_engine.language.lexicon import LANGUAGES  # lazy: most searches do not need them
        from picsight_engine.language.translation import language_of

        others = self._searcher.foreign([each for each in LANGUAGES if each not in self.languages])
        with suppress(LexiconError):  # a search in that language reports it
            return language_of(parse(query), others)
        return None

    def status(self) -> Status:
        """The library in numbers."""
        counts = health.counts(self._db)
        return Status(
            library=self.folder,
            folders=counts.folders,
            photos=counts.photos,
            files=counts.files,
            problems=counts.problems,
            space=self.bundle.manifest.space_id,
            model=self.bundle.manifest.name,
            bytes=health.folder_bytes(self.folder),
        )

    def photos_to_read(self) -> int:
        """How many photos the answering model has not read; all of them after an update that replaced the starter."""
        return health.photos_awaiting(self._db, self.bundle.manifest.space_id)

    def doctor(self, *, forget: bool = False, lost: Sequence[Path] = ()) -> list[Check]:
        """Checks library and model and rebuilds what can be derived again; no other call may run at the same time.

        With `forget`, photos whose files are gone are forgotten at once, or all that the folders in `lost`, if any, no longer
        hold.
        """
        from picsight_engine.doctor import doctor_folder  # lazy: a search need not pay 12 ms

        self._searcher.close()
        self.photos.close_thumbnails()
        return doctor_folder(self.folder, self.bundle.folder, forget=forget, lost=lost)
