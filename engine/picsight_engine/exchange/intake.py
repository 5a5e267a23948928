"""What files say of tags and photos, brought into a library as one run; what a person has said since stays."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, RequestError
from picsight_engine.store.decisions import NewDecision, decided
from picsight_engine.store.photos import known_photos
from picsight_engine.store.records import last_decisions, last_ratings
from picsight_engine.store.runs import recorded
from picsight_engine.store.suggestions import has_scores
from picsight_engine.store.tags import (
    DEEPEST,
    Definition,
    lines_of_names,
    live_tags,
    name_key,
    tags_by_id,
    too_deep,
)
from picsight_engine.tags.tree import FAVOURITES, checked_name, checked_prompts, shortened

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from picsight_engine.exchange.decisions_file import TagLine
    from picsight_engine.store.database import Database
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.store.records import StoredDecision
    from picsight_engine.store.runs import Recording, Run
    from picsight_engine.tags.learner import Learner


Key = tuple[str, ...]  # a tag's path as names are compared
XMP, KEYWORDS = "xmp", "keywords"  # who said so: a side-car, a photo's own file


@dataclass(slots=True)
class _Wish:
    """A tag that is to be there: its name, and what it goes by where a file says so."""

    name: str
    line: TagLine | None = None
    examples: dict[int, bool] = field(default_factory=dict)  # by photo, whether it is one against

    @property
    def prompts(self) -> tuple[str, ...]:
        return () if self.line is None else self.line.prompts

    def made(self, parent_id: int | None, photos: Container[int]) -> Definition:
        """The tag as it is to be, with those of its examples that are among these photos."""
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
            prompts=checked_prompts(self.prompts),
            examples=alike,
            against=unlike,
        )


@dataclass(frozen=True, slots=True)
class FileDecision:
    """A decision with who made it, and when, in seconds since 1970.

    An echo is what this or another library has once exported: it says something only where nothing is known. Nor does a
    keyword of another program say anything against a person: it stands in its file whoever writes that, and whenever.
    """

    verdict: Verdict
    source: str
    time: float
    is_echo: bool = False
    is_keyword: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has changed, as one run, None where all was there already.

    `photos` of the library were spoken of, and `unknown` others; `faults` has a sentence for whatever was left out.
    """

    run: Run | None
    tags: int
    accepted: int
    rejected: int
    withdrawn: int
    rated: int
    photos: int = 0
    unknown: int = 0
    faults: tuple[str, ...] = ()


