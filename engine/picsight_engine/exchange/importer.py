"""Imports tags and decisions from files into a library as one run; later decisions of the user stay."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import BundleError, Message, RequestError
from picsight_engine.store.derived.faces import face_at
from picsight_engine.store.photos import known_photos
from picsight_engine.store.tagging.decisions import NewDecision, decided
from picsight_engine.store.tagging.exported_decisions import last_decisions, last_ratings
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.suggestions import has_scores
from picsight_engine.store.tagging.tags import (
    DEEPEST,
    Definition,
    live_tags,
    name_key,
    name_paths,
    tags_by_id,
    too_deep,
)
from picsight_engine.tags.tree import FAVOURITES, checked_name, checked_prompts, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping

    from picsight_engine.exchange.decisions_file import TagLine
    from picsight_engine.foundation.face import Box
    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.store.tagging.exported_decisions import StoredDecision
    from picsight_engine.store.tagging.runs import RunRecorder, TagChange
    from picsight_engine.tags.learner import Learner


Key = tuple[str, ...]  # a tag's path as name keys, that of a person after an empty one
XMP, KEYWORDS = "xmp", "keywords"  # the sources: a side-car, a photo file


@dataclass(slots=True)
class _ImportedTag:
    """A tag to import: its name, and its words and examples if a file has any."""

    name: str
    line: TagLine | None = None
    examples: dict[int, bool] = field(default_factory=dict)  # by photo; True means negative

    def definition(self, parent_id: int | None, photos: Container[int]) -> Definition:
        """The new tag, with its examples among these photos."""
        plain = Definition(0, self.name, parent_id, "tag", threshold=None, suggests=False, created_at=0.0)
        if self.line is None or self.line.kind != "tag":
            return plain if self.line is None else replace(plain, kind=self.line.kind)
        alike, unlike = (
            tuple(photo for photo, against in self.examples.items() if photo in photos and against == wanted)
            for wanted in (False, True)
        )
        return replace(
            plain,
            threshold=self.line.threshold,
            suggests=self.line.suggests,
            prompts=checked_prompts(self.line.prompts),
            examples=alike,
            against=unlike,
        )


@dataclass(frozen=True, slots=True)
class FileDecision:
    """A decision with its source and its time, in seconds since 1970.

    An echo was once exported by this or another library; it counts only if nothing is known. A keyword of another program
    never overrides the user either: its file may have been rewritten by any program at any time.
    """

    verdict: Verdict
    source: str
    time: float
    is_echo: bool = False
    is_keyword: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import as one run, None if everything was known already.

    The files named `photos` of the library, and `unknown` others; `faults` has a sentence for each skipped part. Undoing the
    run keeps the `searches` that were saved.
    """

    run: TagChange | None
    tags: int
    accepted: int
    rejected: int
    withdrawn: int
    rated: int
    photos: int = 0
    unknown: int = 0
    searches: int = 0
    faults: tuple[Message, ...] = ()


