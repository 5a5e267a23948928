"""A tag as it stands in the studio, before it is saved. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight.window.tags.paths import cleaned, placed, tag_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.library import Library
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.tags.tree import Tag


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person has put in so far; `tag` is the one that is being edited, None for a new one.

    `threshold` None is the usual one. A photo looks like the tag or does not, never both.
    """

    path: str = ""
    prompts: tuple[str, ...] = ()
    examples: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    threshold: float | None = None
    suggests: bool = True
    tag: Tag | None = None

    @classmethod
    def of(cls, tag: Tag) -> Draft:
        """A tag as it is."""
        return cls(tag.path, tag.prompts, tag.examples, tag.against, tag.threshold, tag.suggests, tag)

    @property
    def is_changed(self) -> bool:
        """Whether anything would be lost."""
        return self != (Draft() if self.tag is None else Draft.of(self.tag))

    @property
    def can_learn(self) -> bool:
        """Whether there is anything to go by."""
        return bool(self.prompts or self.examples or (self.tag and self.tag.accepted))

    @property
    def name(self) -> str:
        """What it is called; without a name, its first words."""
        return cleaned(self.path) or next((words.replace("/", " ") for words in self.prompts), "")

    def with_alike(self, photos: Iterable[int]) -> Draft:
        """More photos that look like it."""
        added = tuple(dict.fromkeys((*self.examples, *photos)))
        return replace(self, examples=added, against=_without(self.against, added))

    def with_unlike(self, photos: Iterable[int]) -> Draft:
        """More photos that do not."""
        added = tuple(dict.fromkeys((*self.against, *photos)))
        return replace(self, against=added, examples=_without(self.examples, added))

    def without(self, photo: int) -> Draft:
        """One photo less on either side."""
        return replace(
            self, examples=_without(self.examples, [photo]), against=_without(self.against, [photo])
        )

    def with_again(self, photos: Sequence[int], before: Draft) -> Draft:
        """These photos on the side where they were before, or on none; the others stay where they are."""
        draft = replace(
            self, examples=_without(self.examples, photos), against=_without(self.against, photos)
        )
        draft = draft.with_alike(photo for photo in photos if photo in before.examples)
        return draft.with_unlike(photo for photo in photos if photo in before.against)

    def kept(self, library: Library) -> Draft:
        """Without photos that the library has forgotten meanwhile; runs in a thread."""
        photos = (*self.examples, *self.against)
        gone = set(photos) - library.tags.known(photos)
        return replace(self, examples=_without(self.examples, gone), against=_without(self.against, gone))

    def save(self, library: Library) -> Tag:
        """Makes the tag, or changes it, of the photos that are still there; runs in a thread.

        Raises:
            RequestError: the name cannot be, or is there already.
            BundleError: the text tower is missing or cannot be loaded.
        """
        kept = self.kept(library)
        tag = tag_at(library, self.name) if self.tag is None else placed(library, self.tag, self.name)
        tag = library.tags.change(
            tag.path,
            prompts=kept.prompts,
            examples=kept.examples,
            against=kept.against,
            threshold=kept.threshold,
            suggests=kept.suggests and kept.can_learn,
        )
        if self.tag is None:  # who has said so of a photo need not say it again
            verdicts: tuple[tuple[Sequence[int], Verdict], ...] = (
                (kept.examples, "accepted"),
                (kept.against, "rejected"),
            )
            for photos, verdict in verdicts:
                if photos:
                    library.tags.decide(tag.path, photos, verdict)
        return library.tags.find(tag.path)


def _without(photos: Iterable[int], others: Iterable[int]) -> tuple[int, ...]:
    gone = set(others)
    return tuple(photo for photo in photos if photo not in gone)