class Intake:
    """Gathers what is to be taken; of two things said about the same the later counts."""

    def __init__(self) -> None:
        self._wishes: dict[Key, _Wish] = {}
        self._decisions: dict[Key, dict[int, FileDecision]] = {}
        self._stars: dict[int, tuple[int, float, bool]] = {}

    def add_tag(self, path: str, line: TagLine | None = None) -> Key:
        """A tag by its path, with those above it; `line` says what it goes by.

        Raises:
            RequestError: a name in the path is none, or there are too many.
        """
        is_favourites = line is not None and line.kind == "favourite"
        names = [checked_name(name) for name in (FAVOURITES if is_favourites else path).split("/")]
        if len(names) > 1 and name_key(names[0]) == name_key(FAVOURITES):
            del names[0]  # no tag stands below the favourites
        if len(names) > DEEPEST:
            raise RequestError(too_deep(shortened(path)))
        key = tuple(map(name_key, names))
        for depth in range(1, len(key) + 1):
            self._wishes.setdefault(key[:depth], _Wish(names[depth - 1]))
        if line is not None and self._wishes[key].line is None:
            self._wishes[key].line = line
        return key

    def add_example(self, key: Key, photo_id: int, *, against: bool) -> None:
        """A photo that looks like a tag, or does not."""
        self._wishes[key].examples.setdefault(photo_id, against)

    def add_decision(self, key: Key, photo_id: int, decision: FileDecision) -> None:
        """What was decided about a photo."""
        known = self._decisions.setdefault(key, {})
        if photo_id not in known or known[photo_id].time < decision.time:
            known[photo_id] = decision

    def add_withdrawal(self, path: str, photo_id: int, decision: FileDecision) -> None:
        """A photo that is not in a tag any more, if that is there at all."""
        self.add_decision(tuple(map(name_key, path.split("/"))), photo_id, decision)

    def add_stars(self, photo_id: int, stars: int, time: float, *, is_echo: bool = False) -> None:
        """A person's own stars."""
        if photo_id not in self._stars or self._stars[photo_id][1] < time:
            self._stars[photo_id] = (stars, time, is_echo)

    def take(self, db: Database, learner: Learner, words: str) -> Imported:
        """Brings all of it into the library.

        A tag that is there keeps what it goes by, if anything; a decision or rating that is younger than what the file
        says stays. Tags that suggest do so at once, where the model can be loaded.
        """
        with suppress(BundleError):
            learner.read([text for wish in self._wishes.values() for text in wish.prompts])
        with recorded(db, "import", words) as run:
            known = _by_key(live_tags(run.connection))
            ids = {key: tag.id for key, tag in known.items()}
            made, taught = self._define(run, known, ids)
            decided_now = self._decide(run, ids)
            rated = self._rate(run)
            _suggest(run, learner, {*made, *taught, *(row.tag_id for row in decided_now)})
        counts = Counter(row.verdict for row in decided_now)
        return Imported(
            run.made, len(made), counts["accepted"], counts["rejected"], counts["withdrawn"], rated
        )

    def _define(
        self, run: Recording, known: Mapping[Key, Definition], ids: dict[Key, int]
    ) -> tuple[list[int], list[int]]:
        """Makes missing tags and adds them to `ids`, and gives words to tags that have none; returns both."""
        photos = {photo for wish in self._wishes.values() for photo in wish.examples}
        there = known_photos(run.connection, photos)
        made, taught = [], []
        for key, wish in self._wishes.items():  # what stands above comes first
            wanted = wish.made(ids.get(key[:-1]), there)
            tag = known.get(key)
            if tag is None:
                ids[key] = run.add(wanted)
                made.append(ids[key])
            elif tag.kind == wanted.kind and _goes_by(wanted) and not _goes_by(tag):
                run.define(replace(wanted, id=tag.id, name=tag.name, created_at=tag.created_at))
                taught.append(tag.id)
        return made, taught

    def _decide(self, run: Recording, ids: Mapping[Key, int]) -> list[NewDecision]:
        keys = [key for key in self._decisions if key in ids]  # those of withdrawals need not be
        last = last_decisions(run.connection, [ids[key] for key in keys])
        there = known_photos(run.connection, {photo for each in self._decisions.values() for photo in each})
        rows = []
        for key in keys:
            before = {decision.photo_id: decision for decision in last.get(ids[key], ())}
            rows += [
                NewDecision(ids[key], photo, decision.verdict, decision.source, decision.time)
                for photo, decision in self._decisions[key].items()
                if photo in there and _is_news(decision, before.get(photo))
            ]
        run.decide(rows)
        return rows

    def _rate(self, run: Recording) -> int:
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
    # What a side-car notes as rejected is a person's word, too.
    is_by_person = before.source not in {XMP, KEYWORDS} or before.verdict == "rejected"
    if decision.is_echo or (decision.is_keyword and is_by_person) or before.decided_at >= decision.time:
        return False
    return (
        before.verdict == "accepted"
        if decision.verdict == "withdrawn"
        else before.verdict != decision.verdict
    )


def _goes_by(tag: Definition) -> bool:
    return bool(tag.prompts or tag.examples or tag.against)


def _by_key(tags: Iterable[Definition]) -> dict[Key, Definition]:
    """Tags by the keys of their paths."""
    by_id = {tag.id: tag for tag in tags}
    keys = lines_of_names({tag.id: (name_key(tag.name), tag.parent_id) for tag in by_id.values()})
    return {keys[tag.id]: tag for tag in by_id.values()}


def _suggest(run: Recording, learner: Learner, tag_ids: Iterable[int]) -> None:
    """Lets tags suggest by what they are and what is decided now: those that do, did, or have words or examples."""
    connection = run.connection
    tags = [
        tag
        for tag in tags_by_id(connection, tag_ids).values()
        if tag.suggests or _goes_by(tag) or has_scores(connection, tag.id)
    ]
    verdicts = {tag.id: decided(connection, tag.id) for tag in tags}
    with suppress(BundleError):  # then they do as soon as the model is there
        for reach in learner.reached(tags, verdicts):
            run.score(reach.tag.id, reach.shown())
