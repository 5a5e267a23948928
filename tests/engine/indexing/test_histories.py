"""Random histories of files and decisions: what a person gives to a picture stays with that picture, and with no other.

The model below knows neither the database nor its rules: it follows pictures, each by shot, format and version, through what
a person did to the files, and knows of each the changes (runs) that it must have been given, and those that it may have been.
The last of them that is not undone counts. Files are read by a stand-in for the worker processes; everything else is real.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lxml import etree

from picsight_engine.exchange.decisions_backup import decision_lines
from picsight_engine.exchange.exchange import Exchange
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.indexing.batch import Batch
from picsight_engine.indexing.dispatcher import Dispatcher, PictureTracker
from picsight_engine.indexing.messages import Described, Failed, Identified
from picsight_engine.indexing.plan import folder_view, make_plan
from picsight_engine.indexing.removed_files import record_removed
from picsight_engine.indexing.scan import scan
from picsight_engine.kinds import kinds_of, settled
from picsight_engine.photos.decoding.decode import Limits
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import vectors_in
from picsight_engine.store.folders import add_folder, all_folders, remove_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview.problems import all_problems, set_ignored
from picsight_engine.store.photos import all_photos, paths_of
from picsight_engine.store.tagging.decisions import NewDecision, states_of
from picsight_engine.store.tagging.runs import record_run, undo_or_redo
from picsight_engine.store.tagging.suggestions import Scores
from picsight_engine.store.tagging.tagged import person_stars
from picsight_engine.store.tagging.tags import Definition, live_tags

if TYPE_CHECKING:
    from pathlib import Path

SPACE, DIM = "0123456789abcdef", 4
GIFTS = 30  # tags of a library, each given at most once
FOLDERS = ("a", "b")
STEMS = ("IMG_1000", "IMG_1001", "IMG_1002")
SUFFIXES = (".JPG", ".DNG")
PICTURE = np.ones(DIM, "<f2").tobytes()
BROKEN = b"broken"
STARS = "stars"  # what is not about a tag
TEN_DAYS = 10 * 86_400  # what one run may add to the time for which a file is missing
SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>"""
VECTORS = vectors_in(SPACE)


class Reader:
    """Reads files that hold words instead of pixels: shot, format, version, and the number of a change of metadata."""

    idle = 1

    def __init__(self, dated: bool) -> None:
        self._dated, self._held, self._news = dated, {}, []

    def start_workers(self, number: int) -> None:
        pass

    def assign(self, key: int, path: Path, companions: tuple[str, ...] = ()) -> None:
        data = path.read_bytes()
        if data == BROKEN:
            self._news.append((key, Failed("damaged", Message("It is damaged."))))
            return
        shot, *_ = self._held[key] = data.split()
        picture = b" ".join(data.split()[:3])
        taken = f"2021-07-14T12:{int(shot):02}:00" if self._dated else None
        self._news.append((key, Identified(hashed(data), hashed(picture), 1, 1, Metadata(taken))))

    def order(self, key: int, kinds: frozenset[str]) -> None:
        shot, *_ = self._held.pop(key)
        if kinds:
            phash = random.Random(int(shot)).getrandbits(63)  # pictures of one shot look alike
            things = {"thumbnail": (b"jpeg", ()), "likeness": phash, VECTORS: [(PICTURE, None)]}
            self._news.append((key, Described(4, 3, {name: things[name] for name in kinds})))

    def wait(self, seconds: float) -> list[tuple[int, object]]:
        news, self._news = self._news, []
        return news


def hashed(data: bytes) -> bytes:
    return random.Random(data).randbytes(16)


@dataclass(frozen=True)
class Change:
    """What a run said: a verdict on a tag, a part in its examples, or stars; None takes back what was said before."""

    subject: tuple[str, int]
    value: str | int | None


