"""Random histories of files and decisions: what a person gives to a picture stays with that picture, and with no other.

The model below knows neither the database nor its ids: it follows pictures, each by shot, format and version, through what
a person did to the files. Files are read by a stand-in for the worker processes; everything else is real.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picsight_engine.exchange.decisions_backup import decision_lines
from picsight_engine.indexing.batch import Batch
from picsight_engine.indexing.dispatcher import Dispatcher
from picsight_engine.indexing.messages import Described, Identified, WorkerOrder
from picsight_engine.indexing.picture_tracker import PictureTracker
from picsight_engine.indexing.plan import folder_view, make_plan
from picsight_engine.indexing.removed_files import record_removed
from picsight_engine.indexing.scan import scan
from picsight_engine.metadata import Metadata
from picsight_engine.photos.decode import Limits
from picsight_engine.photos.tag_precedence import METADATA_RULE
from picsight_engine.store.decisions import NewDecision, states_of
from picsight_engine.store.folders import add_folder, all_folders
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import all_photos, paths_of
from picsight_engine.store.runs import record_run, undo_or_redo
from picsight_engine.store.tagged import person_stars
from picsight_engine.store.tags import Definition, live_tags
from picsight_engine.store.thumbnails import ThumbnailStore
from picsight_engine.store.vectors import photos_with_vector

if TYPE_CHECKING:
    from pathlib import Path

SPACE, DIM = "0123456789abcdef", 4
GIFTS = 30  # tags of a library, each given at most once
FOLDERS = ("a", "b")
STEMS = ("IMG_1000", "IMG_1001", "IMG_1002")
SUFFIXES = (".JPG", ".DNG")
PICTURE = np.ones(DIM, "<f2").tobytes()


class Reader:
    """Reads files that hold words instead of pixels: shot, format, version, and the number of a change of metadata."""

    idle = 1

    def __init__(self, dated: bool) -> None:
        self._dated, self._held, self._news = dated, {}, []

    def start_workers(self, number: int) -> None:
        pass

    def assign(self, key: int, path: Path, companions: tuple[str, ...] = ()) -> None:
        data = path.read_bytes()
        shot, *_ = self._held[key] = data.split()
        picture = b" ".join(data.split()[:3])
        taken = f"2021-07-14T12:{int(shot):02}:00" if self._dated else None
        self._news.append((key, Identified(hashed(data), hashed(picture), 1, 1, Metadata(taken))))

    def order(self, key: int, order: WorkerOrder) -> None:
        shot, *_ = self._held.pop(key)
        if order is not WorkerOrder.SKIP:
            phash = random.Random(int(shot)).getrandbits(63)  # pictures of one shot look alike
            self._news.append((key, Described(4, 3, phash, b"jpeg", (PICTURE,), (None,))))

    def wait(self, seconds: float) -> list[tuple[int, object]]:
        news, self._news = self._news, []
        return news


def hashed(data: bytes) -> bytes:
    return random.Random(data).randbytes(16)


class Home:
    """A person's files, a library of them, and what each picture must have been given, and may have been."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.db, self.thumbnails = open_database(folder / "library"), ThumbnailStore.open(folder / "library")
        self.places = [folder / name for name in FOLDERS]
        self.dated = self.chance.random() < 0.5
        self.clock, self.fresh = itertools.count(1), itertools.count(1)
        self.gifts = iter(live_tags(self.db.reader())[1:])
        self.runs: dict[int, int] = {}  # of the gifts that were not undone
        self.must: defaultdict[str, set[int]] = defaultdict(set)
        self.may: defaultdict[str, set[int]] = defaultdict(set)
        self.bin: list[bytes] = []
        self.seen: dict[Path, str] = {}  # the picture of each file, as last indexed
        self.pairs: set[tuple[str, str]] = set()
        self.stars: dict[int, int] = {}  # by gift, the last given last
        self.examples: set[int] = set()  # the gifts that are examples
        for place in self.places:
            add_folder(self.db, place)
        for shot in range(2):
            for place, suffix in itertools.product(self.places[:1], SUFFIXES):
                self.write(place / f"{STEMS[shot]}{suffix}", f"{shot} {suffix[1:]} 0 0".encode())
        self.index()

    def close(self) -> None:
        self.thumbnails.close()
        self.db.close()

    # Files

    def write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        os.utime(path, (0, next(self.clock)))

    def files(self) -> list[Path]:
        return sorted(path for place in self.places for path in place.glob("IMG*"))

    def other(self, path: Path) -> Path:
        """Another place for a file, taken or not."""
        return self.chance.choice(self.places) / f"{self.chance.choice(STEMS)}{path.suffix}"

    def create(self, path: Path) -> None:
        data = f"{next(self.fresh) + 10} {path.suffix[1:]} 0 0".encode()
        if self.bin and self.chance.random() < 0.5:
            data = self.chance.choice(self.bin)
        place = self.other(path)
        if data.split()[1].decode() == place.suffix[1:] and not place.exists():
            self.write(place, data)

    def delete(self, path: Path) -> None:
        self.bin.append(path.read_bytes())
        path.unlink()
        if self.chance.random() < 0.5:  # in the window
            record_removed(self.db, [path])

    def move(self, path: Path) -> None:
        if not (place := self.other(path)).exists():
            path.rename(place)

    def replace(self, path: Path) -> None:
        if (place := self.other(path)) != path:
            if place.exists():
                self.bin.append(place.read_bytes())
            path.replace(place)

    def swap(self, path: Path) -> None:
        if (place := self.other(path)).exists() and place != path:
            path.rename(path.with_name("aside"))
            place.rename(path)
            path.with_name("aside").rename(place)

    def copy(self, path: Path) -> None:
        if not (place := self.other(path)).exists():
            (shutil.copy2 if self.chance.random() < 0.5 else shutil.copyfile)(path, place)

    def edit(self, path: Path) -> None:
        """Rotates or re-encodes: another picture of the shot; a person indexes before and after."""
        self.index()
        shot, suffix, *_ = path.read_text().split()
        self.write(path, f"{shot} {suffix} {next(self.fresh)} 0".encode())
        before, after = self.seen[path], picture_of(path)
        self.must[after] |= self.must[before] - self.examples  # an example stays the old picture
        self.index()

    def describe(self, path: Path) -> None:
        """Changes the metadata."""
        *picture, _ = path.read_text().split()
        self.write(path, " ".join([*picture, str(next(self.fresh))]).encode())

    # Gifts

    def give(self, path: Path) -> None:
        """Tags or rates the photo that shows a file, or makes it an example."""
        self.index()
        photo = next(photo.id for photo in all_photos(self.db) if path in paths_of(self.db, photo.id))
        tag = next(self.gifts)
        kind = self.chance.choice(["decide", "rate", "change"])
        with record_run(self.db, kind, kind) as run:
            if kind == "decide":
                run.decide([NewDecision(tag.id, photo, "accepted", "manual", 1.0)])
            elif kind == "rate":
                self.stars[tag.id] = self.chance.randrange(1, 6)
                run.rate([photo], self.stars[tag.id])
            else:
                run.define(replace(tag, **{self.chance.choice(["examples", "against"]): (photo,)}))
        if kind == "change":
            self.examples.add(tag.id)
        self.runs[tag.id] = run.made.id
        shown = self.seen[self.front(path)]
        for pictures in (self.must, self.may):
            pictures[shown].add(tag.id)
            share(pictures, self.pairs)

    def undo(self, path: Path) -> None:
        """Takes one gift back."""
        if self.runs:
            gift = self.chance.choice(list(self.runs))
            undo_or_redo(self.db, self.runs.pop(gift), undo=True)
            for pictures in (self.must, self.may):
                for gifts in pictures.values():
                    gifts.discard(gift)

    def front(self, path: Path) -> Path:
        """The file that shows the photo of a file: of a pair the JPEG."""
        other = path.with_suffix(".JPG")
        fits = other in self.seen and (
            not self.dated or self.seen[other].split()[0] == self.seen[path].split()[0]
        )
        return other if fits else path

    def index(self) -> None:
        """Indexes the folders, then follows the pictures to their new places."""
        views = [folder_view(self.db, each, list(scan(each.path))) for each in all_folders(self.db)]
        embedded, thumbnails = photos_with_vector(self.db, SPACE), self.thumbnails
        plan = make_plan(views, embedded.intersection(thumbnails.ids()), METADATA_RULE)
        batch = Batch(self.db, thumbnails, SPACE, photos=self.chance.choice([1, 64]))
        batch.settle(plan)
        tracker = PictureTracker(
            self.db, embedded=embedded, pictured=set(thumbnails.ids()), moving=plan.moving
        )
        dispatcher = Dispatcher(Reader(self.dated), tracker, batch, plan.tasks, limits=Limits(), workers=1)
        while not dispatcher.finished:
            dispatcher.step()
        while not batch.empty:
            batch.commit()
        batch.give_up([file for file in tracker.not_found_again() if file.id not in plan.kept])
        batch.sweep([view.folder for view in views])
        before, self.seen = self.seen, {path: picture_of(path) for path in self.files()}
        for path, picture in self.seen.items():
            if path in before and before[path].split()[0] == picture.split()[0]:  # as an edit
                self.may[picture] |= self.may[before[path]]
                self.pairs.add((before[path], picture))
        pairs = {(self.seen[path], self.seen[self.front(path)]) for path in self.seen}
        share(self.must, pairs)
        share(self.may, self.pairs | pairs)  # a RAW that changed pairs since may have shared for both
        self.pairs = pairs

    def check_file(self) -> None:
        """The file of decisions says the same of the visible photos."""
        lines = decision_lines(self.db.reader())
        filed = {(line.picture.path, line.tag) for line in lines if getattr(line, "decision", None)}
        names = {tag.id: tag.name for tag in live_tags(self.db.reader())}
        photos = {f"{photo.path}": self.accepted(photo.id) for photo in all_photos(self.db)}
        held = {(path, names[tag]) for path, tags in photos.items() for tag in tags}
        assert held == {(path, name) for path, name in filed if path in photos}

    def check(self) -> None:
        tags = live_tags(self.db.reader())
        for photo in all_photos(self.db):
            gifts = set(self.accepted(photo.id))
            gifts |= {tag.id for tag in tags if photo.id in tag.examples or photo.id in tag.against}
            pictures = {self.seen[path] for path in paths_of(self.db, photo.id) if path in self.seen}
            must, may = (
                set().union(*(given[picture] for picture in pictures)) for given in (self.must, self.may)
            )
            lost, wrong = must - gifts - self.stars.keys(), gifts - may
            assert (lost, wrong) == (set(), set()), photo.path.name
            rated = [gift for gift in self.stars if gift in may]
            last = max((rated.index(gift) for gift in self.stars if gift in must), default=None)
            fits = {self.stars[gift] for gift in rated[last:]} | ({None} if last is None else set())
            assert person_stars(self.db.reader(), [photo.id]).get(photo.id) in fits, (photo.path.name, fits)

    def accepted(self, photo: int) -> list[int]:
        return [state.tag_id for state in states_of(self.db, [photo])[photo] if state.state == "accepted"]


