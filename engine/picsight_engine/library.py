"""The façade of the engine: everything that the app and scripts ask of a library, in one object."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import PicsightError, RequestError, StorageError
from picsight_engine.language.query import parse
from picsight_engine.search.answer import Request
from picsight_engine.search.answering import Answering
from picsight_engine.search.details import PhotoDetails, details_at, photo_at, problem_at
from picsight_engine.search.duplicates import first_shown
from picsight_engine.store import folders as stored_folders
from picsight_engine.store import health
from picsight_engine.store.contents import SharedDetails, photos_revision, shared_details
from picsight_engine.store.folders import Folder, all_directories
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import files_showing, photos_by_id
from picsight_engine.store.problems import Problem, all_problems, retry_later, set_ignored
from picsight_engine.store.searches import PastSearch, SavedSearch, Searches
from picsight_engine.store.tagged import person_stars
from picsight_engine.store.thumbnails import FILE_NAME as THUMBNAILS
from picsight_engine.store.thumbnails import ThumbnailStore
from picsight_engine.store.vectors import require_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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
    from picsight_engine.search.answer import Answer, Least, Order, Result, TermScore
    from picsight_engine.search.searcher import Searcher
    from picsight_engine.store.database import Database
    from picsight_engine.store.folders import Directory
    from picsight_engine.store.photos import Photo
    from picsight_engine.suggesting.suggestions import Suggestions
    from picsight_engine.tags.learner import Model
    from picsight_engine.tags.tags import Tags

__all__ = [
    "Folder",
    "Library",
    "PastSearch",
    "PhotoDetails",
    "Problem",
    "SavedSearch",
    "Searches",
    "SharedDetails",
    "Status",
]


@dataclass(frozen=True, slots=True)
class Status:
    """The library in numbers: `files` show the `photos`, `bytes` is the size of the library's folder."""

    library: Path
    folders: int
    photos: int
    files: int
    problems: int
    space: str
    model: str
    bytes: int