class Home:
    """A person's files, a library of them, and what each picture must have been given, and may have been."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.db, self.thumbnails = open_database(folder / "library"), ThumbnailStore.open(folder / "library")
        self.places = [folder / name for name in FOLDERS]
        self.dated = self.chance.random() < 0.5
        self.clock, self.fresh = itertools.count(1), itertools.count(1)
        self.names = {tag.id: tag.name for tag in live_tags(self.db.reader())[1:]}
        self.fresh_tags = [*self.names]
        self.tags: list[int] = []  # those that were used
        self.changes: dict[int, Change] = {}  # by run, in order
        self.undone: list[int] = []
        self.must: defaultdict[str, set[int]] = defaultdict(set)
        self.may: defaultdict[str, set[int]] = defaultdict(set)
        self.bin: list[bytes] = []
        self.seen: dict[Path, str] = {}  # the picture of each file, as last indexed
        self.pairs: set[tuple[str, str]] = set()
        self.last: dict[Path, str] = {}  # the same, also of files that are gone
        self.removed: set[Path] = set()  # folders
        self.forgotten: set[str] = set()  # pictures
        self.strange: set[Path] = set()  # files whose side-cars tell of these: as those of another library
        self.words: dict[
            str, set[str]
        ] = {}  # of another program, in side-cars, with the shots that they may be about
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
        return sorted(
            path
            for place in self.places
            for path in (() if place in self.removed else place.glob("IMG*"))
            if path.suffix in SUFFIXES and path.read_bytes() != BROKEN
        )

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
        self.must[after] |= self.must[before]
        self.index()

    def convert(self, path: Path) -> None:
        """Re-encodes into another file."""
        shot, suffix, *_ = path.read_text().split()
        if not (place := self.other(path)).exists():
            self.write(place, f"{shot} {suffix} {next(self.fresh)} 0".encode())

    def spoil(self, path: Path) -> None:
        """The disk damages a file, which a person ignores, and later replaces from a backup."""
        data = path.read_bytes()
        self.write(path, BROKEN)
        self.index()
        set_ignored(self.db, all_problems(self.db), ignored=self.chance.random() < 0.5)
        if self.chance.random() < 0.3:
            self.wait(path)
        self.write(path, data)
        self.index()

    def remove(self, path: Path) -> None:
        """Takes a folder out of the library, and adds it again."""
        (folder,) = (each for each in all_folders(self.db) if each.path == path.parent)
        remove_folder(self.db, folder.id)
        self.removed.add(path.parent)
        self.index()
        self.check()
        self.removed.clear()
        add_folder(self.db, path.parent)
        self.index()

    def wait(self, _path: Path) -> None:
        """Indexes for more than 30 days: what no file shows is forgotten."""
        self.index()
        for _ in range(4):
            with self.db.writer() as connection:
                connection.execute("UPDATE folders SET looked_at = looked_at - ?", (TEN_DAYS,))
            self.index()
        for pictures in (self.must, self.may):
            for picture in pictures.keys() - self.seen.values():
                del pictures[picture]
                self.forgotten.add(picture)

    def describe(self, path: Path) -> None:
        """Changes the metadata."""
        *picture, _ = path.read_text().split()
        self.write(path, " ".join([*picture, str(next(self.fresh))]).encode())

    def annotate(self, path: Path) -> None:
        """Another program writes a keyword into the side-car of a file's name."""
        sidecar, word = path.with_name(f"{path.name}.xmp"), f"word {next(self.fresh)}"
        packet = etree.fromstring(sidecar.read_bytes() if sidecar.exists() else PACKET)
        if (bag := packet.find(f".//{SUBJECT}/{RDF}Bag")) is None:
            described = packet.find(f".//{RDF}Description")
            if described is None:
                described = etree.SubElement(packet.find(f"{RDF}RDF"), f"{RDF}Description")
            bag = etree.SubElement(etree.SubElement(described, SUBJECT), f"{RDF}Bag")
        etree.SubElement(bag, f"{RDF}li").text = word
        sidecar.write_bytes(etree.tostring(packet))
        self.words[word] = {shot_of(picture_of(path))}

    # Changes of tags and stars

    def give(self, path: Path) -> None:
        """Decides about the photo that shows a file, or rates it, or makes it an example."""
        self.index()
        photo = next(photo.id for photo in all_photos(self.db) if path in paths_of(self.db, photo.id))
        if not self.tags or (self.fresh_tags and self.chance.random() < 0.5):
            self.tags.append(self.fresh_tags.pop())
        tag = self.chance.choice(self.tags)
        kind = self.chance.choice(["decide", "decide", "rate", "change"])
        with record_run(self.db, kind, kind) as run:
            if kind == "decide":
                subject, value = ("tag", tag), self.chance.choice(["accepted", "rejected", "withdrawn"])
                if self.chance.random() < 0.5:
                    run.score(tag, Scores(SPACE, {photo: 0.9}))
                run.decide([NewDecision(tag, photo, value, "manual", 1.0)])
            elif kind == "rate":
                subject, value = (STARS, 0), self.chance.choice([None, *range(1, 6)])
                run.rate([photo], value)
            else:
                subject, value = ("example", tag), self.chance.choice(["examples", "against", None])
                known = run.tag(tag)
                parts = {part: {*getattr(known, part)} - {photo} for part in ("examples", "against")}
                if value:
                    parts[value].add(photo)
                run.define(replace(known, **{part: tuple(sorted(ids)) for part, ids in parts.items()}))
        if run.made is None:
            return
        self.changes[run.made.id] = Change(subject, None if value == "withdrawn" else value)
        shown = self.seen[self.front(path)]
        for pictures in (self.must, self.may):
            pictures[shown].add(run.made.id)
            share(pictures, self.pairs)

    def undo(self, _path: Path) -> None:
        """Takes one change back; of those of a tag's examples, the last."""
        done = {self.changes[run].subject: run for run in self.changes if run not in self.undone}
        others = [run for run in self.changes if self.changes[run].subject[0] != "example"]
        if able := sorted({*done.values(), *others} - {*self.undone}):
            self.undone.append(self.chance.choice(able))
            undo_or_redo(self.db, self.undone[-1], undo=True)
            if self.changes[self.undone[-1]].subject[0] == "example":
                for picture in self.must:  # if pairs change before it is redone, it may not follow
                    self.must[picture].discard(self.undone[-1])

    def redo(self, _path: Path) -> None:
        """Repeats the change that was taken back last, unless the tag's examples were changed since."""
        if self.undone:
            run = self.undone[-1]
            subject = self.changes[run].subject
            later = any(other > run and self.changes[other].subject == subject for other in self.changes)
            if subject[0] != "example" or not later:
                undo_or_redo(self.db, self.undone.pop(), undo=False)

    def export(self, _path: Path) -> None:
        """Writes side-cars, which then say the same as the library, and hold every word of another program."""
        self.index()
        for path, picture in self.seen.items():
            sidecar = path.with_name(f"{path.name}.xmp")
            content = sidecar.read_bytes() if sidecar.exists() else b""
            if any(hashed(each.encode()).hex().encode() in content for each in self.forgotten):
                self.strange.add(path)
            elif b"picsight" not in content:
                for word in words_in(content):
                    self.words[word].add(shot_of(picture))  # until an export says whose it is
        *_, outcome = Exchange(self.db, None).export_sidecars()
        contents = [sidecar.read_bytes() for place in self.places for sidecar in place.glob("*.xmp")]
        lost = self.words.keys() - {word for content in contents for word in words_in(content)}
        assert not lost, (lost, outcome.left_alone)
        for path in self.seen.keys() - self.strange:
            if not any(
                f"{path}" in said or f" in {path.parent} " in said for said in map(str, outcome.left_alone)
            ):
                self.check_sidecar(path)

    def check_sidecar(self, path: Path) -> None:
        sidecar = path.with_name(f"{path.name}.xmp")
        packet = etree.fromstring(sidecar.read_bytes() if sidecar.exists() else PACKET)
        held = {each.text for each in packet.iterfind(f".//{SUBJECT}//{RDF}li")}
        wrong = {
            word for word in held & self.words.keys() if shot_of(self.seen[path]) not in self.words[word]
        }
        assert not wrong, (path.name, wrong)
        values = self.values(
            {self.seen[other] for other in self.seen if self.front(other) == self.front(path)}
        )
        for tag in self.tags:
            fits = {value == "accepted" for value in values.get(("tag", tag), [None])}
            assert (self.names[tag] in held) in fits, (path.name, tag)
        stars = packet.findtext(f".//{RATING}")
        assert (stars and int(stars)) in values.get((STARS, 0), [None]), (path.name, stars)

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
        kinds = [kind for kind in kinds_of(SPACE) if not (kind.of_thumbnail or kind.slow)]
        done = {kind.name: settled(self.db, self.thumbnails, kind) for kind in kinds}
        plan = make_plan(views, frozenset.intersection(*done.values()), METADATA_RULE)
        batch = Batch(self.db, self.thumbnails, kinds, photos=self.chance.choice([1, 64]))
        batch.settle(plan)
        done = {kind.name: settled(self.db, self.thumbnails, kind) for kind in kinds}
        tracker = PictureTracker(self.db, done, plan.moving)
        dispatcher = Dispatcher(Reader(self.dated), tracker, batch, plan.tasks, limits=Limits(), workers=1)
        while not dispatcher.finished:
            dispatcher.step()
        while not batch.empty:
            batch.commit()
        batch.give_up([file for file in tracker.not_found_again() if file.id not in plan.kept])
        batch.sweep([view.folder for view in views])
        self.seen = {path: picture_of(path) for path in self.files()}
        for path, picture in self.seen.items():
            before = self.last.get(path, picture)
            if shot_of(before) == shot_of(picture) and before != picture:  # as an edit
                self.may[picture] |= self.may[before]
                self.pairs.add((before, picture))
        self.last |= self.seen
        pairs = {(self.seen[path], self.seen[self.front(path)]) for path in self.seen}
        share(self.must, pairs)
        share(self.may, self.pairs | pairs)  # a RAW that changed pairs since may have shared for both
        self.pairs = pairs

    def check_file(self) -> None:
        """The file of decisions says the same of the visible photos."""
        lines = decision_lines(self.db.reader())
        filed = {
            (line.picture.path, line.tag, line.decision) for line in lines if getattr(line, "decision", None)
        }
        photos = {f"{photo.path}": self.verdicts(photo.id) for photo in all_photos(self.db)}
        held = {(path, self.names[tag], how) for path, tags in photos.items() for tag, how in tags.items()}
        assert held == {line for line in filed if line[0] in photos}

    def check(self) -> None:
        tags = live_tags(self.db.reader())
        for photo in all_photos(self.db):
            held = {("tag", tag): verdict for tag, verdict in self.verdicts(photo.id).items()}
            for tag, part in itertools.product(tags, ("examples", "against")):
                if photo.id in getattr(tag, part):
                    held["example", tag.id] = part
            held[STARS, 0] = person_stars(self.db.reader(), [photo.id]).get(photo.id)
            values = self.values(
                {self.seen[path] for path in paths_of(self.db, photo.id) if path in self.seen}
            )
            for subject in {*held, *values}:
                fits = values.get(subject, [None])
                assert held.get(subject) in fits, (photo.path.name, subject, held.get(subject), fits)

    def values(self, pictures: set[str]) -> dict[tuple[str, int], list[str | int | None]]:
        """What a photo of these pictures may say of each subject."""
        must, may = (
            set().union(*(given[picture] for picture in pictures)) for given in (self.must, self.may)
        )
        found: dict[tuple[str, int], list[str | int | None]] = {}
        for run, change in self.changes.items():
            if run in may and run not in self.undone:
                others = [] if run in must else found.get(change.subject, [None])
                found[change.subject] = [*others, change.value]
        return found

    def verdicts(self, photo: int) -> dict[int, str]:
        states = states_of(self.db, [photo])[photo]
        return {state.tag_id: state.state for state in states if state.state != "suggested"}


def share(gifts: dict[str, set[int]], pairs: set[tuple[str, str]]) -> None:
    """Gives pictures that are in pairs with each other, or with the same others, the same gifts."""
    for _ in pairs:
        for one, other in pairs:
            gifts[one] |= gifts[other]
            gifts[other] |= gifts[one]


def shot_of(picture: str) -> str:
    return picture.split(maxsplit=1)[0]


def words_in(content: bytes) -> set[str]:
    found = etree.fromstring(content or PACKET).iterfind(f".//{SUBJECT}//{RDF}li")
    return {each.text for each in found if each.text.startswith("word")}


def picture_of(path: Path) -> str:
    return path.read_text().rpartition(" ")[0]


ACTIONS = [
    *(Home.create, Home.delete, Home.move, Home.replace, Home.swap, Home.copy, Home.edit, Home.describe),
    *(Home.convert, Home.spoil, Home.remove, Home.wait, Home.annotate, Home.export),
    *(Home.give, Home.give, Home.give, Home.give, Home.undo, Home.redo),
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