def share(gifts: dict[str, set[int]], pairs: set[tuple[str, str]]) -> None:
    """Gives pictures that are in pairs with each other, or with the same others, the same gifts."""
    for _ in pairs:
        for one, other in pairs:
            gifts[one] |= gifts[other]
            gifts[other] |= gifts[one]


def picture_of(path: Path) -> str:
    return path.read_text().rpartition(" ")[0]


ACTIONS = [
    *(Home.create, Home.delete, Home.move, Home.replace, Home.swap, Home.copy, Home.edit, Home.describe),
    *(Home.give, Home.give, Home.give, Home.undo),
]


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory) -> Path:
    """A library of two folders, with tags that nothing has."""
    folder = tmp_path_factory.mktemp("home")
    db = open_database(folder / "library")
    for name in FOLDERS:
        (folder / name).mkdir()
        (folder / name / "always.PNG").write_text("99 PNG 0 0")  # an empty folder would be a lost disk
    with record_run(db, "new", "gifts") as run:
        for number in range(GIFTS):
            run.add(Definition(0, f"{number}", None, "tag", None, False, 0.0))
    db.close()
    return folder


def live(empty: Path, folder: Path, seed: int, actions: int) -> None:
    """One history, checked after each action and index."""
    shutil.copytree(empty, folder)
    home = Home(folder, seed)
    story = []
    try:
        for _ in range(actions):
            path = home.chance.choice(home.files() or [home.places[0] / f"{STEMS[0]}.JPG"])
            action = home.chance.choice(ACTIONS) if path.exists() else Home.create
            story.append(f"{action.__name__} {path.parent.name}/{path.name}")
            action(home, path)
            if home.chance.random() < 0.5:
                story.append("index")
                home.index()
                home.check()
        home.check_file()
    except AssertionError as fault:
        raise AssertionError("\n".join([f"History {seed}:", *story, f"{fault}"])) from None
    finally:
        home.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("seed", range(20))
def test_what_a_picture_is_given_stays_with_it_whatever_happens_to_its_files(empty_home, tmp_path, seed):
    live(empty_home, tmp_path / "home", seed, 9)


@pytest.mark.soak
def test_hundreds_of_histories_lose_nothing(empty_home, tmp_path):
    for seed in range(100, 500):
        live(empty_home, tmp_path / "home", seed, 25)