class Importer:
    """Collects the tags, decisions and stars to import; of two about the same subject, the later one counts."""

    def __init__(self) -> None:
        self._tags: dict[Key, _ImportedTag] = {}
        self._decisions: dict[Key, dict[tuple[int, Box | None], FileDecision]] = {}
        self._stars: dict[int, tuple[int, float, bool]] = {}
        self.searches: list[tuple[str, str]] = []

    def add_tag(self, path: str, line: TagLine | None = None) -> Key:
        """Adds a tag by its path, with its parents; `line` gives its words and settings.

        Raises:
            RequestError: a name in the path is invalid, or there are too many names.
        """
        if line is not None and line.kind == "person":
            person = "", name_key(checked_name(path))
            self._tags.setdefault(person, _ImportedTag(checked_name(path), line))
            return person
        is_favourites = line is not None and line.kind == "favourite"
        names = [checked_name(name) for name in (FAVOURITES if is_favourites else path).split("/")]
        if len(names) > 1 and name_key(names[0]) == name_key(FAVOURITES):
            del names[0]  # the favourites have no tags below them
        if len(names) > DEEPEST:
            raise RequestError(too_deep(shortened(path)))
        key = tuple(map(name_key, names))
        for depth in range(1, len(key) + 1):
            self._tags.setdefault(key[:depth], _ImportedTag(names[depth - 1]))
        if line is not None and self._tags[key].line is None:
            self._tags[key].line = line
        return key

    def add_example(self, key: Key, photo_id: int, *, against: bool) -> None:
        """Adds a positive or negative example of a tag."""
        self._tags[key].examples.setdefault(photo_id, against)

    def add_decision(self, key: Key, photo_id: int, decision: FileDecision, face: Box | None = None) -> None:
        """Adds a decision about a photo, or about a face in it."""
        known = self._decisions.setdefault(key, {})
        if (photo_id, face) not in known or known[photo_id, face].time < decision.time:
            known[photo_id, face] = decision

    def add_withdrawal(self, path: str, photo_id: int, decision: FileDecision) -> None:
        """Withdraws a photo from a tag, if the tag exists."""
        self.add_decision(tuple(map(name_key, path.split("/"))), photo_id, decision)

    def add_stars(self, photo_id: int, stars: int, time: float, *, is_echo: bool = False) -> None:
        """A person's own stars."""
        if photo_id not in self._stars or self._stars[photo_id][1] < time:
            self._stars[photo_id] = (stars, time, is_echo)

    def run(self, db: Database, learner: Learner, words: Message) -> Imported:
        """Imports everything into the library.

        An existing tag keeps its words and examples, if it has any; decisions and ratings that are newer than the file's
        stay. Suggesting tags renew their suggestions at once, if the model can be loaded.
        """
        with suppress(BundleError):
            learner.read([text for tag in self._tags.values() if tag.line for text in tag.line.prompts])
        with record_run(db, "import", words) as run:
            known = _by_key(live_tags(run.connection))
            ids = {key: tag.id for key, tag in known.items()}
            created, taught = self._define(run, known, ids)
            decided_now = self._decide(run, ids)
            rated = self._rate(run)
            _suggest(run, learner, {*created, *taught, *(row.tag_id for row in decided_now)})
        counts = Counter(row.verdict for row in decided_now)
        return Imported(
            run.made, len(created), counts["accepted"], counts["rejected"], counts["withdrawn"], rated
        )

    def _define(
        self, run: RunRecorder, known: Mapping[Key, Definition], ids: dict[Key, int]
    ) -> tuple[list[int], list[int]]:
        """Creates missing tags and adds them to `ids`, and gives words to tags without any; returns both kinds."""
        photos = {photo for tag in self._tags.values() for photo in tag.examples}
        there = known_photos(run.connection, photos)
        created, taught = [], []
        for key, imported in self._tags.items():  # parents come first
            wanted = imported.definition(ids.get(key[:-1]), there)
            tag = known.get(key)
            if tag is None:
                ids[key] = run.add(wanted)
                created.append(ids[key])
            elif tag.kind == wanted.kind and _goes_by(wanted) and not _goes_by(tag):
                run.define(replace(wanted, id=tag.id, name=tag.name, created_at=tag.created_at))
                taught.append(tag.id)
        return created, taught

    def _decide(self, run: RunRecorder, ids: Mapping[Key, int]) -> list[NewDecision]:
        keys = [key for key in self._decisions if key in ids]  # tags of withdrawals need not exist
        last = last_decisions(run.connection, [ids[key] for key in keys])
        decided = {photo for decisions in self._decisions.values() for photo, _ in decisions}
        there = known_photos(run.connection, decided)
        rows = []
        for key in keys:
            before = {(decision.photo_id, decision.face_id): decision for decision in last.get(ids[key], ())}
            for (photo, box), decision in self._decisions[key].items():
                if photo not in there:
                    continue
                face = None if box is None else face_at(run.connection, photo, box)
                if _is_news(decision, before.get((photo, face))):
                    verdict, source, time = decision.verdict, decision.source, decision.time
                    rows.append(NewDecision(ids[key], photo, verdict, source, time, face))
        run.decide(rows)
        return rows

    def _rate(self, run: RunRecorder) -> int:
        last = last_ratings(run.connection)
        there = known_photos(run.connection, self._stars)
        count = 0
        for photo, (stars, time, is_echo) in self._stars.items():
            before = last.get(photo)
            is_news = before is None or (not is_echo and before.stars != stars and before.rated_at < time)
            if photo in there and is_news:
                run.rate([photo], stars, time)
                count += 1
        return count


def _is_news(decision: FileDecision, before: StoredDecision | None) -> bool:
    if before is None:
        return decision.verdict != "withdrawn"
    # A rejection noted in a side-car is also the user's decision.
    is_by_person = before.source not in {XMP, KEYWORDS} or before.verdict == "rejected"
    if decision.is_echo or (decision.is_keyword and is_by_person) or before.decided_at >= decision.time:
        return False
    if decision.verdict == "withdrawn":
        return before.verdict == "accepted"
    return before.verdict != decision.verdict


def _goes_by(tag: Definition) -> bool:
    return bool(tag.prompts or tag.examples or tag.against)


def _by_key(tags: Collection[Definition]) -> dict[Key, Definition]:
    """Tags by the keys of their paths."""
    keys = name_paths({tag.id: (name_key(tag.name), tag.parent_id) for tag in tags})
    return {("", *keys[tag.id]) if tag.kind == "person" else keys[tag.id]: tag for tag in tags}


def _suggest(run: RunRecorder, learner: Learner, tag_ids: Iterable[int]) -> None:
    """Renews the suggestions of tags that suggest, did so before, or have words or examples."""
    connection = run.connection
    tags = [
        tag
        for tag in tags_by_id(connection, tag_ids).values()
        if tag.suggests or _goes_by(tag) or has_scores(connection, tag.id)
    ]
    verdicts = {tag.id: decided(connection, tag.id) for tag in tags}
    with suppress(BundleError):  # without the model they suggest later
        for matches in learner.matching(tags, verdicts):
            run.score(matches.tag.id, matches.suggestions())