class Library:
    """An open library and the model that searches it. Any thread may call; `close` only when no other one is inside.

    `searches` is what was searched for, and what is kept of that; `tags` are made, taught and undone. `wanted` reads the photos. It becomes the one that searches once an indexing has brought every photo's vector.
    """

    def __init__(self, db: Database, bundle: Bundle, wanted: Bundle | None = None) -> None:
        self.folder = db.folder
        self.searches = Searches(db)
        self._db = db
        self._answering = Answering(db, bundle, wanted or bundle, self.picture_vector)
        self._opened_tags: Tags | None = None
        self._lock = threading.Lock()
        self._gone: set[int] = set()  # photos that a person took away, and may take back
        self._opened_thumbnails: ThumbnailStore | None = None

    @property
    def bundle(self) -> Bundle:
        """The model that answers."""
        return self._answering.bundle

    @property
    def wanted(self) -> Bundle:
        """The model that reads photos."""
        return self._answering.wanted

    @property
    def _searcher(self) -> Searcher:
        return self._answering.searcher

    @classmethod
    def open(
        cls, folder: Path, bundle: Bundle, *, wanted: Bundle | None = None, create: bool = True
    ) -> Library:
        """Opens the library in `folder`, made if need be; neither model nor vectors are loaded yet.

        `bundle` searches; `wanted`, if it is another one, reads photos (`installation.model_choice` knows both).

        Raises:
            RequestError: there is none and `create` is false.
            ForeignFolderError: there is none, but photos or other files of a person.
            BundleError: a model preprocesses photos otherwise than the vectors of its space were made.
            LibraryError: it is damaged or was made by a newer program; nothing was changed.
            StorageError: the disk refused.
        """
        absolute = Path(os.path.abspath(folder))  # noqa: PTH100 -- resolve() would follow a person's own links
        db = open_database(absolute, create=create)
        try:
            for each in (bundle, wanted or bundle):
                require_space(db, each.manifest)
        except BaseException:
            db.close()
            raise
        return cls(db, bundle, wanted)

    def close(self) -> None:
        """Closes every file of the library; what was said of photos is filed beside the database before."""
        self._searcher.close()
        with suppress(PicsightError):  # on a full disk the next indexing does it
            if self._gone:
                self._thumbnails().delete(self._gone.difference(photos_by_id(self._db, list(self._gone))))
        self._close_thumbnails()
        try:
            if self._opened_tags is not None:
                from picsight_engine.aftermath import file_quietly  # the tags have loaded all of it

                file_quietly(self._db)
        finally:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def folders(self) -> list[Folder]:
        """The folders whose photos the library shows."""
        return stored_folders.all_folders(self._db)

    def directories(self) -> list[Directory]:
        """The folders and the directories in them that show photos, each with how many."""
        return all_directories(self._db)

    def add_folder(self, path: Path) -> Folder:
        """Adds a folder, to be indexed; returns the one that covers it where it lies inside a known one.

        Raises:
            RequestError: there is no folder at this path.
        """
        return stored_folders.add_folder(self._db, _existing_folder(path))

    def remove_folder(self, folder_id: int) -> None:
        """Takes a folder out of the library; its photos are forgotten after 30 days, their files stay untouched.

        Until then, all that was said of them comes back with the folder.
        """
        self._gone.update(stored_folders.remove_folder(self._db, folder_id))

    def restore_folder(self, path: Path) -> None:
        """Puts a folder back that was removed, with its photos as they were; it may be offline."""
        stored_folders.add_folder(self._db, path)

    def forget(self, lost: Sequence[Path]) -> int:
        """Forgets for good what is missing, and all that these folders or directories do not show any more.

        Returns how many photos were forgotten; their files, if there are any, stay untouched.

        Raises:
            RequestError: a path is no part of the library.
            BusyError: photos are being indexed.
            StorageError: the disk refused.
        """
        # 60 ms that a search does not pay
        from picsight_engine.aftermath import file_quietly
        from picsight_engine.indexing.forgetting import forget_lost

        forgotten = forget_lost(self._db, self._thumbnails(), lost, resting=False).photos
        file_quietly(self._db)
        return len(forgotten)

    def note_gone(self, paths: Sequence[Path]) -> int:
        """Files that a person has just taken away: photos that nothing shows any more leave at once.

        They come back as themselves if their files do; until the library is closed, their thumbnails stay. Returns how
        many left.
        """
        from picsight_engine.indexing.forgetting import note_gone  # 60 ms that a search does not pay

        gone = note_gone(self._db, paths)
        self._gone.update(gone)
        return len(gone)

    def note_back(self, paths: Sequence[Path]) -> None:
        """Files that a person has just put back where they were: their photos are shown again at once."""
        from picsight_engine.indexing.forgetting import note_back  # 60 ms that a search does not pay

        note_back(self._db, paths)

    def index(
        self,
        folders: Sequence[Path] | None = None,
        *,
        settings: IndexSettings | None = None,
        cancel: threading.Event | None = None,
        retry_problems: bool = False,
    ) -> Iterator[Event]:
        """Indexes these folders, adding those that are new, or all that the library has; the last event is Finished.

        Nothing starts before the first event is asked for. Files that failed before are tried again only once they
        have changed, or with `retry_problems`.

        Raises:
            RequestError: a folder is not there.
            BusyError: another run works on this library.
            StorageError: the disk is full or gone; what was told as committed stays.
            BundleError: the image tower cannot be loaded.
        """
        # Worker processes, Pillow: 60 ms that a search does not pay.
        from picsight_engine.aftermath import follow
        from picsight_engine.indexing.indexer import IndexSettings, run_index

        named = [_existing_folder(path) for path in folders or ()]  # all of them, before the first is added
        wanted = self.folders() if folders is None else [self.add_folder(path) for path in named]
        distinct = list({folder.id: folder for folder in wanted}.values())
        self._answering.begin()
        run = run_index(
            self._db,
            self._thumbnails(),
            self.wanted,
            distinct,
            settings or IndexSettings(),
            cancel=cancel,
            retry_problems=retry_problems,
        )
        yield from follow(run, self._db, self._thumbnails(), self._answering, self.tags)

    def use(self, answers: Bundle, wanted: Bundle) -> None:
        """Takes up what `installation.model_choice.use_model` decided while the library was open; not during an indexing."""
        self._answering.use(answers, wanted)

    def search(
        self,
        query: str | Query,
        *,
        limit: int = 20,
        order: Order = "match",
        least: Least = "all",
        explain: bool = False,
        pictures: Sequence[NDArray[np.float32]] = (),
    ) -> Answer:
        """The photos for a query, see `language.query` for its language; parts left out are in `faults`.

        At most `limit` photos that match at least so well come back, best first. By date (newest first) or folder, all
        that match are put in order; where no match is known, or with `least` "all", the `limit` best are. Facts
        alone give all photos that pass, newest first. `explain` adds each term's own score to the results. `pictures` are
        vectors from `picture_vector`, looked for together with the words.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        request = Request(limit, order, least, explain=explain, pictures=tuple(pictures))
        return self._stacked(self._searcher.search(parse(query), request))

    def explain(
        self, query: str | Query, photo_id: int, *, pictures: Sequence[NDArray[np.float32]] = ()
    ) -> tuple[TermScore, ...]:
        """How near a photo is to each thing that a query names, nearest or not; nothing for facts and unread photos.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        return self._searcher.explain(parse(query), photo_id, pictures)

    def picture_vector(self, picture: Path | bytes) -> NDArray[np.float32]:
        """What the model sees in a picture file, or in its bytes, [dim]: for `search`, which need not know the picture.

        It is read in a process of its own, as every photo is.

        Raises:
            ImageError: it cannot be read, for a reason that its sentence tells.
            BundleError: the image tower is missing or cannot be loaded.
        """
        # Worker processes: 60 ms that a search by words does not pay.
        from picsight_engine.indexing.single import picture_vector

        return picture_vector(self.bundle, picture)

    def similar(self, photo: Path | int, *, limit: int = 20) -> Answer:
        """The photos most like one of the library, given by its path or id; it is not among them.

        Raises:
            RequestError: there is no such photo in the library, or it is not indexed yet.
            LibraryError: the library is damaged.
        """
        found, name = self._photo(photo)
        return self._stacked(self._searcher.like_photo(found, name, limit))

    @property
    def tags(self) -> Tags:
        """The tags of the library."""
        from picsight_engine.tags.tags import Tags  # which a search does not pay

        with self._lock:
            if self._opened_tags is None:
                self._opened_tags = Tags(self._db, self._model_of_tags, lambda path: self._photo(path)[0].id)
            return self._opened_tags

    @property
    def exchange(self) -> Exchange:
        """Exports and imports of tags, decisions and own ratings."""
        from picsight_engine.exchange.exchange import Exchange  # lxml: 33 ms

        return Exchange(self._db, self.tags.learner)

    def _model_of_tags(self) -> Model:
        from picsight_engine.tags.learner import Model  # which a search does not pay

        return Model(self.bundle, self._searcher.rows, self._searcher.term_vector)

    def suggested(self, tag: str, *, limit: int = 20) -> Answer:
        """The photos that a tag suggests once it has looked through all of them anew, the likeliest first.

        Raises:
            RequestError: there is no such tag, or it has nothing to go by.
            BundleError: the text tower is missing or cannot be loaded.
        """
        found = self.tags.suggest(tag)
        return self._stacked(self._searcher.scored(tag, found[:limit]))

    def results(self, photo_ids: Sequence[int]) -> tuple[Result, ...]:
        """The visible ones of these photos, in their order, as an answer would give them."""
        return self._searcher.scored("", [(photo_id, 0.0) for photo_id in photo_ids]).results

    @property
    def revision(self) -> int:
        """A number that changes with what there is to see: photos that come, go or move, and what their files tell."""
        return photos_revision(self._db)

    def all_photos(self) -> Answer:
        """Every photo, newest first by the date taken, else by the file's: the wall without a query."""
        return self._searcher.wall()

    def stacks(self) -> dict[int, int]:
        """For every photo that shows the same picture as another one, the first of those by id.

        Found while photos are indexed; the same for all searches.
        """
        return first_shown(self._stack_members())

    def _stacked(self, answer: Answer) -> Answer:
        """The answer with the stacks of its photos."""
        firsts = first_shown(self._stack_members([result.id for result in answer.results]))
        if not firsts:
            return answer
        results = (replace(result, stack=firsts.get(result.id)) for result in answer.results)
        return replace(answer, results=tuple(results))

    def _stack_members(self, photo_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """Stacks are kept with the thumbnails: a search neither makes that file nor fails where it cannot be opened."""
        if not (self.folder / THUMBNAILS).exists():
            return []
        try:
            return self._thumbnails().stacks.members(photo_ids)
        except StorageError:
            return []

    def newest_photos(self, *, limit: int) -> Answer:
        """The newest photos that have a date, at most so many: the beginning of a wall, however large the library is."""
        return self._searcher.newest(limit)

    @property
    def is_ready(self) -> bool:
        """True once the text tower is loaded: a search by words waits for nothing more."""
        return self._searcher.is_ready

    def warm_up(self) -> None:
        """Loads the text tower, the vectors and what suggestions need, so that the first search does not wait for them.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the library is damaged.
        """
        self._searcher.warm_up()
        self._answering.suggester().warm_up()

    def suggestions(self, query: str | Query, cursor: int | None = None) -> Suggestions:
        """What to offer while this is typed, the cursor behind so many characters, at the end unless said.

        Raises:
            LibraryError: the library is damaged.
        """
        parsed = parse(query)
        return self._answering.suggester().suggest(parsed, len(parsed.text) if cursor is None else cursor)

    def show(self, path: Path) -> PhotoDetails | None:
        """What the library knows of the photo at `path`, however that is spelled; None if it knows no photo there."""
        details = details_at(self._db, path)
        if details is None:
            return None
        states = self.tags.states([details.id])[details.id]
        with self._db.reading() as connection:
            stars = person_stars(connection, [details.id]).get(details.id, details.rating)
        return replace(
            details, tags=tuple(tag for tag, state, _ in states if state == "accepted"), rating=stars
        )

    def shared(self, photo_ids: Sequence[int]) -> SharedDetails:
        """What these photos say alike, those that are visible; 10,000 take 0.1 s."""
        return shared_details(self._db, photo_ids)

    def problem_of(self, path: Path) -> Problem | None:
        """Why the file at `path` could not be indexed, None if nothing is known."""
        return problem_at(self._db, path)

    def photo(self, photo_id: int) -> Photo | None:
        """A photo that the library shows, None if it shows none of this number."""
        return photos_by_id(self._db, [photo_id]).get(photo_id)

    def files(self, photo_ids: Sequence[int]) -> dict[Path, tuple[int, int]]:
        """The present files of these photos, each with its size in bytes and its time in ns since 1970 as they were read."""
        return files_showing(self._db, photo_ids)

    def thumbnail(self, photo_id: int) -> bytes | None:
        """A photo's small picture as JPEG, 256 pixels at its long side; None where there is none."""
        return self._thumbnails().get(photo_id)

    def problems(self) -> list[Problem]:
        """The files and directories that could not be indexed, but for those that a person ignores."""
        return [problem for problem in all_problems(self._db) if not problem.ignored]

    def retry(self, problems: Sequence[Problem]) -> None:
        """Lets the next indexing try these files again although they did not change."""
        retry_later(self._db, problems)

    def ignore(self, problems: Sequence[Problem], *, ignored: bool = True) -> None:
        """Takes files off the list of problems because a person does not want to hear of them, or puts them back."""
        set_ignored(self._db, problems, ignored=ignored)

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

    def doctor(self, *, forget: bool = False, lost: Sequence[Path] = ()) -> list[Check]:
        """Examines library and model and mends what can be made again; no other call may run meanwhile.

        With `forget` the photos whose files are gone are forgotten at once, and everything that the folders in `lost`
        do not show any more.
        """
        from picsight_engine.doctor import doctor_folder  # 12 ms that a search does not pay

        self._searcher.close()
        self._close_thumbnails()
        return doctor_folder(self.folder, self.bundle.folder, forget=forget, lost=lost)

    def _photo(self, photo: Path | int) -> tuple[Photo, str]:
        """A visible photo and the absolute path by which it was asked for."""
        if isinstance(photo, int):
            found = photos_by_id(self._db, [photo]).get(photo)
        else:
            found = photo_at(self._db, photo)
        if found is None:
            raise RequestError(f"{photo} is no photo of the library; index its folder first.")
        return found, str(found.path if isinstance(photo, int) else photo.absolute())

    def _thumbnails(self) -> ThumbnailStore:
        """Opened when the first one is needed: a search shows none."""
        with self._lock:
            if self._opened_thumbnails is None:
                self._opened_thumbnails = ThumbnailStore.open(self.folder, self._gone)
            return self._opened_thumbnails

    def _close_thumbnails(self) -> None:
        with self._lock:
            if self._opened_thumbnails is not None:
                self._opened_thumbnails.close()
                self._opened_thumbnails = None


def _existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise RequestError(f"{path} is {'not a folder' if path.exists() else 'not there'}; choose a folder.")
    return path
